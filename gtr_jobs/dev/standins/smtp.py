"""Stands in for a mail server: aiosmtpd's, with TLS, logins, and a script for every step of a message."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import Counter
from collections.abc import Mapping
from email import message_from_bytes
from email.header import decode_header, make_header
from typing import Any

from aiosmtpd.smtp import AuthResult, LoginPassword

from gtr_jobs.dev.standins.ledger import Ledger
from gtr_jobs.dev.standins.script import Fail, Script
from gtr_jobs.dev.standins.server import HOST
from gtr_jobs.dev.standins.smtp_connection import STEPS, SmtpConnection, Step, write_failure
from gtr_jobs.dev.standins.tls import ThrowawayAuthority

# It would tell of every client, and of a property of its own that it does not like.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)


class SmtpStandIn:
    """A mail server with STARTTLS on one port, and TLS from the first byte on another.

    Args:
        authority: Issues its certificate.
        ledger: Where acceptances go.
        port: Where to listen with STARTTLS; the other port is any free one.

    Attributes:
        at: What to answer at which step; a script for a token is one for a recipient, from that step on.
        answered: How often each status was given ("250"), or each fault ("Disconnect").
        username: Who may sign in.
        password: With what.
        speaks_utf8: Whether it takes addresses beyond ASCII.
        has_starttls: Whether it offers STARTTLS.
        largest: The most bytes that a message may have.
        connections: How many clients have come.
    """

    def __init__(self, authority: ThrowawayAuthority, ledger: Ledger, port: int = 0) -> None:
        self._tls = authority.server_context(())
        self._ledger = ledger
        self._ports = {"starttls": port, "tls": 0}
        self._listeners: list[asyncio.Server] = []
        self._open: set[SmtpConnection] = set()
        self.at: Mapping[Step, Script] = {step: Script() for step in STEPS}
        self.answered: Counter[str] = Counter()
        self.username = "gtr-standin"
        self.password = secrets.token_urlsafe(18)
        self.speaks_utf8 = True
        self.has_starttls = True
        self.largest = 4 * 1024 * 1024
        self.connections = 0

    @property
    def script(self) -> Script:
        """What to answer to content."""
        return self.at["content"]

    @property
    def url(self) -> str:
        """Where it is reached: `smtp://localhost:<port>`."""
        return f"smtp://localhost:{self.port}"

    @property
    def port(self) -> int:
        """Where it speaks STARTTLS."""
        return self._ports["starttls"]

    @property
    def tls_port(self) -> int:
        """Where it speaks TLS from the first byte."""
        return self._ports["tls"]

    @property
    def open(self) -> int:
        """How many clients are connected."""
        return len(self._open)

    async def start(self) -> None:
        """Listen; after a stop on the same ports as before."""
        loop = asyncio.get_running_loop()
        for security, tls in (("starttls", None), ("tls", self._tls)):
            listener = await loop.create_server(
                lambda is_tls=tls is not None: self._serve(is_tls=is_tls),
                HOST,
                self._ports[security],
                ssl=tls,
            )
            self._ports[security] = listener.sockets[0].getsockname()[1]
            self._listeners.append(listener)

    async def stop(self) -> None:
        """Refuse connections, and cut those that are open."""
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.close()
        gone = [connection.gone for connection in self._open]
        self.drop_connections()
        if gone:
            await asyncio.wait(gone, timeout=1)
        for listener in listeners:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(listener.wait_closed(), 1)

    def drop_connections(self) -> None:
        """Cut every open connection off without a word, and go on listening."""
        for connection in list(self._open):
            connection.cut()

    def reset(self) -> None:
        """Forget the scripts and the counts; the login stays good."""
        for script in self.at.values():
            script.clear()
        self.answered.clear()
        self.speaks_utf8 = self.has_starttls = True
        self.largest = 4 * 1024 * 1024
        self.connections = 0

    def record(self, recipient: str, content: bytes) -> str:
        """Take a message; give its name in the queue."""
        mail = message_from_bytes(content)
        headers = {name.lower(): _decode(value) for name, value in mail.raw_items()}
        message_id = headers.get("message-id", "").strip("<>")
        payload = {
            "subject": headers.get("subject", ""),
            "text": _part(mail, "text/plain"),
            "html": _part(mail, "text/html"),
            "raw": content.decode(errors="replace"),
        }
        self._ledger.record("smtp", recipient, message_id, payload, headers)
        return secrets.token_hex(5).upper()

    def note_open(self, connection: SmtpConnection, *, is_open: bool) -> None:
        """Remember who is connected."""
        if is_open:
            self.connections += 1
            self._open.add(connection)
        else:
            self._open.discard(connection)

    def sign_in(self, server: Any, session: Any, envelope: Any, way: str, data: Any) -> Any:
        """Check a login; called by aiosmtpd."""
        del server, session, envelope, way
        is_right = isinstance(data, LoginPassword) and (
            data.login.decode(),
            data.password.decode(),
        ) == (self.username, self.password)
        scripted = self.at["login"].take()
        if isinstance(scripted, Fail):
            return AuthResult(success=False, handled=False, message=write_failure(scripted))
        self.answered["235" if is_right else "535"] += 1
        text = None if is_right else "535 5.7.8 Authentication credentials invalid"
        return AuthResult(success=is_right, handled=False, message=text)

    def _serve(self, *, is_tls: bool) -> SmtpConnection:
        return SmtpConnection(self, None if is_tls or not self.has_starttls else self._tls)


def _decode(value: Any) -> str:
    """Read a header as it came: in UTF-8, or in encoded words, over one line or several."""
    text = str(value).encode(errors="surrogateescape").decode(errors="replace")
    line = text.replace("\r\n", "").replace("\n", "")
    return str(make_header(decode_header(line))) if "=?" in line else line


def _part(mail: Any, kind: str) -> str:
    """Give the text of a part; empty where there is none."""
    for part in mail.walk():
        if part.get_content_type() == kind:
            content: bytes = part.get_payload(decode=True)
            charset = part.get_content_charset("utf-8")
            return content.decode(charset, "replace").replace("\r\n", "\n")
    return ""
