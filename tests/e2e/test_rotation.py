"""Credentials that change while a worker sends: nothing is lost, nothing is sent twice, and what is bad is not taken."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.command_line import make_environment
from support.keys_of_apps import make_apple_key, make_firebase_key, read_firebase_key
from support.way import Person, Way

from gtr_jobs.dev.standins.provider_standins import DEFAULT_PROJECT, DEFAULT_TOPIC
from gtr_jobs.dev.standins.screen import show
from gtr_jobs.dev.standins.script import FOR_EVER, Slow
from gtr_jobs.dev.worker_process import GTR_JOBS

MESSAGES = 200
pytestmark = pytest.mark.timeout(60)


class Talk:
    """Mia writes to Leo, and every message is counted."""

    def __init__(self, way: Way, mia: Person, leo: Person, chat: Any) -> None:
        self._way = way
        self._people = (chat, mia.user_id, leo.user_id)
        self.written = 0

    async def write(self, count: int) -> None:
        """Write messages in one statement."""
        await self._way.connection.execute(
            "insert into public.messages (conversation_id, sender_id, recipient_id, content)"
            " select %s, %s, %s, 'Message ' || n from generate_series(%s::integer, %s::integer) as n",
            [*self._people, self.written + 1, self.written + count],
        )
        self.written += count

    async def expect_each_once(self) -> None:
        """See that each was taken once, at the first attempt."""
        await self._way.wait_until_settled()
        taken = Counter(show(entry).body for entry in self._way.providers.ledger.entries())
        assert taken == {f"Message {n}": 1 for n in range(1, self.written + 1)}
        ended = await self._way.fetch(
            "select state::text, attempts, resent_after_unknown, count(*)::integer"
            " from gtr_jobs.deliveries group by 1, 2, 3"
        )
        assert ended == [("sent", 1, False, self.written)]


async def _begin(way: Way, kind: Any) -> Talk:
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka", kind)
    return Talk(way, mia, leo, await way.add_conversation(mia, leo))


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        text: str = answer.read().decode()
        return text


async def _write_file(file: str, text: str) -> None:
    await asyncio.to_thread(Path(file).write_text, text)


def _swap(folder: Path, name: str, text: str) -> None:
    """Put a file in the place of another as Kubernetes does: a link to a folder changes."""
    fresh = folder / f"..{name}"
    fresh.mkdir()
    (fresh / "key.json").write_text(text)
    (folder / "..new").symlink_to(fresh.name)
    (folder / "..new").replace(folder / "..data")


async def test_a_key_file_that_changes_is_taken_in_the_middle_of_sending(
    way: Way, tmp_path: Path
) -> None:
    """What is under way ends with the old key; when that is gone, all the same comes through."""
    folder = tmp_path / "mounted"
    folder.mkdir()
    old = read_firebase_key(way.settings)
    _swap(folder, "1", old.text)
    (folder / "key.json").symlink_to("..data/key.json")
    talk = await _begin(way, "fcm")
    way.providers.fcm.script.add(Slow(0.5), times=FOR_EVER)
    worker = await way.start_worker(
        "--concurrency", "20", GTR_FCM_CREDENTIALS_FILE=str(folder / "key.json")
    )
    await talk.write(MESSAGES)
    await way.providers.ledger.wait_for(10)

    new = make_firebase_key(way.providers, DEFAULT_PROJECT)
    _swap(folder, "2", new.text)
    changed = await worker.wait_for_event("credentials.changed")
    assert way.providers.ledger.total < MESSAGES
    await way.wait_until_settled()
    way.providers.oauth.revoke(old.email)
    await talk.write(20)
    await talk.expect_each_once()

    assert (changed["app"], changed["provider"]) == ("default", "fcm")
    assert [r for r in worker.records if r["event"] == "credentials.refused"] == []
    assert old.text not in "\n".join(worker.log)
    assert await worker.stop() == 0


async def _start_with_dot_env(
    way: Way, folder: Path, *arguments: str
) -> tuple[Any, dict[str, str]]:
    """Start a worker whose APNs key is named in `.env`, where it can be changed."""
    names = ("GTR_APNS_KEY_FILE", "GTR_APNS_KEY_ID")
    dot_env = {name: way.settings.pop(name) for name in names}
    _write_dot_env(folder, dot_env)
    return await way.start_worker_in(folder, *arguments), dot_env


def _write_dot_env(folder: Path, values: dict[str, str]) -> None:
    lines = [f"{name}={value}\n" for name, value in values.items()]
    (folder / ".env.new").write_text("".join(lines))
    (folder / ".env.new").replace(folder / ".env")


async def test_sighup_takes_a_new_signing_key_in_the_middle_of_sending(
    way: Way, tmp_path: Path
) -> None:
    """File and id change together in .env; afterwards the old key may be revoked."""
    talk = await _begin(way, "apns")
    way.providers.apns.script.add(Slow(0.1), times=FOR_EVER)
    worker, old = await _start_with_dot_env(way, tmp_path, "--concurrency", "20")
    await talk.write(MESSAGES)
    await way.providers.ledger.wait_for(10)

    team = way.settings["GTR_APNS_TEAM_ID"]
    _write_dot_env(tmp_path, make_apple_key(way.providers, tmp_path, DEFAULT_TOPIC, team))
    worker.send_signal(signal.SIGHUP)
    changed = await worker.wait_for_event("credentials.changed")
    assert way.providers.ledger.total < MESSAGES
    read = await worker.wait_for_event("credentials.read")
    await way.wait_until_settled()
    way.providers.apns.tokens.revoke(old["GTR_APNS_KEY_ID"])
    await talk.write(20)
    await talk.expect_each_once()

    assert (changed["provider"], read["changed"]) == ("apns", 1)
    assert await worker.stop() == 0


async def test_bad_credentials_are_not_taken_and_the_worker_goes_on(way: Way) -> None:
    """It names the setting once, counts it, stays ready and says so; good ones are taken afterwards."""
    file = way.settings["GTR_FCM_CREDENTIALS_FILE"]
    talk = await _begin(way, "fcm")
    worker = await way.start_worker()
    address = (await worker.wait_for_event("worker.started"))["http"]

    await _write_file(file, '{"type": "service_account", "secret-7f3a": ')
    refused = await worker.wait_for_event("credentials.refused")
    await talk.write(20)
    await talk.expect_each_once()

    assert refused["error"].startswith(f"GTR_FCM_CREDENTIALS_FILE: {file} is not JSON")
    assert (refused["app"], refused["provider"]) == ("default", "fcm")
    ready = json.loads(await asyncio.to_thread(_get, f"{address}/readyz"))
    assert ready["status"] == "ready"
    (detail,) = ready["details"]["credentials"]
    assert detail.startswith("the new credentials are not used: GTR_FCM_CREDENTIALS_FILE")
    counted = 'gtr_credential_changes_total{app="default",provider="fcm",result="%s"} 1.0'
    assert counted % "refused" in await asyncio.to_thread(_get, f"{address}/metrics")

    await _write_file(file, make_firebase_key(way.providers, DEFAULT_PROJECT).text)
    await worker.wait_for_event("credentials.changed")
    await talk.write(20)
    await talk.expect_each_once()
    ready = json.loads(await asyncio.to_thread(_get, f"{address}/readyz"))
    assert "credentials" not in ready["details"]
    assert counted % "taken" in await asyncio.to_thread(_get, f"{address}/metrics")
    assert len(await way.wait_for_records(worker, 1, event="credentials.refused")) == 1
    assert "secret-7f3a" not in "\n".join(worker.log)


async def test_a_key_that_google_refuses_is_not_taken(way: Way) -> None:
    """It looks right, and Google does not know it: the old one goes on."""
    file = way.settings["GTR_FCM_CREDENTIALS_FILE"]
    talk = await _begin(way, "fcm")
    worker = await way.start_worker()
    new = make_firebase_key(way.providers, DEFAULT_PROJECT)
    way.providers.oauth.revoke(new.email)

    await _write_file(file, new.text)
    refused = await worker.wait_for_event("credentials.refused")
    await talk.write(20)
    await talk.expect_each_once()

    assert refused["error"].startswith(
        f"GTR_FCM_CREDENTIALS_FILE: {file}: Google gives no access token (invalid_grant)"
    )


async def test_settings_that_make_no_sense_any_more_are_not_taken(way: Way, tmp_path: Path) -> None:
    """After SIGHUP, the setting in .env is named; the worker goes on as it was."""
    talk = await _begin(way, "apns")
    worker, old = await _start_with_dot_env(way, tmp_path)
    _write_dot_env(tmp_path, old | {"GTR_APPS__DEALER__APNS_TOPICS": "com.example.dealer"})

    worker.send_signal(signal.SIGHUP)
    refused = await worker.wait_for_event("credentials.refused")
    await talk.write(20)
    await talk.expect_each_once()

    assert refused["error"].startswith("GTR_APPS__DEALER__APNS_TOPICS: extra inputs")


async def test_sighup_to_a_parent_reaches_every_process(way: Way, tmp_path: Path) -> None:
    """Both take the new key; neither ends."""
    talk = await _begin(way, "apns")
    worker, old = await _start_with_dot_env(way, tmp_path, "--processes", "2")
    await way.wait_for_records(worker, 2, event="worker.started")
    team = way.settings["GTR_APNS_TEAM_ID"]
    _write_dot_env(tmp_path, make_apple_key(way.providers, tmp_path, DEFAULT_TOPIC, team))

    worker.send_signal(signal.SIGHUP)
    changed = await way.wait_for_records(worker, 2, event="credentials.changed")
    way.providers.apns.tokens.revoke(old["GTR_APNS_KEY_ID"])
    await talk.write(MESSAGES)
    await talk.expect_each_once()

    assert {record["process"] for record in changed} == {1, 2}
    assert await worker.stop() == 0


@pytest.mark.parametrize("arguments", [(), ("--processes", "2")])
async def test_a_terminal_that_hangs_up_stops_a_worker_in_order(
    way: Way, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """SIGHUP is no request to read credentials when the terminal is gone: nobody could press Ctrl-C any more."""
    talk = await _begin(way, "fcm")
    way.providers.fcm.script.add(Slow(0.5), times=FOR_EVER)
    await talk.write(20)
    log = tmp_path / "log"
    pid, terminal = pty.fork()
    if pid == 0:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT)
        os.dup2(descriptor, 2)
        os.execve(
            GTR_JOBS[0],
            [*GTR_JOBS, "worker", "--concurrency", "5", *arguments],
            make_environment({**way.settings, "GTR_LOG_FORMAT": "json"}),
        )
    try:
        await way.providers.ledger.wait_for(1, timeout=20)
        os.close(terminal)
        async with asyncio.timeout(30):
            _, status = await asyncio.to_thread(os.waitpid, pid, 0)
    except BaseException:
        # Whoever waits for it in a thread would wait for ever.
        os.kill(pid, signal.SIGKILL)
        raise
    assert os.waitstatus_to_exitcode(status) == 0
    assert '"credentials.read"' not in log.read_text()
    ((left,),) = await way.fetch("select count(*) from gtr_jobs.jobs where status = 'doing'")
    assert left == 0
    way.providers.fcm.script.clear()
    await way.start_worker()
    await talk.expect_each_once()


async def test_a_session_that_is_killed_stops_a_worker_in_its_foreground(
    way: Way, tmp_path: Path
) -> None:
    """The shell is gone, the window may still be there; the worker is nobody's to stop."""
    log = tmp_path / "log"
    shell, terminal = pty.fork()
    if shell == 0:
        words = [*GTR_JOBS, "worker"]
        os.execve(
            "/bin/sh",
            ["sh", "-c", f'"$@" 2>"{log}"; exit 1', "sh", *words],
            make_environment({**way.settings, "GTR_LOG_FORMAT": "json"}),
        )

    async def until_logged(event: str) -> None:
        async with asyncio.timeout(20):
            while not (log.exists() and f'"{event}"' in log.read_text()):
                await asyncio.sleep(0.05)

    await until_logged("worker.started")
    os.kill(shell, signal.SIGKILL)
    try:
        await until_logged("worker.stopped")
    finally:
        os.close(terminal)
        await asyncio.to_thread(os.waitpid, shell, 0)
    assert '"credentials.read"' not in log.read_text()
