"""What every request to an account passes on its way out and back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from gtr_jobs.domain.outcome import (
    Accepted,
    Ambiguous,
    Expired,
    Held,
    Misconfigured,
    Outcome,
    Retry,
    Throttled,
)
from gtr_jobs.providers.pressure import News, Pressure

FAILED = Retry("UNAVAILABLE", 10.0)
SPARED = Retry("UNAVAILABLE", 10.0, in_trouble=True)


@dataclass
class Account:
    """An account with a clock that the test moves."""

    width: int = 100
    now: float = 1000.0
    news: list[News] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pressure = Pressure("fcm", self.width, clock=lambda: self.now)
        self.pressure.listener = self.news.append

    async def ask(self, outcome: Outcome) -> Outcome:
        """Send a request that ends so."""

        async def send(answer: Outcome) -> Outcome:
            return answer

        return await self.pressure.ask(send, outcome)

    async def fail(self, count: int) -> list[Outcome]:
        """Let so many requests fail, one a second."""
        return [await self.ask_later(FAILED) for _ in range(count)]

    async def ask_later(self, outcome: Outcome) -> Outcome:
        """Send a request that ends so, a second after the last."""
        self.now += 1.0
        return await self.ask(outcome)


async def test_a_throttled_account_sends_nothing_until_its_pause_is_over() -> None:
    """Not a second too early."""
    account = Account()
    assert await account.ask(Throttled("QUOTA_EXCEEDED", 30.0)) == Throttled("QUOTA_EXCEEDED", 30.0)
    assert account.news == [News("throttled", 30.0, "QUOTA_EXCEEDED")]
    account.now += 29.0
    assert await account.ask(Accepted("a")) == Held("throttled", 1.0)
    account.now += 1.0
    assert await account.ask(Accepted("a")) == Accepted("a")


@pytest.mark.parametrize(("asked", "kept"), [(0.0, 1.0), (86_400.0, 3600.0)])
async def test_a_pause_is_a_second_at_least_and_an_hour_at_most(asked: float, kept: float) -> None:
    """Whatever the provider says."""
    account = Account()
    await account.ask(Throttled("429", asked))
    assert account.pressure.why_not() == Held("throttled", kept)


async def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    """And is no news."""
    account = Account()
    account.pressure.pause(60.0)
    await account.ask(Throttled("429", 10.0))
    assert account.pressure.pause(5.0) == 0.0
    assert account.pressure.why_not() == Held("throttled", 60.0)


async def test_in_a_storm_failures_use_no_attempts_from_the_fifth_in_a_row() -> None:
    """Until the circuit opens and nothing is sent any more."""
    account = Account()
    assert await account.fail(21) == [FAILED] * 4 + [SPARED] * 16 + [Held("circuit_open", 9.0)]
    assert account.news == [News("opened", 10.0, "UNAVAILABLE")]


async def test_timeouts_are_failures_too() -> None:
    """The provider may have taken the message, and does not answer."""
    account = Account()
    for _ in range(20):
        await account.ask_later(Ambiguous("deadline"))
    assert account.pressure.circuit.state == "open"


@pytest.mark.parametrize("code", ["TooManyRequests", "MessageRateExceeded", "QUOTA_EXCEEDED"])
async def test_what_is_one_devices_fault_delays_that_device_only(code: str) -> None:
    """Twenty devices that get too many say nothing of the account."""
    account = Account()
    for _ in range(30):
        assert await account.ask(Retry(code, 60.0)) == Retry(code, 60.0)
    assert account.pressure.circuit.state == "closed"
    assert not account.news


async def test_one_probe_closes_the_circuit() -> None:
    """And tells how long it was open."""
    account = Account()
    await account.fail(20)
    account.now += 10.0
    assert account.pressure.circuit.is_probe_due(account.now)
    account.pressure.circuit.may_probe = True
    assert await account.ask(Accepted("a")) == Accepted("a")
    assert account.news[-1] == News("closed", 10.0)
    assert await account.ask_later(Accepted("b")) == Accepted("b")


async def test_a_worker_that_closed_its_circuit_is_not_held_by_what_it_had_told_all() -> None:
    """The database says so for half a second more."""
    account = Account()
    await account.fail(20)
    account.now += 10.0
    account.pressure.hear_elsewhere(30.0)
    account.pressure.circuit.may_probe = True
    assert await account.ask(Accepted("a")) == Accepted("a")
    assert await account.ask_later(Accepted("b")) == Accepted("b")


async def test_a_probe_that_is_given_up_leaves_the_right_to_it() -> None:
    """A worker that stops in the middle does not close the circuit for ever."""
    account = Account()
    await account.fail(20)
    account.pressure.circuit.may_probe = True

    async def hang(item: None) -> Outcome:
        await asyncio.Event().wait()
        return Expired()

    probe = asyncio.create_task(account.pressure.ask(hang, None))
    await asyncio.sleep(0)
    assert account.pressure.circuit.state == "probing"
    probe.cancel()
    await asyncio.wait({probe})
    assert (account.pressure.circuit.state, account.pressure.circuit.may_probe) == ("open", True)
    assert account.pressure.in_flight == 0


async def test_no_more_are_under_way_than_the_window_says() -> None:
    """The others follow in the order in which they came."""
    account = Account(width=2)
    gates = [asyncio.Event() for _ in range(4)]
    begun: list[int] = []

    async def send(place: int) -> Outcome:
        begun.append(place)
        await gates[place].wait()
        return Accepted(str(place))

    asked = [asyncio.create_task(account.pressure.ask(send, place)) for place in range(4)]
    await asyncio.sleep(0)
    assert (begun, account.pressure.in_flight) == ([0, 1], 2)
    for place, gate in enumerate(gates):
        gate.set()
        assert await asked[place] == Accepted(str(place))
    assert (begun, account.pressure.in_flight) == ([0, 1, 2, 3], 0)


async def test_a_pause_sends_away_who_waits_for_room() -> None:
    """They would only wait for nothing."""
    account = Account(width=1)
    gate = asyncio.Event()

    async def send(item: None) -> Outcome:
        await gate.wait()
        return Throttled("429", 30.0)

    first = asyncio.create_task(account.pressure.ask(send, None))
    second = asyncio.create_task(account.pressure.ask(send, None))
    await asyncio.sleep(0)
    gate.set()
    assert [await first, await second] == [Throttled("429", 30.0), Held("throttled", 30.0)]


async def test_another_workers_open_circuit_holds_this_one() -> None:
    """Until it is heard to be closed."""
    account = Account()
    account.pressure.hear_elsewhere(40.0)
    assert await account.ask(Accepted("a")) == Held("circuit_open", 40.0)
    account.pressure.hear_elsewhere(0.0)
    assert await account.ask(Accepted("a")) == Accepted("a")


def test_certainly_wrong_keys_stop_the_account_and_are_told_once() -> None:
    """One warning an episode, not one a message."""
    account = Account()
    for _ in range(3):
        account.pressure.judge([Misconfigured("InvalidProviderToken")] * 2)
    assert [(news.what, news.reason) for news in account.news] == [
        ("opened", "misconfigured"),
        ("still_open", "misconfigured"),
        ("still_open", "misconfigured"),
    ]
    assert account.pressure.why_not() == Held("circuit_open", 60.0)


async def test_a_doubtful_refusal_alone_stops_nobody() -> None:
    """It may be one old device; five in a row are our settings."""
    account = Account()
    held = []
    for _ in range(5):
        account.pressure.judge([Misconfigured("SENDER_ID_MISMATCH")])
        held.append(account.pressure.why_not())
    assert held == [None] * 4 + [Held("circuit_open", 60.0)]


async def test_a_third_of_a_batch_is_our_settings() -> None:
    """Also where the others are accepted."""
    account = Account()
    await account.ask(Accepted("a"))
    wrong, right = [Misconfigured("SENDER_ID_MISMATCH")] * 10, [Accepted("a")] * 20
    account.pressure.judge([*wrong, *right])
    assert account.pressure.circuit.state == "open"
