"""What kills are checked by finds doubles: planted ones in the books, and a real one that nobody marked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.databases import ProjectDatabase
from support.killing import bury, settle
from support.letters import Channel, Known, Letters, name_fate
from support.texting import sms_settings
from support.way import open_way

from gtr_jobs.dev.standins.exchange import Stall
from gtr_jobs.dev.standins.script import AfterAccepting

SENT = Known("sent", is_resent=False, accepted=1, is_dead=False)
UNKNOWN = Known("unknown", is_resent=False, accepted=1, is_dead=True)


@pytest.mark.parametrize(
    ("channel", "known", "fate"),
    [
        ("sms", SENT, "sent"),
        ("email", SENT, "sent"),
        ("sms", replace(SENT, is_resent=True), "sent again"),
        ("sms", replace(SENT, is_resent=True, accepted=2), "sent again"),
        ("sms", UNKNOWN, "unknown"),
        ("email", replace(UNKNOWN, accepted=0), "unknown"),
        ("email", replace(UNKNOWN, state="not begun", accepted=0), "not begun"),
    ],
)
def test_books_that_agree_name_a_fate(channel: Channel, known: Known, fate: str) -> None:
    """A text that was sent again and says so may have been accepted twice."""
    assert name_fate(channel, known) == fate


@pytest.mark.parametrize("channel", ["sms", "email"])
@pytest.mark.parametrize(
    ("known", "changes"),
    [
        (SENT, {"accepted": 2}),
        (SENT, {"accepted": 0}),
        (SENT, {"is_resent": True, "accepted": 3}),
        (SENT, {"state": "sending"}),
        (SENT, {"state": "queued", "accepted": 0}),
        (SENT, {"state": "failed"}),
        (UNKNOWN, {"accepted": 2}),
        (UNKNOWN, {"is_dead": False}),
        (UNKNOWN, {"state": "not begun"}),
    ],
)
def test_books_that_disagree_are_found_out(
    channel: Channel, known: Known, changes: dict[str, Any]
) -> None:
    """One thing is changed in books that agree."""
    with pytest.raises(AssertionError):
        name_fate(channel, replace(known, **changes))


@pytest.mark.parametrize("accepted", [1, 2])
def test_an_email_is_never_sent_again_not_even_marked(accepted: int) -> None:
    """The mark excuses texts only."""
    with pytest.raises(AssertionError):
        name_fate("email", replace(SENT, is_resent=True, accepted=accepted))


@pytest.mark.timeout(60)
async def test_a_text_that_was_taken_twice_is_found_out_once_its_mark_is_gone(
    database: ProjectDatabase, tmp_path: Path
) -> None:
    """Twilio took it, and does not list it in time."""
    async with open_way(database, tmp_path) as way:
        letters = Letters(way, "sms")
        way.providers.twilio.list_lag = 60.0
        worker = await way.start_worker(**sms_settings(way))
        await letters.write(AfterAccepting(Stall()))
        await way.providers.ledger.wait_for(1)
        await worker.kill()
        await bury(way)
        await way.start_worker(**sms_settings(way))
        await settle(way)
        assert [one.accepted for one in (await letters.know()).values()] == [2]
        assert await letters.check() == {"sent again": 1}

        await way.fetch("update gtr_jobs.deliveries set resent_after_unknown = false")
        with pytest.raises(AssertionError):
            await letters.check()
