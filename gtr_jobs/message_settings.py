"""What it takes to send texts and e-mails: who carries them, where they may go, and what they may cost."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_LONGEST_DELAY = 3600.0
_MOST_DELAYS = 10


def _require_countries(text: str) -> str:
    names = _split(text)
    if not names or (names != ["*"] and not all(_COUNTRY.fullmatch(name) for name in names)):
        raise ValueError("must be countries as US,CA,GB; or * for all")
    return text


def _require_delays(text: str) -> str:
    try:
        delays = [float(part) for part in _split(text)]
    except ValueError:
        delays = []
    is_good = all(0 < delay <= _LONGEST_DELAY for delay in delays)
    if not (delays and is_good and delays == sorted(delays) and len(delays) <= _MOST_DELAYS):
        raise ValueError("must be seconds that grow, as 15,60,180")
    return text


def _require_budgets(text: str) -> str:
    try:
        _read_budgets(text)
    except (ValueError, InvalidOperation):
        raise ValueError("must be amounts by country, as US=20,DE=7.50") from None
    return text


def _read_budgets(text: str) -> dict[str, Decimal]:
    budgets: dict[str, Decimal] = {}
    for part in _split(text):
        country, _, amount = part.partition("=")
        value = Decimal(amount)
        if not (_COUNTRY.fullmatch(country) and value.is_finite() and 0 <= value < 1_000_000):
            raise ValueError
        budgets[country] = value
    return budgets


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


Amount = Annotated[Decimal, Field(ge=0, lt=1_000_000, allow_inf_nan=False)]


class MessageSettings(BaseModel):
    """The part of the settings that texts and e-mails are sent by."""

    # Read as a part of Settings only, which is built with it.
    model_config = ConfigDict(defer_build=True)

    twilio_account_sid: str | None = Field(
        None, description="The Twilio account, AC...; turns texts on, with GTR_TWILIO_AUTH_TOKEN."
    )
    twilio_api_key: str | None = Field(
        None,
        description="An API key, SK..., to sign in with in the place of the auth token, which then "
        "only signs what Twilio reports.",
    )
    twilio_api_secret: SecretStr | None = Field(None, description="The API key's secret.")
    twilio_from: str | None = Field(
        None, description="The number, short code or name that texts come from."
    )
    twilio_messaging_service: str | None = Field(
        None, description="The messaging service that chooses it instead, MG..."
    )
    twilio_url: str = Field(
        "https://api.twilio.com",
        pattern=r"^https://[A-Za-z0-9._-]+(:[0-9]{1,5})?/?$",
        description="Twilio's API, or a stand-in for it.",
    )
    plivo_auth_id: str | None = Field(
        None, description="The Plivo account; turns texts on, where Twilio is not."
    )
    plivo_auth_token: SecretStr | None = Field(None, description="The account's secret.")
    plivo_from: str | None = Field(None, description="The number or name that texts come from.")
    plivo_url: str = Field(
        "https://api.plivo.com",
        pattern=r"^https://[A-Za-z0-9._-]+(:[0-9]{1,5})?/?$",
        description="Plivo's API, or a stand-in for it.",
    )
    sms_countries: Annotated[str, AfterValidator(_require_countries)] | None = Field(
        None,
        description="Countries that texts may go to, as US,CA,GB; or * for all. Needed with texts: "
        "whoever pumps texts does so where they are dear.",
    )
    sms_most_segments: int = Field(
        4, ge=1, le=10, description="A text that takes more messages of the network is not sent."
    )
    sms_price: Amount = Field(
        Decimal("0.10"),
        description="What one segment is taken to cost in a country until Twilio has told a price.",
    )
    sms_budget: Amount | None = Field(
        None,
        description="What texts may cost in a UTC day, in the currency that Twilio bills in; what is "
        "over it waits for the next day, or expires. Unset: no limit.",
    )
    sms_country_budgets: Annotated[str, AfterValidator(_require_budgets)] = Field(
        "", description="The same by country, as US=20,DE=7.50."
    )
    message_call_seconds: float = Field(
        20.0,
        ge=1,
        le=120,
        description="How long a call for a text may take; nobody looks after it any sooner.",
    )
    reconcile_after: Annotated[str, AfterValidator(_require_delays)] = Field(
        "15,60,180",
        description="Seconds after an attempt of which nobody knows, at which Twilio is asked whether "
        "it has the text; where it has not the last time, it is sent again, once.",
    )

    smtp_host: str | None = Field(
        None, description="The mail server's name; turns e-mail on, with GTR_SMTP_FROM."
    )
    smtp_port: int = Field(587, ge=1, le=65_535, description="Its port.")
    smtp_security: Literal["starttls", "tls"] = Field(
        "starttls", description="starttls, or tls from the first byte (port 465)."
    )
    smtp_username: str | None = Field(None, description="Whom to sign in as, where it wants that.")
    smtp_password: SecretStr | None = Field(None, description="With what.")
    smtp_from: str | None = Field(
        None, description="The address that e-mails come from, and that bounces go to."
    )
    smtp_from_name: str = Field("", description="The name beside it.")
    smtp_reply_to: str | None = Field(
        None, description="Where answers go; unset: to GTR_SMTP_FROM."
    )

    def message_queues(self) -> tuple[str, ...]:
        """Give the queues of the channels that are turned on."""
        channels = (
            ("sms", self.twilio_account_sid or self.plivo_auth_id),
            ("email", self.smtp_host),
        )
        return tuple(queue for queue, is_on in channels if is_on)

    def reconcile_delays(self) -> tuple[float, ...]:
        """Give the seconds after which Twilio is asked."""
        return tuple(float(part) for part in _split(self.reconcile_after))

    def allowed_countries(self) -> frozenset[str]:
        """Give the countries that texts may go to."""
        return frozenset(_split(self.sms_countries or ""))

    def country_budgets(self) -> dict[str, Decimal]:
        """Give what texts to a country may cost."""
        return _read_budgets(self.sms_country_budgets)
