"""What it takes to be told by providers what became of messages, and to honour who wants none."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from gtr_jobs.domain.errors import UsageError
from gtr_jobs.domain.networks import Networks, parse_networks
from gtr_jobs.domain.span import parse_rate

_PUBLIC_URL = re.compile(
    r"https://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>\d{1,5}))?(?:/[A-Za-z0-9._~/-]*)?",
    re.ASCII | re.IGNORECASE,
)
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}", re.ASCII)
# What a hash of 256 bits is worth.
_SHORTEST_SECRET = 32


def _require_public_url(url: str) -> str:
    match = _PUBLIC_URL.fullmatch(url)
    if match is None or int(match["port"] or 443) > 65_535:
        raise ValueError("must be https://host, with :port and /path where it has them")
    return url.rstrip("/")


def _require_networks(text: str) -> str:
    try:
        parse_networks(text)
    except ValueError:
        raise ValueError(
            "must be networks as 203.0.113.0/24 or 2001:db8::/32, separated by commas"
        ) from None
    return text


def _require_header(name: str) -> str:
    if _HEADER.fullmatch(name) is None:
        raise ValueError("must be the name of a header, as X-Forwarded-For")
    return name.lower()


def _require_long(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < _SHORTEST_SECRET:
        raise ValueError(f"must have {_SHORTEST_SECRET} signs at least")
    return secret


def _require_rate(text: str) -> str:
    try:
        parse_rate(text)
    except UsageError:
        raise ValueError("must be a rate as 200/s or 300/m, at most 100000/s") from None
    return text


LongSecret = Annotated[SecretStr, AfterValidator(_require_long)]
NetworkList = Annotated[str, AfterValidator(_require_networks)]


class WebhookSettings(BaseModel):
    """The part of the settings that the pages for providers are put together from."""

    # Read as a part of Settings only, which is built with it.
    model_config = ConfigDict(defer_build=True)

    public_url: Annotated[str, AfterValidator(_require_public_url)] | None = Field(
        None,
        description="Where providers and people reach what is served here, as https://host or "
        "https://host/path: signatures are checked against it, and links begin with it.",
    )
    webhook_host: str = Field(
        "127.0.0.1", description="Address of the pages for providers; a proxy stands before it."
    )
    webhook_port: int | None = Field(
        None,
        ge=0,
        le=65_535,
        description="Port of the pages for providers; 0 takes a free one. Set, the worker serves them; "
        "`gtr-jobs http` serves them in any case, unless set at 9465.",
    )
    webhook_rate: Annotated[str, AfterValidator(_require_rate)] = Field(
        "500/s",
        description="How many reports are written at most; whoever reports more is told to come again.",
    )
    webhook_networks: NetworkList | None = Field(
        None,
        description="Networks from which providers may report, separated by commas; unset: any. A "
        "signature is wanted in any case.",
    )
    webhook_proxies: NetworkList = Field(
        "127.0.0.0/8,::1/128",
        description="Networks of proxies that are believed what they say in GTR_WEBHOOK_PROXY_HEADER.",
    )
    webhook_proxy_header: Annotated[str, AfterValidator(_require_header)] | None = Field(
        None,
        description="The header in which a proxy says who asks, as X-Forwarded-For; unset: none is "
        "believed.",
    )
    twilio_auth_token: SecretStr | None = Field(
        None,
        description="The Twilio account's auth token, which signs what Twilio reports. Turns "
        "/webhooks/twilio on.",
    )
    twilio_auth_token_other: SecretStr | None = Field(
        None, description="The account's other auth token, while one takes the place of the other."
    )
    twilio_replies: bool = Field(
        False,
        description="Whether STOP, START and HELP are answered in words; Twilio answers them itself "
        "unless that was turned off there.",
    )
    webhook_secret: LongSecret | None = Field(
        None,
        description="What reports of mail services, and of other providers of texts than Twilio, are "
        "signed with, 32 signs at least. Turns /webhooks/email and /webhooks/sms on.",
    )
    webhook_secret_other: LongSecret | None = Field(
        None, description="Another such secret, while one takes the place of the other."
    )
    unsubscribe_secret: LongSecret | None = Field(
        None,
        description="What links to unsubscribe are signed with, 32 signs at least: they last as long as "
        "it does. Turns /unsubscribe on.",
    )
    unsubscribe_secret_other: LongSecret | None = Field(
        None, description="An earlier one, whose links still work."
    )

    def trusted_proxies(self) -> Networks:
        """Give the networks of proxies; none where no header is believed."""
        return parse_networks(self.webhook_proxies) if self.webhook_proxy_header else ()

    def allowed_networks(self) -> Networks | None:
        """Give the networks that may report; None for any."""
        return parse_networks(self.webhook_networks) if self.webhook_networks else None

    def twilio_tokens(self) -> tuple[str, ...]:
        """Give the tokens that may have signed what comes from Twilio."""
        return _values(self.twilio_auth_token, self.twilio_auth_token_other)

    def webhook_secrets(self) -> tuple[str, ...]:
        """Give the secrets that may have signed what others than Twilio report."""
        return _values(self.webhook_secret, self.webhook_secret_other)

    def unsubscribe_secrets(self) -> tuple[str, ...]:
        """Give the secrets that links may be sealed with, the one for new links first."""
        return _values(self.unsubscribe_secret, self.unsubscribe_secret_other)


def _values(first: SecretStr | None, other: SecretStr | None) -> tuple[str, ...]:
    return tuple(secret.get_secret_value() for secret in (first, other) if secret is not None)
