"""The ledger keeps what was accepted, in order, and lets a test wait for it."""

from __future__ import annotations

import asyncio
import time

import pytest

from gtr_jobs.dev.standins.ledger import Acceptance, Ledger
from gtr_jobs.dev.standins.phones import PhoneKind


def record(ledger: Ledger, token: str, provider: PhoneKind = "fcm") -> Acceptance:
    """Record something for a device."""
    return ledger.record(provider, token, f"id of {token}", {}, {})


def test_entries_are_numbered_and_complete() -> None:
    """An entry says who took what for whom, when, and with which headers that matter."""
    ledger = Ledger()
    before, before_monotonic = time.time_ns(), time.perf_counter_ns()
    headers = {"apns-topic": "app", "authorization": "bearer secret", "apns-id": "1"}

    entry = ledger.record("apns", "token", "1", {"aps": {}}, headers)

    assert entry == Acceptance(
        number=1,
        provider="apns",
        token="token",
        message_id="1",
        payload={"aps": {}},
        headers={"apns-topic": "app", "apns-id": "1"},
        arrived_at=entry.arrived_at,
        arrived_at_monotonic=entry.arrived_at_monotonic,
    )
    assert before <= entry.arrived_at <= time.time_ns()
    assert before_monotonic <= entry.arrived_at_monotonic <= time.perf_counter_ns()
    assert ledger.entries() == [entry]


def test_nothing_private_shows_when_an_entry_is_printed() -> None:
    """Token, payload and headers stay out of the output of a failing test."""
    entry = Ledger().record("fcm", "a-token", "id", {"title": "hello"}, {"user-agent": "agent"})

    shown = repr(entry)

    assert "provider='fcm'" in shown
    assert [word for word in ("a-token", "hello", "agent") if word in shown] == []


def test_entries_can_be_chosen() -> None:
    """By provider, by device, and from a number on."""
    ledger = Ledger()
    one, two, three = record(ledger, "a"), record(ledger, "b", "apns"), record(ledger, "a", "expo")

    assert ledger.entries(provider="apns") == [two]
    assert ledger.entries(token="a") == [one, three]
    assert ledger.entries(after=1) == [two, three]
    assert ledger.entries(token="a", after=1) == [three]


def test_the_oldest_leave_and_stay_counted() -> None:
    """The ledger is bounded; its numbers go on."""
    ledger = Ledger(keep=2)
    entries = [record(ledger, token) for token in "abc"]

    assert (ledger.entries(), len(ledger), ledger.total) == (entries[1:], 2, 3)


def test_clearing_begins_again() -> None:
    """A cleared ledger counts from one."""
    ledger = Ledger()
    record(ledger, "a")
    ledger.clear()

    assert (len(ledger), ledger.total, record(ledger, "b").number) == (0, 0, 1)


async def test_a_test_can_wait_for_what_comes() -> None:
    """Waiting ends with the acceptance that was wanted, and not before."""
    ledger = Ledger()
    record(ledger, "a")
    waiting = asyncio.ensure_future(ledger.wait_for(3))
    await asyncio.sleep(0)
    record(ledger, "b")
    await asyncio.sleep(0)
    assert not waiting.done()

    record(ledger, "c")

    assert [entry.token for entry in await waiting] == ["a", "b", "c"]


async def test_what_came_already_counts() -> None:
    """Waiting for what is there returns at once, also when the entries have left."""
    ledger = Ledger(keep=1)
    record(ledger, "a")
    record(ledger, "b")

    assert [entry.token for entry in await ledger.wait_for(2, timeout=0)] == ["b"]
    assert [entry.token for entry in await ledger.wait_for(2, provider="fcm", timeout=0)] == ["b"]


async def test_waiting_can_be_for_a_provider_or_a_device() -> None:
    """Other acceptances do not end the wait."""
    ledger = Ledger()
    for_apns = asyncio.ensure_future(ledger.wait_for(1, provider="apns"))
    for_device = asyncio.ensure_future(ledger.wait_for(2, token="a"))
    await asyncio.sleep(0)
    record(ledger, "a")
    record(ledger, "b")
    await asyncio.sleep(0)
    assert (for_apns.done(), for_device.done()) == (False, False)

    record(ledger, "a", "apns")

    assert [entry.number for entry in await for_apns] == [3]
    assert [entry.number for entry in await for_device] == [1, 3]


async def test_waiting_in_vain_says_how_many_came() -> None:
    """A timeout names the count, and leaves nothing behind."""
    ledger = Ledger()
    record(ledger, "a")

    with pytest.raises(TimeoutError, match="1 of 2 messages were accepted"):
        await ledger.wait_for(2, timeout=0.01)

    assert ledger._waiting == []
