"""A provider in trouble: nothing is lost, nothing is sent too soon, and it is asked no faster than before."""

from __future__ import annotations

from pathlib import Path

import pytest
from chaos.scene import open_scene
from chaos.storm import Figures, Plan, Weather, let_pass
from support.databases import ProjectDatabase

pytestmark = pytest.mark.timeout(150)


async def _pass(database: ProjectDatabase, folder: Path, plan: Plan) -> Figures:
    async with open_scene(database, folder, phones=[("fcm",)]) as scene:
        return await let_pass(scene, plan)


async def test_half_failures_and_a_tenth_pauses_lose_nothing(
    durable_database: ProjectDatabase, tmp_path: Path
) -> None:
    """Half 503, a tenth 429: all arrives in the end, once, no pause is cut short and no request is one too many."""
    figures = await _pass(durable_database, tmp_path, Plan("mixed", 8.0, 10.0, rate=20.0))

    assert figures.faults() == []
    assert {"503", "429", "Accept"} == set(figures.answers)
    assert figures.throttled_seconds > 0


async def test_a_provider_that_is_down_is_probed_and_no_more(
    durable_database: ProjectDatabase, tmp_path: Path
) -> None:
    """Twenty failures open the circuit, then one request in ten seconds finds out; it closes by itself."""
    figures = await _pass(durable_database, tmp_path, Plan("down", 8.0, 14.0, rate=20.0))

    assert figures.faults() == []
    assert (figures.opened, figures.closed) == (1, 1)
    # What was under way when the twentieth failed, and a probe.
    assert 20 <= figures.requests <= 30
    assert figures.requests_open <= 2


@pytest.mark.chaos
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("weather", ["mixed", "down", "silent"])
async def test_ten_minutes_of_trouble_lose_nothing(
    durable_database: ProjectDatabase, tmp_path: Path, weather: Weather
) -> None:
    """The same at length; the worker's memory stays flat."""
    plan = Plan(weather, 15.0, 600.0, rate=20.0, retry_after=2)

    figures = await _pass(durable_database, tmp_path, plan)

    assert figures.faults() == []
    assert figures.memory_mib[-1] - figures.memory_mib[0] < 20
