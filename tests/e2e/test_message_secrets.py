"""After texts and e-mails of every fate: no number, address, word or key of them is anywhere but where it belongs."""

from __future__ import annotations

import asyncio
import urllib.request

import pytest
from support.killing import settle
from support.operator import operate
from support.texting import (
    EVENT,
    create_texter,
    email_settings,
    notify_email,
    notify_sms,
    sms_settings,
)
from support.way import Way

from gtr_jobs.dev.standins.exchange import Disconnect
from gtr_jobs.dev.standins.script import FOR_EVER, AfterAccepting, Fail

pytestmark = pytest.mark.timeout(90)

WORD = "Kanarienvogel"
PHONES = tuple(f"+1415557731{n}" for n in range(4))
NAMES = tuple(f"canary{n}" for n in range(4))
TABLES = """
    select n.nspname || '.' || c.relname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname in ('gtr_jobs', 'procrastinate') and c.relkind in ('r', 'p') and not c.relispartition
"""


async def _dump(way: Way) -> dict[str, str]:
    """Read every table of ours as text."""
    tables = [table for (table,) in await way.fetch(TABLES)]
    return {
        table: "\n".join(row for (row,) in await way.fetch(f"select t::text from {table} as t"))
        for table in tables
    }


async def _keep_statements(way: Way) -> bool:
    """Have the server remember what it is asked; the programs of PostgreSQL 15 that Debian has can."""
    ((libraries, version),) = await way.fetch(
        "select current_setting('shared_preload_libraries'), current_setting('server_version_num')::integer / 10000"
    )
    if "pg_stat_statements" not in libraries:
        assert version != 15
        return False
    await way.fetch("create extension if not exists pg_stat_statements")
    await way.fetch("select pg_stat_statements_reset()")
    return True


async def _read_statements(way: Way) -> str:
    """Read what it remembers, and see that it has heard the worker."""
    text = "\n".join(query for (query,) in await way.fetch("select query from pg_stat_statements"))
    assert "gtr_jobs.begin_messages(" in text
    assert "gtr_jobs.ack_messages(" in text
    return text


async def test_nothing_of_a_message_is_left_behind(way: Way) -> None:
    """Sent, refused, refused for good, and unknown: by both channels; in tables, logs, metrics, lists and statements."""
    keeps_statements = await _keep_statements(way)
    data = EVENT | {"event_title": f"{WORD} meet"}
    people = [
        await create_texter(way.connection, name, phone)
        for name, phone in zip(NAMES, PHONES, strict=True)
    ]
    twilio, smtp = way.providers.twilio, way.providers.smtp
    twilio.refusals[PHONES[1]] = 21610
    twilio.refusals[PHONES[2]] = 21617
    twilio.script.for_token(PHONES[3]).add(AfterAccepting(Disconnect()))
    twilio.script.for_token("list").add(Fail(500, "20500"), times=FOR_EVER)
    smtp.script.for_token(f"{NAMES[1]}@example.test").add(Fail(550, "5.1.1"))
    smtp.script.for_token(f"{NAMES[3]}@example.test").add(AfterAccepting(Disconnect()))
    settings = sms_settings(way) | email_settings(way) | {"GTR_QUEUES": "sms,email"}
    worker = await way.start_worker(**settings)
    started = await worker.wait_for_event("worker.started")
    for person in people:
        await notify_sms(way.connection, person, data=data, key=f"sms-{person}")
        await notify_email(way.connection, person, data=data, key=f"email-{person}")
    await settle(way)

    secrets = [
        WORD,
        "Daikoku PA",
        *(phone.removeprefix("+1") for phone in PHONES),
        *(f"{name}@" for name in NAMES),
        twilio.auth_token,
        smtp.password,
        settings["GTR_UNSUBSCRIBE_SECRET"],
    ]
    unknown = "select delivery_id::text from gtr_jobs.outgoing where data is not null"
    kept = {key for (key,) in await way.fetch(unknown)}
    states = await way.fetch(
        "select dedupe_key::text from gtr_jobs.deliveries where state = 'unknown'"
    )
    # Until somebody knows, or it is too old: then it is erased too.
    assert kept == {key for (key,) in states}
    assert len(kept) == 2
    await way.fetch("update gtr_jobs.outgoing set expires_at = now() where data is not null")
    async with asyncio.timeout(10):
        assert await way.fetch("select gtr_jobs.erase_expired_messages(10)") == [(2,)]

    places = await _dump(way)
    metrics = await asyncio.to_thread(urllib.request.urlopen, f"{started['http']}/metrics")
    with metrics:
        places["metrics"] = metrics.read().decode()
    await worker.stop()
    places["log"] = "\n".join(worker.log)
    for command in (("dead", "list"), ("dead", "list", "--json"), ("suppress", "list")):
        ended = await asyncio.to_thread(operate, way.database, *command)
        assert ended.code == 0, ended.err
        places[" ".join(command)] = ended.out + ended.err
    if keeps_statements:
        places["pg_stat_statements"] = await _read_statements(way)
    found = {
        (place, secret) for place, text in places.items() for secret in secrets if secret in text
    }
    assert found == set()
    assert places["gtr_jobs.dead_jobs"].count("outcome_unknown") == 2
    assert "send_sms" in places["dead list"]
