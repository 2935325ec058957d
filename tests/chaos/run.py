"""The long form: hundreds of faults by chance, under load, and one line of figures in the end.

    make chaos SEED=7 FAULTS=320 MINUTES=17

Exit code 1 where the checker found something; the history (JSON lines) and the workers' logs tell the rest.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from chaos.acts import ACTS
from chaos.checker import Verdict, check
from chaos.recovery import recovery_seconds
from chaos.scene import Scene, open_scene
from chaos.stage import Act, Stage
from support.clusters import start_project
from support.proxy import Proxy

_DRAIN_SECONDS = 180.0
_PEOPLE = 20
# Longer than any fault keeps the database away on a busy machine: what is chosen is done.
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done.

    Args:
        seed: Decides everything that is left to chance.
        faults: How many.
        minutes: How long they may take.
        rate: Rows that the app writes a second.
        workers: How many are kept running.
        folder: For the history, the logs and the cluster.
    """

    seed: int
    faults: int
    minutes: float
    rate: float
    workers: int
    folder: Path


class Director:
    """Does one fault after another, spread over the time that there is."""

    def __init__(self, stage: Stage, plan: Plan, acts: Iterable[Act]) -> None:
        self._stage = stage
        self._plan = plan
        self._acts = iter(acts)
        self._alone = asyncio.Lock()
        self._running: set[asyncio.Task[None]] = set()
        self.done: Counter[str] = Counter()

    async def run(self) -> None:
        """Begin all faults within the time that there is; return when the last of them is over."""
        deadline = time.monotonic() + self._plan.minutes * 60
        for to_come in reversed(range(self._plan.faults)):
            task = asyncio.create_task(self._do(next(self._acts)))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            # By chance the last of these pauses is nearly all that is left: a late one must not cost a fault.
            pause = max(0.0, deadline - time.monotonic()) / (to_come + 1)
            await asyncio.sleep(self._stage.chance.uniform(0, 2) * pause)
        while self._running:
            await asyncio.gather(*self._running)

    async def _do(self, act: Act) -> None:
        if act.is_alone:
            async with self._alone:
                await self._strike(act)
        else:
            await self._strike(act)

    async def _strike(self, act: Act) -> None:
        self._stage.scene.history.note("fault begins", kind=act.kind)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                await act.do(self._stage)
            except psycopg.Error as error:
                # Another fault can be in the way of this one: the database is down, the backend is gone.
                self._stage.scene.history.note("fault fails", kind=act.kind, error=str(error))
                await asyncio.sleep(0.5)
            else:
                self.done[act.kind] += 1
                break
        self._stage.scene.strike(act.kind)


def _draw(chance: random.Random) -> Iterator[Act]:
    """Draw one fault after another, each as often as its weight says."""
    weights = [act.weight for act in ACTS]
    while True:
        yield from chance.choices(ACTS, weights)


async def run(plan: Plan, acts: Iterable[Act] | None = None) -> tuple[dict[str, Any], Verdict]:
    """Run the long form; give the figures and the verdict.

    Args:
        plan: What is to be done.
        acts: These faults in this order; by default the seed draws them.
    """
    began = time.monotonic()
    chance = random.Random(plan.seed)
    with start_project(plan.folder / "server") as project:
        async with Proxy(project.server.address.host, project.port) as proxy:
            dsn = project.dsn_through(proxy.port)
            async with open_scene(
                project.database, plan.folder, size=_PEOPLE, GTR_DATABASE_URL=dsn
            ) as scene:
                stage = Stage(scene, proxy, project.server, chance)
                director = Director(stage, plan, acts or _draw(chance))
                await scene.crew.supervise(plan.workers)
                async with scene.load(plan.rate):
                    await director.run()
                books = await scene.close_books(_DRAIN_SECONDS)
                _write_logs(scene, plan.folder)
    verdict = check(books, may_lose_database=True)
    recovery = recovery_seconds(scene.struck, books, with_retries=False)
    with_retries = recovery_seconds(scene.struck, books, with_retries=True)
    figures = {
        "faults": director.done.total(),
        "jobs": verdict.jobs,
        "lost": verdict.lost,
        "doubled": verdict.doubled,
        "resent": verdict.resent,
        "dead": verdict.dead,
        "not_enqueued": verdict.unqueued,
        "recovery_median_seconds": round(statistics.median(recovery), 2),
        "recovery_max_seconds": round(max(recovery), 2),
        "with_retries_max_seconds": round(max(with_retries), 2),
        "longest_without_owner_seconds": round(books.longest_ownerless, 2),
        "findings": len(verdict.findings),
        "seconds": round(time.monotonic() - began),
        "seed": plan.seed,
        "kinds": dict(director.done.most_common()),
    }
    return figures, verdict


def _write_logs(scene: Scene, folder: Path) -> None:
    for hand in scene.crew.hands:
        log = "\n".join(hand.process.log) + "\n"
        (folder / f"worker-{hand.number}.log").write_text(log, encoding="utf-8")


def _read_plan() -> Plan:
    parser = argparse.ArgumentParser(description="The long form of the chaos suite.")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--faults", type=int, default=320)
    parser.add_argument("--minutes", type=float, default=17.0)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--workers", type=int, default=4)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix=f"gtr-jobs-chaos-{given.seed}-"))
    return Plan(given.seed, given.faults, given.minutes, given.rate, given.workers, folder)


def main() -> None:
    """Run it from the command line."""
    plan = _read_plan()
    sys.stderr.write(f"seed {plan.seed}; history and logs in {plan.folder}\n")
    figures, verdict = asyncio.run(run(plan))
    sys.stdout.write(json.dumps(figures) + "\n")
    if verdict.findings:
        sys.stderr.write(f"{verdict}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
