"""`gtr-jobs dead list` and `dead show`: what gave up, and why."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import pytest
from psycopg import AsyncConnection
from support.command_line import assert_refused, run_command, start_command
from support.databases import ProjectDatabase
from support.dead import bury, let_die, requeue
from support.jobs import fetch_rows, put_jobs
from support.operator import operate, operate_at_terminal


async def test_dead_jobs_are_listed_newest_first(
    admin: AsyncConnection, database: ProjectDatabase
) -> None:
    """Piped, as aligned text whose columns can be cut; times are UTC."""
    old, new = await bury(admin, 2)
    rows = await fetch_rows(admin, "select died_at from gtr_jobs.dead_jobs order by died_at desc")
    times = [row[0].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for row in rows]
    ended = operate(database, "dead", "list")
    head, *lines = ended.out.splitlines()
    assert head.split() == ["id", "died", "kind", "code", "error", "attempts", "fingerprint"]
    expected = "message  UNAVAILABLE  fcm failed in every attempt         8  f00d"
    assert lines == [f"{new:2}  {times[0]}  {expected}", f"{old:2}  {times[1]}  {expected}"]
    assert (ended.code, ended.err) == (0, "")


async def test_options_narrow_the_list(admin: AsyncConnection, database: ProjectDatabase) -> None:
    """By kind, moment, fingerprint, words and number."""
    (old,) = await bury(admin, minutes_ago=90)
    (new,) = await bury(
        admin,
        kind="listing_favorited",
        code="BAD_TOPIC",
        error="the topic is bad",
        fingerprint="cafe",
    )

    def ids(*options: str) -> list[int]:
        ended = operate(database, "dead", "list", "--json", *options)
        assert ended.code == 0, ended.err
        return [one["job_id"] for one in json.loads(ended.out)]

    assert ids("--limit", "1") == [new]
    assert ids("--kind", "message", "--since", "2d") == [old]
    assert ids("--since", "1h") == [new]
    assert ids("--fingerprint", "cafe", "--error-like", "TOPIC%BAD") == [new]
    # An underscore is one, and no sign for anything.
    assert ids("--error-like", "bad_t_pic") == []


async def test_groups_say_how_many_died_of_what(
    admin: AsyncConnection, database: ProjectDatabase
) -> None:
    """With a sample of the error, and from when to when."""
    await bury(admin, 3, minutes_ago=60)
    await bury(admin, kind="listing_favorited", code="BadTopic", fingerprint="cafe")
    ended = operate(database, "dead", "list", "--group")
    rows = [line.split() for line in ended.out.splitlines()]
    assert rows[0] == [
        "count",
        "kind",
        "code",
        "error",
        "first",
        "seen",
        "last",
        "seen",
        "fingerprint",
    ]
    assert [(row[0], row[1], row[2], row[-1]) for row in rows[1:]] == [
        ("1", "listing_favorited", "BadTopic", "cafe"),
        ("3", "message", "UNAVAILABLE", "f00d"),
    ]
    (only,) = json.loads(
        operate(database, "dead", "list", "--group", "--kind", "message", "--json").out
    )
    assert (only["fingerprint"], only["jobs"]) == ("f00d", 3)


async def test_a_terminal_gets_a_table_and_no_orders(
    admin: AsyncConnection, database: ProjectDatabase
) -> None:
    """What came from elsewhere cannot move the cursor or colour the screen."""
    await bury(admin, error="red \x1b[31m\nalert [bold]now[/bold]")
    shown = operate_at_terminal(database, "dead", "list", typed="").out
    assert "\x1b[31m\nalert" not in shown
    assert "red \N{REPLACEMENT CHARACTER}[31m alert [bold]now[/bold]" in shown
    assert "━" in shown or "─" in shown


async def test_a_reader_who_has_seen_enough_ends_the_list(
    admin: AsyncConnection, database: ProjectDatabase
) -> None:
    """As in `| head -1`: no traceback, and a code that says the output was not written to its end."""
    await bury(admin, 1000)
    process = start_command(
        "dead", "list", "--limit", "1000", settings={"GTR_ADMIN_DATABASE_URL": database.dsn}
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=10) == 1


async def test_all_that_is_known_is_shown_and_nothing_that_was_said(
    admin: AsyncConnection, worker: AsyncConnection, database: ProjectDatabase
) -> None:
    """Ids, states and codes of the job, its deliveries, and what operators did to it."""
    died = await let_die(admin, worker, ("sent", "accepted"), ("failed", "retry"))
    job_id = died.job.job_id
    await admin.execute(
        'update gtr_jobs.dead_jobs set args = args || \'{"title": "canary", "code": 123456}\''
    )
    ended = operate(database, "dead", "show", str(job_id))
    fields = dict(line.split(maxsplit=1) for line in ended.out.split("\n\n")[0].splitlines())
    assert fields["job"] == str(job_id)
    assert fields["state"] == "dead"
    assert fields["code"] == "BadTopic"
    assert fields["attempts"] == "1 of 8"
    assert died.job.args["id"] in fields["arguments"]
    assert "canary" not in ended.out
    assert "123456" not in ended.out
    shown: dict[str, Any] = json.loads(operate(database, "dead", "show", "--json", str(job_id)).out)
    assert sorted((one["state"], one["outcome"]) for one in shown["deliveries"]) == [
        ("failed", "retry"),
        ("sent", "accepted"),
    ]
    assert shown["args"] == {
        "id": died.job.args["id"],
        "title": "(6 characters, not shown)",
        "code": "(a number, not shown)",
    }
    assert shown["acts"] == []


async def test_what_operators_did_is_shown(
    admin: AsyncConnection, worker: AsyncConnection, database: ProjectDatabase
) -> None:
    """Who, as which role, what and why."""
    died = await let_die(admin, worker)
    await requeue(admin, [died.job.job_id])
    ended = operate(database, "jobs", "show", str(died.job.job_id))
    acts = ended.out.partition("\nacts\n")[2].splitlines()
    assert acts[1].split(maxsplit=1)[1] == "ann@desk  postgres  requeue  keys were renewed"


@pytest.mark.parametrize("given", ["abc", str(2**63)])
@pytest.mark.parametrize(
    "command",
    ["dead show", "dead requeue --reason r", "dead discard --reason r", "jobs cancel --reason r"],
)
def test_what_is_no_id_is_wrong_usage(command: str, given: str) -> None:
    """Before anything is connected to."""
    ended = run_command(*command.split(), given)
    assert (ended.code, ended.out) == (2, "")
    assert "Traceback" not in ended.err


async def test_who_is_not_dead_is_refused_with_what_is_known(
    admin: AsyncConnection, database: ProjectDatabase
) -> None:
    """A stranger, the largest id there can be, and a job that waits."""
    await put_jobs(admin)
    ((job_id,),) = await fetch_rows(admin, "select job_id from gtr_jobs.jobs")
    assert_refused(operate(database, "dead", "show", "777"), 1, "no job 777")
    assert_refused(operate(database, "dead", "show", str(2**63 - 1)), 1, f"no job {2**63 - 1}")
    assert_refused(
        operate(database, "dead", "show", str(job_id)),
        1,
        f"job {job_id} is not dead, it is ready",
        f"jobs show {job_id}",
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--kind", "mesage"), ("no kind 'mesage'", "did you mean message?")),
        (("--kind", "zzz"), ("no kind 'zzz'", "there is")),
        (("--since", "yesterday"), ("'yesterday' is no moment", "2h")),
        (("--fingerprint", "F00!"), ("is no fingerprint", "--group")),
        (("--error-like", "\udcff"), ("--error-like is no text",)),
        (("--group", "--error-like", "x"), ("--group goes with",)),
    ],
)
def test_wrong_filters_are_wrong_usage(
    database: ProjectDatabase, options: tuple[str, ...], said: tuple[str, ...]
) -> None:
    """One line says what is wrong, and what would be right."""
    ended = operate(database, "dead", "list", *options)
    assert_refused(ended, 2, *said)


def test_a_limit_is_a_number_up_to_a_thousand() -> None:
    """A list that nobody reads to its end is not asked for."""
    assert run_command("dead", "list", "--limit", "1001").code == 2
