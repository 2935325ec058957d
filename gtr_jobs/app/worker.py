"""Puts the daemon together."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from typing import Any

import uvloop

from gtr_jobs import __version__
from gtr_jobs.app.database import installation_plan
from gtr_jobs.app.extension import OUR_QUEUES, load_app, make_handler, read_app
from gtr_jobs.app.providers import make_providers
from gtr_jobs.db.compatibility import check_identity, check_worker
from gtr_jobs.db.connect import Database, connect_async
from gtr_jobs.db.connections import ConnectionPool
from gtr_jobs.db.contact import Contact
from gtr_jobs.db.cron import CronTicks
from gtr_jobs.db.deliveries import Deliveries
from gtr_jobs.db.devices import Devices
from gtr_jobs.db.functions import Functions
from gtr_jobs.db.inbox import Inbox
from gtr_jobs.db.installed import read_installed_as_worker
from gtr_jobs.db.lineage import Lineage, MemoryFile
from gtr_jobs.db.old_rows import Forgetting
from gtr_jobs.db.operations import Operations
from gtr_jobs.db.plan import Plan
from gtr_jobs.db.pool import open_pool
from gtr_jobs.db.pooler import find_pooler
from gtr_jobs.db.searches import Searches
from gtr_jobs.db.sources import Sources, try_source
from gtr_jobs.domain.errors import ConfigurationError, TryAgainError
from gtr_jobs.engine.context import make_context
from gtr_jobs.engine.lane import Lane, LaneSpec
from gtr_jobs.engine.wake import WakeUp
from gtr_jobs.extend import App, Queue, Tools
from gtr_jobs.http.server import HttpServer, make_site
from gtr_jobs.kinds import KINDS
from gtr_jobs.kinds.base import Kind
from gtr_jobs.observe import events
from gtr_jobs.observe.logs import Logger, configure_logs, get_logger
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.ops.health import Health
from gtr_jobs.providers.base import Provider
from gtr_jobs.settings import Settings
from gtr_jobs.tasks.maintenance import KeepDays, MaintenanceTask
from gtr_jobs.tasks.match import MatchTask
from gtr_jobs.tasks.push import PushStore, PushTask
from gtr_jobs.worker.chores import Chores
from gtr_jobs.worker.cron import CronLoop
from gtr_jobs.worker.cron_table import CRON
from gtr_jobs.worker.daemon import Daemon, DaemonParts
from gtr_jobs.worker.orders import Begin
from gtr_jobs.worker.reports import ParentLink
from gtr_jobs.worker.watchdog import Watchdog

POOL_SIZE = 5
# Left out where the app has no list of notifications.
_MESSAGE_NOTES = "worker/write_message_notifications.sql"


def run_worker(settings: Settings) -> None:
    """Run the daemon until it is told to stop."""
    _run(settings, None, None)


def run_child(settings: Settings, begin: Begin, parent: socket.socket) -> None:
    """Run the daemon as one of several processes, until its parent tells it to stop or is gone."""
    _run(settings, begin, parent)


def _run(settings: Settings, begin: Begin | None, parent: socket.socket | None) -> None:
    app = load_app(settings)
    its = tuple(queue.name for queue in app.queues) if app is not None else ()
    queues = settings.queue_names(its)
    known = (*OUR_QUEUES, *its)
    unknown = [queue for queue in queues if queue not in known]
    if unknown or not queues:
        raise ConfigurationError(
            f"GTR_QUEUES (--queues): no queue {', '.join(unknown) or 'is named'}",
            f"there is {', '.join(known)}",
        )
    configure_logs(
        settings.log_format, settings.log_level, None if begin is None else begin.process
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run_worker(settings, app, queues, begin, parent))


async def _run_worker(
    settings: Settings,
    app: App | None,
    queues: tuple[str, ...],
    begin: Begin | None,
    parent: socket.socket | None,
) -> None:
    log, metrics = get_logger(), Metrics(__version__)
    database = _worker_database(settings)
    plan = installation_plan(read_app(app) if app is not None else None)
    its_kinds = app.kinds if app is not None else ()
    await _check_database(database, plan, its_kinds, settings, log)
    providers = make_providers(settings, metrics)
    await _check_providers(providers.values(), log)
    pooler = await find_pooler(database, _listen_database(settings), settings.pool_mode)
    for warning in pooler.warnings:
        log.warning(events.WORKER_WARNED, warning=warning)
    details: dict[str, list[str]] = {}
    contact, lineage = Contact(), _make_lineage(settings, details, log, metrics)
    pool = ConnectionPool(
        database,
        POOL_SIZE,
        is_prepared=pooler.is_session,
        contact=contact,
        on_connect=lineage.check,
    )
    watchdog = Watchdog(contact, log)
    watchdog.start()
    await open_pool(pool, database)
    context = make_context(pool, lineage, WakeUp(pooler.listen_at, metrics), log, metrics)
    deliveries, devices = Deliveries(pool), Devices(pool)
    push = PushTask(
        kinds=(*KINDS, *its_kinds),
        providers=providers,
        store=PushStore(
            Sources(pool),
            devices,
            deliveries,
            Inbox(pool) if settings.message_notifications else None,
        ),
        scheme=settings.deep_link_scheme,
        levers=context.levers(),
        log=log,
        metrics=metrics,
    )
    matching = MatchTask(searches=Searches(pool), log=log)
    maintenance = MaintenanceTask(
        forgetting=Forgetting(pool),
        keep=KeepDays(settings.keep_deliveries_days, settings.keep_history_days),
        log=log,
    )
    limit = settings.concurrency
    lanes = {
        PushTask.queue: LaneSpec(
            PushTask.queue, frozenset(push.kinds), push, limit, channel=PushTask.channel
        ),
        MatchTask.queue: LaneSpec(
            MatchTask.queue,
            MatchTask.kinds,
            matching,
            min(limit, MatchTask.most_jobs),
            sends=False,
        ),
        MaintenanceTask.queue: LaneSpec(
            MaintenanceTask.queue,
            MaintenanceTask.kinds,
            maintenance,
            min(limit, MaintenanceTask.most_jobs),
            sends=False,
        ),
    }
    if app is not None:
        tools = Tools(Functions(pool), log, metrics, context.levers())
        lanes.update((queue.name, _make_lane(queue, tools, limit)) for queue in app.queues)
    drained = {kind for queue in queues for kind in lanes[queue].kinds}
    its_cron = app.cron if app is not None else ()
    cron = CronLoop(
        [line for line in (*CRON, *its_cron) if line.kind in drained],
        CronTicks(pool),
        context.outage,
        log,
        metrics,
    )
    health = Health(context.outage.seconds_since_answer, details=details)

    async def close() -> None:
        for provider in providers.values():
            await provider.close()
        await pool.close()

    link = (
        None if begin is None or parent is None else ParentLink(parent, begin.http, health, metrics)
    )
    daemon = Daemon(
        DaemonParts(
            context=context,
            lanes=[Lane(lanes[queue], context) for queue in queues],
            chores=Chores(
                Operations(pool, plan), deliveries, devices, health, context.outage, log, metrics
            ),
            cron=cron,
            site=link
            or HttpServer(make_site(health, metrics), settings.http_host, settings.http_port),
            health=health,
            watchdog=watchdog,
            close=close,
            grace_seconds=settings.shutdown_grace_seconds,
            has_parent=link is not None,
        )
    )
    if link is not None:
        link.obey(daemon.begin_to_stop, daemon.hurry)
    await daemon.run()


def _make_lane(queue: Queue, tools: Tools, limit: int) -> LaneSpec:
    handler = make_handler(queue, tools)
    limit = min(limit, queue.most_jobs)
    return LaneSpec(queue.name, frozenset(queue.kinds), handler, limit, sends=queue.sends)


def _make_lineage(
    settings: Settings, details: dict[str, list[str]], log: Logger, metrics: Metrics
) -> Lineage:
    def tell(what: str | None) -> None:
        if what is None:
            details.pop("sending", None)
        else:
            details["sending"] = [what]

    file = MemoryFile(settings.state_file) if settings.state_file is not None else None
    return Lineage(log, metrics, file, tell)


def _listen_database(settings: Settings) -> Database | None:
    if settings.listen_database_url is None:
        return None
    return Database(settings.listen_database_url.get_secret_value(), "GTR_LISTEN_DATABASE_URL")


async def _check_database(
    database: Database, plan: Plan, kinds: Iterable[Kind[Any]], settings: Settings, log: Logger
) -> None:
    connection = await connect_async(database)
    try:
        installed = await read_installed_as_worker(connection)
        warnings = [
            *check_worker(plan, installed),
            *check_identity(installed, settings.project, settings.environment),
        ]
        tried = [
            await try_source(connection, source)
            for source in dict.fromkeys(one.source for one in kinds)
        ]
        warnings += [warning for warning in tried if warning is not None]
    finally:
        await connection.close()
    if settings.message_notifications and _MESSAGE_NOTES not in installed.files:
        raise ConfigurationError(
            "GTR_MESSAGE_NOTIFICATIONS is on, and the app has no table public.notifications",
            "turn it off, or run `gtr-jobs db migrate` if the table has come since",
        )
    for warning in warnings:
        log.warning(events.WORKER_WARNED, warning=warning)


async def _check_providers(providers: Iterable[Provider], log: Logger) -> None:
    """Refuse keys that cannot be used; who cannot be asked now is asked again when it sends."""
    for provider in providers:
        try:
            await provider.check()
        except TryAgainError as error:
            log.warning(events.WORKER_WARNED, warning=str(error))


def _worker_database(settings: Settings) -> Database:
    if settings.database_url is None:
        raise ConfigurationError(
            "GTR_DATABASE_URL is not set",
            "`gtr-jobs db password` prints it (it needs GTR_ADMIN_DATABASE_URL)",
        )
    return Database(settings.database_url.get_secret_value(), "GTR_DATABASE_URL")
