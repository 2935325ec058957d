"""`gtr-jobs switches` and `gtr-jobs queues pause | resume`: checked, shown, and written down."""

from __future__ import annotations

import json
import os
import pwd
import socket

import pytest
from psycopg import AsyncConnection
from support.command_line import assert_refused
from support.databases import ProjectDatabase
from support.dead import read_audit
from support.jobs import fetch_rows, fetch_value, put_jobs
from support.operator import operate, target_of

ACTOR = f"{pwd.getpwuid(os.getuid()).pw_name}@{socket.gethostname()}"
PERSON = "00000000-0000-4000-8000-0000000000AB"
SET = "select lever, scope, name, key_argument, amount::float, reason from gtr_jobs.switches order by 1, 2, 3, 4"
WHY = ("--reason", "the provider asked us")
BECAUSE = "the provider asked us"
NONE_GIVEN = "no reason given"


async def test_a_pause_is_set_shown_and_written_down(
    admin: AsyncConnection, database: ProjectDatabase
) -> None:
    """With who, why and until when; the end of it too."""
    ended = operate(database, "queues", "pause", "push", "--for", "30m", *WHY)
    assert (ended.code, ended.err) == (0, "")
    until = await fetch_value(
        admin,
        """select to_char(expires_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') from gtr_jobs.switches""",
    )
    assert ended.out == (
        f"{target_of(database)}: pause queue push is set until {until};"
        " every worker obeys within a second.\n"
    )
    left = (
        "select extract(epoch from expires_at - now()) between 1700 and 1800 from gtr_jobs.switches"
    )
    assert await fetch_value(admin, left) is True
    shown = operate(database, "queues").out
    assert f"queue push is paused until {until} by {ACTOR} ({BECAUSE})" in shown
    ended = operate(database, "queues", "resume", "push")
    assert ended.out == (
        f"{target_of(database)}: pause queue push is off; every worker obeys within a second.\n"
    )
    assert await read_audit(admin) == [
        (ACTOR, "postgres", "set pause", BECAUSE, 0, []),
        (ACTOR, "postgres", "clear pause", NONE_GIVEN, 0, []),
    ]
    assert await fetch_value(admin, "select wanted from gtr_jobs.audit order by id limit 1") == {
        "lever": "pause",
        "scope": "queue",
        "name": "push",
        "for_seconds": 1800,
    }


@pytest.mark.timeout(60)  # a process for every command
async def test_every_lever_is_set_and_taken_back(
    admin: AsyncConnection, database: ProjectDatabase
) -> None:
    """Off, resume and --remove; nothing is left."""
    levers = [
        (("pause", "kind", "message"), ("resume", "kind", "message")),
        (("pause", "provider", "fcm"), ("resume", "provider", "fcm")),
        (("pause", "channel", "push"), ("resume", "channel", "push")),
        (("limit", "push", "10"), ("limit", "push", "off")),
        (("limit", "push", "1", "--per", "id"), ("limit", "push", "off", "--per", "id")),
        (("rate", "queue", "push", "300/m"), ("rate", "queue", "push", "off")),
        (("ramp", "feature", "new_search", "0.25%"), ("ramp", "feature", "new_search", "off")),
        (("test-user", PERSON), ("test-user", PERSON.lower(), "--remove")),
    ]
    for put, _ in levers:
        ended = operate(database, "switches", *put)
        assert (ended.code, ended.err) == (0, ""), put
    assert await fetch_rows(admin, SET) == [
        ("limit", "queue", "push", "", 10, NONE_GIVEN),
        ("limit", "queue", "push", "id", 1, NONE_GIVEN),
        ("pause", "channel", "push", "", None, NONE_GIVEN),
        ("pause", "kind", "message", "", None, NONE_GIVEN),
        ("pause", "provider", "fcm", "", None, NONE_GIVEN),
        ("ramp", "feature", "new_search", "", 0.25, NONE_GIVEN),
        ("rate", "queue", "push", "", 5, NONE_GIVEN),
        ("test_user", "user", PERSON.lower(), "", None, NONE_GIVEN),
    ]
    for _, take in levers:
        ended = operate(database, "switches", *take)
        assert (ended.code, ended.err) == (0, ""), take
    assert await fetch_rows(admin, SET) == []
    assert len(await read_audit(admin)) == 2 * len(levers)


async def test_the_list_shows_all_that_is_switched(
    admin: AsyncConnection, worker: AsyncConnection, database: ProjectDatabase
) -> None:
    """As aligned text, or as JSON; nothing else than what is set."""
    assert operate(database, "switches", "list").out == "nothing is switched\n"
    await put_jobs(admin, 2)
    operate(database, "switches", "pause", "kind", "message", *WHY)
    operate(database, "switches", "limit", "push", "1", "--per", "id")
    await worker.execute("select gtr_jobs.set_aside_paused('push', 10)")
    heads, limit, pause = operate(database, "switches", "list").out.splitlines()
    assert heads.split() == ["switch", "of", "name", "value", "set", "aside", "until", "by", "since", "reason"]  # fmt: skip
    assert limit.startswith("limit   queue  push     1 at once per id")
    assert pause.split()[:4] == ["pause", "kind", "message", "2"]
    assert pause.endswith(BECAUSE)
    listed = json.loads(operate(database, "switches", "list", "--json").out)
    assert [(one["lever"], one["name"], one["amount"], one["jobs"]) for one in listed] == [
        ("limit", "push", 1, None),
        ("pause", "message", None, 2),
    ]
    depths = json.loads(operate(database, "queues", "--json").out)
    assert [(one["scope"], one["name"]) for one in depths["pauses"]] == [("kind", "message")]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("queues", "pause", "psh"), ("no queue 'psh'", "did you mean push?")),
        (("queues", "resume", "psh"), ("no queue 'psh'", "did you mean push?")),
        (
            ("switches", "pause", "kind", "mesage"),
            ("no kind 'mesage'", "did you mean message?"),
        ),
        (
            ("switches", "pause", "provider", "x"),
            ("no provider 'x'", "apns, expo, fcm, plivo, smtp, twilio"),
        ),
        (
            ("switches", "pause", "channel", "fax"),
            ("no channel 'fax'", "there is email, push, sms"),
        ),
        (("switches", "limit", "push", "0"), ("'0' is no limit", "from 1 to 100000; or off")),
        (("switches", "limit", "push", "many"), ("'many' is no limit",)),
        (("switches", "limit", "push", "1", "--per", "a b"), ("--per 'a b' is no argument's",)),
        (("switches", "rate", "provider", "fcm", "50"), ("'50' is no rate", "write 50/s")),
        (("switches", "ramp", "kind", "message", "110"), ("'110' is no percentage",)),
        (("switches", "ramp", "feature", "a b", "5"), ("no feature can be called 'a b'",)),
        (("queues", "pause", "push", "--for", "soon"), ("'soon' is no span of time", "30s, 15m")),
        (("queues", "pause", "push", "--reason", " "), ("--reason wants 1 to 500 characters",)),
    ],
    ids=" ".join,
)
async def test_what_makes_no_sense_is_refused(
    admin: AsyncConnection, database: ProjectDatabase, command: tuple[str, ...], said: tuple[str]
) -> None:
    """In one line that says what to write; nothing is switched and nothing written down."""
    assert_refused(operate(database, *command), 2, *said)
    assert await fetch_rows(admin, SET) == []
    assert await read_audit(admin) == []


async def test_what_is_not_set_cannot_be_taken_back(database: ProjectDatabase) -> None:
    """It says so, and where to look."""
    assert_refused(
        operate(database, "switches", "resume", "kind", "message"),
        1,
        "pause kind message is not set",
        "`gtr-jobs switches list` shows what is",
    )
    assert_refused(
        operate(database, "switches", "limit", "push", "off", "--per", "id"),
        1,
        "limit queue push per id is not set",
    )


async def test_a_switch_of_what_is_gone_can_be_taken_back(
    admin: AsyncConnection, database: ProjectDatabase
) -> None:
    """An app that took a kind out of its code is not left with its pause."""
    operate(database, "switches", "pause", "kind", "message")
    await admin.execute("delete from gtr_jobs.job_kinds where kind = 'message'")
    assert operate(database, "switches", "resume", "kind", "message").code == 0
