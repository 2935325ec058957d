"""A hundred workers are killed in the middle of texts, and as many of e-mails: nothing is taken twice unmarked."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from support.databases import ProjectDatabase
from support.killing import TEXTS_A_KILL, Kills
from support.way import open_way

KILLS = 100


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize("channel", ["sms", "email"])
async def test_a_hundred_workers_killed_at_any_moment(
    channel: Literal["sms", "email"], database: ProjectDatabase, tmp_path: Path
) -> None:
    """Before, during and after the call, and in the middle of clearing up what others left."""
    async with open_way(database, tmp_path) as way:
        kills = Kills(way, seed=2026, channel=channel)
        await kills.run(KILLS)
        fates = await kills.check()
    assert fates.total() == KILLS * TEXTS_A_KILL
    assert fates["sent"] > 0
    assert (fates["sent again"] > 0) == (channel == "sms")
