"""Do the same for many, some at a time, and keep the order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")


async def do_each(
    items: Sequence[Item], do: Callable[[Item], Awaitable[Done]], width: int
) -> list[Done]:
    """Do something for every item.

    Args:
        items: What to do it for.
        do: What to do.
        width: How many may be under way at once.

    Returns:
        The results, in the order of the items.

    Raises:
        Exception: What one of them raised first, when all have ended: what is under way is not cut off.
    """
    # A place for every item: whoever is first ready leaves the order as it is.
    done: list[Any] = [None] * len(items)
    waiting = iter(enumerate(items))

    async def work() -> None:
        for index, item in waiting:
            done[index] = await do(item)

    ends = await asyncio.gather(
        *(work() for _ in range(min(width, len(items)))), return_exceptions=True
    )
    for end in ends:
        if end is not None:
            raise end
    return done
