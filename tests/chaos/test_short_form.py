"""Every kind of fault once, in an order that a seed decides: the long form, cut short for every run of the suite."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from chaos.acts import ACTS
from chaos.run import Plan, run
from chaos.stage import Act

pytestmark = pytest.mark.timeout(200)

# These take half a minute by themselves, and have tests of their own.
_LONG = {"freeze until given up for dead", "keep a snapshot", "silent network until workers end"}
_QUICK = [act for act in ACTS if act.kind not in _LONG]
_OF_PROCESSES = {
    "kill",
    "stop",
    "stop, and hurry",
    "freeze",
    "kill while providers are silent",
    "kill before an ack",
    "providers fail",
}


@pytest.mark.parametrize(
    "acts",
    [
        [act for act in _QUICK if act.kind in _OF_PROCESSES],
        [act for act in _QUICK if act.kind not in _OF_PROCESSES],
    ],
    ids=["processes and providers", "database and network"],
)
async def test_every_kind_of_fault_loses_and_doubles_nothing(
    tmp_path: Path, acts: list[Act]
) -> None:
    """Two workers, a supervisor, rows all the time, and one fault after another."""
    chosen = random.Random(20_26).sample(acts, len(acts))
    plan = Plan(seed=20_26, faults=len(chosen), minutes=0.5, rate=20.0, workers=2, folder=tmp_path)

    figures, verdict = await run(plan, chosen)

    assert not verdict.findings, str(verdict)
    assert figures["faults"] == len(chosen)
