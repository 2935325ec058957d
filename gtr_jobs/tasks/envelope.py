"""One job's notification on its way: what it says, who is to get it, and what came of each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from gtr_jobs.db.inbox import Note
from gtr_jobs.domain.delivery import OPEN_STATES, Delivery
from gtr_jobs.domain.outcome import (
    Accepted,
    DeliveryState,
    Expired,
    Misconfigured,
    Outcome,
    Skipped,
    Throttled,
)
from gtr_jobs.domain.payload import fit_body, fit_title
from gtr_jobs.domain.push import Message, Push, Target
from gtr_jobs.domain.sources import ChatMessage, SourceRow
from gtr_jobs.domain.tokens import TokenKind
from gtr_jobs.engine.job import DONE, Job, TryAgain
from gtr_jobs.engine.queue import Ack
from gtr_jobs.engine.retry import Attempted, end_after
from gtr_jobs.kinds.base import Kind

# Stands for a provider where no provider was asked.
NOBODY = "none"
# How long a job waits that this worker may not send now; another one may.
_PUT_OFF_SECONDS = 1.0


@dataclass(slots=True)
class Receiver:
    """A device that is to be reached, or a person without any.

    Args:
        dedupe_key: The delivery's name.
        device: Where; None for a person without a device.
        was_maybe_sent: An earlier attempt may have reached its provider.
    """

    dedupe_key: UUID
    device: Target | None = None
    was_maybe_sent: bool = False


@dataclass(slots=True)
class Envelope:
    """One job's notification.

    Args:
        job: The claim.
        recipient_id: Who is told; None where the row is gone.
        message: What is said; None where the row is gone.
        receivers: Who is to be reached and is not settled yet.
        badge: Number on the app's icon.
        deliveries: What came of those that are settled.
        held: Those that are left for later, because an operator wants it so.
    """

    job: Job
    recipient_id: UUID | None
    message: Message | None
    receivers: list[Receiver]
    badge: int = 0
    deliveries: list[Delivery] = field(default_factory=list)
    held: list[Attempted] = field(default_factory=list)

    def __post_init__(self) -> None:
        for receiver in self.receivers:
            receiver.was_maybe_sent = self.job.lost_claims > 0

    @property
    def is_settled(self) -> bool:
        """Whether every receiver is answered for."""
        return not self.receivers

    def leave_out_settled(self, known: Mapping[UUID, DeliveryState]) -> None:
        """Drop receivers that an earlier run of this job settled, and mark those it left unknown."""
        if not known:
            return
        self.receivers = [
            receiver
            for receiver in self.receivers
            if known.get(receiver.dedupe_key, "queued") in OPEN_STATES
        ]
        for receiver in self.receivers:
            if known.get(receiver.dedupe_key) == "unknown":
                receiver.was_maybe_sent = True

    def pushes(self) -> Iterator[tuple[Receiver, Push]]:
        """Make the push for every receiver that is still open."""
        for receiver in self.receivers:
            device = receiver.device
            if self.message is not None and device is not None:
                yield receiver, Push(receiver.dedupe_key, self.message, device, self.badge)

    def settle(self, receiver: Receiver, outcome: Outcome, provider: str = NOBODY) -> None:
        """Take note of what came of one receiver."""
        device = receiver.device
        was_asked = provider != NOBODY
        self.receivers.remove(receiver)
        self.deliveries.append(
            Delivery(
                receiver.dedupe_key,
                self.job.kind,
                "push",
                outcome,
                self.recipient_id,
                provider if was_asked else None,
                device.device_id if device else None,
                device.registered_at if device else None,
                was_asked and receiver.was_maybe_sent,
            )
        )

    def hold(self, receiver: Receiver, code: str, seconds: float) -> None:
        """Leave one receiver for later: nobody was asked, and what the ledger says of it stays."""
        self.receivers.remove(receiver)
        self.held.append(Attempted(NOBODY, Throttled(code, seconds)))

    def ack(self) -> Ack:
        """End the job, from what came of its receivers."""
        if not self.held and all(type(one.outcome) is Accepted for one in self.deliveries):
            # Nearly always, and nothing is left to decide.
            return Ack(self.job, DONE, self.deliveries)
        attempts = [
            Attempted(delivery.provider or NOBODY, delivery.outcome) for delivery in self.deliveries
        ]
        # Where another receiver is tried again anyway, it does not wait for the end of a pause.
        if not any(delivery.state in OPEN_STATES for delivery in self.deliveries):
            attempts += self.held
        return Ack(self.job, end_after(self.job, attempts), self.deliveries)

    def put_off(self) -> Ack:
        """End the job for now: whom nothing was sent to stays open, and what came of the others is written."""
        return Ack(self.job, TryAgain(delay=_PUT_OFF_SECONDS, uses_attempt=False), self.deliveries)


def word_message(kind: Kind[Any], row: SourceRow, job: Job, scheme: str, now: datetime) -> Message:
    """Word a notice and fit it to what every platform takes."""
    notice = kind.tell(row)
    return Message(
        fit_title(notice.title),
        fit_body(notice.body),
        f"{scheme}://{notice.path}",
        notice.thread_id,
        notice.collapse_id,
        now + kind.time_to_live - timedelta(seconds=job.age()),
        kind.urgency,
        {"kind": kind.name, **notice.data},
    )


def word_note(kind: Kind[Any], row: ChatMessage) -> Note:
    """Word a message as the push has it, for the app's list of notifications."""
    notice = kind.tell(row)
    return Note(row.row_id, fit_title(notice.title), fit_body(notice.body))


# An app and a kind of token that there are credentials for.
Served = tuple[str, TokenKind]
# Whether a kind is for a person, by operators' ramps.
IsFor = Callable[[str, UUID | None], bool]


def settle_without_sending(
    envelope: Envelope, served: Collection[Served], is_for: IsFor, now: datetime
) -> None:
    """Settle every receiver that nothing is sent to, with the reason."""
    is_left_out = envelope.message is not None and not is_for(
        envelope.job.kind, envelope.recipient_id
    )
    for receiver in list(envelope.receivers):
        outcome = (
            Skipped("not_in_ramp")
            if is_left_out
            else _reason_not_to_send(envelope, receiver, served, now)
        )
        if outcome is not None:
            envelope.settle(receiver, outcome)


def _reason_not_to_send(
    envelope: Envelope, receiver: Receiver, served: Collection[Served], now: datetime
) -> Outcome | None:
    if envelope.message is None:
        return Skipped("row_gone")
    if receiver.device is None:
        return Skipped("no_device")
    if envelope.message.expires_at <= now:
        return Expired()
    app, kind = receiver.device.app, receiver.device.kind
    if kind is None:
        return Skipped("unknown_token_shape")
    if (app, kind) not in served:
        return Misconfigured("not_configured", f"no keys for {kind} are set, app {app}")
    return None
