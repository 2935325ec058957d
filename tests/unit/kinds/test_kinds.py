"""What holds for every kind of notification."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, get_args
from uuid import UUID

import pytest

from gtr_jobs.domain.push import Urgency
from gtr_jobs.domain.sources import (
    MESSAGES,
    NOTIFICATIONS,
    AppNotification,
    ChatMessage,
    Source,
    SourceRow,
)
from gtr_jobs.kinds import KINDS
from gtr_jobs.kinds.base import Kind

IDS = [UUID("ffffffff-ffff-4fff-8fff-fffffffffff" + digit) for digit in "abc"]
ROWS: dict[Source[Any], SourceRow] = {
    MESSAGES: ChatMessage(IDS[0], IDS[1], IDS[2], "Mia", "hello", has_image=False),
    NOTIFICATIONS: AppNotification(
        IDS[0], IDS[1], "kind", "T", "B", {name: str(IDS[2]) for name in ("listing_id", "post_id")}
    ),
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_fits_every_platform(kind: Kind[Any]) -> None:
    """APNs takes 64 bytes of collapse id and FCM four weeks of life; texts are there, data is text."""
    notice = kind.tell(ROWS[kind.source])
    assert 0 < len(notice.collapse_id.encode()) <= 64
    assert timedelta(0) < kind.time_to_live <= timedelta(days=28)
    assert kind.urgency in get_args(Urgency)
    assert notice.title
    assert not notice.path.startswith("/")
    assert {type(value) for value in notice.data.values()} == {str}
    # Keys that the message itself uses, and those that FCM keeps for itself.
    assert not notice.data.keys() & {"kind", "url", "from", "message_type", "collapse_key"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_a_kind_says_is_not_shown_by_accident(kind: Kind[Any]) -> None:
    """Neither a row's text nor a notice's is part of what a log or an error shows of them."""
    row = ROWS[kind.source]
    assert "hello" not in repr(row)
    notice = kind.tell(row)
    assert notice.title not in repr(notice).replace("thread_id", "")
