"""How long to wait before the next attempt: exponential, with full jitter and a cap."""

from __future__ import annotations

from collections.abc import Callable

# A deploy or a dropped connection on the other side is over in seconds, so the first attempts come
# early; nine doublings later an attempt an hour is all that an outage deserves.
BASE_SECONDS = 5.0
LONGEST_SECONDS = 3600.0

# Whoever is told to come back at a given time was told so together with everybody else.
SPREAD_AFTER_HINT = 0.1


def retry_delay(attempt: int, outcome_hint: float | None, random: Callable[[], float]) -> float:
    """Say how many seconds to wait before trying again.

    Without a hint the wait is anywhere between nothing and a ceiling that doubles with every
    attempt: full jitter spreads a crowd best, and half of the crowd needs no long wait. With a hint
    the wait is never shorter than the hint; the same jitter follows it, over a tenth of the hint at
    least, so that those who were sent away together do not come back together.

    Args:
        attempt: Which attempt has just failed, counted from 1.
        outcome_hint: Seconds that the provider, or its documentation, asks for (`retry_after`).
        random: Gives numbers from 0 up to 1, such as `random.random`.

    Returns:
        Seconds, at most an hour more than the hint.
    """
    # 2 ** 20 is far beyond the cap; a larger power would be a number for its own sake.
    doublings = min(max(attempt, 1) - 1, 20)
    ceiling = min(LONGEST_SECONDS, BASE_SECONDS * 2.0**doublings)
    if outcome_hint is None:
        return random() * ceiling
    hint = max(0.0, outcome_hint)
    return hint + random() * max(ceiling, min(LONGEST_SECONDS, hint * SPREAD_AFTER_HINT))
