"""The optional role gtr_operator: what operators do, and nothing else."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import AsyncConnection
from support.command_line import Ended, run_command
from support.databases import ProjectDatabase
from support.dead import bury, read_audit
from support.jobs import fetch_value, put_jobs

from gtr_jobs.app.database import read_optional_sql

FORBIDDEN = (
    "select * from gtr_jobs.dead_jobs",
    "select * from gtr_jobs.audit",
    "delete from gtr_jobs.audit where true",
    "select gtr_jobs.enqueue('{}')",
    "select gtr_jobs.revive_jobs('{1}', 0, 1)",
    "select gtr_jobs.withdraw_jobs('{1}')",
    "select gtr_jobs.claim_jobs('push', 1, 1)",
)


@pytest.mark.timeout(60)  # a process for every command
async def test_the_role_can_do_all_that_operators_do_and_nothing_else(
    admin: AsyncConnection, database: ProjectDatabase
) -> None:
    """Every command, with its login in the audit; no table, no other function, nothing past the audit."""
    await admin.execute(read_optional_sql("create_operator_role").encode())
    # Roles are the server's, and others test on it too.
    login = f"ops_of_{database.name}"
    await admin.execute(
        f"create role {login} login password '{database.server.password}' in role gtr_operator".encode()
    )
    operator = database.server.dsn(database.name, login)

    def run(*command: str) -> Ended:
        ended = run_command(*command, settings={"GTR_ADMIN_DATABASE_URL": operator})
        assert ended.code == 0, ended.err
        return ended

    first, second = await bury(admin, 2)
    await put_jobs(admin)
    waiting = await fetch_value(admin, "select max(job_id) from gtr_jobs.jobs")
    act = ("--yes", "--reason", "r")
    run("queues")
    run("cron")
    run("queues", "pause", "push")
    run("switches", "list")
    run("queues", "resume", "push")
    run("jobs", "list")
    run("dead", "list", "--group")
    run("dead", "list", "--limit", "1")
    run("dead", "show", str(first))
    run("dead", "requeue", str(first), *act)
    run("dead", "discard", "--kind", "message", *act)
    run("jobs", "cancel", str(waiting), *act)
    assert [(row[1], row[2], row[-1]) for row in await read_audit(admin)] == [
        (login, "set pause", []),
        (login, "clear pause", []),
        (login, "requeue", [first]),
        (login, "discard", [second]),
        (login, "cancel", [waiting]),
    ]

    async with await psycopg.AsyncConnection.connect(operator, autocommit=True) as connection:
        for statement in FORBIDDEN:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await connection.execute(statement.encode())
    await admin.execute(f"drop role {login}".encode())
