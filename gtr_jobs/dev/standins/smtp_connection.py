"""One client of the mail server: what aiosmtpd asks at every step, and what the script says."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any, AnyStr, Literal, Protocol, assert_never, cast

from aiosmtpd.smtp import SMTP

from gtr_jobs.dev.standins.exchange import Disconnect, GoAway, Reset, Respond, Stall
from gtr_jobs.dev.standins.script import Accept, AfterAccepting, Fail, Script, ScriptedAnswer, Slow

# The steps at which a server can say no: its greeting, the login, the sender, the recipient, the
# wish to send content, the content while it comes, and the content when all of it has come.
Step = Literal["connect", "login", "sender", "recipient", "data", "body", "content"]
STEPS: tuple[Step, ...] = ("connect", "login", "sender", "recipient", "data", "body", "content")

_TEXTS: Mapping[str, str] = {
    "4.2.1": "Mailbox is busy",
    "4.7.1": "Greylisted, please try again",
    "5.1.1": "No such user here",
    "5.2.2": "Mailbox is full",
    "5.7.1": "Message refused by policy",
    "5.7.8": "Authentication credentials invalid",
}


class MailServer(Protocol):
    """Whose client it is.

    Attributes:
        at: What to answer at which step.
        answered: How often each answer was given.
        speaks_utf8: Whether it takes addresses beyond ASCII.
        largest: The most bytes that a message may have.
    """

    at: Mapping[Step, Script]
    answered: Counter[str]
    speaks_utf8: bool
    largest: int

    def record(self, recipient: str, content: bytes) -> str:
        """Take a message; give its name in the queue."""

    def note_open(self, connection: SmtpConnection, *, is_open: bool) -> None:
        """Remember who is connected."""

    def sign_in(self, server: Any, session: Any, envelope: Any, way: str, data: Any) -> Any:
        """Check a login."""


class _Steps:
    """What aiosmtpd asks at every step.

    Args:
        standin: Who answers.
    """

    def __init__(self, standin: MailServer) -> None:
        self._standin = standin

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's interface
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Answer to MAIL."""
        if not session.authenticated:
            return server.note("530 5.7.0 Authentication required")  # type: ignore[no-any-return]
        refusal = await server.play(self._standin.at["sender"].take())
        if refusal:
            return str(refusal)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's interface
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Answer to RCPT."""
        del session
        refusal = await server.play(self._standin.at["recipient"].take_for(address))
        if refusal:
            return str(refusal)
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Ok"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's interface
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        """Answer to content."""
        del session
        recipient = envelope.rcpt_tos[0]
        scripted = self._standin.at["content"].take_for(recipient)
        if isinstance(scripted, Slow) and isinstance(scripted.then, Accept):
            queued = self._standin.record(recipient, envelope.content)
            await asyncio.sleep(scripted.seconds)
            return str(server.note(f"250 2.0.0 Ok: queued as {queued}"))
        if isinstance(scripted, AfterAccepting):
            self._standin.record(recipient, envelope.content)
            scripted = scripted.then
        refusal = await server.play(scripted)
        if refusal:
            return str(refusal)
        queued = self._standin.record(recipient, envelope.content)
        return str(server.note(f"250 2.0.0 Ok: queued as {queued}"))


class SmtpConnection(SMTP):
    """One client.

    Args:
        standin: Whose it is.
        tls: What STARTTLS begins; None where it is not offered.
    """

    def __init__(self, standin: MailServer, tls: Any) -> None:
        super().__init__(
            _Steps(standin),
            hostname="localhost",
            ident="gtr_jobs stand-in",
            tls_context=tls,
            enable_SMTPUTF8=standin.speaks_utf8,
            data_size_limit=standin.largest,
            authenticator=standin.sign_in,
            auth_require_tls=tls is not None,
            loop=asyncio.get_running_loop(),
        )
        self._standin = standin
        self._has_greeted = False
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve, in the clear or anew after STARTTLS."""
        super().connection_made(transport)
        if self._original_transport is None:
            self._standin.note_open(self, is_open=True)

    def connection_lost(self, error: Exception | None) -> None:
        """Let go of the client."""
        super().connection_lost(error)
        self._standin.note_open(self, is_open=False)
        if not self.gone.done():
            self.gone.set_result(None)

    async def push(self, status: AnyStr) -> None:
        """Say something; the greeting has a script of its own."""
        if not self._has_greeted:
            self._has_greeted = True
            refusal = await self.play(self._standin.at["connect"].take())
            if refusal:
                await super().push(refusal)
                return
        await super().push(status)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's interface
        """Answer to the wish to send content."""
        refusal = await self.play(self._standin.at["data"].take())
        if refusal:
            await self.push(refusal)
            return
        scripted = self._standin.at["body"].take()
        if not isinstance(scripted, Accept):
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            await self.play(scripted)
        await super().smtp_DATA(arg)

    async def play(self, scripted: ScriptedAnswer) -> str:
        """Give a scripted refusal, or commit a scripted fault; empty where all is well."""
        match scripted:
            case Accept():
                return ""
            case Fail():
                return self.note(write_failure(scripted))
            case Respond(status=status, body=body):
                return self.note(f"{status} {body.decode()}")
            case Slow(seconds=seconds, then=then):
                await asyncio.sleep(seconds)
                return await self.play(then)
            case AfterAccepting(then=then):
                return await self.play(then)
            case Disconnect() | Reset() | GoAway():
                self._standin.answered[type(scripted).__name__] += 1
                self.cut()
                await asyncio.Event().wait()
            case Stall():
                self._standin.answered["Stall"] += 1
                await asyncio.Event().wait()
            case _:
                assert_never(scripted)
        raise AssertionError("nobody waits for ever")

    def note(self, status: str) -> str:
        """Count an answer."""
        self._standin.answered[status[:3]] += 1
        return status

    def cut(self) -> None:
        """End at once."""
        transport = self._original_transport or self.transport
        if transport is not None:
            cast("asyncio.WriteTransport", transport).abort()


def write_failure(failure: Fail) -> str:
    """Write a refusal; its reason is the enhanced status code, or the text where it is none."""
    text = _TEXTS.get(failure.reason)
    return f"{failure.status} {failure.reason}" + (f" {text}" if text else "")
