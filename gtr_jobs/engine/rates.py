"""Tokens of rates that all workers share: leased in slices, and handed out in turn."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from gtr_jobs.db.pool import PASSING_ERRORS
from gtr_jobs.db.switches import SwitchReader
from gtr_jobs.domain.switches import RateScope
from gtr_jobs.engine.switchboard import Switchboard

# A token that nobody used for so long after its time is void: what was saved up is not sent in a burst.
_KEPT_SECONDS = 0.25
# When the demand was so long ago, the next lease begins small again.
_STEADY_SECONDS = 1.0
_ASK_AGAIN_SECONDS = 0.1
# Of a published rate a process sends this part without asking, so that a push now and then costs no query.
_FREE_PART = 0.02
# Tokens that come one after another are handed out together.
_SHORTEST_SLEEP = 0.005
# As far ahead as the database leases (sql/worker/lease_tokens.sql).
_AHEAD_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Quota:
    """How fast an account may be asked where no operator set a rate.

    Args:
        per_second: What its provider takes.
        grow_seconds: After as long an idle time it begins with a twentieth of that, and grows to the
            whole in as long a time; 0 begins with the whole.
    """

    per_second: float
    grow_seconds: float = 0.0


@dataclass(slots=True)
class _Taker:
    """Somebody who waits for tokens."""

    missing: int
    served: asyncio.Event


class _Bucket:
    """One rate's tokens in this process: whoever asked first is served first.

    Args:
        scope: What the rate is for.
        name: Likewise.
        reader: Where tokens are leased.
        quota: The rate where operators set none.
    """

    def __init__(
        self, scope: RateScope, name: str, reader: SwitchReader, quota: Quota | None
    ) -> None:
        self._scope = scope
        self._name = name
        self._reader = reader
        self._quota = quota
        self._free_second = 0
        self._free = 0.0
        self._takers: deque[_Taker] = deque()
        self._tokens: deque[float] = deque()
        self._serving: asyncio.Task[None] | None = None
        self._leased_at = 0.0
        self._used = 0

    def take_free(self, count: int) -> bool:
        """Take what a process may send of a published rate without asking, this second; all or nothing."""
        second = int(time.monotonic())
        if second != self._free_second and self._quota is not None:
            self._free_second = second
            self._free = self._quota.per_second * _FREE_PART
        if count > self._free or self._takers:
            return False
        self._free -= count
        return True

    async def take(self, count: int, deadline: float) -> bool:
        """Wait for tokens, until the deadline on the monotonic clock at most; say whether all came."""
        taker = _Taker(count, asyncio.Event())
        self._takers.append(taker)
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve())
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                await taker.served.wait()
        except TimeoutError:
            # They may have come in the same moment.
            return taker.missing == 0
        finally:
            if taker.missing:
                self._takers.remove(taker)
                self._give_back(count - taker.missing)
        return True

    def _give_back(self, count: int) -> None:
        now = time.monotonic()
        self._tokens.extendleft([now] * count)
        self._used -= count

    async def _serve(self) -> None:
        while self._takers:
            self._drop_void()
            if not self._tokens:
                await self._lease()
                continue
            wait = self._tokens[0] - time.monotonic()
            if wait > 0:
                await asyncio.sleep(max(wait, _SHORTEST_SLEEP))
            else:
                self._hand_out()

    def _drop_void(self) -> None:
        oldest = time.monotonic() - _KEPT_SECONDS
        while self._tokens and self._tokens[0] < oldest:
            self._tokens.popleft()

    def _hand_out(self) -> None:
        if not self._takers:
            return
        taker = self._takers[0]
        self._tokens.popleft()
        self._used += 1
        taker.missing -= 1
        if taker.missing == 0:
            self._takers.popleft()
            taker.served.set()

    async def _lease(self) -> None:
        asked_at = time.monotonic()
        # Whoever takes one after another is leased more with each lease, up to the slice.
        is_steady = asked_at - self._leased_at < _STEADY_SECONDS
        demand = sum(taker.missing for taker in self._takers)
        wanted = max(demand, 2 * self._used if is_steady else 0)
        try:
            quota = self._quota
            lease = await self._reader.lease_tokens(
                self._scope,
                self._name,
                wanted,
                None if quota is None else quota.per_second,
                0.0 if quota is None else quota.grow_seconds,
            )
        except PASSING_ERRORS:
            await asyncio.sleep(_ASK_AGAIN_SECONDS)
            return
        if not lease.granted:
            wait = max(0.01, lease.starts_in - _AHEAD_SECONDS)
            await asyncio.sleep(min(wait, _ASK_AGAIN_SECONDS * 5))
            return
        now = time.monotonic()
        self._leased_at, self._used = now, 0
        every = 1 / lease.per_second if lease.per_second else 0.0
        first = now + lease.starts_in
        # Those whose time is past are to be used now: they were owed.
        self._tokens.extend(max(now, first + place * every) for place in range(lease.granted))


class Rates:
    """The rates of this process' queues, channels and providers."""

    def __init__(
        self,
        reader: SwitchReader,
        board: Switchboard,
        quotas: Mapping[str, Quota] | None = None,
    ) -> None:
        self._reader = reader
        self._board = board
        self._quotas = dict(quotas or {})
        self._buckets: dict[tuple[RateScope, str], _Bucket] = {}

    async def take(self, scope: RateScope, name: str, count: int, *, within: float) -> bool:
        """Wait until so many may be sent or begun; at once where no rate is set.

        No query a message: tokens are leased for as many as ask, or have asked lately.

        Args:
            scope: What the rate is for.
            name: Likewise.
            count: How many.
            within: Seconds after which it is given up.

        Returns:
            Whether they may be sent; otherwise nothing may, and others may have the tokens.
        """
        is_set = self._board.last_known.rate(scope, name) is not None
        quota = self.quota(scope, name)
        if count <= 0 or not (is_set or quota):
            return True
        bucket = self._buckets.get((scope, name))
        if bucket is None:
            bucket = _Bucket(scope, name, self._reader, quota)
            self._buckets[scope, name] = bucket
        if not is_set and bucket.take_free(count):
            return True
        return await bucket.take(count, time.monotonic() + within)

    def quota(self, scope: RateScope, name: str) -> Quota | None:
        """Give the published rate of a provider's account; None where it has none."""
        return self._quotas.get(name) if scope == "provider" else None

    def is_set(self, scope: RateScope, name: str) -> bool:
        """Whether an operator set a rate."""
        return self._board.last_known.rate(scope, name) is not None

    def most_at_once(self, scope: RateScope, name: str, most: int) -> int:
        """Say how many to take at a time: no more than a slice, so that a pause is obeyed soon."""
        rate = self._board.last_known.rate(scope, name)
        return most if rate is None else max(1, min(most, int(rate * 0.2)))
