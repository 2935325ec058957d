"""Puts the process together that serves the pages for providers and does nothing else."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import uvloop

from gtr_jobs import __version__
from gtr_jobs.app.addresses import worker_database
from gtr_jobs.app.checks import check_database
from gtr_jobs.app.database import plan_of
from gtr_jobs.app.webhooks import DEFAULT_PORT, Webhooks, WebhookTools
from gtr_jobs.db.connections import ConnectionPool
from gtr_jobs.db.contact import Contact
from gtr_jobs.db.pool import PASSING_ERRORS, Outage, open_pool
from gtr_jobs.db.reports import Reports
from gtr_jobs.http.server import HttpServer, make_site, name_address, take_address
from gtr_jobs.http.webhooks.server import make_server
from gtr_jobs.http.webhooks.threaded import SETTINGS
from gtr_jobs.observe import events
from gtr_jobs.observe.logs import configure_logs, count_lost_lines, flush_logs, get_logger
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.ops.health import Health
from gtr_jobs.settings import Settings
from gtr_jobs.worker.signals import heed_signals, ignore_signals
from gtr_jobs.worker.watchdog import Watchdog

_LOOK_SECONDS = 5.0
# One for each of the pages' connections, and one to look whether the database answers.
_POOL_SIZE = 3


def run_http(settings: Settings) -> None:
    """Serve until told to stop."""
    configure_logs(settings.log_format, settings.log_level)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(settings))
    finally:
        flush_logs()


async def _run(settings: Settings) -> None:
    log, metrics = get_logger(), Metrics(__version__)
    count_lost_lines(metrics.log_lines_lost.inc)
    database, contact = worker_database(settings), Contact()
    webhooks = Webhooks(settings, WebhookTools(database, contact, log, metrics))
    await check_database(database, plan_of(settings), (), settings, log)
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    outage = Outage(log, metrics)
    health = Health(outage.seconds_since_answer)
    async with AsyncExitStack() as stack:
        watchdog = Watchdog(contact, log)
        watchdog.start(loop)
        stack.callback(watchdog.stop)
        pool = ConnectionPool(database, _POOL_SIZE, is_prepared=False, contact=contact)
        stack.push_async_callback(pool.close)
        await open_pool(pool, database)
        reports = Reports(pool)
        own = HttpServer(make_site(health, metrics), settings.http_host, settings.http_port)
        port = settings.webhook_port if settings.webhook_port is not None else DEFAULT_PORT
        listener = take_address(settings.webhook_host, port, SETTINGS)
        server = make_server(webhooks.make_site(reports), settings.shutdown_grace_seconds)

        def stop() -> None:
            # Told again: who has asked already is not waited for.
            server.force_exit = stopping.is_set()
            server.should_exit = True
            stopping.set()

        heed_signals(loop, stop, lambda: None)
        health.is_claiming = True
        log.info(
            events.HTTP_STARTED,
            http=own.bind(),
            webhooks=name_address(listener),
            public_url=settings.public_url,
        )
        servants = [
            asyncio.create_task(own.run(), name="site"),
            asyncio.create_task(_look_after(reports, outage, stopping), name="database"),
        ]
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="webhooks")
        told = asyncio.create_task(stopping.wait())
        await asyncio.wait({told, serving, *servants}, return_when=asyncio.FIRST_COMPLETED)
        health.is_stopping = True
        server.should_exit = True
        stopping.set()
        log.info(events.HTTP_STOPPING, grace_seconds=settings.shutdown_grace_seconds)
        await serving
        for servant in servants:
            servant.cancel()
        await asyncio.gather(*servants, return_exceptions=True)
        log.info(events.HTTP_STOPPED)
        ignore_signals(loop)


async def _look_after(reports: Reports, outage: Outage, stopping: asyncio.Event) -> None:
    """Ask the database now and then whether it answers, until stopping."""
    while not stopping.is_set():
        try:
            await reports.ping()
        except PASSING_ERRORS as error:
            await outage.wait_after(error, stopping)
            continue
        outage.end()
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                await stopping.wait()
        except TimeoutError:
            continue
