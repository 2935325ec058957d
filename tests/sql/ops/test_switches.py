"""gtr_jobs.set_switch(), clear_switch() and list_switches(): what is switched, and who did it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection
from support.dead import read_audit
from support.jobs import fetch_rows, fetch_value, put_jobs
from support.switches import clear_switch, set_switch

SHOWN = "select lever, scope, name, key_argument, amount, reason, set_by, expires_at is null, jobs from gtr_jobs.list_switches()"


async def test_what_is_set_is_shown_with_who_and_why(admin: AsyncConnection) -> None:
    """Each of the levers, in a row of its own."""
    await set_switch(admin, "pause", "queue", "push", seconds=60)
    await set_switch(admin, "limit", "queue", "push", 3)
    await set_switch(admin, "limit", "queue", "push", 1, per="id")
    await set_switch(admin, "rate", "provider", "fcm", 0.5)
    await set_switch(admin, "ramp", "kind", "message", 2.5)
    await set_switch(admin, "test_user", "user", "00000000-0000-4000-8000-000000000001")
    who = ("too many", "ann@desk")
    assert await fetch_rows(admin, SHOWN) == [
        ("limit", "queue", "push", "", Decimal(3), *who, True, None),
        ("limit", "queue", "push", "id", Decimal(1), *who, True, None),
        ("pause", "queue", "push", "", None, *who, False, 0),
        ("ramp", "kind", "message", "", Decimal("2.5"), *who, True, None),
        ("rate", "provider", "fcm", "", Decimal("0.5"), *who, True, None),
        (
            "test_user",
            "user",
            "00000000-0000-4000-8000-000000000001",
            "",
            None,
            *who,
            True,
            None,
        ),
    ]


async def test_every_change_is_written_down(admin: AsyncConnection) -> None:
    """Setting, setting anew and taking away; what changes nothing is no act."""
    await set_switch(admin, "rate", "queue", "push", 50)
    await set_switch(admin, "rate", "queue", "push", 60)
    assert await clear_switch(admin, "rate", "queue", "push") is True
    assert await clear_switch(admin, "rate", "queue", "push") is False
    act = ("ann@desk", "postgres")
    assert await read_audit(admin) == [
        (*act, "set rate", "too many", 0, []),
        (*act, "set rate", "too many", 0, []),
        (*act, "clear rate", "too many", 0, []),
    ]
    last = await fetch_value(admin, "select detail from gtr_jobs.audit order by id desc limit 1")
    assert last == {"amount": 60}


async def test_what_has_expired_is_not_set(admin: AsyncConnection) -> None:
    """Neither for operators nor for workers, and after a day it is no longer kept."""
    await set_switch(admin, "pause", "queue", "push", seconds=3600)
    await set_switch(admin, "pause", "queue", "match", seconds=3600)
    assert len(await fetch_rows(admin, "select gtr_jobs.read_switches()")) == 2
    await admin.execute(
        "update gtr_jobs.switches set expires_at = now() - case name when 'push' then interval '1 s' else interval '2 days' end"
    )
    assert await fetch_rows(admin, SHOWN) == []
    assert await fetch_rows(admin, "select gtr_jobs.read_switches()") == []
    assert await clear_switch(admin, "pause", "queue", "push") is False
    await set_switch(admin, "pause", "kind", "message")
    assert await fetch_rows(admin, "select name from gtr_jobs.switches") == [("message",)]


@pytest.mark.parametrize(
    ("lever", "scope", "amount", "per"),
    [
        ("pause", "feature", None, ""),
        ("pause", "queue", 1, ""),
        ("pause", "queue", None, "id"),
        ("limit", "kind", 1, ""),
        ("limit", "queue", 0, ""),
        ("limit", "queue", 1.5, ""),
        ("limit", "queue", None, ""),
        ("rate", "queue", 0, ""),
        ("rate", "kind", 1, ""),
        ("ramp", "kind", 101, ""),
        ("ramp", "kind", 0.001, ""),
        ("ramp", "provider", 1, ""),
        ("test_user", "kind", None, ""),
        ("wish", "queue", None, ""),
    ],
)
async def test_what_makes_no_sense_is_refused(
    admin: AsyncConnection, lever: str, scope: str, amount: Any, per: str
) -> None:
    """Whoever writes it: workers read what was checked."""
    with pytest.raises(psycopg.errors.CheckViolation):
        await set_switch(admin, lever, scope, "push", amount, per=per)


async def test_the_table_has_a_limit(admin: AsyncConnection) -> None:
    """Every worker reads all of it, twice a second."""
    await admin.execute(
        "insert into gtr_jobs.switches (lever, scope, name, reason, set_by)"
        " select 'pause', 'kind', n::text, 'r', 'a' from generate_series(1, 5000) as n"
    )
    with pytest.raises(psycopg.errors.ProgramLimitExceeded):
        await set_switch(admin, "pause", "queue", "push")


async def test_a_pause_tells_how_many_it_has_set_aside(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """As many as wait for its end."""
    await put_jobs(admin, 3)
    await set_switch(admin, "pause", "kind", "message")
    await worker.execute("select gtr_jobs.set_aside_paused('push', 100)")
    assert await fetch_rows(admin, "select name, jobs from gtr_jobs.list_switches()") == [
        ("message", 3)
    ]
