"""The email queue: a message becomes an e-mail; see `messages.py` for the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import ClassVar
from uuid import UUID

from gtr_jobs.db.outgoing import Outgoing
from gtr_jobs.domain.delivery import Channel
from gtr_jobs.domain.email import EmailMessage
from gtr_jobs.domain.outcome import Outcome, Rejected
from gtr_jobs.providers.message_base import EmailProvider
from gtr_jobs.providers.pressure import Pressure
from gtr_jobs.tasks.courier import Letter
from gtr_jobs.templates.catalog import Templates
from gtr_jobs.templates.data import TemplateDataError


class EmailCourier:
    """The way out for e-mail. A server cannot be asked later whether it took one.

    Args:
        provider: Who carries them.
        templates: What they say.
        unsubscribe_url: Makes the link by which the recipient of a delivery leaves; None: no such link.
        seconds: How long a call takes at most.
    """

    channel: ClassVar[Channel] = "email"
    can_ask: ClassVar[bool] = False

    def __init__(
        self,
        provider: EmailProvider,
        templates: Templates,
        unsubscribe_url: Callable[[UUID], str] | None,
        seconds: float,
    ) -> None:
        self._provider = provider
        self._templates = templates
        self._unsubscribe_url = unsubscribe_url
        self.seconds = seconds

    @property
    def name(self) -> str:
        """See `Courier.name`."""
        return self._provider.name

    @property
    def pressure(self) -> Pressure:
        """See `Courier.pressure`."""
        return self._provider.pressure

    def word(self, message: Outgoing, address: str) -> Letter | Outcome:
        """See `Courier.word`."""
        try:
            parts = self._templates.render_text(
                "email", message.template, message.locale, message.data or {}
            )
        except TemplateDataError as error:
            return Rejected("template_data", str(error))
        link = self._unsubscribe_url
        email = EmailMessage(
            delivery_id=message.delivery_id,
            to=address,
            subject=parts.subject or "",
            text=parts.text,
            html=parts.html,
            unsubscribe_url=None if link is None else link(message.delivery_id),
            valid_until=datetime.now(UTC) + timedelta(seconds=message.expires_in),
        )
        return Letter(send=partial(self._provider.send, email))
