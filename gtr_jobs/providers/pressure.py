"""How much an account of a provider is asked: what every request passes on its way out and back.

ask ──▶ paused? circuit open? ──▶ Held: nobody was asked
    ──▶ room in the window, and its turn where the account is in trouble ──▶ request ──▶ outcome
                                                                                │
           window, traffic, circuit and pause learn from it ◀───────────────────┘
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar, assert_never

from gtr_jobs.domain.outcome import (
    Accepted,
    Ambiguous,
    DeadTarget,
    Expired,
    Held,
    Misconfigured,
    Outcome,
    Rejected,
    Retry,
    Skipped,
    Throttled,
)
from gtr_jobs.domain.push import DEFAULT_APP
from gtr_jobs.providers.blame import ONE_DEVICES, OURS, PERHAPS_ONE_DEVICES
from gtr_jobs.providers.circuit import Circuit, CircuitReason, CircuitTimes
from gtr_jobs.providers.line import Line
from gtr_jobs.providers.traffic import Traffic
from gtr_jobs.providers.window import Window

Item = TypeVar("Item")

_SHORTEST_PAUSE = 1.0
LONGEST_PAUSE = 3600.0
_MANY_WRONG = 5
_WELL_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class News:
    """What the rest of the process, and the other workers, are to know of an account.

    Args:
        what: It is throttled; its circuit opened, or opened anew after a probe; it closed.
        seconds: How much longer the pause is, until the next probe, or how long the circuit was open.
        code: The provider's code.
        reason: Why the circuit is open.
    """

    what: Literal["throttled", "opened", "still_open", "closed"]
    seconds: float
    code: str = ""
    reason: CircuitReason = "failing"


def account_name(provider: str, app: str) -> str:
    """Name an app's account of a provider: as the provider, where the app is the only one or the first."""
    return provider if app == DEFAULT_APP else f"{provider}/{app}"


def tell_nobody(news: News) -> None:
    """Take no notice."""


class Pressure:
    """What one account takes now.

    Args:
        account: Its name, as metrics and logs have it.
        width: The most requests under way at once.
        times: When the circuit opens and how it closes.
        clock: A monotonic clock.

    Attributes:
        listener: Told what others are to know.
        in_flight: How many requests are under way.
    """

    def __init__(
        self,
        account: str,
        width: int,
        times: CircuitTimes | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.account = account
        self.window = Window(width)
        self.circuit = Circuit(times or CircuitTimes())
        self.traffic = Traffic()
        self.listener: Callable[[News], None] = tell_nobody
        self.in_flight = 0
        self._clock = clock
        self._paused_until = float("-inf")
        # Another worker has found the account failing.
        self._elsewhere_until = float("-inf")
        self._opened_at = 0.0
        self._accepted_at = float("-inf")
        self._wrong_in_a_row = 0
        self._line = Line(self._wait, self._begin, clock)

    async def ask(self, send: Callable[[Item], Awaitable[Outcome]], item: Item) -> Outcome:
        """Send a request when it may be sent, and learn from how it ends.

        Returns:
            How it ended; `Held` where nobody was asked.
        """
        started = self._clock()
        if (held := self._why_not(started)) is not None:
            return held
        is_probe = self.circuit.state != "closed"
        if is_probe:
            self.circuit.lets_through()
        if not is_probe and (self._line or self._wait(started) > 0):
            if (held := await self._line.stand(self._end)) is not None:
                return held
            started = self._clock()
        else:
            self._begin(started)
        outcome = None
        try:
            outcome = await send(item)
            return self._learn(outcome, started, is_probe=is_probe)
        finally:
            self.in_flight -= 1
            if is_probe and outcome is None:
                self.circuit.give_up_probe()
            if self._line:
                self._line.move()

    def why_not(self) -> Held | None:
        """Say why a request would be held now; None where it would not."""
        return self._why_not(self._clock())

    def judge(self, outcomes: Sequence[Outcome]) -> None:
        """Tell settings of ours that are wrong from single devices, when the end of a batch is known."""
        wrong = [one for one in outcomes if isinstance(one, Misconfigured)]
        if not wrong:
            return
        now = self._clock()
        asked = sum(not isinstance(one, Held | Expired) for one in outcomes)
        is_many = len(wrong) >= _MANY_WRONG and len(wrong) * 10 >= asked * 3
        self._wrong_in_a_row += len(wrong)
        is_certain = any(one.code not in PERHAPS_ONE_DEVICES for one in wrong)
        is_all = is_certain and now - self._accepted_at > _WELL_SECONDS
        if is_many or is_all or self._wrong_in_a_row >= _MANY_WRONG:
            is_new = self.circuit.find_misconfigured(now)
            self._tell_open(now, wrong[0].code, is_new=is_new)

    def note(self, outcome: Outcome) -> Outcome:
        """Learn from what kept a whole batch from being sent, such as a login that fails.

        Returns:
            The outcome, marked as `ask` marks it.
        """
        is_probe = self.circuit.state == "open" and self.circuit.lets_through()
        return self._learn(outcome, self._clock(), is_probe=is_probe)

    def pause(self, seconds: float) -> float:
        """Send nothing for so long, an hour at most; give by how much that is longer than before."""
        now = self._clock()
        until = now + min(LONGEST_PAUSE, seconds)
        longer = until - max(self._paused_until, now)
        if longer <= 0:
            return 0.0
        self._paused_until = until
        self._release_all(now)
        return longer

    def hear_elsewhere(self, seconds: float) -> None:
        """Take note that another worker's circuit is open for so long; 0: none is.

        A circuit of our own that is open goes by itself.
        """
        now = self._clock()
        self._elsewhere_until = now + seconds if seconds > 0 else float("-inf")
        self._release_all(now)

    def _why_not(self, now: float) -> Held | None:
        if self._paused_until > now:
            return Held("throttled", self._paused_until - now)
        circuit = self.circuit
        if circuit.state != "closed":
            if circuit.state == "open" and circuit.may_probe:
                return None
            return Held("circuit_open", max(_SHORTEST_PAUSE, circuit.probe_at - now))
        if self._elsewhere_until > now:
            return Held("circuit_open", self._elsewhere_until - now)
        return None

    def _wait(self, now: float) -> float:
        if self.in_flight >= self.window.limit:
            return math.inf
        return self.traffic.wait(now) if self.traffic.in_trouble else 0.0

    def _begin(self, now: float) -> None:
        self.in_flight += 1
        self.traffic.begin(now)

    def _end(self) -> None:
        self.in_flight -= 1

    def _release_all(self, now: float) -> None:
        """Let nobody wait for what is not to be sent."""
        if self._line and (held := self._why_not(now)) is not None:
            self._line.send_away(held)

    def _learn(self, outcome: Outcome, started: float, *, is_probe: bool) -> Outcome:
        match outcome:
            case Accepted() | Rejected() | DeadTarget() | Skipped() | Expired():
                self._succeed(is_probe=is_probe, is_accepted=isinstance(outcome, Accepted))
            case Throttled(code=code, retry_after=seconds):
                self._succeed_as_probe(is_probe=is_probe)
                self.window.shrink(started, self._clock())
                if (longer := self.pause(max(_SHORTEST_PAUSE, seconds))) > 0:
                    self.listener(News("throttled", longer, code))
            case Misconfigured(code=code):
                if is_probe:
                    self._fail_as_probe(code)
            case Retry(code=code) | Ambiguous(code=code):
                return self._learn_failure(outcome, code, started, is_probe=is_probe)
            case _:
                assert_never(outcome)
        return outcome

    def _learn_failure(
        self, outcome: Retry | Ambiguous, code: str, started: float, *, is_probe: bool
    ) -> Outcome:
        if isinstance(outcome, Retry) and code in ONE_DEVICES:
            self._succeed(is_probe=is_probe, is_accepted=False)
            return outcome
        if code in OURS:
            if is_probe:
                self.circuit.give_up_probe()
            return replace(outcome, in_trouble=True) if self.traffic.in_trouble else outcome
        now = self._clock()
        self.window.shrink(started, now)
        in_trouble = self.traffic.fail(now)
        if is_probe:
            self._fail_as_probe(code)
            return replace(outcome, in_trouble=True)
        if self.circuit.fail(now, is_probe=False):
            self._opened_at = now
            self._tell_open(now, code, is_new=True)
        return (
            replace(outcome, in_trouble=True)
            if in_trouble or self.circuit.state != "closed"
            else outcome
        )

    def _succeed(self, *, is_probe: bool, is_accepted: bool) -> None:
        now = self._clock()
        self.window.grow()
        self.traffic.succeed(now)
        if is_accepted:
            self._accepted_at = now
            self._wrong_in_a_row = 0
        if self.circuit.succeed(is_probe=is_probe):
            self._tell_closed(now)

    def _succeed_as_probe(self, *, is_probe: bool) -> None:
        if is_probe and self.circuit.succeed(is_probe=True):
            self._tell_closed(self._clock())

    def _fail_as_probe(self, code: str) -> None:
        now = self._clock()
        self.circuit.fail(now, is_probe=True)
        self._tell_open(now, code, is_new=False)

    def _tell_open(self, now: float, code: str, *, is_new: bool) -> None:
        if is_new:
            self._opened_at = now
        self._release_all(now)
        what: Literal["opened", "still_open"] = "opened" if is_new else "still_open"
        seconds = max(0.0, self.circuit.probe_at - now)
        self.listener(News(what, seconds, code, self.circuit.reason))

    def _tell_closed(self, now: float) -> None:
        # What the database says of it is our own word, and will be taken back.
        self._elsewhere_until = float("-inf")
        self.listener(News("closed", now - self._opened_at, reason=self.circuit.reason))
