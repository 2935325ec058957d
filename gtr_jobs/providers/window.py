"""How many requests an account has under way at once: grows while all goes well, halves when it does not."""

from __future__ import annotations

_FIRST = 100.0
# Once something went wrong, the way from one to the full width takes so many round trips.
_ROUND_TRIPS_TO_FULL = 100.0


class Window:
    """The adaptive limit of one account.

    It begins at a hundred and doubles a round trip (one more for every answer) until the first
    trouble; from then on it grows by a hundredth of its full width a round trip. Trouble halves
    it, once a round trip: what was under way at a halving says nothing of the smaller limit.

    Args:
        width: The most, which is what the account's connections carry.
    """

    __slots__ = ("_full", "_halved_at", "_is_first", "_limit", "_step", "limit")

    def __init__(self, width: int) -> None:
        self._full = float(max(1, width))
        self._limit = min(_FIRST, self._full)
        self._step = max(1.0, self._full / _ROUND_TRIPS_TO_FULL)
        self._is_first = True
        self._halved_at = float("-inf")
        self.limit = int(self._limit)

    def grow(self) -> None:
        """Take note of an answer as it should be."""
        if self._limit >= self._full:
            return
        more = 1.0 if self._is_first else self._step / self._limit
        self._limit = min(self._full, self._limit + more)
        self.limit = int(self._limit)

    def shrink(self, started_at: float, now: float) -> None:
        """Halve the limit for a request that went wrong, unless it began before the last halving."""
        if started_at < self._halved_at:
            return
        self._halved_at = now
        self._is_first = False
        self._limit = max(1.0, self._limit / 2)
        self.limit = int(self._limit)
