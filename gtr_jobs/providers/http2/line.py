"""A line to a server: one connection at a time, opened when it is first needed and again when it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from gtr_jobs.providers.exchange import HttpOptions, NotSent, Result
from gtr_jobs.providers.http2.dial import dial
from gtr_jobs.providers.http2.headers import HeaderWriter
from gtr_jobs.providers.http2.liveness import Liveness
from gtr_jobs.providers.http2.session import Session

_HTTPS = 443
# For one request, which a server can say goodbye to before it has left.
_CONNECTIONS = 3


class Http2Line:
    """Sends requests to one server over HTTP/2, and repeats none.

    Args:
        options: How to talk.
        authorities: Trusted (PEM) beside the usual ones.
        headers: Sent with every request.
        number: What `Answered.connection` says.
    """

    def __init__(
        self,
        options: HttpOptions,
        authorities: bytes | None,
        headers: Mapping[str, str],
        number: int = 0,
    ) -> None:
        self._options = options
        self._authorities = authorities
        self._headers = dict(headers)
        self._number = number
        self._loop = asyncio.get_running_loop()
        self._origin = ""
        self._session: Session | None = None
        self._opening: asyncio.Task[Session | NotSent] | None = None
        # With those that take nothing more but have something under way.
        self._sessions: set[Session] = set()
        self._is_closed = False

    async def ask(self, url: str, body: bytes | None, headers: Iterable[tuple[str, str]]) -> Result:
        """POST a body and wait for the whole answer, within one deadline; see `Line`.

        Pushes are all that goes over HTTP/2: without a body there is nothing to be asked.
        """
        if body is None:
            return NotSent("request_invalid")
        expires = self._loop.time() + self._options.deadline
        for _ in range(_CONNECTIONS):
            session = self._session
            if session is None or not session.takes_more or not self._leads_to(url):
                opened = await self._open_for(url, expires)
                if not isinstance(opened, Session):
                    return opened
                session = opened
            stream = session.request(_path(url), body, headers, expires)
            try:
                result = await stream.future
            except asyncio.CancelledError:
                session.forget(stream)
                raise
            if result is not None:
                return result
        return NotSent("goaway")

    async def close(self) -> None:
        """Close what is open; what is under way ends as broken."""
        self._is_closed = True
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        await asyncio.gather(*(session.close() for session in self._sessions))

    def _leads_to(self, url: str) -> bool:
        origin = self._origin
        return url.startswith(origin) and url[len(origin) : len(origin) + 1] in {"", "/"}

    async def _open_for(self, url: str, expires: float) -> Session | NotSent:
        """Give a connection to a URL's server, which everybody who asks meanwhile gets as well."""
        target = _read_target(url)
        if target is None:
            return NotSent("request_invalid")
        while self._opening is not None and self._origin != target.origin:
            # Those who wait for that server use the connection first; then it is left.
            await self._wait_for(self._opening, expires)
            if self._loop.time() >= expires:
                break
        if self._is_closed:
            return NotSent("pool_closed")
        if self._loop.time() >= expires:
            return NotSent("connect_timeout")
        if self._opening is None:
            if self._session is not None and self._session.takes_more and self._leads_to(url):
                return self._session
            self._leave()
            self._origin = target.origin
            self._opening = self._loop.create_task(self._open(target))
            self._opening.add_done_callback(self._note_opened)
        return await self._wait_for(self._opening, expires)

    async def _wait_for(
        self, opening: asyncio.Task[Session | NotSent], expires: float
    ) -> Session | NotSent:
        """Wait for a connection, but no longer than a deadline allows."""
        await asyncio.wait([opening], timeout=expires - self._loop.time())
        if not opening.done():
            return NotSent("connect_timeout")
        return NotSent("pool_closed") if opening.cancelled() else opening.result()

    def _leave(self) -> None:
        if self._session is not None:
            self._session.retire()
            self._session = None

    def _note_opened(self, opening: asyncio.Task[Session | NotSent]) -> None:
        if self._opening is opening:
            self._opening = None

    async def _open(self, target: _Target) -> Session | NotSent:
        options = self._options
        try:
            headers = HeaderWriter(target.authority, self._headers.items())
        except ValueError:
            return NotSent("request_invalid")
        opened = await dial(
            lambda: Session(
                headers, Liveness(options.ping_after, options.ping_patience), self._number
            ),
            target.host,
            target.port,
            self._authorities,
            options.connect_timeout,
            options.proxy,
        )
        if isinstance(opened, Session):
            self._session = opened
            self._sessions = {session for session in self._sessions if not session.is_closed}
            self._sessions.add(opened)
        return opened


class _Target(NamedTuple):
    """A server as a URL names it."""

    authority: str
    host: str
    port: int

    @property
    def origin(self) -> str:
        return f"https://{self.authority}"


def _read_target(url: str) -> _Target | None:
    """Say which server a URL leads to; none where no request can be made of it."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _HTTPS
    except ValueError:
        return None
    if parts.scheme != "https" or not host or parts.username is not None:
        return None
    if not parts.path and (parts.query or parts.fragment):
        return None
    return _Target(parts.netloc, host, port)


def _path(url: str) -> str:
    """Give what stands behind the origin."""
    start = url.find("/", len("https://"))
    return url[start:] if start >= 0 else "/"
