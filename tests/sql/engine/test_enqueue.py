"""gtr_jobs.enqueue(): the one way in."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import AsyncConnection
from support.api import as_service_role
from support.jobs import claim, count_jobs, fetch_rows, fetch_value, put_jobs, register_worker
from support.people import create_person

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"

HOSTILE_HEADERS: dict[str, dict[str, Any]] = {
    "none": {},
    "empty": {"traceparent": ""},
    "of 4 KB": {"traceparent": "0" * 4096},
    "valid, with 4 KB behind it": {"traceparent": PARENT + "-" + "a" * 4096},
    "with a line break": {"traceparent": f"{PARENT}\r\nx-evil: 1"},
    "with a line break before it": {"traceparent": f"\r\n{PARENT}"},
    "an all-zero trace": {"traceparent": f"00-{'0' * 32}-{SPAN}-01"},
    "an all-zero span": {"traceparent": f"00-{TRACE}-{'0' * 16}-01"},
    "of a version that is never valid": {"traceparent": f"ff-{TRACE}-{SPAN}-01"},
    "of a version to come": {"traceparent": f"01-{TRACE}-{SPAN}-01"},
    "in capitals": {"traceparent": PARENT.upper()},
    "too short": {"traceparent": f"00-{TRACE[1:]}-{SPAN}-01"},
    "no hex": {"traceparent": f"00-{'g' * 32}-{SPAN}-01"},
    "smuggled in another header's value": {"x-note": f'","traceparent":"{PARENT}","y":"'},
    "smuggled behind a backslash": {"x-note": f'\\","traceparent":"{PARENT}","y":"'},
    "smuggled as an object": {"x-note": {"traceparent ": PARENT}},
    "the word alone": {"x-note": "traceparent", "x": PARENT},
}


async def _trace_of_job(admin: AsyncConnection) -> str:
    trace = await fetch_value(admin, "select trace_id from gtr_jobs.jobs")
    assert isinstance(trace, str)
    return trace


async def _write_notification(
    api: AsyncConnection, admin: AsyncConnection, headers: dict[str, Any]
) -> None:
    user_id = await create_person(admin, "ken", "Ken Block")
    async with as_service_role(api, headers=headers):
        await api.execute(
            "insert into public.notifications (user_id, type, title) values (%s, 'listing_favorited', 'T')",
            (user_id,),
        )


async def test_the_trace_of_the_api_call_is_the_jobs(
    api: AsyncConnection, admin: AsyncConnection
) -> None:
    """The trace id of the call's traceparent goes with the job."""
    await _write_notification(api, admin, {"Host": "x", "Traceparent": PARENT, "x-other": "1"})
    assert await _trace_of_job(admin) == TRACE


@pytest.mark.parametrize("headers", HOSTILE_HEADERS)
async def test_a_traceparent_that_is_not_one_is_ignored(
    api: AsyncConnection, admin: AsyncConnection, headers: str
) -> None:
    """Headers come from strangers: anything but a valid traceparent gives the job a trace of its own."""
    await _write_notification(api, admin, HOSTILE_HEADERS[headers])
    trace = await _trace_of_job(admin)
    assert re.fullmatch(r"(?!0{32})[0-9a-f]{32}", trace)
    assert trace != TRACE


@pytest.mark.parametrize("setting", ["", "no json", '{"traceparent":', "[]", "\u2603" * 2000])
async def test_headers_that_are_no_json_are_ignored(admin: AsyncConnection, setting: str) -> None:
    """The setting is anybody's to make: reading it raises nothing."""
    await admin.execute("select set_config('request.headers', %s, false)", (setting,))
    trace = await fetch_value(admin, "select gtr_jobs.current_trace_id()")
    assert re.fullmatch(r"[0-9a-f]{32}", trace)


async def test_every_job_of_a_statement_has_the_same_trace(admin: AsyncConnection) -> None:
    """What one statement caused can be found together, and apart from the next."""
    await put_jobs(admin, 3)
    await put_jobs(admin, 2)
    assert await fetch_rows(
        admin, "select count(*) from gtr_jobs.jobs group by trace_id order by 1"
    ) == [(2,), (3,)]


async def test_a_job_gets_queue_and_priority_of_its_kind(admin: AsyncConnection) -> None:
    """Where a job goes is a matter of its kind, not of its caller."""
    await admin.execute(
        "insert into gtr_jobs.job_kinds (kind, queue, produced_by, priority, max_attempts)"
        " values ('wash', 'slow', 'test', 7, 3)"
    )
    rows = await put_jobs(admin, kind="wash")
    assert await fetch_rows(
        admin, "select queue, kind, args, priority, status::text, attempts from gtr_jobs.jobs"
    ) == [("slow", "wash", {"id": str(rows[0])}, 7, "todo", 0)]


async def test_a_key_that_waits_is_not_queued_twice(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """The count says what is new; a key is free again once its job was claimed."""
    enqueue = (
        "select gtr_jobs.enqueue(array[gtr_jobs.job('message', '{}', 'one'),"
        " gtr_jobs.job('message', '{}', 'one'), gtr_jobs.job('message', '{}', 'two')])"
    )
    assert await fetch_value(admin, enqueue) == 2
    assert await fetch_value(admin, enqueue) == 0
    await claim(worker, await register_worker(worker))
    assert await fetch_value(admin, enqueue) == 2


async def test_jobs_without_a_key_are_all_queued(admin: AsyncConnection) -> None:
    """No key, no comparison."""
    enqueue = "select gtr_jobs.enqueue(array_fill(gtr_jobs.job('message', '{}', null), array[3]))"
    assert await fetch_value(admin, enqueue) == 3


@pytest.mark.parametrize("jobs", ["null", "'{}'", "array[]::gtr_jobs.job_request[]"])
async def test_nothing_to_enqueue_is_nothing(admin: AsyncConnection, jobs: str) -> None:
    """An empty list is no error."""
    assert await fetch_value(admin, f"select gtr_jobs.enqueue({jobs})") == 0


@pytest.mark.parametrize(
    ("kind", "message"),
    [("unheard_of", "unknown job kind unheard_of"), (None, "unknown job kind null")],
)
async def test_an_unknown_kind_is_refused(
    admin: AsyncConnection, kind: str | None, message: str
) -> None:
    """A job that nobody can do is not queued; neither are those that came with it."""
    with pytest.raises(psycopg.Error) as caught:
        await admin.execute(
            "select gtr_jobs.enqueue(array[gtr_jobs.job('message', '{}', 'a'), gtr_jobs.job(%s, '{}', 'b')])",
            (kind,),
        )
    assert (caught.value.sqlstate, caught.value.diag.message_primary) == ("GTR01", message)
    assert await count_jobs(admin) == 0


async def test_arguments_over_8_kb_are_refused(admin: AsyncConnection) -> None:
    """Arguments carry ids; who passes content meets a limit."""
    fits, too_long = "x" * (8192 - len('{"a": ""}')), "x" * (8193 - len('{"a": ""}'))
    enqueue = "select gtr_jobs.enqueue(array[gtr_jobs.job('message', jsonb_build_object('a', %s::text), %s)])"
    assert await fetch_value(admin, enqueue, fits, str(uuid4())) == 1
    with pytest.raises(psycopg.Error) as caught:
        await admin.execute(enqueue.encode(), (too_long, str(uuid4())))
    assert caught.value.sqlstate == "GTR02"


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
async def test_the_day_of_the_event_is_the_utc_day(admin: AsyncConnection, zone: str) -> None:
    """Whatever the caller's time zone: the ledger's days are UTC's."""
    await admin.execute("select set_config('timezone', %s, false)", (zone,))
    await put_jobs(admin)
    assert await fetch_value(
        admin, "select event_day = (enqueued_at at time zone 'utc')::date from gtr_jobs.jobs"
    )


async def test_the_worker_may_enqueue(admin: AsyncConnection, worker: AsyncConnection) -> None:
    """Python takes the same way in."""
    rows = await put_jobs(worker, 2)
    assert await fetch_rows(admin, "select args ->> 'id' from gtr_jobs.jobs order by job_id") == [
        (str(row),) for row in rows
    ]


async def test_jobs_keep_the_order_in_which_they_were_given(admin: AsyncConnection) -> None:
    """What was written first is sent first, also within one statement."""
    rows = await put_jobs(admin, 500)
    assert await fetch_rows(admin, "select args ->> 'id' from gtr_jobs.jobs order by job_id") == [
        (str(row),) for row in rows
    ]
