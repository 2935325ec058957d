"""E-mail by SMTP, one message at a time, and never one twice.

connect, TLS, login ─▶ MAIL ─▶ RCPT ─▶ DATA ─▶ content ─▶ final dot ─▶ 250
└───────────── whatever breaks here was not sent ─────────────┘ └─ here it may have been
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import cast

from aiosmtplib import SMTPException, SMTPServerDisconnected

from gtr_jobs.domain.email import EmailMessage
from gtr_jobs.domain.errors import ConfigurationError, TryAgainError
from gtr_jobs.domain.outcome import Accepted, Expired, Misconfigured, Outcome, Rejected, Retry
from gtr_jobs.domain.push import DEFAULT_APP
from gtr_jobs.providers.base import ObserveAttempts, observe_nothing
from gtr_jobs.providers.one_message import ask_for_one
from gtr_jobs.providers.pressure import Pressure, account_name
from gtr_jobs.providers.smtp_answers import (
    Phase,
    classify_smtp_answer,
    classify_smtp_error,
    is_one_mailboxs,
)
from gtr_jobs.providers.smtp_message import Composed, Sender, compose
from gtr_jobs.providers.smtp_pool import SmtpConnection, SmtpPool, SmtpServer

# Waiting for a connection may take this part of a deadline.
_WAITING_SHARE = 0.5
# Content leaves piece by piece: all at once would be in the buffer below TLS, which nobody can ask.
_PIECE = 65_536
_FLUSHING = 0.005
# What is known already is not forgotten for a server that is slow to forget.
_RESETTING = 1.0

# "Service not available, closing transmission channel": about the connection, not the message.
_GOING = 421

_DOT = re.compile(rb"^\.", re.MULTILINE)

_WENT_WRONG = (SMTPException, OSError, TimeoutError)


class _LostBeforeMailError(Exception):
    """A connection that rested was gone when it was needed: nothing was said on it."""


@dataclass(slots=True)
class _Attempt:
    """How far a message has come.

    Args:
        phase: See `Phase`.
    """

    phase: Phase = "connect"


class SmtpProvider:
    """Hands e-mail to a mail server.

    Accepted means that the server has taken it, and is to deliver it or to send a bounce.

    Args:
        server: Which server.
        sender: Who writes.
        observe_attempts: Told how messages ended.
        now: Gives the time.
        app: The app whose messages it sends.

    Raises:
        ConfigurationError: The file of certificate authorities cannot be used.
    """

    name = "smtp"

    def __init__(
        self,
        server: SmtpServer,
        sender: Sender,
        observe_attempts: ObserveAttempts = observe_nothing,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        app: str = DEFAULT_APP,
    ) -> None:
        self.app = app
        name = server.local_hostname or sender.address.domain
        self._server = server = replace(server, local_hostname=name)
        self._sender = sender
        self._pool = SmtpPool(server)
        self.pressure = Pressure(account_name(self.name, app), server.connections)
        self._observe_attempts = observe_attempts
        self._now = now

    async def send(self, message: EmailMessage) -> Outcome:
        """Send a message; see `EmailProvider.send`."""
        now = self._now()
        if message.valid_until <= now:
            return Expired()
        composed = compose(message, self._sender, now)
        if not isinstance(composed, Composed):
            return composed

        attempt = _Attempt()

        async def send(composed: Composed) -> Outcome:
            if message.valid_until <= self._now():
                return Expired()
            started = time.perf_counter()
            outcome = await self._send_in_time(composed, attempt)
            self._observe_attempts(self.name, [(outcome.name, time.perf_counter() - started)])
            return outcome

        return await ask_for_one(
            self.pressure,
            send,
            composed,
            lambda outcome: is_one_mailboxs(attempt.phase, outcome),
        )

    async def check(self) -> None:
        """Connect and sign in; see `MessageProvider.check`."""
        attempt = _Attempt()
        try:
            async with asyncio.timeout(self._server.deadline), self._pool.connection() as one:
                attempt.phase = "login"
                await one.client.noop()
                one.is_good = True
        except _WENT_WRONG as error:
            outcome = classify_smtp_error(attempt.phase, error)
        else:
            return
        code = getattr(outcome, "code", outcome.name)
        if isinstance(outcome, Misconfigured):
            raise ConfigurationError(f"the mail server refuses us ({code})", outcome.detail)
        raise TryAgainError(f"the mail server cannot be used now ({code})", "try again")

    async def close(self) -> None:
        """Close all connections; see `MessageProvider.close`."""
        await self._pool.close()

    async def _send_in_time(self, composed: Composed, attempt: _Attempt) -> Outcome:
        loop = asyncio.get_running_loop()
        latest = loop.time() + self._server.deadline
        try:
            async with asyncio.timeout_at(latest) as patience:
                patience.reschedule(loop.time() + self._server.deadline * _WAITING_SHARE)
                async with self._pool.room():
                    if self._pool.is_closed:
                        return Retry("pool_closed")
                    patience.reschedule(latest)
                    return await self._send_on_some_connection(composed, attempt)
        except TimeoutError as error:
            if attempt.phase == "connect" and loop.time() < latest:
                return Retry("pool_timeout")
            return classify_smtp_error(attempt.phase, error)

    async def _send_on_some_connection(self, composed: Composed, attempt: _Attempt) -> Outcome:
        try:
            return await self._send_on_connection(composed, attempt, fresh=False)
        except _LostBeforeMailError:
            attempt.phase = "connect"
            return await self._send_on_connection(composed, attempt, fresh=True)

    async def _send_on_connection(
        self, composed: Composed, attempt: _Attempt, *, fresh: bool
    ) -> Outcome:
        is_used = False
        try:
            async with self._pool.connection(fresh=fresh) as connection:
                is_used = not connection.is_fresh
                return await self._transact(connection, composed, attempt)
        except SMTPServerDisconnected as error:
            if is_used and attempt.phase == "sender":
                raise _LostBeforeMailError from None
            return classify_smtp_error(attempt.phase, error)
        except _WENT_WRONG as error:
            return classify_smtp_error(attempt.phase, error)

    async def _transact(
        self, connection: SmtpConnection, composed: Composed, attempt: _Attempt
    ) -> Outcome:
        client = connection.client
        options = [b"SIZE=%d" % len(composed.content)] if client.supports_extension("size") else []
        if composed.recipient.needs_utf8:
            if not client.supports_extension("smtputf8"):
                connection.is_good = True
                return Rejected("smtputf8_missing", "the server takes no such address")
            options.append(b"SMTPUTF8")
        steps: tuple[tuple[Phase, int, tuple[bytes, ...]], ...] = (
            ("sender", 250, (b"MAIL", b"FROM:<%b>" % _wire(self._sender.address.text), *options)),
            ("recipient", 250, (b"RCPT", b"TO:<%b>" % _wire(composed.recipient.text))),
            ("content", 354, (b"DATA",)),
        )
        for phase, wanted, command in steps:
            attempt.phase = phase
            code, text = await client.execute_command(*command)
            if code == _GOING and phase == "sender" and not connection.is_fresh:
                raise SMTPServerDisconnected("421")
            if code != wanted and not (phase == "recipient" and code == 251):
                connection.is_good = await _is_reset(connection)
                return classify_smtp_answer(phase, code, text)
        protocol = client.protocol
        if protocol is None or client.transport is None:
            raise SMTPServerDisconnected("Connection lost")
        # uvloop's transports are no subclass of asyncio.Transport, so nothing can be asserted.
        transport = cast("asyncio.WriteTransport", client.transport)
        content = _DOT.sub(b"..", composed.content)
        # Until the final dot has been said, nothing was: so it is not put behind what waits to leave.
        for start in range(0, len(content), _PIECE):
            protocol.write(content[start : start + _PIECE])
            # The loop gets to see that the connection has gone.
            await asyncio.sleep(0)
            while (  # noqa: ASYNC110 - the library tells nobody that its buffer is empty
                protocol.is_connected and transport.get_write_buffer_size()
            ):
                await asyncio.sleep(_FLUSHING)
        protocol.write(b".\r\n")
        attempt.phase = "sent"
        code, text = await protocol.read_response()
        connection.sent += 1
        if code == 250:
            connection.is_good = True
            return Accepted(composed.message_id)
        connection.is_good = 400 <= code < 600 and code != _GOING
        return classify_smtp_answer("sent", code, text)


def _wire(address: str) -> bytes:
    return address.encode()


async def _is_reset(connection: SmtpConnection) -> bool:
    """Make a connection forget a refused message; tell whether it can be used further."""
    try:
        async with asyncio.timeout(_RESETTING):
            await connection.client.rset()
    except _WENT_WRONG:
        return False
    connection.sent += 1
    return True
