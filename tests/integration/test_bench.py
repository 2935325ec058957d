"""`gtr-jobs bench`: each measures what it says, on a small scale; how fast it is, is not asked here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command_line import run_command

from gtr_jobs.dev.bench.depth import DepthSize, measure_depth
from gtr_jobs.dev.bench.drain import DrainSize, measure_drain
from gtr_jobs.dev.bench.latency import LatencySize, measure_latency
from gtr_jobs.dev.bench.memory import MemorySize, measure_memory
from gtr_jobs.dev.bench.peers import Peers
from gtr_jobs.dev.bench.rig import Rig, open_rig
from gtr_jobs.dev.bench.wire import WireSize, measure_wire
from gtr_jobs.dev.bench.writes import WritesSize, measure_writes
from gtr_jobs.domain.errors import ConfigurationError

pytestmark = pytest.mark.timeout(120)

SINKS = Path(__file__).resolve().parents[1] / "bench" / "peers"
SERVER = {"postgres", "python", "cores", "load_before"}


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    """A server of the benchmark's own."""
    with open_rig(18) as opened:
        yield opened


def _are_positive(figures: dict[str, Any], *names: str) -> bool:
    return all(figures[name] > 0 for name in names)


async def test_a_drain_is_measured_in_the_lane_and_one_by_one(rig: Rig) -> None:
    """Each round with a rate; without peers there is no ratio."""
    figures = await measure_drain(rig, None, DrainSize(lane=5000, single=3000, rounds=2))
    assert figures.keys() - SERVER == {
        "bench",
        "jobs",
        "jobs_per_second",
        "rounds",
        "single_jobs",
        "single_jobs_per_second",
        "single_rounds",
    }
    assert (figures["jobs"], figures["single_jobs"], len(figures["rounds"])) == (5000, 3000, 2)
    assert _are_positive(figures, "jobs_per_second", "single_jobs_per_second")


async def test_latency_is_measured_asleep_and_in_a_stream(rig: Rig) -> None:
    """Every job that was committed is found again in the worker's reports."""
    size = LatencySize(idle_jobs=20, rate=200, seconds=1.0, rounds=1)
    figures = await measure_latency(rig, size)
    assert _are_positive(figures, "p50_ms", "p99_ms", "at_rate_p50_ms", "at_rate_p99_ms")
    assert figures["p50_ms"] <= figures["p99_ms"]
    assert figures["rate"] == 200


def test_writes_are_measured_with_and_without_our_trigger(rig: Rig) -> None:
    """For each number of clients, and the ratio of the two."""
    figures = measure_writes(rig, WritesSize(seconds=1, clients=(1, 4), rounds=1))
    assert figures["clients"].keys() == {"1", "4"}
    assert _are_positive(figures, "bare_tps", "with_triggers_tps", "ratio")


async def test_depth_is_measured_beside_an_empty_table(rig: Rig) -> None:
    """What lies in the way is still there afterwards: only the lane's own jobs were drained."""
    size = DepthSize(others=500, scheduled=500, finished=1000, drained=3000, claims=5, rounds=1)
    figures = await measure_depth(rig, size)
    assert figures["in_the_way"] == {"other_queue": 500, "scheduled": 500, "finished": 1000}
    assert _are_positive(figures, "ratio", "statements_ratio", "claim_p99_ms")


async def test_memory_is_measured_while_jobs_are_drained(rig: Rig) -> None:
    """Of the worker's process, at its highest and towards the end."""
    figures = await measure_memory(rig, MemorySize(jobs=5000))
    assert 20 < figures["last_quarter_mib"] <= figures["peak_mib"]


def test_the_wire_is_measured_near_and_far() -> None:
    """Every request is answered; one that is far away costs what the streams allow, not more."""
    figures = measure_wire(WireSize(requests=2000, rounds=1, connections=4), SINKS)
    assert (figures["bench"], figures["requests"]) == ("wire", 2000)
    assert figures["requests_per_second"] > 0
    # Four connections of a hundred streams at 60 ms.
    assert 0 < figures["far_requests_per_second"] < 4 * 100 / 0.060


def test_a_sink_that_is_not_there_is_a_wrong_setting(tmp_path: Path) -> None:
    """It says which folder is meant."""
    with pytest.raises(ConfigurationError, match=r"--peers: there is no provider_sink\.mjs"):
        measure_wire(WireSize(), tmp_path)


def test_peers_that_are_not_installed_are_a_wrong_setting(tmp_path: Path) -> None:
    """It says which folder is meant, and what is to be run there."""
    with pytest.raises(ConfigurationError, match=r"--peers: there is no graphile_drain\.mjs"):
        Peers(tmp_path).check()


def test_figures_are_one_line_of_json() -> None:
    """What the command prints can be read by a program."""
    ended = run_command("bench", "memory", "--jobs", "10000", "--json", timeout=100)
    (line,) = ended.out.splitlines()
    assert (json.loads(line)["bench"], ended.code) == ("memory", 0)


def test_an_option_out_of_its_range_is_wrong_usage() -> None:
    """One line that names the option, and exit code 2."""
    ended = run_command("bench", "drain", "--jobs", "5", "--json")
    assert (ended.code, ended.out) == (2, "")
    assert "--jobs" in ended.err
