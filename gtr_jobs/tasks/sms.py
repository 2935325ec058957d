"""The sms queue: a message becomes a text on a phone; see `messages.py` for the way."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import ClassVar, Final

from gtr_jobs.db.outgoing import Outgoing
from gtr_jobs.domain.delivery import Channel
from gtr_jobs.domain.outcome import Outcome, Rejected, Skipped
from gtr_jobs.domain.phone import PhoneError, country_of, parse_phone, phone_kind
from gtr_jobs.domain.segments import LONGEST_BODY, count_segments
from gtr_jobs.domain.sms import SmsMessage
from gtr_jobs.providers.message_base import SmsProvider
from gtr_jobs.providers.pressure import Pressure
from gtr_jobs.tasks.courier import Letter
from gtr_jobs.templates.catalog import Templates
from gtr_jobs.templates.data import TemplateDataError

# All countries.
EVERYWHERE: Final = frozenset({"*"})


@dataclass(frozen=True, slots=True)
class SmsRules:
    """What operators decide of texts.

    Args:
        countries: Where they may go, as ISO 3166 names it; `EVERYWHERE` for all.
        price: What one segment is taken to cost until a price is known.
        most_segments: A text that is longer is not sent.
        status_callback: Where the provider reports to; None for nowhere.
        seconds: How long a call takes at most.
    """

    countries: Collection[str]
    price: Decimal
    most_segments: int
    status_callback: str | None
    seconds: float


class SmsCourier:
    """The way out for texts.

    Args:
        provider: Who carries them.
        templates: What they say.
        rules: What operators decide.
    """

    channel: ClassVar[Channel] = "sms"
    can_ask: ClassVar[bool] = True

    def __init__(self, provider: SmsProvider, templates: Templates, rules: SmsRules) -> None:
        self._provider = provider
        self._templates = templates
        self._rules = rules

    @property
    def name(self) -> str:
        """See `Courier.name`."""
        return self._provider.name

    @property
    def pressure(self) -> Pressure:
        """See `Courier.pressure`."""
        return self._provider.pressure

    @property
    def seconds(self) -> float:
        """See `Courier.seconds`."""
        return self._rules.seconds

    def word(self, message: Outgoing, address: str) -> Letter | Outcome:
        """See `Courier.word`."""
        try:
            to = parse_phone(address)
            body = self._templates.render_text(
                "sms", message.template, message.locale, message.data or {}
            ).text
        except PhoneError as error:
            return Skipped(error.code)
        except TemplateDataError as error:
            return Rejected("template_data", str(error))
        country = country_of(to)
        if not is_allowed(to, country, self._rules.countries):
            return Skipped("destination_not_allowed")
        segments = count_segments(body).count
        if segments > self._rules.most_segments or len(body) > LONGEST_BODY:
            return Rejected("too_long", f"the text has {segments} segments")
        text = SmsMessage(
            delivery_id=message.delivery_id,
            to=to,
            body=body,
            valid_until=datetime.now(UTC) + timedelta(seconds=message.expires_in),
            status_callback=self._rules.status_callback,
        )
        return Letter(
            send=partial(self._provider.send, text),
            find=partial(self._provider.find, text),
            country=country,
            segments=segments,
            price=self._rules.price,
        )


def is_allowed(phone: str, country: str, countries: Collection[str]) -> bool:
    """Whether texts may go to a number: to no premium rates and satellites, wherever else they may go."""
    if phone_kind(phone) in {"premium", "satellite"}:
        return False
    return country in countries or "*" in countries
