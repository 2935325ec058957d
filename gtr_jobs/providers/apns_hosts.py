"""Apple's two hosts of APNs, and our connections to them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gtr_jobs.domain.outcome import ApnsEnvironment
from gtr_jobs.providers.exchange import HttpOptions
from gtr_jobs.providers.transport import HttpPool

DEFAULT_URL = "https://api.push.apple.com"
SANDBOX_URL = "https://api.sandbox.push.apple.com"


@dataclass(frozen=True, slots=True)
class ApnsHosts:
    """Apple's two hosts, each of which knows the tokens of its own builds only.

    Args:
        first: Asked for tokens of which it is not known whose they are.
        other: The other one; None where there is none.
        environment: Which of the two `first` is.
    """

    first: str = DEFAULT_URL
    other: str | None = None
    environment: ApnsEnvironment = "production"


@dataclass(frozen=True, slots=True)
class Host:
    """One of Apple's hosts, and our connections to it: those of one team and one app."""

    environment: ApnsEnvironment
    url: str
    pool: HttpPool


def open_hosts(hosts: ApnsHosts, options: HttpOptions) -> tuple[Host, ...]:
    """Make the connections to each host, the first one first; they open when they are used.

    Raises:
        ConfigurationError: The file of certificate authorities cannot be used.
    """
    options = replace(options, protocol="http2", warm_up=True, service="apns")
    other: ApnsEnvironment = "sandbox" if hosts.environment == "production" else "production"
    urls = {hosts.environment: hosts.first, other: hosts.other}
    return tuple(
        Host(environment, f"{url.rstrip('/')}/3/device/", HttpPool(options))
        for environment, url in urls.items()
        if url is not None
    )
