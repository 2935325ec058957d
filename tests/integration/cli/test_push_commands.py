"""`gtr-jobs push test`: one push now, the provider's answer in plain words, and never the token."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from support.command_line import Ended, run_command
from support.databases import ProjectDatabase
from support.people import create_device
from support.way import Way, open_way

from gtr_jobs.dev.standins import Fail
from gtr_jobs.dev.standins.phones import PhoneKind

KINDS: tuple[PhoneKind, ...] = ("fcm", "apns", "expo")


@pytest.fixture
async def way(
    database: ProjectDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Way]:
    """A database in which gtr_jobs is installed, and stand-ins that know a worker's keys."""
    async with open_way(database, tmp_path_factory.mktemp("keys")) as opened:
        yield opened


async def _push(way: Way, *arguments: str, given: bytes = b"", **settings: str) -> Ended:
    return await asyncio.to_thread(
        run_command,
        "push",
        "test",
        *arguments,
        settings={**way.settings, **settings},
        given=given,
    )


@pytest.mark.parametrize("kind", KINDS)
async def test_a_token_gets_one_push(way: Way, kind: PhoneKind) -> None:
    """Whose it is its shape tells; no database is needed."""
    token = way.providers.phones.add_new(kind)
    ended = await _push(way, "--token", token, GTR_DATABASE_URL="")
    assert (ended.code, ended.err) == (0, "")
    (entry,) = way.providers.ledger.entries()
    assert (entry.provider, entry.token) == (kind, token)
    assert ended.out.startswith(f"{kind}: accepted as ")
    assert token not in ended.out


async def test_a_token_can_stay_off_the_command_line(way: Way) -> None:
    """What stands there other people of the machine see."""
    token = way.providers.phones.add_new("expo")
    ended = await _push(way, "--token", "-", given=token.encode() + b"\n")
    assert ended.code == 0
    assert way.providers.ledger.total == 1


async def test_every_living_device_of_a_person_gets_one(way: Way) -> None:
    """And the worst answer decides how it ends."""
    person = await way.add_person("sung", "Sung Kang", "fcm", "apns", "expo")
    ended = await _push(way, "--user", str(person.user_id))
    assert ended.code == 0, ended
    assert sorted(entry.provider for entry in way.providers.ledger.entries()) == sorted(KINDS)
    assert len(ended.out.splitlines()) == 3

    way.providers.phones.uninstall(person.tokens["fcm"])
    ended = await _push(way, "--user", str(person.user_id), "--json")
    assert ended.code == 1
    found = {record["provider"]: record for record in json.loads(ended.out)}
    assert found["fcm"]["outcome"] == "dead_target"
    assert found["fcm"]["code"] == "UNREGISTERED"
    assert "registers again" in found["fcm"]["meaning"]
    assert [found[kind]["outcome"] for kind in ("apns", "expo")] == ["accepted"] * 2
    for token in person.tokens.values():
        assert token not in ended.out + ended.err


@pytest.mark.parametrize(
    ("status", "reason", "code", "said"),
    [
        (404, "UNREGISTERED", 1, "the device is gone"),
        (400, "INVALID_ARGUMENT", 1, "refused"),
        (403, "SENDER_ID_MISMATCH", 78, "another Firebase project than GTR_FCM_CREDENTIALS_FILE"),
        (503, "UNAVAILABLE", 75, "try again in a minute"),
        (429, "QUOTA_EXCEEDED", 75, "asks for a pause of 60 s"),
    ],
)
async def test_a_refusal_says_what_it_means_and_what_to_do(
    way: Way, status: int, reason: str, code: int, said: str
) -> None:
    """With the exit code of its kind."""
    way.providers.fcm.script.add(Fail(status, reason))
    token = way.providers.phones.add_new("fcm")
    ended = await _push(way, "--token", token)
    assert ended.code == code, ended
    assert said in ended.out
    assert token not in ended.out + ended.err


async def test_a_dry_run_is_checked_and_reaches_nobody(way: Way) -> None:
    """By FCM, with token and keys."""
    token = way.providers.phones.add_new("fcm")
    ended = await _push(way, "--token", token, "--dry-run")
    assert (ended.code, ended.out) == (0, "fcm: would be accepted; nothing was sent\n")
    way.providers.phones.uninstall(token)
    ended = await _push(way, "--token", token, "--dry-run")
    assert ended.code == 1
    assert "UNREGISTERED" in ended.out
    assert way.providers.ledger.total == 0


@pytest.mark.parametrize("kind", ["apns", "expo"])
async def test_who_has_no_dry_run_says_so_and_sends_nothing(way: Way, kind: PhoneKind) -> None:
    """Nothing is sent instead."""
    ended = await _push(way, "--token", way.providers.phones.add_new(kind), "--dry-run")
    assert ended.code == 2
    assert ended.out == f"{kind}: not sent: {kind} has no dry run\n"
    assert way.providers.ledger.total == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--user or --token"),
        (("--user", str(uuid4()), "--token", "x"), "--user or --token"),
        (("--user", "sung"), "--user: not an id"),
        (("--token", "nonsense-1"), "--token: this is no token"),
        (("--token", ""), "--token: this is no token"),
    ],
)
async def test_a_wrong_call_is_refused(way: Way, arguments: tuple[str, ...], said: str) -> None:
    """In one line that names the option, and does not repeat what may be a token."""
    ended = await _push(way, *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert "nonsense-1" not in ended.err


async def test_a_person_without_a_device_is_told_apart(way: Way) -> None:
    """Nothing can be tried."""
    ended = await _push(way, "--user", str(uuid4()))
    assert ended.code == 1
    assert "no living device" in ended.err


async def test_a_database_of_another_environment_is_refused(way: Way) -> None:
    """A copy of production reaches nobody of production."""
    person = await way.add_person("sung", "Sung Kang", "apns")
    ended = await _push(way, "--user", str(person.user_id), GTR_ENVIRONMENT="elsewhere")
    assert ended.code == 78
    assert "GTR_ENVIRONMENT" in ended.err
    assert way.providers.ledger.total == 0


async def test_a_database_from_which_sending_is_paused_is_refused(way: Way) -> None:
    """As a worker would refuse it."""
    person = await way.add_person("sung", "Sung Kang", "apns")
    await way.fetch(
        "insert into gtr_jobs.lineage (server, database_oid, timeline, paused_since, reasons)"
        " select s.server, s.database_oid, s.timeline, now(), '{ledger}' from gtr_jobs.read_server() as s"
    )
    ended = await _push(way, "--user", str(person.user_id))
    assert ended.code == 78, ended
    assert "sending is paused" in ended.err
    assert way.providers.ledger.total == 0


async def test_keys_that_are_not_set_are_named(way: Way) -> None:
    """Of the provider whose token it is."""
    token = way.providers.phones.add_new("fcm")
    ended = await _push(way, "--token", token, GTR_FCM_CREDENTIALS_FILE="")
    assert ended.code == 78
    assert "GTR_FCM_CREDENTIALS_FILE" in ended.err
    ended = await _push(way, "--user", str(uuid4()), GTR_DATABASE_URL="")
    assert ended.code == 78
    assert re.match(r"gtr-jobs: GTR_DATABASE_URL is not set", ended.err)


async def test_a_device_whose_token_is_nobodys_is_left_out(way: Way) -> None:
    """The others are tried all the same."""
    person = await way.add_person("sung", "Sung Kang", "apns")
    await create_device(way.connection, person.user_id, "abc")
    ended = await _push(way, "--user", str(person.user_id))
    assert ended.code == 0, ended
    assert way.providers.ledger.total == 1
