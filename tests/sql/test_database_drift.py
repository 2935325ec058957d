"""What the database says and what Python says are the same."""

from __future__ import annotations

from collections import defaultdict
from typing import get_args

import pytest
from psycopg import AsyncConnection
from support.jobs import fetch_rows, fetch_value

from gtr_jobs.db.sqlfiles import SqlFile, read_folder
from gtr_jobs.domain.outcome import DeliveryState, OutcomeName
from gtr_jobs.engine.acker import _END_NAMES
from gtr_jobs.kinds import KINDS
from gtr_jobs.tasks.maintenance import MaintenanceTask
from gtr_jobs.tasks.match import MatchTask
from gtr_jobs.tasks.message_items import MESSAGE_KINDS, RECORDS_KIND
from gtr_jobs.tasks.push import PushTask
from gtr_jobs.tasks.receipts import ReceiptsTask
from gtr_jobs.worker.cron_table import CRON

EVENT_FILES = read_folder("on")


@pytest.mark.parametrize(
    ("enum", "names"),
    [
        ("outcome", get_args(OutcomeName)),
        ("delivery_state", get_args(DeliveryState)),
        # The last is an operator's end, which no worker brings.
        ("job_end", (*_END_NAMES.values(), "cancelled")),
    ],
)
async def test_an_enum_has_the_names_that_python_has(
    admin: AsyncConnection, enum: str, names: tuple[str, ...]
) -> None:
    """In the same order, so that both can be read side by side."""
    rows = await fetch_rows(admin, f"select unnest(enum_range(null::gtr_jobs.{enum}))::text")
    assert tuple(name for (name,) in rows) == names


async def test_every_kind_of_notification_is_a_kind_of_job(admin: AsyncConnection) -> None:
    """A kind without its row is refused when it is enqueued; a row without its kind is never done."""
    rows = await fetch_rows(admin, "select kind, queue from gtr_jobs.job_kinds")
    pushed = [(kind.name, PushTask.queue) for kind in KINDS]
    matched = [(kind, MatchTask.queue) for kind in MatchTask.kinds]
    kept = [(kind, MaintenanceTask.queue) for kind in MaintenanceTask.kinds]
    asked = [(kind, ReceiptsTask.queue) for kind in ReceiptsTask.kinds]
    sent = [(kind, queue) for queue, kind in MESSAGE_KINDS.items()] + [(RECORDS_KIND, "sms")]
    assert sorted(rows) == sorted(pushed + matched + asked + kept + sent)


async def test_every_event_file_says_which_jobs_it_causes(admin: AsyncConnection) -> None:
    """The headers in sql/on, and the cron table, are what gtr_jobs.job_kinds says of who produces what."""
    produced = defaultdict(set)
    rows = await fetch_rows(admin, "select produced_by, kind from gtr_jobs.job_kinds")
    for produced_by, kind in rows:
        for stem in produced_by.split():
            produced[stem].add(kind)
    assert produced.pop("cron") == {cron.kind for cron in CRON}
    for channel, kind in MESSAGE_KINDS.items():
        assert produced.pop(f"notify_{channel}") == {kind}
    assert produced == {
        file.stem.removeprefix("on/"): set(file.header("enqueues"))
        for file in EVENT_FILES
        if file.header("enqueues")
    }


@pytest.mark.parametrize("file", EVENT_FILES, ids=lambda file: file.path)
async def test_every_event_files_trigger_is_attached(admin: AsyncConnection, file: SqlFile) -> None:
    """It fires after the statement, on the table that the file names, and runs the file's function."""
    # The first is its own; the others are what else it needs.
    table, *_ = file.header("table")
    stem = file.stem.removeprefix("on/")
    definition = await fetch_value(
        admin,
        "select pg_get_triggerdef(oid) from pg_trigger where tgname = %s and tgrelid = %s::regclass"
        " and tgenabled = 'O'",
        f"gtr_jobs_{stem}",
        table,
    )
    assert definition is not None
    assert f"EXECUTE FUNCTION gtr_jobs.on_{stem}()" in definition
    assert " AFTER " in definition


async def test_every_function_of_ours_says_where_names_are_found(admin: AsyncConnection) -> None:
    """Nowhere, so that every name in it is qualified, whoever calls it from wherever."""
    rows = await fetch_rows(
        admin,
        """
        select proname, setting from pg_proc
        left join lateral unnest(proconfig) as setting on setting ~ '^search_path='
        where pronamespace = 'gtr_jobs'::regnamespace
        """,
    )
    assert {name: setting for name, setting in rows if setting != 'search_path=""'} == {}


async def test_every_trigger_function_waits_shortly(admin: AsyncConnection) -> None:
    """What runs inside the app's statements has a lock_timeout of its own."""
    rows = await fetch_rows(
        admin,
        """
        select proname, proconfig from pg_proc
        where pronamespace = 'gtr_jobs'::regnamespace and prorettype = 'trigger'::regtype
        """,
    )
    assert rows
    assert {name for name, settings in rows if "lock_timeout=200ms" not in settings} == set()


async def test_every_object_of_ours_belongs_to_postgres(admin: AsyncConnection) -> None:
    """What a definer function may do is what its owner may: on Supabase that is no superuser."""
    assert await fetch_rows(
        admin,
        """
        select distinct pg_get_userbyid(owner) from (
            select proowner as owner from pg_proc where pronamespace = any(%(ours)s::regnamespace[])
            union all
            select relowner from pg_class where relnamespace = any(%(ours)s::regnamespace[])
            union all
            select nspowner from pg_namespace where oid = any(%(ours)s::regnamespace[])
        ) as owners
        """.replace("%(ours)s", "array['gtr_jobs', 'procrastinate']"),
    ) == [("postgres",)]
