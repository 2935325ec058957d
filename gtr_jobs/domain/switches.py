"""What operators switched: pauses, limits, rates and ramps, as of one moment.

pause   queue | kind | provider | channel    nothing of it is begun
limit   queue, or each value of an argument  so many run at once, over all workers
rate    queue | provider | channel           so many a second, over all workers
ramp    kind | feature                       for a part of all people, and for test users
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal
from uuid import UUID

Lever = Literal["pause", "limit", "rate", "ramp", "test_user"]
PauseScope = Literal["queue", "kind", "provider", "channel"]
RateScope = Literal["queue", "provider", "channel"]
RampScope = Literal["kind", "feature"]
# Whatever sends, by the name that deliveries give it.
ProviderName = Literal["fcm", "apns", "expo", "twilio", "plivo", "smtp"]
ProviderPauseReason = Literal["throttled", "failing", "misconfigured"]

# Places of a ramp: hundredths of a per cent.
_PLACES = 10_000


@dataclass(frozen=True, slots=True)
class SwitchRow:
    """One switch, as the database has it; `queue` is where the jobs of a kind wait."""

    lever: str
    scope: str
    name: str
    key_argument: str
    amount: Decimal | None
    queue: str | None


@dataclass(frozen=True, slots=True)
class Switches:
    """All switches of one moment.

    Args:
        pauses: What is paused, by scope and name.
        limited_queues: Queues with limits, or with jobs of a paused kind: they are claimed with care.
        set_aside_queues: Those of them with jobs of a paused kind.
        rates: Tokens a second, by scope and name.
        ramps: Hundredths of a per cent, by scope and name.
        test_users: People who are in every ramp.
        provider_pauses: Accounts that are not asked, and why: seconds from then. No operator's
            switch, and no change of one.
    """

    pauses: frozenset[tuple[str, str]] = frozenset()
    limited_queues: frozenset[str] = frozenset()
    set_aside_queues: frozenset[str] = frozenset()
    rates: Mapping[tuple[str, str], float] = field(default_factory=dict)
    ramps: Mapping[tuple[str, str], int] = field(default_factory=dict)
    test_users: frozenset[UUID] = frozenset()
    provider_pauses: Mapping[tuple[str, str], float] = field(default_factory=dict, compare=False)

    def is_paused(self, scope: PauseScope, name: str) -> bool:
        """Whether nothing of it is to be begun."""
        return (scope, name) in self.pauses

    def rate(self, scope: RateScope, name: str) -> float | None:
        """Give its tokens a second; None where nobody limits them."""
        return self.rates.get((scope, name))

    def is_in_ramp(self, scope: RampScope, name: str, user_id: UUID | None) -> bool:
        """Whether a person gets it.

        A kind without a ramp is for everybody, a feature without one for nobody. The same person
        gets the same answer, and keeps it while the ramp grows. `gtr_jobs.is_in_ramp()` says the same.
        """
        part = self.ramps.get((scope, name))
        if part is None:
            return scope == "kind"
        if user_id is None:
            return False
        return user_id in self.test_users or ramp_place(scope, name, user_id) < part

    def is_feature_on(self, feature: str, user_id: UUID | None) -> bool:
        """Whether a person has a feature."""
        return self.is_in_ramp("feature", feature, user_id)


def ramp_place(scope: RampScope, name: str, user_id: UUID) -> int:
    """Give the place of a person in a ramp, from 0 to 9999; `gtr_jobs.ramp_place()` gives the same."""
    named = hashlib.sha256(f"{scope}/{name}/{user_id}".encode()).digest()
    return int.from_bytes(named[:4], "big") * _PLACES >> 32


def make_switches(rows: Iterable[SwitchRow]) -> Switches:
    """Put rows of the table together."""
    pauses: set[tuple[str, str]] = set()
    limited: set[str] = set()
    set_aside: set[str] = set()
    rates: dict[tuple[str, str], float] = {}
    ramps: dict[tuple[str, str], int] = {}
    test_users: set[UUID] = set()
    provider_pauses: dict[tuple[str, str], float] = {}
    for row in rows:
        place = (row.scope, row.name)
        match row.lever:
            case "pause":
                pauses.add(place)
                if row.scope == "kind" and row.queue is not None:
                    set_aside.add(row.queue)
            case "limit":
                limited.add(row.name)
            case "rate":
                rates[place] = float(row.amount or 0)
            case "ramp":
                ramps[place] = int((row.amount or 0) * 100)
            case "test_user":
                test_users.add(UUID(row.name))
            case "provider_pause":
                provider_pauses[row.name, row.scope] = float(row.amount or 0)
            case _:
                # One that a newer release knows: its workers obey it.
                continue
    return Switches(
        frozenset(pauses),
        frozenset(limited | set_aside),
        frozenset(set_aside),
        rates,
        ramps,
        frozenset(test_users),
        provider_pauses,
    )
