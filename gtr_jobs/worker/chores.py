"""What a worker does beside its lanes: partitions, devices, gauges, and a look at the triggers."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from gtr_jobs.db.deliveries import Deliveries
from gtr_jobs.db.devices import Devices
from gtr_jobs.db.operations import Operations
from gtr_jobs.db.outgoing import OutgoingMessages
from gtr_jobs.db.pool import PASSING_ERRORS, Outage
from gtr_jobs.observe import events
from gtr_jobs.observe.logs import Logger
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.ops.health import Health

GAUGE_SECONDS = 15.0
TRIGGER_SECONDS = 300.0
PARTITION_SECONDS = 3600.0
DEVICE_SECONDS = 3600.0
MESSAGE_SECONDS = 60.0


@dataclass(slots=True)
class Chores:
    """Small work at fixed intervals; none of it keeps jobs from running."""

    operations: Operations
    deliveries: Deliveries
    devices: Devices
    outgoing: OutgoingMessages
    health: Health
    outage: Outage
    log: Logger
    metrics: Metrics

    async def run(self, stopping: asyncio.Event) -> None:
        """Do each chore when it is due, until the daemon stops."""
        every = {
            self.make_partitions: PARTITION_SECONDS,
            self.keep_devices: DEVICE_SECONDS,
            self.check_triggers: TRIGGER_SECONDS,
            self.read_gauges: GAUGE_SECONDS,
            self.keep_messages: MESSAGE_SECONDS,
        }
        due = dict.fromkeys(every, 0.0)
        while not stopping.is_set():
            try:
                for chore, at in due.items():
                    if time.monotonic() >= at:
                        await chore()
                        due[chore] = time.monotonic() + every[chore]
            except PASSING_ERRORS as error:
                await self.outage.wait_after(error, stopping)
                continue
            self.outage.end()
            try:
                async with asyncio.timeout(min(due.values()) - time.monotonic()):
                    await stopping.wait()
            except TimeoutError:
                continue

    async def make_partitions(self) -> None:
        """Make the ledger's partitions of the days ahead."""
        await self.deliveries.make_partitions()

    async def keep_devices(self) -> None:
        """Note devices that registered while a trigger failed, and forget what is old."""
        await self.devices.keep()

    async def keep_messages(self) -> None:
        """Erase what texts and e-mails are filled with that are too old, and read what they came to."""
        await self.outgoing.erase_expired()
        for unsettled in await self.outgoing.count_unsettled():
            self.metrics.messages_unsettled.labels(unsettled.channel).set(unsettled.count)
        # A country that nothing was sent to today yet stands at none, not at yesterday's.
        self.metrics.spend_today.clear()
        for spent in await self.outgoing.read_spend_today():
            amount = float(spent.price + spent.expected)
            self.metrics.spend_today.labels(spent.channel, spent.country).set(amount)

    async def check_triggers(self) -> None:
        """See that every table of the app that should have a trigger of ours has it."""
        missing = [
            f"{status.trigger.table} has no trigger {status.trigger.name}"
            for status in await self.operations.read_triggers()
            if status.is_missing
        ]
        self.metrics.triggers_missing.set(len(missing))
        if missing:
            self.health.details["triggers"] = missing
            self.log.warning(
                events.TRIGGERS_MISSING, missing=missing, hint="run gtr-jobs db migrate"
            )
        else:
            self.health.details.pop("triggers", None)

    async def read_gauges(self) -> None:
        """Read how much waits and what is in its way, for the metrics."""
        for depth in await self.operations.read_queue_depths():
            for state in ("ready", "scheduled", "doing", "dead"):
                self.metrics.queue_depth.labels(depth.queue, state).set(getattr(depth, state))
            self.metrics.queue_oldest.labels(depth.queue).set(depth.oldest_due_seconds)
        pressure = await self.operations.read_pressure()
        self.metrics.oldest_transaction.set(pressure.oldest_transaction_seconds)
        self.metrics.dead_rows.set(pressure.dead_rows)
        await self.operations.sweep_sleepers()
        errors = await self.operations.count_enqueue_errors()
        self.metrics.enqueue_errors.set(errors)
        if errors:
            self.health.details["enqueue_errors"] = [
                f"{errors} rows of the last hour were not enqueued: see gtr_jobs.enqueue_errors"
            ]
        else:
            self.health.details.pop("enqueue_errors", None)
