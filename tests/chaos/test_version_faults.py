"""Fault 34: a database whose schema or functions are not the worker's."""

from __future__ import annotations

import asyncio

import pytest
from chaos.scene import Scene
from support.command_line import Ended, run_command

from gtr_jobs.observe import events

pytestmark = pytest.mark.timeout(120)

_LAST = "(select max(version) from gtr_jobs.schema_migrations where component = 'gtr_jobs')"


async def _command(scene: Scene, *arguments: str) -> Ended:
    settings = {**scene.crew.settings, "GTR_ADMIN_DATABASE_URL": scene.database.dsn}
    return await asyncio.to_thread(run_command, *arguments, settings=settings, timeout=60)


async def test_a_half_applied_migration_keeps_new_workers_out_and_old_ones_working(
    scene: Scene,
) -> None:
    """The books lack the last step: a worker that runs goes on, a new one says what to do and exits 78."""
    await scene.crew.start()
    kept = await scene.fetch(f"select * from gtr_jobs.schema_migrations where version = {_LAST}")
    await scene.fetch("create table public.kept as select * from gtr_jobs.schema_migrations")
    await scene.fetch(f"delete from gtr_jobs.schema_migrations where version = {_LAST}")
    refused = await _command(scene, "worker")
    await scene.writer.write(50)
    await scene.until_settled()
    await scene.fetch(
        "insert into gtr_jobs.schema_migrations table public.kept on conflict do nothing"
    )
    await scene.crew.start()
    await scene.writer.write(50)

    verdict = await scene.finish()

    assert len(kept) == 1
    assert (refused.code, "gtr-jobs db migrate" in refused.err) == (78, True)
    assert not verdict.findings, str(verdict)
    assert (verdict.jobs, verdict.resent) == (100, 0)


async def test_a_database_that_wants_newer_workers_keeps_old_ones_from_starting(
    scene: Scene,
) -> None:
    """A step that they cannot live with: exit 78 and both versions; rows wait for the newer worker."""
    oldest = await scene.fetch(
        f"select oldest_worker from gtr_jobs.schema_migrations where version = {_LAST}"
    )
    await scene.fetch(
        f"update gtr_jobs.schema_migrations set oldest_worker = '9.0.0' where version = {_LAST}"
    )
    await scene.writer.write(20)
    refused = await _command(scene, "worker")
    await scene.fetch(
        f"update gtr_jobs.schema_migrations set oldest_worker = %s where version = {_LAST}",
        *oldest[0],
    )
    await scene.crew.start()

    verdict = await scene.finish()

    assert (refused.code, "9.0.0" in refused.err) == (78, True)
    assert not verdict.findings, str(verdict)
    assert (verdict.jobs, verdict.resent) == (20, 0)


# What a claim is asked with.
_CLAIM = "text, bigint, integer, integer[], bigint[], timestamptz"


async def test_a_function_that_is_gone_ends_workers_and_loses_nothing(scene: Scene) -> None:
    """Workers end with 70 and say where; their supervisor starts them until the function is back."""
    await scene.crew.supervise(1)
    (first,) = scene.crew.hands
    async with scene.load(rate=50):
        await scene.providers.ledger.wait_for(50, timeout=30)
        await scene.fetch(
            f"alter function gtr_jobs.claim_jobs_after({_CLAIM}) rename to claim_jobs_gone"
        )
        await scene.until_said(first, events.WORKER_FAILED)
        await scene.fetch(
            f"alter function gtr_jobs.claim_jobs_gone({_CLAIM}) rename to claim_jobs_after"
        )
        scene.strike("function gone")
        await scene.providers.ledger.wait_for(scene.providers.ledger.total + 50, timeout=60)

    # 70 is what a fault of ours ends with: here it is one.
    verdict = await scene.finish(may_lose_database=True)

    assert not verdict.findings, str(verdict)
    assert verdict.resent == 0
    assert first.code == 70
