"""Do the same for many, some at a time, and keep the order."""

from __future__ import annotations

import asyncio

import pytest

from gtr_jobs.providers.fan_out import do_each


async def test_results_keep_the_order_and_the_width_is_kept() -> None:
    """However long each takes, no more than the width are under way."""
    under_way = 0
    most = 0

    async def double(number: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(10 - number % 7):
            await asyncio.sleep(0)
        under_way -= 1
        return 2 * number

    assert await do_each(range(50), double, 8) == [2 * number for number in range(50)]
    assert most == 8


async def test_nothing_needs_nothing() -> None:
    """No items, no results."""

    async def fail(_: int) -> int:
        raise AssertionError

    assert await do_each([], fail, 8) == []


async def test_a_bug_is_told_when_the_others_have_ended() -> None:
    """An exception is no outcome: it reaches the caller, and nothing goes on behind its back or is cut off."""
    ended: list[int] = []

    async def work(number: int) -> int:
        if number == 0:
            raise KeyError(number)
        await asyncio.sleep(0)
        ended.append(number)
        return number

    with pytest.raises(KeyError):
        await do_each(range(3), work, 3)
    assert ended == [1, 2]


async def test_whoever_is_cancelled_leaves_nothing_under_way() -> None:
    """All are broken off, and have ended when the caller hears of it."""
    begun = asyncio.Event()
    ended: list[int] = []

    async def work(number: int) -> int:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)
        return number

    task = asyncio.create_task(do_each(range(5), work, 3))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(ended) == [0, 1, 2]
