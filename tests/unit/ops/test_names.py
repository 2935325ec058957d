"""What operators write, held against what there is."""

from __future__ import annotations

import pytest

from gtr_jobs.domain.errors import UsageError
from gtr_jobs.ops.names import check_name, check_reason

KNOWN = {"message", "listing_favorited"}


def test_a_name_that_is_known_or_left_out_passes() -> None:
    """Nothing to say."""
    check_name("kind", "message", KNOWN)
    check_name("kind", None, KNOWN)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("mesage", "did you mean message?"),
        ("listing_favourited", "did you mean listing_favorited?"),
        ("zzz", "there is listing_favorited, message"),
        ("", "there is listing_favorited, message"),
    ],
)
def test_a_name_that_is_not_known_is_refused_with_the_nearest(name: str, hint: str) -> None:
    """Or with all, where none is near."""
    with pytest.raises(UsageError) as caught:
        check_name("kind", name, KNOWN)
    assert str(caught.value) == f"no kind {name!r}: {hint}"


def test_a_reason_is_kept_in_one_line() -> None:
    """Whatever was pasted."""
    assert check_reason("  keys were\n renewed ") == "keys were renewed"


@pytest.mark.parametrize("reason", ["", " \n ", "x" * 501, "\udcff"])
def test_what_says_nothing_is_no_reason(reason: str) -> None:
    """Empty, endless or no text."""
    with pytest.raises(UsageError, match="--reason"):
        check_reason(reason)
