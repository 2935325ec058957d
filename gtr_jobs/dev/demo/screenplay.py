"""What the demo prints: rows as they are inserted, phones as they light up."""

from __future__ import annotations

from statistics import median, quantiles

from rich.columns import Columns
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from gtr_jobs.dev.demo.play import Arrival, Played

_SERVICES = {"fcm": "FCM", "apns": "APNs", "expo": "Expo"}
LATENCY_BAR_MS = 25.0


def print_scene(console: Console, number: int, played: Played) -> None:
    """Show a scene: the row, the phones, the milliseconds."""
    console.print()
    console.print(f"[bold]{number}. {played.scene.title}[/]")
    console.print(f"   [cyan]{played.scene.row}[/]", highlight=False)
    console.print(Columns([draw_phone(arrival) for arrival in played.arrivals], padding=(0, 1)))
    for phone in played.scene.stays_dark:
        console.print(f"   {phone.owner}'s {phone.name}: nothing, the app is no longer on it")
    for fault in played.faults:
        console.print(f"   [red]✗ {fault}[/]")


def draw_phone(arrival: Arrival) -> Panel:
    """Draw a notification as it stands on a phone's lock screen."""
    shown = arrival.shown
    head = Text.assemble(("■ ", "magenta"), ("GT-R MARKETPLACE", "dim"), ("   now", "dim"))
    if shown.badge:
        head.append(f"   ({shown.badge})", style="red")
    return Panel(
        Group(head, Text(shown.title, style="bold"), Text(shown.body or " ")),
        title=f"{arrival.phone.owner}'s {arrival.phone.name}",
        subtitle=f"{_SERVICES[arrival.phone.kind]}, {arrival.milliseconds:.0f} ms",
        width=40,
        padding=(0, 1),
    )


def print_latency(console: Console, milliseconds: list[float]) -> bool:
    """Show how long messages take into an idle system; say whether it is fast enough."""
    middle, slow = median(milliseconds), quantiles(milliseconds, n=100)[98]
    is_fast = middle <= LATENCY_BAR_MS
    console.print()
    console.print(
        f"[bold]Insert to accepted, idle, {len(milliseconds)} messages:[/] "
        f"median [{'green' if is_fast else 'red'}]{middle:.1f} ms[/], p99 {slow:.1f} ms "
        f"(at most {LATENCY_BAR_MS:.0f} ms is good)",
        highlight=False,
    )
    return is_fast


def print_ledger(console: Console, rows: list[tuple[str, str, str, int]]) -> None:
    """Show what gtr_jobs.deliveries says."""
    table = Table("provider", "state", "code", "deliveries", title="gtr_jobs.deliveries", box=None)
    for provider, state, code, count in rows:
        table.add_row(provider, state, code, str(count))
    console.print()
    console.print(table)
