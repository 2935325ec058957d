"""What a worker's tasks are made with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gtr_jobs.db.connections import ConnectionPool
from gtr_jobs.engine.context import EngineContext
from gtr_jobs.observe.logs import Logger
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.providers.rotating import RotatingProvider
from gtr_jobs.tasks.envelope import Served

if TYPE_CHECKING:
    from gtr_jobs.providers.message_base import SmsProvider
    from gtr_jobs.tasks.courier import Courier


@dataclass(frozen=True, slots=True)
class WorkerTools:
    """What tasks are made with."""

    context: EngineContext
    pool: ConnectionPool
    providers: Mapping[Served, RotatingProvider]
    couriers: Mapping[str, Courier]
    sms: SmsProvider | None
    log: Logger
    metrics: Metrics
