"""A connection with TLS to a server, straight or through a proxy; or why there is none."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import certifi
from aiohappyeyeballs import start_connection

from gtr_jobs.providers.exchange import NotSent
from gtr_jobs.providers.http2.tunnel import Tunnel
from gtr_jobs.providers.proxy import Proxy

# Seconds after which the next of a server's addresses is tried as well (RFC 8305, 5).
_NEXT_ADDRESS = 0.25
_LOGIN_WANTED = 407
# Reading the authorities takes a hundredth of a second, in which nothing else happens.
_CONTEXTS = 16

_Made = TypeVar("_Made", bound=asyncio.Protocol)


@lru_cache(_CONTEXTS)
def make_tls(authorities: bytes | None, protocol: str = "h2") -> ssl.SSLContext:
    """Make what connections agree on TLS with, certificates verified; the same one for the same arguments.

    Args:
        authorities: Trusted (PEM) beside those of the system, or of certifi where it has none.
        protocol: What is spoken then.
    """
    tls = ssl.create_default_context()
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    tls.set_alpn_protocols([protocol])
    paths = ssl.get_default_verify_paths()
    if paths.cafile is None and not (paths.capath and any(Path(paths.capath).iterdir())):
        tls.load_verify_locations(certifi.where())
    if authorities is not None:
        tls.load_verify_locations(cadata=authorities.decode("ascii", "ignore"))
    return tls


async def dial(
    make: Callable[[], _Made],
    host: str,
    port: int,
    authorities: bytes | None,
    seconds: float,
    proxy: Proxy | None = None,
) -> _Made | NotSent:
    """Connect.

    Args:
        make: Makes the protocol that gets the connection when TLS is agreed on.
        host: A name or an address; the certificate must be for it.
        port: Its port.
        authorities: As `make_tls` takes them; an https proxy's certificate is held to them as well.
        seconds: For all of it.
        proxy: Through which to go.

    Returns:
        The protocol, or why there is no connection.
    """
    try:
        async with asyncio.timeout(seconds):
            if proxy is None:
                return await _dial_straight(make, host, port, make_tls(authorities))
            transport = await _open_tunnel(host, port, authorities, proxy)
            return await _dial_through(transport, make, host, make_tls(authorities))
    except _ProxyError as error:
        return error.result
    except UnicodeError:
        # A name with an empty or an endless part.
        return NotSent("dns_failed")
    except OSError as error:
        return _classify(error)


def _classify(error: OSError) -> NotSent:
    match error:
        case TimeoutError():
            return NotSent("connect_timeout")
        case socket.gaierror():
            return NotSent("dns_failed")
        case ssl.SSLCertVerificationError():
            return NotSent("tls_untrusted")
        case _:
            return NotSent("connect_failed")


async def _dial_straight(
    make: Callable[[], _Made], host: str, port: int, tls: ssl.SSLContext
) -> _Made | NotSent:
    loop = asyncio.get_running_loop()
    sock = await _open_socket(host, port)
    transport, protocol = await loop.create_connection(
        make, sock=sock, ssl=tls, server_hostname=host
    )
    return protocol if _speaks_http2(transport) else NotSent("connect_failed")


async def _open_tunnel(
    host: str, port: int, authorities: bytes | None, proxy: Proxy
) -> asyncio.Transport:
    """Ask the proxy for a tunnel to the server.

    Raises:
        _ProxyError: It makes none.
    """
    loop = asyncio.get_running_loop()
    parts = urlsplit(proxy.url)
    name = parts.hostname or ""
    try:
        if parts.scheme == "https":
            sock = await _open_socket(name, parts.port or 443)
            tls = make_tls(authorities, "http/1.1")
            opened = await loop.create_connection(Tunnel, sock=sock, ssl=tls, server_hostname=name)
        else:
            sock = await _open_socket(name, parts.port or 80)
            opened = await loop.create_connection(Tunnel, sock=sock)
    except (OSError, UnicodeError):
        raise _ProxyError(NotSent("proxy_failed")) from None
    transport, tunnel = opened
    try:
        status = await tunnel.ask(host, port, proxy)
    except BaseException as error:
        # Whatever ends this, be it the time, nobody has the connection.
        transport.abort()
        if isinstance(error, OSError):
            raise _ProxyError(NotSent("proxy_failed")) from None
        raise
    if status // 100 != 2:
        transport.abort()
        refused = status == _LOGIN_WANTED
        raise _ProxyError(NotSent("proxy_login_refused" if refused else "proxy_failed"))
    return transport


async def _dial_through(
    tunnel: asyncio.Transport, make: Callable[[], _Made], host: str, tls: ssl.SSLContext
) -> _Made | NotSent:
    """Agree on TLS with the server at a tunnel's end."""
    loop = asyncio.get_running_loop()
    protocol = make()
    try:
        secured = await loop.start_tls(tunnel, protocol, tls, server_hostname=host)
    except BaseException:
        tunnel.abort()
        raise
    if secured is None or not _speaks_http2(secured):
        return NotSent("connect_failed")
    protocol.connection_made(secured)
    return protocol


async def _open_socket(host: str, port: int) -> socket.socket:
    """Connect to whichever of the server's addresses answers first."""
    loop = asyncio.get_running_loop()
    addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return await start_connection(addresses, happy_eyeballs_delay=_NEXT_ADDRESS, interleave=1)


def _speaks_http2(transport: asyncio.BaseTransport) -> bool:
    """Whether the server has agreed; a connection to one that has not is ended."""
    agreed: bool = transport.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
    if not agreed and isinstance(transport, asyncio.Transport):
        transport.abort()
    return agreed


class _ProxyError(Exception):
    """The proxy makes no tunnel."""

    def __init__(self, result: NotSent) -> None:
        super().__init__(result.code)
        self.result = result
