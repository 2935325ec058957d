"""What each platform gets for each kind, whole: the table is a file a kind, read like a letter.

A payload that changes on purpose changes its file in the same commit.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from support.pushes import NOW, make_push, make_token

from gtr_jobs.domain.push import Message
from gtr_jobs.domain.sources import AppNotification, ChatMessage, SourceRow
from gtr_jobs.engine.job import Job
from gtr_jobs.kinds import KINDS
from gtr_jobs.kinds.base import Kind
from gtr_jobs.providers.apns_message import PUSH_TYPE, apns_headers, write_apns_body
from gtr_jobs.providers.expo_message import ExpoBody
from gtr_jobs.providers.fcm_message import FcmBody
from gtr_jobs.tasks.envelope import word_message

GOLDEN = Path(__file__).parent / "golden"
BY_NAME = {kind.name: kind for kind in KINDS}

ROW, RECIPIENT, ACTOR = (UUID(int=number, version=4) for number in (1, 2, 3))
LISTING, EVENT, POST = (UUID(int=number, version=4) for number in (11, 12, 13))
COMMENT, PARENT, OTHER = (UUID(int=number, version=4) for number in (21, 22, 23))


def _notification(kind: str, title: str, body: str, **data: object) -> AppNotification:
    known = {key: str(value) for key, value in data.items()}
    return AppNotification(ROW, RECIPIENT, kind, title, body, {**known, "user_id": str(ACTOR)})


# As the app's own triggers write them.
ROWS: Mapping[str, SourceRow] = {
    "message": ChatMessage(ROW, RECIPIENT, OTHER, "Mia Rossi", "Is the R34\nstill there?", False),
    "listing_favorited": _notification(
        "listing_favorited",
        "Your listing was favorited",
        'Mia Rossi likes "R34 V-Spec"',
        listing_id=LISTING,
        favorite_id=OTHER,
    ),
    "event_favorited": _notification(
        "event_favorited",
        "Your event was favorited",
        'Mia Rossi likes "Daikoku meet"',
        event_id=EVENT,
        favorite_id=OTHER,
    ),
    "event_rsvp": _notification(
        "event_rsvp",
        "New RSVP",
        'Mia Rossi answered "going" to "Daikoku meet"',
        event_id=EVENT,
        rsvp_id=OTHER,
        status="going",
    ),
    "forum_comment": _notification(
        "forum_comment",
        "New comment",
        'Mia Rossi commented on "RB26 oil"',
        post_id=POST,
        comment_id=COMMENT,
    ),
    "forum_reply": _notification(
        "forum_reply",
        "New reply",
        "Mia Rossi replied to your comment",
        post_id=POST,
        comment_id=COMMENT,
        parent_comment_id=PARENT,
    ),
    "forum_like": _notification(
        "forum_like", "New like", 'Mia Rossi likes "RB26 oil"', post_id=POST, like_id=OTHER
    ),
    "saved_search_match": _notification(
        "saved_search_match",
        'New listing for "R34 under 90k"',
        "Nissan Skyline GT-R V-Spec",
        listing_id=LISTING,
    ),
}


def _job(kind: str) -> Job:
    return Job(
        job_id=1,
        queue="push",
        kind=kind,
        args={"id": str(ROW)},
        attempts=0,
        max_attempts=8,
        claim_number=1,
        lost_claims=0,
        event_day=NOW.date(),
        trace_id="0" * 32,
        age_seconds=0.0,
        waited_seconds=0.0,
        claimed_at=time.monotonic(),
    )


def _word(kind: Kind[Any], row: SourceRow) -> Message:
    """Word a message, and let its end be counted from a time that stands still."""
    message = word_message(kind, row, _job(kind.name), "gtr-marketplace", NOW)
    lifetime = message.expires_at - NOW
    assert abs(lifetime - kind.time_to_live) < timedelta(seconds=5)
    return message._replace(expires_at=NOW + kind.time_to_live)


def _payloads(message: Message) -> dict[str, Any]:
    """Write a message for every platform, with what the providers themselves write it with."""
    badge = 3
    push = make_push("apns", 0, message)
    return {
        "fcm": json.loads(FcmBody(message, badge, NOW).for_token(make_token("fcm"))),
        "apns": {
            "headers": {**dict(apns_headers(push)), "apns-push-type": PUSH_TYPE},
            "body": json.loads(write_apns_body(message, badge)),
        },
        "expo": json.loads(ExpoBody(message, badge, NOW).for_token(make_token("expo"))),
    }


@pytest.mark.parametrize("name", BY_NAME)
def test_each_platform_gets_what_the_table_says(name: str) -> None:
    """Texts, link, thread, collapse id, urgency, time to live and data, in FCM's, APNs' and Expo's words."""
    written = _payloads(_word(BY_NAME[name], ROWS[name]))
    assert written == json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


def test_there_is_a_table_for_each_kind_and_no_other() -> None:
    """A kind that is added brings its own."""
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(BY_NAME) == set(ROWS)


@pytest.mark.parametrize("name", BY_NAME)
def test_no_id_of_a_person_leaves_with_a_push(name: str) -> None:
    """Who did it stands in the text; the app reads the rest itself."""
    written = json.dumps(_payloads(_word(BY_NAME[name], ROWS[name])))
    assert str(ACTOR) not in written
    assert str(RECIPIENT) not in written


@pytest.mark.parametrize("name", BY_NAME)
def test_a_collapse_id_is_no_longer_than_apple_takes(name: str) -> None:
    """64 bytes, with whichever id is in it."""
    message = _word(BY_NAME[name], ROWS[name])
    assert len(message.collapse_id.encode()) <= 64
