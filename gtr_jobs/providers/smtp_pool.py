"""Connections to a mail server: signed in, kept for a while, never more than so many."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from aiosmtplib import SMTP, SMTPException

from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.providers.authorities import read_authorities

Security = Literal["starttls", "tls"]

_GOODBYE = 1.0


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed over, and how.

    Args:
        host: Its name, which its certificate must have.
        port: 587 with STARTTLS, 465 with TLS from the first byte.
        security: One of the two; nothing is ever said in the clear but EHLO and STARTTLS.
        username: Whom to sign in as; None where the server knows us by our address.
        password: With what.
        local_hostname: What we call ourselves in EHLO; empty for the sender's domain.
        ca_file: Certificate authorities (PEM) trusted beside the usual ones.
        deadline: Seconds for a message, from connecting to the server's last word.
        connect_timeout: Seconds for connecting and signing in.
        connections: The most that are open at a time.
        idle_seconds: When a connection that has nothing to do is closed.
        messages: After how many a connection is closed; servers have such limits too.
    """

    host: str
    port: int = 587
    security: Security = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    local_hostname: str = ""
    ca_file: Path | None = None
    deadline: float = 60.0
    connect_timeout: float = 15.0
    connections: int = 4
    idle_seconds: float = 30.0
    messages: int = 100

    def __post_init__(self) -> None:
        if not self.host:
            raise ConfigurationError("GTR_SMTP_HOST: not set", "name your mail server")
        if (self.username is None) != (self.password is None):
            raise ConfigurationError(
                "GTR_SMTP_USERNAME and GTR_SMTP_PASSWORD: only one is set", "set both or neither"
            )


@dataclass(slots=True)
class SmtpConnection:
    """A connection that is signed in.

    Args:
        client: The library's.
        is_fresh: Whether nothing was sent on it yet.
        is_good: Whether another message may be sent on it.
        sent: How many were.
        idle_since: When it was last used.
    """

    client: SMTP
    is_fresh: bool = True
    is_good: bool = False
    sent: int = 0
    idle_since: float = 0.0


class SmtpPool:
    """Gives out connections.

    Args:
        server: To which server.

    Raises:
        ConfigurationError: The file of certificate authorities cannot be used.
    """

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._tls = ssl.create_default_context()
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        authorities = read_authorities(server.ca_file)
        if authorities is not None:
            self._tls.load_verify_locations(cadata=authorities.decode())
        self._room = asyncio.Semaphore(server.connections)
        self._idle: list[SmtpConnection] = []
        self._busy: set[SMTP] = set()
        self._leaving: set[asyncio.Task[None]] = set()
        self._tidying: asyncio.TimerHandle | None = None
        self.is_closed = False

    @property
    def idle(self) -> int:
        """How many connections wait for something to do."""
        return len(self._idle)

    @asynccontextmanager
    async def room(self) -> AsyncIterator[None]:
        """Wait until one more connection may be used."""
        async with self._room:
            yield

    @asynccontextmanager
    async def connection(self, *, fresh: bool = False) -> AsyncIterator[SmtpConnection]:
        """Give a connection; it is kept afterwards where it is still good.

        Args:
            fresh: Not one that was used before.
        """
        connection = None if fresh else self._take()
        if connection is None:
            connection = SmtpConnection(await self._connect())
        client = connection.client
        self._busy.add(client)
        connection.is_good = False
        try:
            yield connection
        finally:
            self._busy.discard(client)
            if connection.is_good and connection.sent < self._server.messages:
                self._keep(connection)
            elif connection.is_good:
                self._leave(client)
            else:
                client.close()

    async def close(self) -> None:
        """Close all connections; what is under way on one ends with it."""
        self.is_closed = True
        if self._tidying is not None:
            self._tidying.cancel()
            self._tidying = None
        for client in list(self._busy):
            client.close()
        while self._idle:
            self._leave(self._idle.pop().client)
        await asyncio.gather(*self._leaving)

    async def _connect(self) -> SMTP:
        server = self._server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            local_hostname=server.local_hostname,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            tls_context=self._tls,
            timeout=None,
        )
        async with asyncio.timeout(server.connect_timeout):
            await client.connect()
            try:
                await client.ehlo()
                await self._sign_in(client)
            except BaseException:
                client.close()
                raise
        return client

    async def _sign_in(self, client: SMTP) -> None:
        """Try one way only: the library would try all of them, and be locked out the sooner."""
        username, password = self._server.username, self._server.password
        if username is None or password is None:
            return
        ways = client.server_auth_methods
        if "plain" in ways:
            await client.auth_plain(username, password)
        elif "login" in ways:
            await client.auth_login(username, password)
        else:
            raise SMTPException("The server has no AUTH of ours")

    def _take(self) -> SmtpConnection | None:
        """Give the connection that was used last, of those that are still there."""
        oldest = asyncio.get_running_loop().time() - self._server.idle_seconds
        while self._idle:
            connection = self._idle.pop()
            if connection.client.is_connected and connection.idle_since > oldest:
                connection.is_fresh = False
                return connection
            connection.client.close()
        return None

    def _keep(self, connection: SmtpConnection) -> None:
        if self.is_closed or not connection.client.is_connected:
            self._leave(connection.client)
            return
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        self._idle.append(connection)
        if self._tidying is None:
            self._tidying = loop.call_later(self._server.idle_seconds, self._tidy)

    def _tidy(self) -> None:
        """Close what has had nothing to do for long."""
        loop = asyncio.get_running_loop()
        oldest = loop.time() - self._server.idle_seconds
        while self._idle and self._idle[0].idle_since <= oldest:
            self._leave(self._idle.pop(0).client)
        self._tidying = (
            loop.call_at(self._idle[0].idle_since + self._server.idle_seconds, self._tidy)
            if self._idle
            else None
        )

    def _leave(self, client: SMTP) -> None:
        task = asyncio.get_running_loop().create_task(_say_goodbye(client))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


async def _say_goodbye(client: SMTP) -> None:
    with contextlib.suppress(SMTPException, OSError, TimeoutError):
        async with asyncio.timeout(_GOODBYE):
            await client.quit()
    client.close()
