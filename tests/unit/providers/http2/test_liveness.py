"""When a silent connection is asked for a sign of life, by a clock that the test moves."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gtr_jobs.providers.http2.liveness import Liveness


class _Clock:
    """What of a loop tells the time and goes off."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, Any, tuple[Any, ...]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, call: Any, *arguments: Any) -> _Timer:
        return self.call_at(self.now + seconds, call, *arguments)

    def call_at(self, at: float, call: Any, *arguments: Any) -> _Timer:
        timer = (at, call, arguments)
        self.timers.append(timer)
        return _Timer(self, timer)

    def go_to(self, moment: float) -> None:
        """Let time pass, and what is due go off."""
        while due := sorted((t for t in self.timers if t[0] <= moment), key=lambda t: t[0]):
            self.timers.remove(due[0])
            self.now, call, arguments = due[0]
            call(*arguments)
        self.now = moment


class _Timer:
    def __init__(self, clock: _Clock, timer: tuple[float, Any, tuple[Any, ...]]) -> None:
        self._clock, self._timer = clock, timer

    def cancel(self) -> None:
        if self._timer in self._clock.timers:
            self._clock.timers.remove(self._timer)


class _Asked:
    """A liveness that asks after 60 s and waits for 10, and what it did when."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = _Clock()
        monkeypatch.setattr(asyncio, "get_running_loop", lambda: self.clock)
        self.did: list[tuple[str, float]] = []
        self.liveness = Liveness(60.0, 10.0)
        self.liveness.start(lambda: self._note("ask"), lambda: self._note("give up"))

    def _note(self, what: str) -> None:
        self.did.append((what, self.clock.now))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> _Asked:
    """One that has just begun."""
    return _Asked(monkeypatch)


def test_a_silent_one_is_asked_and_then_given_up_once(asked: _Asked) -> None:
    """Nothing goes off after that."""
    asked.clock.go_to(500.0)
    assert asked.did == [("ask", 160.0), ("give up", 170.0)]
    assert asked.clock.timers == []


def test_one_that_is_heard_is_not_asked(asked: _Asked) -> None:
    """The silence counts from the last thing that was heard."""
    for moment in (130.0, 185.0, 200.0):
        asked.clock.go_to(moment)
        asked.liveness.note()
    asked.clock.go_to(259.0)
    assert asked.did == []
    asked.clock.go_to(260.0)
    assert asked.did == [("ask", 260.0)]


def test_a_sign_of_life_begins_it_again(asked: _Asked) -> None:
    """One that comes in the last moment as well."""
    asked.clock.go_to(169.5)
    asked.liveness.note()
    asked.clock.go_to(229.0)
    assert asked.did == [("ask", 160.0)]
    asked.clock.go_to(239.4)
    assert asked.did == [("ask", 160.0), ("ask", 229.5)]
    asked.clock.go_to(239.5)
    assert asked.did[2:] == [("give up", 239.5)]


@pytest.mark.parametrize("moment", [110.0, 165.0])
def test_a_stopped_one_does_nothing_more(asked: _Asked, moment: float) -> None:
    """Whether it has asked or not; a second stop does no harm."""
    asked.clock.go_to(moment)
    did = list(asked.did)
    asked.liveness.stop()
    asked.liveness.stop()
    assert asked.clock.timers == []
    asked.clock.go_to(500.0)
    assert asked.did == did
