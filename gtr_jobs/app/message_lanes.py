"""What drains a queue of texts or e-mails; loaded where they are configured."""

from __future__ import annotations

from gtr_jobs.app.worker_tools import WorkerTools
from gtr_jobs.db.outgoing import Budget, OutgoingMessages
from gtr_jobs.db.reports import Reports
from gtr_jobs.engine.batches import LaneSpec
from gtr_jobs.settings import Settings
from gtr_jobs.tasks.courier import Courier
from gtr_jobs.tasks.messages import MESSAGES_AT_ONCE, MessageTask
from gtr_jobs.tasks.records import RecordsTask, with_records
from gtr_jobs.tasks.sending import MessageRules


def make_message_lane(settings: Settings, tools: WorkerTools, courier: Courier) -> LaneSpec:
    """Say what drains the queue of a channel that is configured."""
    is_priced = courier.channel == "sms"
    budget = Budget(settings.sms_budget, settings.country_budgets()) if is_priced else Budget()
    task = MessageTask(
        courier=courier,
        store=OutgoingMessages(tools.pool),
        worker_id=lambda: tools.context.membership.worker_id,
        rules=MessageRules(settings.reconcile_delays(), budget),
        levers=tools.context.levers(),
        log=tools.log,
        metrics=tools.metrics,
    )
    limit = min(settings.concurrency, MESSAGES_AT_ONCE)
    if tools.sms is None or courier.channel != "sms":
        return LaneSpec(task.queue, task.kinds, task, limit, channel=courier.channel)
    records = RecordsTask(
        provider=tools.sms,
        store=OutgoingMessages(tools.pool),
        reports=Reports(tools.pool),
        levers=tools.context.levers(),
        log=tools.log,
    )
    both = with_records(task, records)
    return LaneSpec(task.queue, task.kinds | records.kinds, both, limit, channel=courier.channel)
