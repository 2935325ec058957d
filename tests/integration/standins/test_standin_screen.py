"""What was sent is shown as the phone would show it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from gtr_jobs.dev.standins.ledger import Ledger
from gtr_jobs.dev.standins.phones import PhoneKind
from gtr_jobs.dev.standins.screen import Shown, show, show_all

FCM = {
    "data": {"url": "app://listing/1"},
    "notification": {"title": "Mia", "body": "Is it still there?"},
    "android": {
        "collapse_key": "key",
        "notification": {"tag": "conversation-1", "notification_count": 3},
    },
    "apns": {
        "headers": {"apns-collapse-id": "conversation-1"},
        "payload": {"aps": {"badge": 4, "thread-id": "thread-1"}},
    },
}
APNS = {
    "aps": {
        "alert": {"title": "Mia", "body": "Is it still there?"},
        "badge": 3,
        "thread-id": "thread-1",
    },
    "url": "app://listing/1",
}
EXPO = {
    "title": "Mia",
    "body": "Is it still there?",
    "badge": 3,
    "threadId": "thread-1",
    "collapseId": "conversation-1",
    "data": {"url": "app://listing/1"},
}
SHOWN = Shown(
    title="Mia",
    body="Is it still there?",
    badge=3,
    thread="thread-1",
    collapse_id="conversation-1",
    url="app://listing/1",
)


@pytest.mark.parametrize(
    ("provider", "payload", "headers"),
    [("fcm", FCM, {}), ("apns", APNS, {"apns-collapse-id": "conversation-1"}), ("expo", EXPO, {})],
)
def test_the_same_message_looks_the_same_everywhere(
    provider: PhoneKind, payload: Mapping[str, Any], headers: Mapping[str, str]
) -> None:
    """The three providers' words for title, text, badge, thread, collapse id and link agree."""
    assert show(Ledger().record(provider, "token", "id", payload, headers)) == SHOWN


@pytest.mark.parametrize(
    ("provider", "payload", "shown"),
    [
        ("apns", {"aps": {"alert": "Just a line"}}, Shown(body="Just a line")),
        (
            "fcm",
            {"apns": {"payload": {"aps": {"alert": {"title": "T"}, "badge": 1}}}},
            Shown("T", badge=1),
        ),
        (
            "fcm",
            {
                "notification": {"title": "both"},
                "android": {"collapse_key": "k", "notification": {"title": "android"}},
            },
            Shown("android", collapse_id="k"),
        ),
        ("expo", {"body": "b", "tag": "t"}, Shown(body="b", collapse_id="t")),
        ("expo", {"title": 1, "badge": "x", "data": "none"}, Shown()),
    ],
)
def test_other_spellings_are_understood(
    provider: PhoneKind, payload: Mapping[str, Any], shown: Shown
) -> None:
    """Fields that stand in other places, or hold nothing of use, are read as the phone does."""
    assert show(Ledger().record(provider, "token", "id", payload, {})) == shown


def test_a_message_without_words_is_not_seen() -> None:
    """A background push shows nothing."""
    ledger = Ledger()
    ledger.record("apns", "token", "id", {"aps": {"content-available": 1}}, {})

    assert [show(entry).is_visible for entry in ledger.entries()] == [False]
    assert show_all(ledger.entries()) == []


def test_a_message_takes_the_place_of_one_with_its_collapse_id() -> None:
    """The screen keeps the newest of each collapse id, and all that have none."""
    ledger = Ledger()
    for title, collapse_id in (("1", "a"), ("2", ""), ("3", "b"), ("4", "a"), ("5", "")):
        message = {"title": title, "collapseId": collapse_id}
        ledger.record("expo", "token", title, message, {})

    assert [shown.title for shown in show_all(ledger.entries())] == ["2", "3", "4", "5"]
