"""What an account was asked and failed lately, by the second; and how fast to ask it while it is in trouble."""

from __future__ import annotations

_SECONDS = 30
# Fewer failures than this may be those of a message or two.
_FEW = 5
# Trouble is a part of all answers, or a row of failures however slowly they come.
_PART = 10
_LOOK_BACK = 10
# Somebody has to find out that it is over: as often as a circuit probes.
_SLOWEST = 0.1


class Traffic:
    """Counts of one account, and the pace of its requests while it is in trouble.

    In trouble: five failures, of the last thirty seconds and a tenth of its answers, or in a row
    without any other answer. It is over when there was no failure for thirty seconds or they are
    less than a tenth. While it lasts, requests are begun no faster than in the ten seconds before it,
    or than in those of them that have passed since the first.
    """

    __slots__ = (
        "_answers",
        "_failed_at",
        "_failures",
        "_in_a_row",
        "_next_at",
        "_requests",
        "_second",
        "in_trouble",
        "pace",
    )

    def __init__(self) -> None:
        self._requests = [0] * _SECONDS
        self._answers = [0] * _SECONDS
        self._failures = [0] * _SECONDS
        self._second = 0
        self._in_a_row = 0
        self._failed_at = float("-inf")
        self._next_at = 0.0
        self.in_trouble = False
        # Requests a second that are begun in trouble.
        self.pace = _SLOWEST

    def wait(self, now: float) -> float:
        """Say how many seconds the next request has to wait; asked in trouble only."""
        if now - self._failed_at > _SECONDS:
            self.in_trouble = False
            return 0.0
        return self._next_at - now

    def begin(self, now: float) -> None:
        """Count a request."""
        self._requests[self._place(now)] += 1
        if self.in_trouble:
            # Nothing is saved up: a request that comes late moves all that follow.
            self._next_at = max(self._next_at, now) + 1.0 / self.pace

    def succeed(self, now: float) -> None:
        """Count an answer as it should be."""
        self._answers[self._place(now)] += 1
        self._in_a_row = 0
        if self.in_trouble and not self._fails_much():
            self.in_trouble = False

    def fail(self, now: float) -> bool:
        """Count a failure; say whether the account is in trouble."""
        place = self._place(now)
        self._answers[place] += 1
        self._failures[place] += 1
        self._in_a_row += 1
        self._failed_at = now
        if not self.in_trouble and (self._in_a_row >= _FEW or self._fails_much()):
            self.in_trouble = True
            self.pace = self._pace_until(place)
        return self.in_trouble

    def _fails_much(self) -> bool:
        failures = sum(self._failures)
        return failures >= _FEW and failures * _PART >= sum(self._answers)

    def _pace_until(self, place: int) -> float:
        """Give the mean of the last full seconds; of this one where nothing was asked before it."""
        counts = [self._requests[place - back] for back in range(1, _LOOK_BACK + 1)]
        while counts and not counts[-1]:
            counts.pop()
        return max(_SLOWEST, sum(counts) / len(counts) if counts else self._requests[place])

    def _place(self, now: float) -> int:
        second = int(now)
        if second != self._second:
            for gone in range(max(self._second + 1, second - _SECONDS + 1), second + 1):
                place = gone % _SECONDS
                self._requests[place] = self._answers[place] = self._failures[place] = 0
            self._second = second
        return second % _SECONDS
