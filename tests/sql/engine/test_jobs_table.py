"""What our installation makes of procrastinate's own schema."""

from __future__ import annotations

from psycopg import AsyncConnection
from support.jobs import ack, claim, end_of, fetch_rows, fetch_value, put_jobs, register_worker

from gtr_jobs.app.database import installation_plan
from gtr_jobs.db.statements import install_text


async def test_a_job_costs_no_event_rows(admin: AsyncConnection, worker: AsyncConnection) -> None:
    """The book of events would triple what a job writes: its triggers are off."""
    worker_id = await register_worker(worker)
    await put_jobs(admin, 2)
    for job in await claim(worker, worker_id):
        await ack(worker, worker_id, end_of(job, "retry"))
    for job in await claim(worker, worker_id):
        await ack(worker, worker_id, end_of(job))
    assert await fetch_value(admin, "select count(*) from procrastinate.procrastinate_events") == 0


async def test_one_trigger_of_procrastinate_is_left_on(admin: AsyncConnection) -> None:
    """Its worker hears of a job that is aborted; nothing of ours fires it. A new one is noticed here."""
    assert await fetch_rows(
        admin,
        "select tgname from pg_trigger where tgrelid = 'procrastinate.procrastinate_jobs'::regclass"
        " and not tgisinternal and tgenabled <> 'D'",
    ) == [("procrastinate_jobs_notify_queue_job_aborted_v1",)]


async def test_nothing_looks_up_other_tables_when_a_job_is_written(admin: AsyncConnection) -> None:
    """No foreign key is paid for by claims and deletes."""
    assert (
        await fetch_rows(
            admin,
            """
            select conname from pg_constraint
            where contype = 'f' and 'procrastinate.procrastinate_jobs'::regclass in (conrelid, confrelid)
            """,
        )
        == []
    )


async def test_the_jobs_table_has_the_indexes_that_are_used(admin: AsyncConnection) -> None:
    """Each index is written with every change of a job: none is there for nothing."""
    assert [
        name
        for (name,) in await fetch_rows(
            admin,
            "select indexrelid::regclass::text from pg_index"
            " where indrelid = 'procrastinate.procrastinate_jobs'::regclass order by 1",
        )
    ] == [
        "procrastinate.gtr_jobs_doing",
        "procrastinate.gtr_jobs_lock",
        "procrastinate.gtr_jobs_ready",
        "procrastinate.gtr_jobs_scheduled",
        "procrastinate.procrastinate_jobs_pkey",
        "procrastinate.procrastinate_jobs_queueing_lock_idx_v1",
    ]


async def test_every_function_of_procrastinate_looks_in_its_own_schema(
    admin: AsyncConnection,
) -> None:
    """An unqualified name is found where we say, not where the caller says."""
    assert await fetch_rows(
        admin,
        "select distinct proconfig from pg_proc where pronamespace = 'procrastinate'::regnamespace",
    ) == [(["search_path=procrastinate, pg_temp"],)]


async def test_the_table_is_vacuumed_often(admin: AsyncConnection) -> None:
    """Every job is a dead row soon: a queue that is not vacuumed slows down."""
    assert await fetch_value(
        admin,
        "select reloptions from pg_class where oid = 'procrastinate.procrastinate_jobs'::regclass",
    ) == [
        "autovacuum_vacuum_scale_factor=0.01",
        "autovacuum_vacuum_threshold=1000",
        "autovacuum_vacuum_cost_delay=1",
    ]


async def test_every_file_can_be_installed_again(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """A file is installed again whenever its text changes: twice is once, and no job is lost by it."""
    await put_jobs(admin, 2)
    catalogue = """
        select string_agg(o, chr(10) order by o) from (
            select pg_get_functiondef(oid) as o from pg_proc where pronamespace = 'gtr_jobs'::regnamespace
            union all
            select pg_get_triggerdef(oid) || tgenabled::text from pg_trigger where not tgisinternal
            union all
            select indexdef from pg_indexes where schemaname in ('gtr_jobs', 'procrastinate', 'public')
            union all
            select c.oid::regclass || ' ' || coalesce(c.relacl::text, '')
            from pg_class as c where relnamespace in ('gtr_jobs'::regnamespace, 'procrastinate'::regnamespace)
        ) as objects
    """
    before = await fetch_value(admin, catalogue)
    for file in installation_plan().files:
        await admin.execute(install_text(file).encode())
    assert await fetch_value(admin, catalogue) == before
    assert len(await claim(worker, await register_worker(worker))) == 2
