"""Write a message once, however many devices it goes to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from gtr_jobs.domain.push import Message, Push

Written = TypeVar("Written")


class OncePerMessage(Generic[Written]):
    """Remembers what has been written, for as long as one batch is being sent.

    Args:
        write: Writes a message with a badge.
    """

    def __init__(self, write: Callable[[Message, int], Written]) -> None:
        self._write = write
        self._written: dict[tuple[int, int], Written | None] = {}

    def get(self, push: Push) -> Written | None:
        """Give what was written for a push's message and badge.

        Returns:
            None where a text cannot be written as UTF-8: it holds half of a surrogate pair.
        """
        # A message is known by its identity: comparing texts would cost more than writing them,
        # and the batch keeps its messages alive.
        key = (id(push.message), push.badge)
        if key not in self._written:
            try:
                self._written[key] = self._write(push.message, push.badge)
            except UnicodeEncodeError:
                self._written[key] = None
        return self._written[key]
