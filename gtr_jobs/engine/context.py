"""What every part of the engine shares within one process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gtr_jobs.db.connections import ConnectionPool
from gtr_jobs.db.lineage import Lineage
from gtr_jobs.db.pool import Outage
from gtr_jobs.db.switches import SwitchReader
from gtr_jobs.engine.acker import Acker
from gtr_jobs.engine.gate import Gate
from gtr_jobs.engine.held import HeldJobs
from gtr_jobs.engine.levers import Levers
from gtr_jobs.engine.membership import Membership
from gtr_jobs.engine.provider_pauses import ProviderPauses
from gtr_jobs.engine.queue import Queue
from gtr_jobs.engine.rates import Quota, Rates
from gtr_jobs.engine.switchboard import Switchboard
from gtr_jobs.engine.wake import WakeUp
from gtr_jobs.observe.logs import Logger
from gtr_jobs.observe.metrics import Metrics


@dataclass(frozen=True, slots=True)
class EngineContext:
    """The parts that lanes stand on; see `make_context`."""

    queue: Queue
    membership: Membership
    acker: Acker
    wake_up: WakeUp
    switchboard: Switchboard
    rates: Rates
    held: HeldJobs
    provider_pauses: ProviderPauses
    lineage: Lineage
    outage: Outage
    log: Logger
    metrics: Metrics

    def gate_of(self, queue: str, channel: str | None) -> Gate:
        """Make what operators' switches let through of a queue."""
        return Gate(queue, channel, (self.queue, self.switchboard, self.rates, self.held))

    def levers(self) -> Levers:
        """Make what tasks ask before they send."""
        return Levers(self.switchboard, self.rates, self.held, self.provider_pauses)

    def may_claim(self, *, sends: bool) -> bool:
        """Whether a lane may claim and begin new work.

        Args:
            sends: What it does reaches people.
        """
        if self.membership.is_fenced or self.lineage.is_foreign:
            return False
        return not (sends and self.lineage.is_paused)


def make_context(
    pool: ConnectionPool,
    lineage: Lineage,
    wake_up: WakeUp,
    log: Logger,
    metrics: Metrics,
    quotas: Mapping[str, Quota] | None = None,
) -> EngineContext:
    """Put the engine's parts together over one pool.

    Args:
        pool: Connections as the worker's role.
        lineage: Whether the database is the one that it was.
        wake_up: How it hears of new jobs.
        log: Where it says what happens.
        metrics: What it counts.
        quotas: How fast providers' accounts may be asked where operators set no rate.
    """
    queue = Queue(pool)
    outage = Outage(log, metrics)
    reader, held = SwitchReader(pool), HeldJobs(pool, log)
    board = Switchboard(reader, held, outage, log, metrics)
    membership = Membership(queue, lineage, outage, log, metrics)
    return EngineContext(
        queue=queue,
        membership=membership,
        acker=Acker(queue, membership, outage, log, metrics),
        switchboard=board,
        rates=Rates(reader, board, quotas),
        held=held,
        provider_pauses=ProviderPauses(pool, board),
        wake_up=wake_up,
        lineage=lineage,
        outage=outage,
        log=log,
        metrics=metrics,
    )
