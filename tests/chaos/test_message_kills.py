"""Workers are killed in the middle of texts and of e-mails, a hundred times each: nothing is taken twice unmarked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from support.databases import ProjectDatabase
from support.killing import TEXTS_A_KILL, Kills
from support.killing_moments import LETTERS_A_KILL, KillsAtMoment, Moment
from support.letters import Channel
from support.way import open_way

KILLS = 100

# Twilio says whether it has a text; nobody can be asked for an e-mail.
FATES: Mapping[tuple[Channel, Moment], str] = {
    ("sms", "before"): "sent again",
    ("sms", "during"): "sent again",
    ("sms", "taken"): "sent",
    ("sms", "answered"): "sent",
    ("email", "before"): "unknown",
    ("email", "during"): "unknown",
    ("email", "taken"): "unknown",
    ("email", "answered"): "unknown",
}


@pytest.mark.chaos
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("channel", "moment"), FATES)
async def test_a_hundred_workers_killed_at_one_moment(
    channel: Channel, moment: Moment, database: ProjectDatabase, tmp_path: Path
) -> None:
    """Each among four calls; no text and no e-mail is accepted more than once, and what was sent again is marked."""
    async with open_way(database, tmp_path) as way:
        fates = await KillsAtMoment(way, channel, moment).run(KILLS)
        accepted = len(way.providers.ledger.entries())
    letters = KILLS * LETTERS_A_KILL
    assert fates == {FATES[channel, moment]: letters}
    was_taken = channel == "sms" or moment in {"taken", "answered"}
    assert accepted == (letters if was_taken else 0)


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize("channel", ["sms", "email"])
async def test_a_hundred_workers_killed_at_any_moment(
    channel: Channel, database: ProjectDatabase, tmp_path: Path
) -> None:
    """Before, during and after the call, and in the middle of clearing up what others left."""
    async with open_way(database, tmp_path) as way:
        fates = await Kills(way, seed=2026, channel=channel).run(KILLS)
    assert fates.total() == KILLS * TEXTS_A_KILL
    assert fates["sent"] > 0
    assert (fates["sent again"] > 0) == (channel == "sms")
