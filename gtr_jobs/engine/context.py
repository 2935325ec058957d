"""What every part of the engine shares within one process."""

from __future__ import annotations

from dataclasses import dataclass

from gtr_jobs.db.connections import ConnectionPool
from gtr_jobs.db.lineage import Lineage
from gtr_jobs.db.pool import Outage
from gtr_jobs.engine.acker import Acker
from gtr_jobs.engine.membership import Membership
from gtr_jobs.engine.queue import Queue
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
    lineage: Lineage
    outage: Outage
    log: Logger
    metrics: Metrics

    def may_claim(self, *, sends: bool) -> bool:
        """Whether a lane may claim and begin new work.

        Args:
            sends: What it does reaches people.
        """
        return not self.membership.is_fenced and not (sends and self.lineage.is_paused)


def make_context(
    pool: ConnectionPool, lineage: Lineage, wake_up: WakeUp, log: Logger, metrics: Metrics
) -> EngineContext:
    """Put the engine's parts together over one pool."""
    queue = Queue(pool)
    outage = Outage(log, metrics)
    membership = Membership(queue, lineage, outage, log, metrics)
    return EngineContext(
        queue=queue,
        membership=membership,
        acker=Acker(queue, membership, outage, log, metrics),
        wake_up=wake_up,
        lineage=lineage,
        outage=outage,
        log=log,
        metrics=metrics,
    )
