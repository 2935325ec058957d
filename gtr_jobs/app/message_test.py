"""Sends one text or e-mail now, to see whether keys, senders and the mail server are as they should be."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal
from uuid import UUID, uuid4

from gtr_jobs import __version__
from gtr_jobs.app.couriers import make_couriers, make_message_providers
from gtr_jobs.app.operator import make_note, open_operations
from gtr_jobs.app.templates import templates_of
from gtr_jobs.db.outgoing import Outgoing
from gtr_jobs.domain.errors import ConfigurationError, StateError
from gtr_jobs.domain.outcome import Outcome
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.settings import Settings
from gtr_jobs.tasks.courier import Letter

_LIFE = timedelta(minutes=10)
_TURNS_ON = {
    "sms": "set GTR_TWILIO_ACCOUNT_SID, GTR_TWILIO_AUTH_TOKEN, GTR_TWILIO_FROM and GTR_SMS_COUNTRIES",
    "email": "set GTR_SMTP_HOST and GTR_SMTP_FROM",
}


async def send_test_message(
    settings: Settings,
    channel: Literal["sms", "email"],
    address: str,
    locale: str,
    reason: str,
) -> tuple[str, Outcome]:
    """Send a test to an address, after the audit says so; give who was asked and how it ended.

    Raises:
        ConfigurationError: The channel is not configured, or not as it should be.
        StateError: Nothing is sent to this address, or from this database.
    """
    providers = make_message_providers(settings, Metrics(__version__))
    try:
        couriers = make_couriers(settings, providers, templates_of(settings))
        courier = couriers.get(channel)
        if courier is None:
            raise ConfigurationError(f"no provider for {channel} is configured", _TURNS_ON[channel])
        letter = courier.word(_make_message(settings, locale), address)
        if not isinstance(letter, Letter):
            return courier.name, letter
        async with open_operations(settings) as operator:
            state = await operator.lineage.read()
            if state is not None and state.paused_since is not None:
                raise StateError("sending is paused", "see gtr-jobs resume")
            note = make_note(reason, {"channel": channel, "provider": courier.name})
            refusal = await operator.messages.note_test(channel, address, note)
        if refusal is not None:
            raise StateError(
                f"nothing is sent to this address: {refusal}", "see gtr-jobs suppress list"
            )
        return courier.name, await letter.send()
    finally:
        for provider in providers.all():
            await provider.close()


def _make_message(settings: Settings, locale: str) -> Outgoing:
    return Outgoing(
        delivery_id=uuid4(),
        template="test",
        user_id=UUID(int=0),
        data={"project": settings.project or "gtr-jobs"},
        address=None,
        address_hash=None,
        locale=locale,
        refusal=None,
        expires_in=_LIFE.total_seconds(),
        state="queued",
        is_resent=False,
        attempt=None,
    )
