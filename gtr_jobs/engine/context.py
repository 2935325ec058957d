"""What every part of the engine shares within one process."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg_pool import AsyncConnectionPool

from gtr_jobs.db.connect import Database
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
    outage: Outage
    log: Logger
    metrics: Metrics


def make_context(
    database: Database, pool: AsyncConnectionPool, log: Logger, metrics: Metrics
) -> EngineContext:
    """Put the engine's parts together over one pool."""
    queue = Queue(pool)
    outage = Outage(log, metrics)
    membership = Membership(queue, outage, log, metrics)
    return EngineContext(
        queue=queue,
        membership=membership,
        acker=Acker(queue, membership, outage, log, metrics),
        wake_up=WakeUp(database),
        outage=outage,
        log=log,
        metrics=metrics,
    )
