"""Plays the story, checks that every phone shows what it should, and measures."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from gtr_jobs.dev.api_roles import as_user
from gtr_jobs.dev.app_rows import send_message
from gtr_jobs.dev.demo.cast import Cast, Phone
from gtr_jobs.dev.demo.stage import Stage
from gtr_jobs.dev.demo.story import Scene
from gtr_jobs.dev.standins.ledger import Acceptance
from gtr_jobs.dev.standins.screen import Shown, show

MEASURED_MESSAGES = 200
# Between two measured messages: long enough for the worker to fall asleep, as in a quiet hour.
PAUSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Arrival:
    """A notification on a phone.

    Args:
        phone: Where.
        shown: What it looks like.
        milliseconds: From the insert to the provider's acceptance.
    """

    phone: Phone
    shown: Shown
    milliseconds: float


@dataclass(slots=True)
class Played:
    """What came of a scene.

    Args:
        scene: What was played.
        arrivals: What the phones show.
        faults: What is not as it should be; none when all is well.
    """

    scene: Scene
    arrivals: list[Arrival] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


async def play_scene(stage: Stage, cast: Cast, scene: Scene) -> Played:
    """Play one scene and wait until its phones show it."""
    played = Played(scene)
    ledger = stage.providers.ledger
    before = ledger.total
    if scene.prepare is not None:
        scene.prepare()
    started = time.perf_counter_ns()
    await scene.act()
    try:
        await ledger.wait_for(before + len(scene.shows), timeout=scene.patience_seconds)
    except TimeoutError as error:
        played.faults.append(str(error))
    await wait_until_settled(stage, scene.patience_seconds)
    phones = {phone.token: phone for phone in cast.phones}
    for entry in ledger.entries(after=before):
        played.arrivals.append(_arrival(phones[entry.token], entry, started))
    played.faults += _find_faults(scene, played.arrivals)
    return played


async def wait_until_settled(stage: Stage, seconds: float) -> None:
    """Wait until the queue is empty: every outcome is in the ledger then."""
    async with asyncio.timeout(seconds):
        while True:
            cursor = await stage.database.execute("select count(*) from gtr_jobs.jobs")
            row = await cursor.fetchone()
            if row == (0,):
                return
            await asyncio.sleep(0.005)


async def measure_latency(stage: Stage, cast: Cast, on_progress: Callable[[], None]) -> list[float]:
    """Send messages one at a time into an idle system; give milliseconds from insert to acceptance."""
    ledger = stage.providers.ledger
    milliseconds = []
    for number in range(MEASURED_MESSAGES):
        await asyncio.sleep(PAUSE_SECONDS)
        before = ledger.total
        started = time.perf_counter_ns()
        async with as_user(stage.database, cast.leo):
            await send_message(
                stage.database, cast.conversation, cast.leo, cast.mia, f"Message {number}"
            )
        await ledger.wait_for(before + 1)
        (entry,) = ledger.entries(after=before)
        milliseconds.append((entry.arrived_at_monotonic - started) / 1e6)
        on_progress()
    await wait_until_settled(stage, 10)
    return milliseconds


async def milliseconds_since_insert(stage: Stage, entry: Acceptance) -> float:
    """Say how long after the newest row before it a push was accepted, by this machine's clock."""
    cursor = await stage.database.execute(
        "select extract(epoch from max(created_at))::float8 from ("
        " select created_at from public.messages union all"
        " select created_at from public.notifications) as rows"
        " where created_at <= to_timestamp(%s)",
        [entry.arrived_at / 1e9],
    )
    row = await cursor.fetchone()
    return entry.arrived_at / 1e6 - row[0] * 1e3 if row else 0.0


async def find_doubles(stage: Stage) -> list[str]:
    """List what a provider accepted twice for one device, as the stand-ins' own books say."""
    seen = Counter(
        (entry.token, show(entry).collapse_id) for entry in stage.providers.ledger.entries()
    )
    return [collapse_id for (_, collapse_id), times in seen.items() if times > 1]


async def read_ledger(stage: Stage) -> list[tuple[str, str, str, int]]:
    """Read what our own ledger says: provider, state, code and how many."""
    cursor = await stage.database.execute(
        "select coalesce(provider, 'none'), state::text, code, count(*)::integer"
        " from gtr_jobs.deliveries group by 1, 2, 3 order by 1, 2, 3"
    )
    return await cursor.fetchall()


def _arrival(phone: Phone, entry: Acceptance, started: int) -> Arrival:
    return Arrival(phone, show(entry), (entry.arrived_at_monotonic - started) / 1e6)


def _find_faults(scene: Scene, arrivals: list[Arrival]) -> list[str]:
    times = Counter(arrival.phone for arrival in arrivals)
    faults = [
        f"{phone.owner}'s {phone.name} shows it {times[phone]} times, not once"
        for phone in scene.shows
        if times[phone] != 1
    ]
    faults += [
        f"{phone.owner}'s {phone.name} shows it and should not"
        for phone in scene.stays_dark
        if times[phone]
    ]
    faults += [
        f"{arrival.phone.owner}'s {arrival.phone.name} shows {arrival.shown.body!r}"
        for arrival in arrivals
        if (scene.text and arrival.shown.body != scene.text)
        or "__listing_ref__" in arrival.shown.body
    ]
    return faults
