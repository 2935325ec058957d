"""The proxy through which requests leave, where a network lets nothing out without one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from pyreqwest.proxy import ProxyBuilder

from gtr_jobs.domain.errors import ConfigurationError

_HINT = "it looks like http://proxy.example:3128 or http://name:password@proxy.example:3128"
_HOST = re.compile(r"[A-Za-z0-9._:-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy; TLS goes through it from end to end (CONNECT).

    Args:
        url: Where it is, without a login.
        name: Who we are to it; empty where it wants no login.
        password: The secret that goes with the name.
    """

    url: str
    name: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    def build(self) -> ProxyBuilder:
        """Give the HTTP client's view of it."""
        builder = ProxyBuilder.all(self.url)
        return builder.basic_auth(self.name, self.password) if self.name else builder


def read_proxy(text: str, setting: str = "GTR_PROXY") -> Proxy:
    """Read a proxy's address, which may hold a login.

    Raises:
        ConfigurationError: It is none; names the setting, and shows nothing of what is in it.
    """
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ConfigurationError(f"{setting}: not an address of a proxy", _HINT) from None
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(host):
        raise ConfigurationError(f"{setting}: not an address of a proxy", _HINT)
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ConfigurationError(f"{setting}: has something behind the port", _HINT)
    name, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not f"{name}{password}".isprintable() or (password and not name):
        raise ConfigurationError(f"{setting}: its login cannot be sent", _HINT)
    shown = f"[{host}]" if ":" in host else host
    return Proxy(f"{parts.scheme}://{shown}{'' if port is None else f':{port}'}", name, password)
