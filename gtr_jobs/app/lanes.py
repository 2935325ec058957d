"""Which queue is drained by what: the package's own tasks, and those of the app."""

from __future__ import annotations

from collections.abc import Sequence

from gtr_jobs.app.extension import make_handler
from gtr_jobs.app.worker_tools import WorkerTools
from gtr_jobs.db.deliveries import Deliveries
from gtr_jobs.db.devices import Devices
from gtr_jobs.db.functions import Functions
from gtr_jobs.db.inbox import Inbox
from gtr_jobs.db.old_rows import Forgetting
from gtr_jobs.db.searches import Searches
from gtr_jobs.db.sources import Sources
from gtr_jobs.db.tickets import Tickets
from gtr_jobs.engine.batches import UNKNOWN_KIND_SECONDS, Finish, LaneSpec
from gtr_jobs.engine.job import HandBack, Job
from gtr_jobs.engine.queue import Ack
from gtr_jobs.extend import App, Queue, Tools
from gtr_jobs.kinds import KINDS
from gtr_jobs.settings import Settings
from gtr_jobs.tasks.maintenance import KeepDays, MaintenanceTask
from gtr_jobs.tasks.match import MatchTask
from gtr_jobs.tasks.push import PushStore, PushTask
from gtr_jobs.tasks.receipts import ReceiptsTask


def make_lanes(settings: Settings, app: App | None, tools: WorkerTools) -> dict[str, LaneSpec]:
    """Say for every queue that there is what drains it."""
    own = (
        _push(settings, app, tools),
        _match(settings, tools),
        _receipts(settings, tools),
        _maintenance(settings, tools),
        _messages(settings, tools, "sms"),
        _messages(settings, tools, "email"),
    )
    lanes = {lane.queue: lane for lane in own}
    if app is not None:
        given = Tools(Functions(tools.pool), tools.log, tools.metrics, tools.context.levers())
        lanes |= {queue.name: _app_lane(settings, queue, given) for queue in app.queues}
    return lanes


def _push(settings: Settings, app: App | None, tools: WorkerTools) -> LaneSpec:
    pool = tools.pool
    task = PushTask(
        kinds=(*KINDS, *(app.kinds if app is not None else ())),
        providers=tools.providers,
        store=PushStore(
            Sources(pool),
            Devices(pool),
            Deliveries(pool),
            Inbox(pool) if settings.message_notifications else None,
        ),
        scheme=settings.deep_link_scheme,
        levers=tools.context.levers(),
        log=tools.log,
        metrics=tools.metrics,
    )
    return LaneSpec(
        task.queue, frozenset(task.kinds), task, settings.concurrency, channel=task.channel
    )


def _match(settings: Settings, tools: WorkerTools) -> LaneSpec:
    task = MatchTask(searches=Searches(tools.pool), log=tools.log)
    limit = min(settings.concurrency, task.most_jobs)
    return LaneSpec(task.queue, task.kinds, task, limit, sends=False)


def _receipts(settings: Settings, tools: WorkerTools) -> LaneSpec:
    providers = {app: one for (app, kind), one in tools.providers.items() if kind == "expo"}
    if not providers:
        # No kinds: its jobs are left to a worker that can ask, and no cron line enqueues any.
        return LaneSpec(ReceiptsTask.queue, frozenset(), _leave_open, 1)
    task = ReceiptsTask(
        tickets=Tickets(tools.pool),
        providers=providers,
        wait_seconds=settings.expo_receipts_after_seconds,
        log=tools.log,
        metrics=tools.metrics,
    )
    return LaneSpec(task.queue, task.kinds, task, task.most_jobs)


def _messages(settings: Settings, tools: WorkerTools, queue: str) -> LaneSpec:
    if (courier := tools.couriers.get(queue)) is None:
        # No kinds: its jobs are left to a worker that can send them.
        return LaneSpec(queue, frozenset(), _leave_open, 1, channel=queue)
    # Most of what there is to load, and a worker that sends none needs none of it.
    from gtr_jobs.app.message_lanes import make_message_lane  # noqa: PLC0415

    return make_message_lane(settings, tools, courier)


async def _leave_open(jobs: Sequence[Job], finish: Finish) -> None:
    for job in jobs:
        finish(Ack(job, HandBack(delay=UNKNOWN_KIND_SECONDS)))


def _maintenance(settings: Settings, tools: WorkerTools) -> LaneSpec:
    keep = KeepDays(settings.keep_deliveries_days, settings.keep_history_days)
    task = MaintenanceTask(forgetting=Forgetting(tools.pool), keep=keep, log=tools.log)
    limit = min(settings.concurrency, task.most_jobs)
    return LaneSpec(task.queue, task.kinds, task, limit, sends=False)


def _app_lane(settings: Settings, queue: Queue, given: Tools) -> LaneSpec:
    handler = make_handler(queue, given)
    limit = min(settings.concurrency, queue.most_jobs)
    return LaneSpec(queue.name, frozenset(queue.kinds), handler, limit, sends=queue.sends)
