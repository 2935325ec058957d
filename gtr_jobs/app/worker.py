"""Puts the daemon together."""

from __future__ import annotations

import asyncio
import gc
import socket
from functools import partial

import uvloop

from gtr_jobs import __version__
from gtr_jobs.app.addresses import worker_database
from gtr_jobs.app.checks import check_database
from gtr_jobs.app.couriers import make_couriers, make_message_providers
from gtr_jobs.app.database import installation_plan
from gtr_jobs.app.extension import OUR_QUEUES, load_app, read_app
from gtr_jobs.app.key_checks import check_providers, warn_of_apns_host
from gtr_jobs.app.lanes import make_lanes
from gtr_jobs.app.providers import make_providers
from gtr_jobs.app.quotas import quotas_of
from gtr_jobs.app.rotation import Rotation
from gtr_jobs.app.templates import read_templates
from gtr_jobs.app.worker_tools import WorkerTools
from gtr_jobs.db.connect import Database
from gtr_jobs.db.connections import ConnectionPool
from gtr_jobs.db.contact import Contact
from gtr_jobs.db.cron import CronTicks
from gtr_jobs.db.deliveries import Deliveries
from gtr_jobs.db.devices import Devices
from gtr_jobs.db.identity import Identity
from gtr_jobs.db.lineage import Lineage, MemoryFile
from gtr_jobs.db.operations import Operations
from gtr_jobs.db.outgoing import OutgoingMessages
from gtr_jobs.db.pool import open_pool
from gtr_jobs.db.pooler import find_pooler
from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.engine.context import make_context
from gtr_jobs.engine.lane import Lane
from gtr_jobs.engine.wake import WakeUp
from gtr_jobs.extend import App
from gtr_jobs.http.server import HttpServer, make_site
from gtr_jobs.observe import events
from gtr_jobs.observe.logs import (
    Logger,
    configure_logs,
    count_lost_lines,
    flush_logs,
    get_logger,
)
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.ops.health import Health
from gtr_jobs.settings import Settings, read_settings
from gtr_jobs.worker.chores import Chores
from gtr_jobs.worker.cron import CronLoop
from gtr_jobs.worker.cron_table import CRON
from gtr_jobs.worker.daemon import Daemon, DaemonParts, Site
from gtr_jobs.worker.orders import Begin
from gtr_jobs.worker.reports import ParentLink
from gtr_jobs.worker.watchdog import Watchdog

POOL_SIZE = 5
# Objects made and not freed before cycles among them are looked for, and how often older ones are:
# with Python's 700 a batch of pushes is looked through dozens of times, and next to none is found.
_GARBAGE = (200_000, 20, 50)


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
    try:
        # What was loaded stays; what a job leaves behind is freed without a collector's help.
        gc.freeze()
        gc.set_threshold(*_GARBAGE)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run_worker(settings, app, queues, begin, parent))
    finally:
        flush_logs()


async def _run_worker(
    settings: Settings,
    app: App | None,
    queues: tuple[str, ...],
    begin: Begin | None,
    parent: socket.socket | None,
) -> None:
    log, metrics = get_logger(), Metrics(__version__)
    count_lost_lines(metrics.log_lines_lost.inc)
    database = worker_database(settings)
    plan = installation_plan(read_app(app) if app is not None else None)
    its_kinds = app.kinds if app is not None else ()
    await check_database(database, plan, its_kinds, settings, log)
    providers = make_providers(settings, metrics)
    await check_providers(providers.by_device.values(), log)
    warn_of_apns_host(settings, log)
    carriers = make_message_providers(settings, metrics)
    couriers = make_couriers(settings, carriers, read_templates(app)) if carriers.all() else {}
    await check_providers(carriers.all(), log)
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
    watchdog.start(asyncio.get_running_loop())
    await open_pool(pool, database)
    context = make_context(
        pool, lineage, WakeUp(pooler.listen_at, metrics), log, metrics, quotas_of(settings)
    )
    tools = WorkerTools(context, pool, providers.by_device, couriers, carriers.sms, log, metrics)
    lanes = make_lanes(settings, app, tools)
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
        for provider in providers.by_device.values():
            await provider.close()
        for carrier in carriers.all():
            await carrier.close()
        await pool.close()

    link = (
        None if begin is None or parent is None else ParentLink(parent, begin.http, health, metrics)
    )
    site: Site = link or HttpServer(
        make_site(health, metrics), settings.http_host, settings.http_port
    )
    # One of several processes is enough for what is reported.
    if settings.webhook_port is not None and (begin is None or begin.process == 1):
        site = _serve_reports_too(site, settings, database, contact, log, metrics)
    rotation = Rotation(settings, providers, read_settings, details, log, metrics)
    daemon = Daemon(
        DaemonParts(
            context=context,
            lanes=[Lane(lanes[queue], context) for queue in queues],
            chores=Chores(
                Operations(pool, plan),
                Deliveries(pool),
                Devices(pool),
                OutgoingMessages(pool),
                health,
                context.outage,
                log,
                metrics,
            ),
            cron=cron,
            rotation=rotation,
            site=site,
            health=health,
            watchdog=watchdog,
            close=close,
            grace_seconds=settings.shutdown_grace_seconds,
            has_parent=link is not None,
        )
    )
    if link is not None:
        link.obey(daemon.begin_to_stop, daemon.hurry, rotation.ask)
    await daemon.run()


def _serve_reports_too(
    site: Site,
    settings: Settings,
    database: Database,
    contact: Contact,
    log: Logger,
    metrics: Metrics,
) -> Site:
    # What knows Twilio's forms is loaded where they are served.
    from gtr_jobs.app.webhooks import WebhookTools, open_webhooks  # noqa: PLC0415
    from gtr_jobs.http.webhooks.threaded import BothSites  # noqa: PLC0415

    return BothSites(
        site, open_webhooks(settings, WebhookTools(database, contact, log, metrics)), log
    )


def _make_lineage(
    settings: Settings, details: dict[str, list[str]], log: Logger, metrics: Metrics
) -> Lineage:
    def tell(about: str, what: str | None) -> None:
        if what is None:
            details.pop(about, None)
        else:
            details[about] = [what]

    file = MemoryFile(settings.state_file) if settings.state_file is not None else None
    identity = Identity(
        settings.project, settings.environment, log, metrics, partial(tell, "database")
    )
    return Lineage(log, metrics, file, partial(tell, "sending"), identity)


def _listen_database(settings: Settings) -> Database | None:
    if settings.listen_database_url is None:
        return None
    return Database(settings.listen_database_url.get_secret_value(), "GTR_LISTEN_DATABASE_URL")
