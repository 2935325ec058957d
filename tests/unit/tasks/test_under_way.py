"""Batches wait until they fit in, and an answer that does not come keeps one place."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from gtr_jobs.tasks.under_way import UnderWay


async def _is_in(joining: asyncio.Task[object]) -> bool:
    for _ in range(5):
        await asyncio.sleep(0)
    return joining.done()


async def test_a_batch_waits_until_it_fits_in() -> None:
    """Messages that are answered for make room one by one."""
    under_way = UnderWay()
    async with AsyncExitStack() as stack, under_way.join(3, 4) as first:
        joining = asyncio.create_task(stack.enter_async_context(under_way.join(2, 4)))
        assert not await _is_in(joining)
        first.end_one()
        assert await _is_in(joining)


async def test_who_came_first_goes_first() -> None:
    """A small batch does not overtake a large one, so that none waits for ever."""
    under_way = UnderWay()
    async with AsyncExitStack() as stack, under_way.join(3, 4) as first:
        large = asyncio.create_task(stack.enter_async_context(under_way.join(3, 4)))
        small = asyncio.create_task(stack.enter_async_context(under_way.join(1, 4)))
        assert [await _is_in(large), await _is_in(small)] == [False, False]
        first.end()
        assert [await _is_in(large), await _is_in(small)] == [True, True]


async def test_a_batch_that_is_larger_than_all_goes_alone() -> None:
    """The most may have shrunk since it was cut."""
    under_way = UnderWay()
    async with AsyncExitStack() as stack, under_way.join(1, 4) as first:
        large = asyncio.create_task(stack.enter_async_context(under_way.join(9, 4)))
        assert not await _is_in(large)
        first.end_one()
        assert await _is_in(large)


async def test_a_batch_that_fails_leaves_nothing_behind() -> None:
    """Nor does one that is given up while it waits."""
    under_way = UnderWay()

    async def fail() -> None:
        async with under_way.join(4, 4) as share:
            share.end_one()
            waiting = asyncio.create_task(stack.enter_async_context(under_way.join(2, 4)))
            assert not await _is_in(waiting)
            waiting.cancel()
            raise ZeroDivisionError

    async with AsyncExitStack() as stack:
        with pytest.raises(ZeroDivisionError):
            await fail()
        await stack.enter_async_context(under_way.join(4, 4))


async def test_what_ends_after_its_batch_makes_no_more_room() -> None:
    """The place of each message is given back once, by whoever is first."""
    under_way = UnderWay()
    async with under_way.join(3, 4) as over:
        pass
    over.end_one()
    async with AsyncExitStack() as stack, under_way.join(3, 4):
        joining = asyncio.create_task(stack.enter_async_context(under_way.join(2, 4)))
        assert not await _is_in(joining)
        joining.cancel()
