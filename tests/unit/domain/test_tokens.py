"""A token's shape says whose it is."""

from __future__ import annotations

import pytest

from gtr_jobs.domain.tokens import TokenKind, classify_token

_HEX = "0123456789abcdef" * 4
_FCM = "dKq3-xyzAbC_12:APA91b" + "Ab-_9" * 27


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("ExponentPushToken[xxxxxxxxxxxxxxxxxxxxxx]", "expo"),
        ("ExpoPushToken[xxxxxxxxxxxxxxxxxxxxxx]", "expo"),
        ("F5741A13-BCDA-434B-A316-5DC0E6FFA94F", "expo"),
        (_HEX, "apns"),
        (_HEX.upper(), "apns"),
        (_HEX + "ab" * 48, "apns"),
        (_FCM, "fcm"),
        ("fid_of-22_signs_abcdef", "fcm"),
        ("Zz" * 76, "fcm"),
    ],
)
def test_a_known_shape_names_its_provider(token: str, kind: TokenKind) -> None:
    """Expo's brackets and UUIDs, APNs' hexadecimal of any length, FCM's long names and short ids."""
    assert classify_token(token) == kind


@pytest.mark.parametrize(
    "token",
    [
        "",
        " ",
        "ExponentPushToken[",
        "ExponentPushToken[]",
        "ExponentPushToken[a b]",
        "ExponentPushToken[a][b]",
        "ab" * 31,
        _HEX + "a",
        "ab" * 101 + "!",
        f"{_HEX}\n",
        f" {_FCM}",
        "x" * 5000,
        "null",
        "https://example.test/token",
    ],
)
def test_any_other_shape_is_nobodys(token: str) -> None:
    """Empty, cut off, with white space, or far too long: no provider is asked."""
    assert classify_token(token) is None
