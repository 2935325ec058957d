"""Puts together the providers that settings name; those that they do not name are not even imported."""

from __future__ import annotations

from collections.abc import Callable

from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.domain.outcome import OutcomeName
from gtr_jobs.domain.tokens import TokenKind
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.providers.base import ObserveAttempt, Provider
from gtr_jobs.providers.exchange import HttpOptions
from gtr_jobs.settings import Settings

_APNS_HOSTS = {
    "production": "https://api.push.apple.com",
    "sandbox": "https://api.sandbox.push.apple.com",
}


def make_providers(settings: Settings, metrics: Metrics) -> dict[TokenKind, Provider]:
    """Make every provider that is configured, by the kind of token that it serves.

    Raises:
        ConfigurationError: A key is missing or no key, or nothing is configured; names the setting.
    """
    options = HttpOptions(ca_file=settings.ca_file)

    def observe(provider: str, outcome: OutcomeName, seconds: float) -> None:
        metrics.delivery_attempts.labels(provider, outcome).inc()
        metrics.provider_seconds.labels(provider).observe(seconds)

    made = [
        provider
        for make in (_make_fcm, _make_apns, _make_expo)
        if (provider := make(settings, options, observe)) is not None
    ]
    if not made:
        raise ConfigurationError(
            "no provider is configured: nothing can be sent",
            "set GTR_FCM_CREDENTIALS_FILE, GTR_APNS_KEY_FILE or GTR_EXPO=true",
        )
    return {provider.token_kind: provider for provider in made}


_Make = Callable[[Settings, HttpOptions, ObserveAttempt], Provider | None]


def _make_fcm(settings: Settings, options: HttpOptions, observe: ObserveAttempt) -> Provider | None:
    inline = settings.fcm_credentials_json
    if settings.fcm_credentials_file is None and inline is None:
        return None
    # Only what is configured is loaded: a worker for one provider needs no other's libraries.
    from gtr_jobs.providers.fcm import FcmProvider  # noqa: PLC0415
    from gtr_jobs.providers.google_account import read_service_account  # noqa: PLC0415
    from gtr_jobs.providers.key_files import read_key_text  # noqa: PLC0415

    key = read_key_text(
        settings.fcm_credentials_file,
        "GTR_FCM_CREDENTIALS_FILE",
        inline.get_secret_value() if inline else None,
        "GTR_FCM_CREDENTIALS_JSON",
    )
    return FcmProvider(read_service_account(key), settings.fcm_url, options, observe)


def _make_apns(
    settings: Settings, options: HttpOptions, observe: ObserveAttempt
) -> Provider | None:
    inline = settings.apns_key
    named = {
        "GTR_APNS_KEY_ID": settings.apns_key_id,
        "GTR_APNS_TEAM_ID": settings.apns_team_id,
        "GTR_APNS_TOPIC": settings.apns_topic,
    }
    if settings.apns_key_file is None and inline is None and not any(named.values()):
        return None
    missing = [setting for setting, value in named.items() if not value]
    if missing:
        raise ConfigurationError(
            f"{', '.join(missing)}: not set", "APNs needs key, key id, team id and bundle id"
        )
    from gtr_jobs.providers.apns import ApnsAccount, ApnsProvider  # noqa: PLC0415
    from gtr_jobs.providers.apns_key import read_apns_key  # noqa: PLC0415
    from gtr_jobs.providers.key_files import read_key_text  # noqa: PLC0415

    key = read_key_text(
        settings.apns_key_file,
        "GTR_APNS_KEY_FILE",
        inline.get_secret_value() if inline else None,
        "GTR_APNS_KEY",
    )
    account = ApnsAccount(
        read_apns_key(key),
        settings.apns_key_id or "",
        settings.apns_team_id or "",
        settings.apns_topic or "",
    )
    url = settings.apns_url or _APNS_HOSTS[settings.apns_environment]
    return ApnsProvider(account, url, options, observe)


def _make_expo(
    settings: Settings, options: HttpOptions, observe: ObserveAttempt
) -> Provider | None:
    if not settings.expo:
        return None
    from gtr_jobs.providers.expo import ExpoProvider  # noqa: PLC0415

    token = settings.expo_access_token
    return ExpoProvider(
        token.get_secret_value() if token else None, settings.expo_url, options, observe
    )
