"""What every stand-in has: a server, a script, and a count of what it answered."""

from __future__ import annotations

import ssl
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from typing import ClassVar, Protocol, assert_never

from gtr_jobs.dev.standins.exchange import (
    Answer,
    Delay,
    Disconnect,
    GoAway,
    Request,
    Reset,
    Respond,
    Stall,
)
from gtr_jobs.dev.standins.script import Accept, AfterAccepting, Fail, Script, ScriptedAnswer, Slow
from gtr_jobs.dev.standins.server import StandInServer
from gtr_jobs.dev.standins.service import DEFAULT_STREAMS
from gtr_jobs.dev.standins.tls import HTTP2_AND_1, HTTP2_ONLY, ThrowawayAuthority

# Twilio answers 201, and Plivo 202.
FIRST_REFUSAL = 300


class Standing(Protocol):
    """What can be started, scripted and counted, whatever it speaks.

    Attributes:
        answered: How often each answer was given, by status or fault.
    """

    answered: Counter[str]

    @property
    def script(self) -> Script:
        """What to answer instead of what the provider would."""

    @property
    def url(self) -> str:
        """Where it is reached."""

    async def start(self) -> None:
        """Listen."""

    async def stop(self) -> None:
        """Refuse connections."""

    def reset(self) -> None:
        """Forget the script and the counts."""


class StandIn(ABC):
    """One provider on a port of this machine.

    Args:
        authority: Issues its certificate.
        port: Where to listen; 0 for any free port, which a later start takes again.

    Attributes:
        script: What to answer instead of what the provider would.
        answered: How often each answer was given, by status ("200") or fault ("Reset").
        server: The wire: open connections, limits, dropping.
    """

    speaks_http1: ClassVar[bool] = True
    streams: ClassVar[int] = DEFAULT_STREAMS

    def __init__(self, authority: ThrowawayAuthority, port: int = 0) -> None:
        protocols = HTTP2_AND_1 if self.speaks_http1 else HTTP2_ONLY
        self._tls: ssl.SSLContext = authority.server_context(protocols)
        self._port = port
        self.script = Script()
        self.answered: Counter[str] = Counter()
        self.server = StandInServer(
            self._handle,
            self._tls,
            speaks_http1=self.speaks_http1,
            max_concurrent_streams=self.streams,
        )

    @property
    def url(self) -> str:
        """Where it is reached: `https://localhost:<port>`."""
        return f"https://localhost:{self._port}"

    async def start(self) -> None:
        """Listen; after a stop on the same port as before."""
        await self.server.start(self._port)
        self._port = self.server.port

    async def stop(self) -> None:
        """Refuse connections, as a provider that is away does."""
        await self.server.close()

    def reset(self) -> None:
        """Forget the script and the counts."""
        self.script.clear()
        self.answered.clear()

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """Answer as the provider does, or as scripted."""

    @abstractmethod
    def refuse(self, failure: Fail, request: Request) -> Respond:
        """Put a scripted failure into the provider's words."""

    def play(
        self, scripted: ScriptedAnswer, request: Request, accept: Callable[[], Respond]
    ) -> Answer:
        """Give a scripted answer.

        Args:
            scripted: What the script says.
            request: What is answered.
            accept: Does what the provider does; called at most once.
        """
        match scripted:
            case Accept():
                return accept()
            case Fail():
                return self.refuse(scripted, request)
            case Slow(seconds=seconds, then=then):
                return Delay(seconds, self.play(then, request, accept))
            case AfterAccepting(then=then):
                real = accept()
                return (
                    real if real.status >= FIRST_REFUSAL else self.play(then, request, lambda: real)
                )
            case Respond() | Reset() | Disconnect() | GoAway() | Stall():
                return scripted
            case _:
                assert_never(scripted)

    def _handle(self, request: Request) -> Answer:
        answer = self.answer(request)
        self._count(answer)
        return answer

    def _count(self, answer: Answer) -> None:
        match answer:
            case Respond(status=status):
                self.answered[str(status)] += 1
            case Delay(then=then):
                self._count(then)
            case _:
                self.answered[type(answer).__name__] += 1
