"""Puts together what texts and e-mails go out by; what is not configured is not even imported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from gtr_jobs.app.attempts import count_attempts
from gtr_jobs.app.providers import make_http_options
from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.domain.push import DEFAULT_APP
from gtr_jobs.domain.unsubscribe import UnsubscribeLinks
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.providers.base import ObserveAttempts
from gtr_jobs.providers.exchange import HttpOptions
from gtr_jobs.settings import Settings

if TYPE_CHECKING:
    from gtr_jobs.domain.email_address import EmailAddress
    from gtr_jobs.providers.message_base import EmailProvider, MessageProvider, SmsProvider
    from gtr_jobs.tasks.courier import Courier
    from gtr_jobs.templates.catalog import Templates

# A server may take its time with what it is given: longer than a provider of texts.
_EMAIL_SECONDS = 90.0
# Each carries one request at a time, unlike those of HTTP/2.
_SMS_CONNECTIONS = 50
_TWILIO_REPORTS = "/webhooks/twilio/status"


@dataclass(frozen=True, slots=True)
class MessageProviders:
    """Who carries texts and e-mails; None where that is not configured."""

    sms: SmsProvider | None = None
    email: EmailProvider | None = None

    def all(self) -> tuple[MessageProvider, ...]:
        """Give those that there are."""
        return tuple(one for one in (self.sms, self.email) if one is not None)


def make_message_providers(settings: Settings, metrics: Metrics) -> MessageProviders:
    """Make the providers that are configured.

    Raises:
        ConfigurationError: A setting is missing or wrong; names it.
    """
    return MessageProviders(
        _make_sms(settings, metrics), _make_smtp(settings, metrics) if settings.smtp_host else None
    )


def make_couriers(
    settings: Settings, providers: MessageProviders, templates: Templates
) -> dict[str, Courier]:
    """Make the way out of every channel that is configured, by queue."""
    couriers: dict[str, Courier] = {}
    if providers.sms is not None:
        from gtr_jobs.tasks.sms import SmsCourier, SmsRules  # noqa: PLC0415

        url = settings.public_url
        rules = SmsRules(
            countries=settings.allowed_countries(),
            price=settings.sms_price,
            most_segments=settings.sms_most_segments,
            # Of Twilio's reports alone we know that they are.
            status_callback=f"{url}{_TWILIO_REPORTS}"
            if url is not None and providers.sms.name == "twilio"
            else None,
            seconds=settings.message_call_seconds,
        )
        couriers["sms"] = SmsCourier(providers.sms, templates, rules)
    if providers.email is not None:
        from gtr_jobs.tasks.email import EmailCourier  # noqa: PLC0415

        couriers["email"] = EmailCourier(
            providers.email, templates, _unsubscribe_links(settings), _EMAIL_SECONDS
        )
    return couriers


def _make_sms(settings: Settings, metrics: Metrics) -> SmsProvider | None:
    if not (settings.twilio_account_sid or settings.plivo_auth_id):
        return None
    if not settings.allowed_countries():
        raise ConfigurationError(
            "GTR_SMS_COUNTRIES: not set", "name where texts may go, as US,CA,GB; or * for all"
        )
    if settings.twilio_account_sid and settings.plivo_auth_id:
        raise ConfigurationError(
            "GTR_TWILIO_ACCOUNT_SID and GTR_PLIVO_AUTH_ID: both are set",
            "texts go out by one of them: unset the other",
        )
    options = replace(make_http_options(settings, metrics), connections=_SMS_CONNECTIONS)
    make = _make_twilio if settings.twilio_account_sid else _make_plivo
    return make(settings, options, count_attempts(metrics, DEFAULT_APP))


def _make_twilio(settings: Settings, options: HttpOptions, observe: ObserveAttempts) -> SmsProvider:
    # Only what is configured is loaded.
    from gtr_jobs.providers.twilio import TwilioProvider  # noqa: PLC0415
    from gtr_jobs.providers.twilio_account import TwilioAccount, TwilioLogin  # noqa: PLC0415

    sid, key = settings.twilio_account_sid or "", settings.twilio_api_key
    secret = settings.twilio_api_secret
    if (key is None) != (secret is None):
        raise ConfigurationError(
            "GTR_TWILIO_API_KEY and GTR_TWILIO_API_SECRET: only one is set", "set both or neither"
        )
    if key is not None and secret is not None:
        logins = [TwilioLogin(key, secret.get_secret_value())]
    else:
        logins = [TwilioLogin(sid, token) for token in settings.twilio_tokens()]
    account = TwilioAccount(sid, logins, settings.twilio_from, settings.twilio_messaging_service)
    return TwilioProvider(account, settings.twilio_url, options, observe)


def _make_plivo(settings: Settings, options: HttpOptions, observe: ObserveAttempts) -> SmsProvider:
    from gtr_jobs.providers.plivo import PlivoAccount, PlivoProvider  # noqa: PLC0415

    token = settings.plivo_auth_token
    account = PlivoAccount(
        settings.plivo_auth_id or "",
        token.get_secret_value() if token is not None else "",
        settings.plivo_from or "",
    )
    return PlivoProvider(account, settings.plivo_url, options, observe)


def _make_smtp(settings: Settings, metrics: Metrics) -> EmailProvider:
    from gtr_jobs.providers.smtp import SmtpProvider  # noqa: PLC0415
    from gtr_jobs.providers.smtp_message import Sender  # noqa: PLC0415
    from gtr_jobs.providers.smtp_pool import SmtpServer  # noqa: PLC0415

    password = settings.smtp_password
    server = SmtpServer(
        settings.smtp_host or "",
        settings.smtp_port,
        settings.smtp_security,
        settings.smtp_username,
        password.get_secret_value() if password is not None else None,
        ca_file=settings.ca_file,
    )
    sender = Sender(
        _read_address("GTR_SMTP_FROM", settings.smtp_from),
        settings.smtp_from_name,
        _read_address("GTR_SMTP_REPLY_TO", settings.smtp_reply_to)
        if settings.smtp_reply_to
        else None,
    )
    return SmtpProvider(server, sender, count_attempts(metrics, DEFAULT_APP))


def _read_address(setting: str, text: str | None) -> EmailAddress:
    # What reads mail addresses is loaded where there are any.
    from gtr_jobs.domain.email_address import AddressError, parse_address  # noqa: PLC0415

    try:
        return parse_address(text or "")
    except AddressError as error:
        raise ConfigurationError(
            f"{setting}: {error.message}", "an address as post@garage.example"
        ) from None


def _unsubscribe_links(settings: Settings) -> Callable[[UUID], str] | None:
    secrets = settings.unsubscribe_secrets()
    if settings.public_url is None or not secrets:
        return None
    return UnsubscribeLinks(settings.public_url, secrets).make
