"""gtr_jobs.job_kinds: every kind of job, and what the table refuses."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection
from support.jobs import fetch_rows, fetch_value

from gtr_jobs.app.database import installation_plan

INSERT = "insert into gtr_jobs.job_kinds (kind, queue, produced_by, max_attempts) values (%s, %s, %s, %s)"


async def test_the_kinds_are_those_that_are_pushed(admin: AsyncConnection) -> None:
    """What this version installs."""
    assert await fetch_rows(
        admin,
        "select kind, queue, produced_by, priority, max_attempts from gtr_jobs.job_kinds order by kind",
    ) == [
        ("event_favorited", "push", "notifications_insert", 0, 8),
        ("event_rsvp", "push", "notifications_insert", 0, 8),
        ("expo_receipts", "receipts", "cron", 0, 8),
        ("forum_comment", "push", "notifications_insert", 0, 8),
        ("forum_like", "push", "notifications_insert", 0, 8),
        ("forum_reply", "push", "notifications_insert", 0, 8),
        ("listing_favorited", "push", "notifications_insert", 0, 8),
        ("maintenance", "maintenance", "cron", 0, 8),
        ("match_saved_searches", "match", "listings_insert listings_update", 0, 8),
        ("message", "push", "messages_insert", 0, 8),
        ("saved_search_match", "push", "notifications_insert", -10, 8),
        ("send_email", "email", "notify_email", 0, 8),
        ("send_sms", "sms", "notify_sms", 0, 8),
        ("sms_records", "sms", "cron", -10, 8),
    ]


@pytest.mark.parametrize(
    "row",
    [
        ("wash", "", "test", 3),
        # A channel's or a label's name has its limit.
        ("wash", "q" * 41, "test", 3),
        ("wash", "push", "test", 0),
        ("wash", "push", "test", 101),
        ("wash", "push", None, 3),
        ("message", "push", "test", 3),
    ],
)
async def test_a_kind_that_makes_no_sense_is_refused(
    admin: AsyncConnection, row: tuple[Any, ...]
) -> None:
    """A queue without a name, no attempt at all or too many, no producer, a name that is taken."""
    with pytest.raises(psycopg.errors.IntegrityError):
        await admin.execute(INSERT, row)


async def test_a_priority_that_an_operator_chose_survives_an_upgrade(
    admin: AsyncConnection,
) -> None:
    """Installing the file again brings its own columns up to date and leaves the operator's."""
    await admin.execute(
        "update gtr_jobs.job_kinds set priority = 9, max_attempts = 1 where kind = 'message'"
    )
    (file,) = (file for file in installation_plan().files if file.path == "engine/job_kinds.sql")
    await admin.execute(file.sql.encode())
    assert await fetch_rows(
        admin, "select priority, max_attempts from gtr_jobs.job_kinds where kind = 'message'"
    ) == [(9, 8)]


async def test_a_teams_own_kinds_survive_an_upgrade(admin: AsyncConnection) -> None:
    """Another team's rows are theirs."""
    await admin.execute(INSERT, ("wash", "slow", "garage_insert", 3))
    (file,) = (file for file in installation_plan().files if file.path == "engine/job_kinds.sql")
    await admin.execute(file.sql.encode())
    assert (
        await fetch_value(admin, "select queue from gtr_jobs.job_kinds where kind = 'wash'")
        == "slow"
    )
