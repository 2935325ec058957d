"""A message on its way: its job, what is to be handed over, and what becomes of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from gtr_jobs.db.outgoing import Intent, Outgoing
from gtr_jobs.domain.delivery import Delivery
from gtr_jobs.domain.outcome import Outcome
from gtr_jobs.engine.job import Die, Job
from gtr_jobs.tasks.courier import Courier, Letter

# The queue of each channel, and the kind of its jobs.
MESSAGE_KINDS: Final[Mapping[str, str]] = {"sms": "send_sms", "email": "send_email"}
# The tick at which the provider of texts is asked what they cost.
RECORDS_KIND: Final = "sms_records"
UNKNOWN_CODE = "outcome_unknown"


@dataclass(frozen=True, slots=True)
class Item:
    """A job and its message.

    Args:
        job: The claim.
        message: As it was read.
        courier: The way out.
    """

    job: Job
    message: Outgoing
    courier: Courier

    def delivery(
        self,
        outcome: Outcome,
        token: UUID | None = None,
        *,
        is_again: bool = False,
        is_attempt: bool = True,
    ) -> Delivery:
        """Say what came of it.

        Args:
            outcome: How it ended.
            token: Of the attempt that ended so; None where none was begun.
            is_again: The attempt was one after another of which nobody knew.
            is_attempt: Whether it is one, and not only what became of an earlier one.
        """
        message = self.message
        was_asked = token is not None or message.attempt is not None
        return Delivery(
            dedupe_key=message.delivery_id,
            kind=message.template,
            channel=self.courier.channel,
            outcome=outcome,
            user_id=message.user_id,
            provider=self.courier.name if was_asked else None,
            is_resent=is_again or message.is_resent,
            attempt_token=token,
            is_attempt=is_attempt,
        )

    def death(self) -> Die:
        """End a job whose message nobody can tell of: an operator sees it among the dead."""
        provider = self.courier.name
        error = f"{provider} may have taken the message, and nobody can tell"
        return Die(UNKNOWN_CODE, error, provider)


@dataclass(frozen=True, slots=True)
class Ready:
    """One that is to be sent.

    Args:
        item: The job and its message.
        letter: The message, worded.
        is_again: An earlier attempt was proved not to have been taken.
    """

    item: Item
    letter: Letter
    is_again: bool

    def intent(self) -> Intent:
        """Write down what is about to be done."""
        job, message, letter = self.item.job, self.item.message, self.letter
        return Intent(
            job_id=job.job_id,
            claim_number=job.claim_number,
            delivery_id=message.delivery_id,
            address_hash=message.address_hash or "",
            country=letter.country,
            segments=letter.segments,
            price=letter.price,
            is_resent=self.is_again,
        )
