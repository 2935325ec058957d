"""What is to be done with a text or an e-mail, from what the ledger says of it.

queued            ── send it, unless nobody is to get it any more
sending, unknown  ── an attempt of which nobody knows how it ended: wait until nobody can be at it, then ask the
                     provider, after so many seconds and again. Found: it was accepted. Absent the last time: it is
                     sent again, once. Cannot be told: it stays unknown, for an operator to see.
anything else     ── it is settled
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gtr_jobs.db.outgoing import Outgoing
from gtr_jobs.domain.delivery import OPEN_STATES
from gtr_jobs.domain.outcome import Expired, Outcome, Retry, Skipped

# A call that just ends is not cut short by clocks that differ a little.
_MARGIN_SECONDS = 0.05
CONSENT_UNKNOWN = "consent_unknown"


@dataclass(frozen=True, slots=True)
class Close:
    """It is settled: nothing is to be written."""


@dataclass(frozen=True, slots=True)
class Settle:
    """Nobody is to get it.

    Args:
        outcome: Why.
    """

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Send:
    """It is to be sent.

    Args:
        is_again: An earlier attempt was proved not to have been taken.
    """

    is_again: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """It is too early to ask.

    Args:
        seconds: For how long.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class Ask:
    """The provider is to be asked whether it has it.

    Args:
        again_in: Seconds until it is asked again, where it has not; None: this is the last time.
    """

    again_in: float | None


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Nobody can tell whether it was taken."""


Step = Close | Settle | Send | Wait | Ask | GiveUp


def next_step(message: Outgoing, delays: Sequence[float], *, can_ask: bool) -> Step:
    """Say what is to be done with a message.

    Args:
        message: As the ledger has it.
        delays: Seconds after an attempt of which nobody knows, at which the provider is asked.
        can_ask: Whether it can be asked at all.
    """
    if message.state not in OPEN_STATES:
        return Close()
    attempt = message.attempt
    if message.state == "queued" or attempt is None:
        return Settle(outcome) if (outcome := reason_not_to_send(message)) else Send()
    if attempt.deadline_in > 0:
        return Wait(attempt.deadline_in + _MARGIN_SECONDS)
    if not can_ask:
        return GiveUp()
    if attempt.age < delays[0]:
        return Wait(delays[0] - attempt.age)
    return Ask(next((delay - attempt.age for delay in delays if delay > attempt.age), None))


def step_when_absent(message: Outgoing) -> Step:
    """Say what is to be done with a message that the provider was asked for the last time, and does not have."""
    if message.is_resent:
        # Once is enough: what is wrong here is not a lost answer.
        return GiveUp()
    return Settle(outcome) if (outcome := reason_not_to_send(message)) else Send(is_again=True)


def reason_not_to_send(message: Outgoing) -> Outcome | None:
    """Say why nobody is to get a message, if so."""
    if message.expires_in <= 0:
        return Expired()
    if message.refusal == CONSENT_UNKNOWN:
        # A function of the app's failed: whoever does not know does not send.
        return Retry(CONSENT_UNKNOWN)
    if message.refusal is not None:
        return Skipped(message.refusal)
    if message.data is None:
        return Skipped("content_erased")
    return None
