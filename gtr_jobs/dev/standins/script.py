"""What a stand-in is told to answer: "the next two requests fail with 503, then all is well".

    fcm.script.add(Fail(503, "UNAVAILABLE"), times=2)
    fcm.script.add(AfterAccepting(Disconnect()), skip=4)      # the fifth request from now
    fcm.script.for_token(token).add(Fail(404, "UNREGISTERED"), times=FOR_EVER)

An entry stands for one request, and requests are counted from the moment of adding. While a token
has entries of its own left, its requests use those and are not counted by the general ones.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gtr_jobs.dev.standins.exchange import Disconnect, GoAway, Reset, Respond, Stall
from gtr_jobs.dev.standins.ledger import PATIENCE

FOR_EVER = -1


@dataclass(frozen=True, slots=True)
class Accept:
    """Do what the provider does: check the request and answer accordingly."""


@dataclass(frozen=True, slots=True)
class Fail:
    """Answer with an error in the provider's own words.

    Args:
        status: The HTTP status.
        reason: The provider's code: FCM's errorCode, APNs' reason, Expo's code or ticket error.
        headers: Headers to add, such as `retry-after`.
        details: Fields to add to the provider's error.
    """

    status: int
    reason: str
    headers: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AfterAccepting:
    """Take the message in, so that it reaches the phone, and yet answer with something else.

    Args:
        then: What the client sees; a request that the provider refuses gets its refusal.
    """

    then: ScriptedAnswer


@dataclass(frozen=True, slots=True)
class Slow:
    """Answer later.

    Args:
        seconds: How much later; a message that is accepted is accepted at once.
        then: With what.
    """

    seconds: float
    then: ScriptedAnswer = field(default_factory=Accept)


ScriptedAnswer = (
    Accept | Fail | AfterAccepting | Slow | Respond | Reset | Disconnect | GoAway | Stall
)

ACCEPT = Accept()


class AnswerSequence:
    """What the next requests get, in order; after them, what all further ones get."""

    def __init__(self) -> None:
        # Runs of the same answer, as [answer, how often]; a run of FOR_EVER ends the sequence.
        self._runs: deque[tuple[ScriptedAnswer, int]] = deque()
        self._used_up = asyncio.Event()
        self._used_up.set()

    @property
    def is_used_up(self) -> bool:
        """Whether everything scripted has been given."""
        return not self._runs

    async def wait_until_used_up(self, seconds: float = PATIENCE) -> None:
        """Wait until a request has come for everything scripted.

        Raises:
            TimeoutError: When they do not come.
        """
        async with asyncio.timeout(seconds):
            await self._used_up.wait()

    def add(self, *answers: ScriptedAnswer, times: int = 1, skip: int = 0) -> None:
        """Script the requests after those that are scripted already.

        Args:
            answers: One for each of the next requests.
            times: How often to go through them; FOR_EVER takes a single answer.
            skip: How many requests to answer normally first.

        Raises:
            ValueError: When nothing could ever come of it.
        """
        if not answers or skip < 0 or (times < 1 and times != FOR_EVER):
            raise ValueError("a script needs answers, and a number of times that is not 0")
        if times == FOR_EVER and len(answers) != 1:
            raise ValueError("only a single answer can be given for ever")
        if self._runs and self._runs[-1][1] == FOR_EVER:
            raise ValueError("the script goes on for ever already; clear it first")
        if skip:
            self._runs.append((ACCEPT, skip))
        if len(answers) == 1:
            self._runs.append((answers[0], times))
        else:
            self._runs.extend((answer, 1) for answer in answers * times)
        self._used_up.clear()

    def take(self) -> ScriptedAnswer:
        """Give the answer to the next request."""
        if not self._runs:
            return ACCEPT
        answer, left = self._runs[0]
        if left == 1:
            self._runs.popleft()
            if not self._runs:
                self._used_up.set()
        elif left != FOR_EVER:
            self._runs[0] = (answer, left - 1)
        return answer

    def clear(self) -> None:
        """Answer normally again."""
        self._runs.clear()
        self._used_up.set()


class Script(AnswerSequence):
    """What a stand-in answers, in general and for single tokens."""

    def __init__(self) -> None:
        super().__init__()
        self._tokens: dict[str, AnswerSequence] = {}

    def for_token(self, token: str) -> AnswerSequence:
        """Script the requests for one device."""
        return self._tokens.setdefault(token, AnswerSequence())

    def take_for(self, token: str) -> ScriptedAnswer:
        """Give the answer to the next request, which is for this token."""
        scripted = self.take_own(token)
        return self.take() if scripted is None else scripted

    def take_own(self, token: str) -> ScriptedAnswer | None:
        """Give the token's own next answer; None when it has none."""
        own = self._tokens.get(token)
        return None if own is None or own.is_used_up else own.take()

    def clear(self) -> None:
        """Answer everything normally again."""
        super().clear()
        self._tokens.clear()
