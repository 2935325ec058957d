"""Which providers of texts and e-mail are made from which settings, and what is said of wrong ones."""

from __future__ import annotations

import pytest

from gtr_jobs import __version__
from gtr_jobs.app.couriers import make_couriers, make_message_providers
from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.settings import Settings
from gtr_jobs.templates.catalog import Templates

_TWILIO = {
    "twilio_account_sid": "AC" + "0" * 32,
    "twilio_auth_token": "secret-token",
    "twilio_from": "+15005550006",
    "sms_countries": "US",
}
_SMTP = {"smtp_host": "smtp.example.com", "smtp_from": "post@example.com"}


def _settings(**values: object) -> Settings:
    return Settings(_env_file=None, **values)  # type: ignore[arg-type]


async def test_what_is_not_configured_is_not_made() -> None:
    """Its queue is not drained by default either."""
    assert make_message_providers(_settings(), Metrics(__version__)).all() == ()
    assert _settings().queue_names() == ("push", "match", "receipts", "maintenance")


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (_TWILIO, {"sms": "twilio"}),
        (_SMTP, {"email": "smtp"}),
        (
            {
                "plivo_auth_id": "MA123",
                "plivo_auth_token": "t",
                "plivo_from": "+15005550006",
                "sms_countries": "*",
            },
            {"sms": "plivo"},
        ),
        (_TWILIO | _SMTP, {"sms": "twilio", "email": "smtp"}),
    ],
)
async def test_each_channel_has_its_way_out(
    values: dict[str, object], names: dict[str, str]
) -> None:
    """And its queue is drained by default."""
    settings = _settings(**values)
    providers = make_message_providers(settings, Metrics(__version__))
    couriers = make_couriers(settings, providers, Templates.read())
    for provider in providers.all():
        await provider.close()
    assert {queue: courier.name for queue, courier in couriers.items()} == names
    assert settings.message_queues() == tuple(names)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (_TWILIO | {"sms_countries": None}, "GTR_SMS_COUNTRIES: not set"),
        (_TWILIO | {"twilio_auth_token": None}, "GTR_TWILIO_AUTH_TOKEN: not set"),
        (_TWILIO | {"twilio_api_key": "SK1"}, "GTR_TWILIO_API_KEY and GTR_TWILIO_API_SECRET"),
        (_TWILIO | {"twilio_from": None}, "GTR_TWILIO_FROM"),
        (_TWILIO | {"plivo_auth_id": "MA1"}, "GTR_TWILIO_ACCOUNT_SID and GTR_PLIVO_AUTH_ID"),
        (_SMTP | {"smtp_from": None}, "GTR_SMTP_FROM: no e-mail address"),
        (_SMTP | {"smtp_from": "nobody"}, "GTR_SMTP_FROM"),
        (_SMTP | {"smtp_username": "me"}, "GTR_SMTP_USERNAME and GTR_SMTP_PASSWORD"),
    ],
)
async def test_a_wrong_setting_is_named_and_not_shown(
    values: dict[str, object], message: str
) -> None:
    """With what to do, and without a secret."""
    with pytest.raises(ConfigurationError) as caught:
        make_message_providers(_settings(**values), Metrics(__version__))
    assert caught.value.message.startswith(message)
    assert "secret-token" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sms_countries", "us"),
        ("sms_countries", "US,*"),
        ("reconcile_after", ""),
        ("reconcile_after", "60,15"),
        ("reconcile_after", "0"),
        ("reconcile_after", "nan"),
        ("sms_country_budgets", "US"),
        ("sms_country_budgets", "US=NaN"),
        ("sms_country_budgets", "USA=5"),
        ("sms_budget", "-1"),
        ("sms_most_segments", "11"),
        ("twilio_url", "http://api.twilio.com"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(name: str, value: str) -> None:
    """When it is read."""
    with pytest.raises(ValueError, match=name):
        _settings(**{name: value})
