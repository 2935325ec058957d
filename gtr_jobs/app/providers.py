"""Puts together the providers that settings name; those that they do not name are not even imported."""

from __future__ import annotations

from dataclasses import dataclass

from gtr_jobs.app.attempts import count_attempts
from gtr_jobs.app.credentials import Credential, SigningTokens, read_credentials
from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.providers.base import Provider
from gtr_jobs.providers.exchange import HttpOptions
from gtr_jobs.providers.proxy import read_proxy
from gtr_jobs.providers.rotating import RotatingProvider
from gtr_jobs.settings import Settings
from gtr_jobs.tasks.envelope import Served


def make_http_options(settings: Settings, metrics: Metrics) -> HttpOptions:
    """Say how every provider is talked to.

    Raises:
        ConfigurationError: The proxy's address is none; names the setting.
    """

    def observe_resend(service: str, code: str) -> None:
        metrics.provider_resends.labels(service, code).inc()

    proxy = settings.proxy
    return HttpOptions(
        ca_file=settings.ca_file,
        proxy=read_proxy(proxy.get_secret_value()) if proxy else None,
        observe_resend=observe_resend,
    )


class ProviderMaker:
    """Makes providers from credentials.

    Args:
        settings: How to talk to services.
        metrics: Counts what the providers do.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._options = make_http_options(settings, metrics)
        self._metrics = metrics
        self.signing = SigningTokens()

    def make(self, app: str, credential: Credential) -> Provider:
        """Make a provider.

        Raises:
            ConfigurationError: A key is no key; names the setting.
        """
        return credential.make(self._options, count_attempts(self._metrics, app))


@dataclass(frozen=True, slots=True)
class Providers:
    """Every provider that is configured, and what it was made from.

    Args:
        maker: Makes others in their place.
        by_device: By app and by the kind of token that each serves.
        digests: Of the credentials in use.
    """

    maker: ProviderMaker
    by_device: dict[Served, RotatingProvider]
    digests: dict[Served, bytes]


def make_providers(settings: Settings, metrics: Metrics) -> Providers:
    """Make every provider that is configured.

    Raises:
        ConfigurationError: A key is missing or no key, or nothing is configured; names the setting.
    """
    maker = ProviderMaker(settings, metrics)
    providers = Providers(maker, {}, {})
    for served, read in read_credentials(settings, maker.signing).items():
        if isinstance(read, ConfigurationError):
            raise read
        providers.by_device[served] = RotatingProvider(maker.make(served[0], read))
        providers.digests[served] = read.digest
    if not providers.by_device:
        raise ConfigurationError(
            "no provider is configured: nothing can be sent",
            "set GTR_FCM_CREDENTIALS_FILE, GTR_APNS_KEY_FILE or GTR_EXPO=true",
        )
    return providers
