"""What this process has asked of the database and has no answer to."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class Contact:
    """Statements and connects that have begun; any thread may look."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._asked: dict[int, float] = {}

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Count something as begun until it is answered or has failed, which is an answer too."""
        number = next(self._numbers)
        self._asked[number] = time.monotonic()
        try:
            yield
        finally:
            del self._asked[number]

    def unanswered(self) -> Mapping[int, float]:
        """Give the numbers of what has begun, each with when it did (monotonic seconds)."""
        # A copy of a dict is made at one go, whichever thread has it made.
        return self._asked.copy()
