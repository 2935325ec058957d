"""What operators paused is left for later, without an attempt and without a word in the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from gtr_jobs.domain.push import Push
from gtr_jobs.domain.switches import PauseScope
from gtr_jobs.engine.levers import UNNOTED_SECONDS, Levers
from gtr_jobs.tasks.envelope import Envelope, Receiver

# One push on its way: whose job it is, and whom it is for.
Sending = tuple[Envelope, Receiver, Push]


async def let_through(
    levers: Levers, queue: str, provider: str, sendings: Sequence[Sending]
) -> list[Sending]:
    """Give the pushes that may be sent now; hold those that an operator paused.

    They come back when the pause is over.
    """
    for scope, name in _scopes(queue, provider, sendings):
        if levers.is_paused(scope, name):
            await _hold(levers, scope, name, sendings)
            return []
    paused = {kind for kind in _kinds(sendings) if levers.is_paused("kind", kind)}
    for kind in paused:
        of_kind = [sending for sending in sendings if sending[0].job.kind == kind]
        await _hold(levers, "kind", kind, of_kind)
    return [sending for sending in sendings if sending[0].job.kind not in paused]


def hold_all(sendings: Sequence[Sending], code: str, seconds: float = UNNOTED_SECONDS) -> None:
    """Leave pushes for later."""
    for envelope, receiver, _ in sendings:
        envelope.hold(receiver, code, seconds)


async def _hold(levers: Levers, scope: PauseScope, name: str, sendings: Sequence[Sending]) -> None:
    jobs = {envelope.job.job_id: envelope.job for envelope, _, _ in sendings}
    hold_all(sendings, "paused", await levers.hold(scope, name, list(jobs.values())))


def _scopes(
    queue: str, provider: str, sendings: Sequence[Sending]
) -> tuple[tuple[PauseScope, str], ...]:
    # Nothing to send is nothing to hold.
    return (("queue", queue), ("channel", "push"), ("provider", provider)) if sendings else ()


def _kinds(sendings: Sequence[Sending]) -> set[str]:
    return {envelope.job.kind for envelope, _, _ in sendings}
