"""A provider in trouble for minutes, and what a real worker makes of it; one line of figures in the end.

    make storm MINUTES=10 WEATHER=mixed

Weather: mixed (half 503, a tenth 429 with Retry-After), down (nothing but 503) or silent (no answer at all).
Exit code 1 where something was lost, sent twice unmarked, sent too soon or too fast.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, get_args

from chaos.scene import Scene, open_scene
from chaos.scrape import read_metrics, value_of
from support.clusters import start_project

from gtr_jobs.dev.standins.exchange import Stall
from gtr_jobs.dev.standins.script import ACCEPT, Fail, ScriptedAnswer
from gtr_jobs.observe import events

Weather = Literal["mixed", "down", "silent"]

# What was on its way when the pause was asked for, on a machine that is busy with tests.
_ON_THE_WAY = 0.5
_WINDOW_SECONDS = 5
_LAST_LETTERS = 600.0
# At twenty a second, as the tests and the command by default write.
_OPENS_WITHIN = 4.0
_MOST = 1.1


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done.

    Args:
        weather: What the provider answers in the storm.
        calm: Seconds before it.
        storm: Seconds that it lasts.
        rate: Rows that the app writes a second, all the time.
        retry_after: Seconds that a 429 asks for.
        seed: Decides which request gets what.
    """

    weather: Weather
    calm: float
    storm: float
    rate: float
    retry_after: int = 1
    seed: int = 2026


@dataclass
class Sky:
    """The provider's answers, by the weather, and when it gave them."""

    plan: Plan
    is_storm: bool = False
    asked: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.plan.seed)

    def take_for(self, token: str) -> ScriptedAnswer:
        """Answer one request."""
        del token
        answer = self._draw() if self.is_storm else ACCEPT
        name = str(answer.status) if isinstance(answer, Fail) else type(answer).__name__
        self.asked.append((time.monotonic(), name))
        return answer

    def _draw(self) -> ScriptedAnswer:
        place = self._chance.random()
        match self.plan.weather:
            case "down":
                return Fail(503, "UNAVAILABLE")
            case "silent":
                return Stall()
            case "mixed" if place < 0.5:
                return Fail(503, "UNAVAILABLE")
            case "mixed" if place < 0.6:
                pause = {"retry-after": str(self.plan.retry_after)}
                return Fail(429, "QUOTA_EXCEEDED", headers=pause)
            case _:
                return ACCEPT

    def count(self, begin: float, end: float) -> int:
        """Count the requests between two moments."""
        return sum(begin <= at < end for at, _ in self.asked)

    def fastest(self, begin: float, end: float) -> float:
        """Give the highest mean of requests a second over five seconds."""
        starts = [begin + step for step in range(max(1, int(end - begin) - _WINDOW_SECONDS + 1))]
        return max(self.count(at, at + _WINDOW_SECONDS) for at in starts) / _WINDOW_SECONDS

    def too_soon(self) -> int:
        """Count the requests that came while a pause that was asked for was not over."""
        pauses = [
            (at + _ON_THE_WAY, at + self.plan.retry_after)
            for at, name in self.asked
            if name == "429"
        ]
        return sum(any(begin < at < end for begin, end in pauses) for at, _ in self.asked)


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of it.

    Args:
        weather: What the provider answered.
        seconds: How long it lasted.
        rows: How many the app wrote.
        findings: What the checker found: lost, doubled, ownerless.
        dead: Jobs that gave up.
        attempts: The most attempts that a job used up in the storm.
        answers: How many requests got which answer in the storm.
        requests: How many there were in the storm.
        requests_open: How many of them came while the circuit was known to be open.
        rate_before: Requests a second before it.
        fastest: The most in it, as a mean of five seconds.
        too_soon: Requests before a pause was over.
        opened: How often a circuit opened.
        closed: How often it closed.
        throttled_seconds: What the worker says of its pauses.
        seconds_to_drain: From the end of the storm to the last message.
        memory_mib: The worker's resident memory, a minute after another, and in the end.
    """

    weather: Weather
    seconds: float
    rows: int
    findings: list[str]
    dead: int
    attempts: int
    answers: dict[str, int]
    requests: int
    requests_open: int
    rate_before: float
    fastest: float
    too_soon: int
    opened: int
    closed: int
    throttled_seconds: float
    seconds_to_drain: float
    memory_mib: list[float]

    def faults(self) -> list[str]:
        """Say what is not as it should be."""
        found = list(self.findings)
        if self.dead:
            found.append(f"{self.dead} jobs gave up")
        if self.too_soon:
            found.append(f"{self.too_soon} requests came before a pause was over")
        if self.fastest > self.rate_before * _MOST:
            found.append(f"{self.fastest}/s in the storm, {self.rate_before}/s before it")
        return found


async def let_pass(scene: Scene, plan: Plan) -> Figures:
    """Let a storm pass over a scene with one worker."""
    sky = Sky(plan)
    scene.providers.fcm.script.take_for = sky.take_for  # type: ignore[method-assign]
    hand = await scene.crew.start()
    memory: list[float] = []
    async with scene.load(plan.rate):
        await asyncio.sleep(plan.calm)
        began = time.monotonic()
        sky.is_storm = True
        while (passed := time.monotonic() - began) < plan.storm:
            if passed >= 60 * len(memory):
                memory.append(_resident_mib(hand.process.pid))
            await asyncio.sleep(0.5)
        page = await read_metrics(hand.http)
        ((attempts,),) = await scene.fetch("select coalesce(max(attempts), 0) from gtr_jobs.jobs")
        sky.is_storm = False
        ended = time.monotonic()
    memory.append(_resident_mib(hand.process.pid))
    with suppress(TimeoutError):
        await scene.until_settled(_LAST_LETTERS)
    drained = time.monotonic()
    verdict = await scene.finish()
    looked = min(10.0, plan.calm - 3)
    return Figures(
        weather=plan.weather,
        seconds=plan.storm,
        rows=len(scene.writer.rows),
        findings=[str(finding) for finding in verdict.findings],
        dead=len(await scene.fetch("select 1 from gtr_jobs.dead_jobs")),
        attempts=int(attempts),
        answers=dict(Counter(name for at, name in sky.asked if began <= at < ended)),
        requests=sky.count(began, ended),
        requests_open=sky.count(began + _OPENS_WITHIN, ended),
        rate_before=round(sky.count(began - looked, began) / looked, 2),
        fastest=round(sky.fastest(began, ended), 2),
        too_soon=sky.too_soon(),
        opened=len(hand.process.records_of(events.CIRCUIT_OPENED)),
        closed=len(hand.process.records_of(events.CIRCUIT_CLOSED)),
        throttled_seconds=round(value_of(page, "gtr_provider_throttled_seconds_total"), 1),
        seconds_to_drain=round(drained - ended, 1),
        memory_mib=memory,
    )


def _resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return round(kib / 1024, 1)


async def _main(plan: Plan) -> int:
    with tempfile.TemporaryDirectory(prefix="gtr-storm-") as folder:
        place = Path(folder)
        with start_project(place / "server") as project:
            async with open_scene(project.database, place, phones=[("fcm",)]) as scene:
                figures = await let_pass(scene, plan)
    sys.stdout.write(json.dumps({**asdict(figures), "faults": figures.faults()}) + "\n")
    return 1 if figures.faults() else 0


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="A provider in trouble, for minutes")
    parser.add_argument("--weather", choices=get_args(Weather), default="mixed")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--retry-after", type=int, default=2)
    parser.add_argument("--seed", type=int, default=2026)
    told = parser.parse_args()
    plan = Plan(told.weather, 15.0, told.minutes * 60, told.rate, told.retry_after, told.seed)
    sys.exit(asyncio.run(_main(plan)))


if __name__ == "__main__":
    main()
