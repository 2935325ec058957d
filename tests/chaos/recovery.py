"""How long it took after each fault until what was there when it ended was sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chaos.books import Books


@dataclass(frozen=True, slots=True)
class Struck:
    """A fault that was done.

    Args:
        kind: What it was.
        ended_at: Monotonic time at which it was over: the kill itself, the server back, the lock released.
    """

    kind: str
    ended_at: float


def recovery_seconds(struck: Iterable[Struck], books: Books, *, with_retries: bool) -> list[float]:
    """Say of each fault how long after its end the last message of a row from before it was accepted.

    Faults that follow each other closely are each charged with what the others held up: the figures are
    rather too high than too low.

    Args:
        struck: The faults.
        books: What was sent when.
        with_retries: Whether rows count whose provider failed: they wait between attempts, by design.
    """
    retried = {entry.trace_id for entry in books.ledger if entry.attempts > 1}
    written = {
        row.content: row.done_at
        for row in books.rows
        if row.row_id in books.present and (with_retries or row.trace_id not in retried)
    }
    spans = [
        (written[entry.content], entry.at) for entry in books.accepted if entry.content in written
    ]
    return [_recovery(one.ended_at, spans) for one in struck]


def _recovery(ended_at: float, spans: Sequence[tuple[float, float]]) -> float:
    return max(
        (
            accepted_at - ended_at
            for done_at, accepted_at in spans
            if done_at <= ended_at < accepted_at
        ),
        default=0.0,
    )
