"""The queue `slips`: every booking gets a numbered slip for the workshop's wall."""

from __future__ import annotations

from uuid import UUID

from gtr_jobs.extend import Done, Handler, Job, JobEnd, Queue, Tools, one_by_one


def make_handler(tools: Tools) -> Handler:
    """Make what does the queue's jobs; called once a worker."""

    async def write_slip(_job: Job, booking_id: UUID) -> JobEnd:
        # A job may run again after its worker was killed: the function gives a booking one slip only.
        await tools.functions.value("garage.write_slip", booking_id)
        # An exception would be tried again, later each time, and at last stand in `gtr-jobs dead list`.
        return Done()

    return one_by_one(write_slip, tools.log)


SLIPS = Queue(name="slips", kinds=("write_slip",), make=make_handler)
