"""A worker of several processes: one address, one way to stop it, and nothing lost or doubled."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.command_line import run_command
from support.way import Person, Way

from gtr_jobs.dev.standins.exchange import Stall
from gtr_jobs.dev.standins.screen import show
from gtr_jobs.dev.standins.script import FOR_EVER, AfterAccepting, Slow
from gtr_jobs.dev.worker_process import WorkerProcess

MESSAGES = 200
PATIENCE_SECONDS = 20.0
ENDED = "gtr_jobs_ended_total"

pytestmark = pytest.mark.timeout(60)


async def _begin(way: Way) -> tuple[Person, Person, UUID]:
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka", "fcm")
    return mia, leo, await way.add_conversation(mia, leo)


async def _write_messages(way: Way, count: int, mia: Person, leo: Person, chat: UUID) -> None:
    await way.connection.execute(
        "insert into public.messages (conversation_id, sender_id, recipient_id, content)"
        " select %s, %s, %s, 'Message ' || n from generate_series(1, %s) as n",
        [chat, mia.user_id, leo.user_id, count],
    )


async def _start(
    way: Way, count: int, *arguments: str, **settings: str
) -> tuple[WorkerProcess, str]:
    """Start a worker of so many processes; give it and its address once all are ready."""
    worker = await way.start_worker("--processes", str(count), *arguments, **settings)
    address = str((await worker.wait_for_event("processes.started"))["http"])
    await _until(address, lambda body: body["status"] == "ready")
    return worker, address


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


async def _ready(address: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((await asyncio.to_thread(_get, f"{address}/readyz"))[1])
    return body


async def _until(address: str, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so(body := await _ready(address)):
            await asyncio.sleep(0.05)
    return body


async def _metrics(address: str) -> dict[str, float]:
    """Read the page; series of one name are added up."""
    _, text = await asyncio.to_thread(_get, f"{address}/metrics")
    found: defaultdict[str, float] = defaultdict(float)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] += sample.value
    return dict(found)


async def _until_counted(address: str, name: str, value: float) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await _metrics(address)).get(name) != value:
            await asyncio.sleep(0.05)


def _pids(body: dict[str, Any]) -> list[int]:
    return [one["pid"] for one in body["processes"]]


def _times_accepted(way: Way) -> Counter[str]:
    return Counter(show(entry).body for entry in way.providers.ledger.entries())


async def test_processes_share_a_queue_and_one_address(way: Way) -> None:
    """Each message once, by more than one process; the page counts what all of them did."""
    mia, leo, chat = await _begin(way)
    worker, address = await _start(way, 3, "--concurrency", "20")
    way.providers.fcm.script.add(Slow(0.05), times=FOR_EVER)

    await _write_messages(way, MESSAGES, mia, leo, chat)
    await way.wait_until_settled()

    assert _times_accepted(way) == {f"Message {n}": 1 for n in range(1, MESSAGES + 1)}
    await _until_counted(address, ENDED, MESSAGES)
    metrics = await _metrics(address)
    assert (metrics["gtr_processes"], metrics["gtr_worker_up"]) == (3, 3)
    senders = {r["process"] for r in worker.records if r["event"] == "push.attempted"}
    assert len(senders) > 1
    started = [r for r in worker.records if r["event"] == "worker.started"]
    assert {(r["process"], r["http"]) for r in started} == {(n, address) for n in (1, 2, 3)}

    assert await worker.stop() == 0
    assert await way.fetch("select 1 from procrastinate.procrastinate_workers") == []
    assert not [line for line in worker.log if "Traceback" in line]


async def test_a_killed_process_comes_back_and_the_counters_never_go_down(way: Way) -> None:
    """Kill -9: what it counted stays in the sum, and its place is taken by a new process."""
    mia, leo, chat = await _begin(way)
    worker, address = await _start(way, 2)
    await _write_messages(way, MESSAGES, mia, leo, chat)
    await way.wait_until_settled()
    await _until_counted(address, ENDED, MESSAGES)
    before = await _ready(address)

    for pid in _pids(before):
        os.kill(pid, signal.SIGKILL)
    await worker.wait_for_event("processes.ended")
    assert (await _metrics(address))[ENDED] == MESSAGES
    after = await _until(
        address,
        lambda body: body["status"] == "ready" and not set(_pids(body)) & set(_pids(before)),
    )

    assert [(one["process"], one["restarts"]) for one in after["processes"]] == [(1, 1), (2, 1)]
    ended = [r for r in worker.records if r["event"] == "processes.ended"]
    assert sorted((r["process"], r["exit_code"]) for r in ended) == [(1, -9), (2, -9)]
    metrics = await _metrics(address)
    assert (metrics[ENDED], metrics["gtr_processes_ended_total"]) == (MESSAGES, 2)
    await _write_messages(way, 1, mia, leo, chat)
    await _until_counted(address, ENDED, MESSAGES + 1)
    assert await worker.stop() == 0


async def test_a_process_that_hangs_does_not_hang_the_pages(way: Way) -> None:
    """One is stopped in its tracks: the pages answer, and say when it was last heard."""
    worker, address = await _start(way, 2)
    hung = _pids(await _ready(address))[0]

    os.kill(hung, signal.SIGSTOP)
    try:
        assert await asyncio.to_thread(_get, f"{address}/healthz") == (200, '{"status":"alive"}')
        assert (await _metrics(address))["gtr_processes"] == 2
        body = await _until(address, lambda body: body["processes"][0]["state"] == "silent")
        assert (body["status"], body["processes"][1]["state"]) == ("not ready", "working")
        record = await worker.wait_for_event("processes.silent")
        assert (record["process"], record["pid"]) == (1, hung)
    finally:
        os.kill(hung, signal.SIGCONT)
    await _until(address, lambda body: body["status"] == "ready")
    assert await worker.stop() == 0


async def test_processes_whose_parent_was_killed_stop_in_order(way: Way) -> None:
    """Kill -9 of the parent: running work ends, and each leaves the register by itself."""
    mia, leo, chat = await _begin(way)
    way.providers.fcm.script.add(Slow(1.0), times=FOR_EVER)
    worker, _ = await _start(way, 2)
    await _write_messages(way, 10, mia, leo, chat)
    await way.providers.ledger.wait_for(1)

    worker.send_signal(signal.SIGKILL)

    async with asyncio.timeout(PATIENCE_SECONDS):
        while await way.fetch("select 1 from procrastinate.procrastinate_workers"):
            await asyncio.sleep(0.05)
    assert await way.fetch("select status::text from gtr_jobs.jobs") == []
    assert _times_accepted(way) == {f"Message {n}": 1 for n in range(1, 11)}


async def test_a_signal_to_every_process_counts_once(way: Way) -> None:
    """A supervisor that signals the parent and its processes alike hurries nobody."""
    mia, leo, chat = await _begin(way)
    way.providers.fcm.script.add(Slow(1.0), times=FOR_EVER)
    worker, address = await _start(way, 2)
    await _write_messages(way, 10, mia, leo, chat)
    await way.providers.ledger.wait_for(1)

    for pid in (*_pids(await _ready(address)), worker.pid):
        os.kill(pid, signal.SIGTERM)

    assert await worker.wait() == 0
    assert (
        await way.fetch("select 1 from gtr_jobs.jobs where lost_claims > 0 or attempts > 0") == []
    )
    accepted = _times_accepted(way)
    left = await way.fetch("select 1 from gtr_jobs.jobs")
    assert set(accepted.values()) == {1}
    assert len(accepted) + len(left) == 10


async def test_a_second_signal_hurries_every_process(way: Way) -> None:
    """The provider never answers: after the second SIGINT all is handed back, without an attempt."""
    mia, leo, chat = await _begin(way)
    way.providers.fcm.script.add(AfterAccepting(Stall()), times=FOR_EVER)
    worker, _ = await _start(way, 2, "--concurrency", "1")
    await _write_messages(way, 2, mia, leo, chat)
    await way.providers.ledger.wait_for(2)

    worker.send_signal(signal.SIGINT)
    await worker.wait_for_event("processes.stopping")
    await way.wait_for_records(worker, 2, event="worker.stopping")
    worker.send_signal(signal.SIGINT)

    assert await worker.wait() == 0
    jobs = await way.fetch("select status::text, attempts, lost_claims from gtr_jobs.jobs")
    assert jobs == [("todo", 0, 1), ("todo", 0, 1)]


@pytest.mark.parametrize(
    ("setting", "value", "code", "says"),
    [
        ("GTR_QUEUES", "nonsense", 78, "no queue nonsense"),
        (
            "GTR_DATABASE_URL",
            "postgresql://gtr_worker:x@127.0.0.1:1/postgres",
            75,
            "cannot be reached",
        ),
    ],
)
async def test_what_keeps_all_from_starting_ends_the_parent_as_it_would_end_one(
    way: Way, setting: str, value: str, code: int, says: str
) -> None:
    """One line, said once, and the exit code that a supervisor acts on."""
    ended = await asyncio.to_thread(
        run_command, "worker", "--processes", "3", settings={**way.settings, setting: value}
    )

    assert ended.code == code
    (line,) = [line for line in ended.err.splitlines() if line.startswith("gtr-jobs: ")]
    assert says in line


async def test_one_process_is_no_parent(way: Way) -> None:
    """--processes 1 is the worker as it always was."""
    worker = await way.start_worker("--processes", "1")

    assert [r["event"] for r in worker.records if r["event"].startswith("processes.")] == []
    assert await worker.stop() == 0
