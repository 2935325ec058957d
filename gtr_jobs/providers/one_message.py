"""One message on its way past what its account can take: what is its own fault alone is nobody else's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from gtr_jobs.domain.outcome import Misconfigured, Outcome, Rejected, outcome_code
from gtr_jobs.providers.pressure import Pressure

Item = TypeVar("Item")


def is_one_countrys(outcome: Outcome) -> bool:
    """Tell whether only messages to the same country end as this one does."""
    return isinstance(outcome, Misconfigured) and outcome.scope == "country"


async def ask_for_one(
    pressure: Pressure,
    send: Callable[[Item], Awaitable[Outcome]],
    item: Item,
    is_its_own: Callable[[Outcome], bool] = is_one_countrys,
) -> Outcome:
    """Send a message when its account takes one, and let the account learn from how it ends.

    Args:
        pressure: The account's.
        send: Sends it.
        item: What is sent.
        is_its_own: Whether an end says nothing of the account but that it is well.

    Returns:
        How it ended; `Held` where nobody was asked.
    """
    own: Outcome | None = None

    async def send_and_tell(item: Item) -> Outcome:
        nonlocal own
        outcome = await send(item)
        if is_its_own(outcome):
            own = outcome
            return Rejected(outcome_code(outcome))
        return outcome

    outcome = await pressure.ask(send_and_tell, item)
    if isinstance(outcome, Misconfigured):
        pressure.judge([outcome])
    return outcome if own is None else own
