"""Whether an account is asked at all: after a row of failures a single request tries now and then.

closed ── 20 failures in a row within 30 s ──▶ open ── 10 s ──▶ probing ── any other end ──▶ closed
       ── our settings are wrong ────────────▶ open ── 60 s ──▶    └─ a failure ─▶ open
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

CircuitState = Literal["closed", "open", "probing"]
CircuitReason = Literal["failing", "misconfigured"]


@dataclass(frozen=True, slots=True)
class CircuitTimes:
    """When a circuit opens and how it closes.

    Args:
        failures: So many in a row open it,
        within: in so many seconds at most.
        probe_after: Seconds between two probes of an account that fails.
        misconfigured_after: Seconds between two probes of one whose settings are wrong.
    """

    failures: int = 20
    within: float = 30.0
    probe_after: float = 10.0
    misconfigured_after: float = 60.0


class Circuit:
    """The circuit of one account; it has no clock of its own."""

    __slots__ = ("_failed_at", "_times", "may_probe", "probe_at", "reason", "state")

    def __init__(self, times: CircuitTimes) -> None:
        self._times = times
        self._failed_at: deque[float] = deque(maxlen=times.failures)
        self.state: CircuitState = "closed"
        self.reason: CircuitReason = "failing"
        self.probe_at = 0.0
        # Whether the next request is a probe: only one worker of all gets that right at a time.
        self.may_probe = False

    @property
    def probe_seconds(self) -> float:
        """Seconds between two probes."""
        times = self._times
        return times.probe_after if self.reason == "failing" else times.misconfigured_after

    def lets_through(self) -> bool:
        """Whether a request may be sent; the one that is the probe takes the right to it."""
        if self.state == "closed":
            return True
        if self.state == "open" and self.may_probe:
            self.may_probe = False
            self.state = "probing"
            return True
        return False

    def is_probe_due(self, now: float) -> bool:
        """Whether it is time for a probe that nobody has the right to yet."""
        return self.state == "open" and not self.may_probe and now >= self.probe_at

    def succeed(self, *, is_probe: bool) -> bool:
        """Take note of a request that proves the account well; say whether that closed the circuit.

        Of an open circuit only the probe says that it is over: others were under way before.
        """
        if self.state == "closed":
            self._failed_at.clear()
            return False
        if not is_probe:
            return False
        self.state = "closed"
        self._failed_at.clear()
        return True

    def fail(self, now: float, *, is_probe: bool) -> bool:
        """Take note of a failure; say whether that opened the circuit, or opened it anew."""
        if self.state != "closed":
            if is_probe:
                self._wait_again(now)
            return is_probe
        self._failed_at.append(now)
        is_full = len(self._failed_at) == self._times.failures
        if not is_full or now - self._failed_at[0] > self._times.within:
            return False
        self._open("failing", now)
        return True

    def find_misconfigured(self, now: float) -> bool:
        """Take note that settings of ours are wrong; say whether that opened the circuit."""
        was_open = self.state != "closed" and self.reason == "misconfigured"
        self._open("misconfigured", now)
        return not was_open

    def give_up_probe(self) -> None:
        """Give the right to a probe back that came to nothing, as when its worker stops."""
        if self.state == "probing":
            self.state, self.may_probe = "open", True

    def _open(self, reason: CircuitReason, now: float) -> None:
        self.reason = reason
        self._failed_at.clear()
        self._wait_again(now)

    def _wait_again(self, now: float) -> None:
        self.state, self.may_probe = "open", False
        self.probe_at = now + self.probe_seconds
