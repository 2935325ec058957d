"""`make demo`: sets the stage, plays the story, and says whether everything arrived."""

from __future__ import annotations

import shutil
import signal
import time
from asyncio import Event, get_running_loop
from contextlib import suppress

from rich.console import Console

from gtr_jobs.dev.demo.cast import Cast, gather_cast
from gtr_jobs.dev.demo.play import (
    Arrival,
    find_doubles,
    measure_latency,
    milliseconds_since_insert,
    play_scene,
    read_ledger,
)
from gtr_jobs.dev.demo.screenplay import draw_phone, print_latency, print_ledger, print_scene
from gtr_jobs.dev.demo.stage import POSTGRES_VERSION, Stage, set_stage
from gtr_jobs.dev.demo.story import write_story
from gtr_jobs.dev.postgres_binaries import find_binaries
from gtr_jobs.dev.standins.screen import show


async def run_demo(console: Console, *, keep: bool) -> bool:
    """Run the demo; give whether everything arrived, once, and fast."""
    began = time.monotonic()
    console.print("[bold]From a row to a phone[/], on this machine alone:")
    async with set_stage(lambda line: console.print(f"   {line}", highlight=False)) as stage:
        cast = await gather_cast(stage)
        faults = await _play(console, stage, cast)
        if keep:
            await _stay(console, stage, cast)
        code = await stage.worker.stop()
        if code != 0:
            faults.append(f"the worker ended with exit code {code}")
    console.print()
    if faults:
        for fault in faults:
            console.print(f"[red]✗ {fault}[/]")
        return False
    console.print(
        f"[green]✓ Everything arrived, once each; the worker stopped in order. "
        f"{time.monotonic() - began:.0f} s in all.[/]"
    )
    return True


async def _play(console: Console, stage: Stage, cast: Cast) -> list[str]:
    faults = []
    for number, scene in enumerate(write_story(stage, cast), start=1):
        if scene.patience_seconds > 10:
            console.print("\n[dim]… the next one takes some seconds, because Expo asks for it[/]")
        played = await play_scene(stage, cast, scene)
        print_scene(console, number, played)
        faults += played.faults
    with console.status("measuring"):
        milliseconds = await measure_latency(stage, cast, lambda: None)
    if not print_latency(console, milliseconds):
        faults.append("messages take too long on this machine")
    print_ledger(console, await read_ledger(stage))
    faults += [f"accepted twice: {collapse_id}" for collapse_id in await find_doubles(stage)]
    return faults


async def _stay(console: Console, stage: Stage, cast: Cast) -> None:
    """Show pushes of rows that somebody inserts by hand, until Ctrl-C."""
    console.print("\n[bold]It goes on running.[/] Insert a row by hand, in another terminal:\n")
    statement = (
        "insert into public.messages (conversation_id, sender_id, recipient_id, content) values "  # noqa: S608  (for a person to run; the database made these ids)
        f"('{cast.conversation}', '{cast.mia}', '{cast.leo}', 'Written by hand')"
    )
    print(f'{_find_psql()} "{stage.dsn}" -c "{statement}"\n')
    console.print(f"Metrics: {stage.http}/metrics   Ctrl-C ends it.\n")
    stopped = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        get_running_loop().add_signal_handler(number, stopped.set)
    phones = {phone.token: phone for phone in cast.phones}
    while not stopped.is_set():
        seen = stage.providers.ledger.total
        with suppress(TimeoutError):
            await stage.providers.ledger.wait_for(seen + 1, timeout=0.5)
        for entry in stage.providers.ledger.entries(after=seen):
            milliseconds = await milliseconds_since_insert(stage, entry)
            console.print(draw_phone(Arrival(phones[entry.token], show(entry), milliseconds)))


def _find_psql() -> str:
    """Name a psql: the user's own, else the one that the embedded server brings."""
    return shutil.which("psql") or str(find_binaries(POSTGRES_VERSION) / "psql")
