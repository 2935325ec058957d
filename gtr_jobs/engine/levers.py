"""Operators' levers as whoever sends meets them: what is paused, who is in a ramp, how fast to go."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from gtr_jobs.db.pool import PASSING_ERRORS
from gtr_jobs.domain.switches import PauseScope, RateScope
from gtr_jobs.engine.held import HeldJobs
from gtr_jobs.engine.job import Job
from gtr_jobs.engine.provider_pauses import ProviderPauses
from gtr_jobs.engine.rates import Rates
from gtr_jobs.engine.switchboard import Switchboard

# The end of the pause brings noted jobs back; this is for when it passes unseen.
NOTED_SECONDS = 600.0
UNNOTED_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 10.0


class Levers:
    """What tasks ask before they send."""

    def __init__(
        self, board: Switchboard, rates: Rates, held: HeldJobs, provider_pauses: ProviderPauses
    ) -> None:
        # Which accounts of providers no worker asks.
        self.provider_pauses = provider_pauses
        self._board = board
        self._rates = rates
        self._held = held

    def is_paused(self, scope: PauseScope, name: str) -> bool:
        """Whether an operator paused a queue, kind, provider or channel."""
        return self._board.last_known.is_paused(scope, name)

    def is_for(self, kind: str, user_id: UUID | None) -> bool:
        """Whether a person gets notifications of a kind: all do, where it has no ramp."""
        return self._board.last_known.is_in_ramp("kind", kind, user_id)

    def is_feature_on(self, feature: str, user_id: UUID | None) -> bool:
        """Whether a person has a feature: nobody has, where it has no ramp."""
        return self._board.last_known.is_feature_on(feature, user_id)

    async def take(
        self, scope: RateScope, name: str, count: int = 1, *, within: float = LONGEST_WAIT_SECONDS
    ) -> bool:
        """Wait for so many tokens of a rate that all workers share; at once where none is set.

        Returns:
            Whether they may be sent; otherwise the time was over, and the job is to try again later.
        """
        return await self._rates.take(scope, name, count, within=within)

    def most_at_once(self, scope: RateScope, name: str, most: int) -> int:
        """Say how many tokens to take at a time, `most` where no rate is set."""
        return self._rates.most_at_once(scope, name, most)

    def has_published_rate(self, provider: str) -> bool:
        """Whether a provider's account goes by its published rate, as no operator set one."""
        is_set = self._rates.is_set("provider", provider)
        return not is_set and self._rates.quota("provider", provider) is not None

    async def hold(self, scope: PauseScope, name: str, jobs: Sequence[Job]) -> float:
        """Note jobs that are about to be put off because of a pause; say for how long to do so.

        The end of the pause brings them back at once.
        """
        try:
            await self._held.note(scope, name, jobs)
        except PASSING_ERRORS:
            return UNNOTED_SECONDS
        return NOTED_SECONDS
