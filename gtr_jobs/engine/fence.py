"""Whether what a lane handed over may still be sent: a worker that is cut off begins nothing new."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

_MAY_SEND: ContextVar[Callable[[], bool]] = ContextVar("gtr_jobs_may_send", default=lambda: True)


def may_send_now() -> bool:
    """Whether a handler may begin to send; ask right before. What may not be sent is handed back.

    It may not when the database has not taken this worker's heartbeat for 15 seconds (others will soon take
    its jobs), and when sending is paused because the database was restored.
    """
    return _MAY_SEND.get()()


def set_fence(may_send: Callable[[], bool]) -> None:
    """Say for the running task, and for those that it starts, who is asked."""
    _MAY_SEND.set(may_send)
