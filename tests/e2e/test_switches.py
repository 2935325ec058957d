"""Operators' levers, pulled at the command line while two real workers run: each is obeyed, and nothing is lost."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import pytest
from support.operator import operate
from support.people import like_post, write_post
from support.way import Person, Way

from gtr_jobs.dev.standins.exchange import Stall
from gtr_jobs.dev.standins.screen import show
from gtr_jobs.dev.standins.script import FOR_EVER, AfterAccepting, Slow
from gtr_jobs.dev.worker_process import WorkerProcess

DOING = "select count(*) from gtr_jobs.jobs where status = 'doing'"

pytestmark = pytest.mark.timeout(60)  # two workers, and a process for every command


async def _pull(way: Way, workers: Sequence[WorkerProcess], *command: str) -> None:
    """Pull a lever, and wait until every worker says that it knows."""
    known = [len(_changes(worker)) for worker in workers]
    ended = await asyncio.to_thread(operate, way.database, *command)
    assert ended.code == 0, ended.err
    for worker, before in zip(workers, known, strict=True):
        await way.wait_for_records(worker, before + 1, event="switches.changed")


def _changes(worker: WorkerProcess) -> list[object]:
    return [record for record in worker.records if record["event"] == "switches.changed"]


async def _start_two(way: Way, *arguments: str) -> list[WorkerProcess]:
    return list(await asyncio.gather(*(way.start_worker(*arguments) for _ in range(2))))


async def _write(way: Way, first: int, last: int, people: tuple[Person, Person, UUID]) -> None:
    mia, leo, chat = people
    await way.connection.execute(
        "insert into public.messages (conversation_id, sender_id, recipient_id, content)"
        " select %s, %s, %s, 'Message ' || n from generate_series(%s::int, %s) as n",
        [chat, mia.user_id, leo.user_id, first, last],
    )


async def _begin(way: Way, *phones: str) -> tuple[Person, Person, UUID]:
    mia = await way.add_person("mia", "Mia Rossi", "fcm")
    leo = await way.add_person("leo", "Leo Tanaka", *(phones or ("fcm",)))  # type: ignore[arg-type]
    return mia, leo, await way.add_conversation(mia, leo)


def _accepted(way: Way) -> Counter[str]:
    return Counter(show(entry).body for entry in way.providers.ledger.entries())


async def _wait_until_nothing_is_done(way: Way) -> None:
    async with asyncio.timeout(15):
        while await way.fetch(DOING) != [(0,)]:
            await asyncio.sleep(0.01)


async def test_a_queue_paused_in_the_middle_of_a_backlog_goes_on_where_it_stopped(
    way: Way,
) -> None:
    """What was begun ends, nothing more is begun, new rows wait too; then each is sent, once."""
    people = await _begin(way)
    # Ten a second: however long the command takes, it comes in the middle.
    way.providers.fcm.script.add(Slow(1.0), times=FOR_EVER)
    workers = await _start_two(way, "--concurrency", "5")
    await _write(way, 1, 300, people)
    await way.providers.ledger.wait_for(10)

    await _pull(way, workers, "queues", "pause", "push", "--reason", "the provider asked us")

    await _wait_until_nothing_is_done(way)
    way.providers.fcm.script.clear()
    begun = way.providers.ledger.total
    await _write(way, 301, 310, people)
    await asyncio.sleep(1.5)  # longer than any poll
    assert await way.fetch("select count(*) from gtr_jobs.jobs where status = 'todo'") == [
        (310 - begun,)
    ]
    assert way.providers.ledger.total == begun < 300
    assert await way.fetch("select 1 from gtr_jobs.sleeping_workers where queue = 'push'") == []

    await _pull(way, workers, "queues", "resume", "push")

    await way.wait_until_settled()
    assert _accepted(way) == {f"Message {n}": 1 for n in range(1, 311)}
    ledger = await way.fetch(
        "select state::text, attempts, resent_after_unknown, count(*)::integer"
        " from gtr_jobs.deliveries group by 1, 2, 3"
    )
    assert ledger == [("sent", 1, False, 310)]


async def test_a_paused_kind_lets_the_others_by(way: Way) -> None:
    """A like behind two hundred paused messages is told at once; the messages come when they may, in order."""
    people = await _begin(way)
    mia, leo, _ = people
    workers = await _start_two(way)
    await _pull(way, workers, "switches", "pause", "kind", "message", "--for", "1h")
    await _write(way, 1, 200, people)
    post = await write_post(way.connection, leo.user_id, "R34", "For sale?")
    await like_post(way.connection, post, mia.user_id)

    await way.providers.ledger.wait_for(1)
    # The provider knows of the like a moment before its end is written.
    async with asyncio.timeout(5):
        while await way.fetch("select 1 from gtr_jobs.jobs where kind <> 'message'"):
            await asyncio.sleep(0.02)

    assert [body for body in _accepted(way) if body.startswith("Message")] == []
    assert await way.fetch("select distinct kind from gtr_jobs.jobs") == [("message",)]
    await _pull(way, workers, "switches", "resume", "kind", "message")
    await way.wait_until_settled()
    sent = {body: n for body, n in _accepted(way).items() if body.startswith("Message")}
    assert sent == {f"Message {n}": 1 for n in range(1, 201)}
    assert await way.fetch("select 1 from gtr_jobs.held_jobs") == []


async def test_a_paused_provider_is_not_asked_and_the_others_are(way: Way) -> None:
    """Its receivers wait without an attempt and without a word in the ledger; nobody is told twice."""
    people = await _begin(way, "fcm", "apns")
    workers = await _start_two(way, "--queues", "push")
    await _pull(way, workers, "switches", "pause", "provider", "apns")
    await _write(way, 1, 20, people)

    await way.providers.ledger.wait_for(20)
    await _wait_until_nothing_is_done(way)

    assert {entry.provider for entry in way.providers.ledger.entries()} == {"fcm"}
    assert await way.deliveries() == [("fcm", "sent", "accepted", "", 1, False)] * 20
    waiting = await way.fetch(
        "select status::text, attempts, scheduled_at > now() + interval '5 minutes', count(*)"
        " from gtr_jobs.jobs group by 1, 2, 3"
    )
    assert waiting == [("todo", 0, True, 20)]
    await _pull(way, workers, "switches", "resume", "provider", "apns")
    await way.wait_until_settled()
    assert _accepted(way) == {f"Message {n}": 2 for n in range(1, 21)}
    assert Counter(await way.deliveries()) == {
        ("fcm", "sent", "accepted", "", 1, False): 20,
        ("apns", "sent", "accepted", "", 1, False): 20,
    }


async def test_a_paused_channel_begins_nothing(way: Way) -> None:
    """Whatever the provider: jobs stay unclaimed until it goes on."""
    people = await _begin(way, "fcm", "apns", "expo")
    workers = await _start_two(way)
    await _pull(way, workers, "switches", "pause", "channel", "push")
    await _write(way, 1, 5, people)
    await asyncio.sleep(1.5)  # longer than any poll
    assert await way.fetch("select max(claim_number), count(*) from gtr_jobs.jobs") == [(0, 5)]
    await _pull(way, workers, "switches", "resume", "channel", "push")
    await way.wait_until_settled()
    assert _accepted(way) == {f"Message {n}": 3 for n in range(1, 6)}


async def test_a_limit_holds_over_both_workers_and_past_a_killed_one(way: Way) -> None:
    """One at a time; the holder is killed in the middle, and only its rescue lets the next begin."""
    people = await _begin(way)
    way.providers.fcm.script.add(AfterAccepting(Stall()))
    workers = await _start_two(way, "--queues", "push")
    await _pull(way, workers, "switches", "limit", "push", "1")
    await _write(way, 1, 30, people)
    await way.providers.ledger.wait_for(1)
    ((holder,),) = await way.fetch("select worker_id from gtr_jobs.jobs where status = 'doing'")
    (killed,) = (one for one in workers if _worker_id(one) == holder)
    killed.send_signal(signal.SIGKILL)
    await killed.wait()
    await asyncio.sleep(1.5)  # longer than any poll
    assert await way.fetch(DOING) == [(1,)]
    assert way.providers.ledger.total == 1
    await way.fetch(
        "update procrastinate.procrastinate_workers set last_heartbeat = now() - interval '31 s'"
        " where id = %s",
        holder,
    )
    most = 0
    async with asyncio.timeout(20):
        while await way.fetch("select 1 from gtr_jobs.jobs limit 1"):
            ((doing,),) = await way.fetch(DOING)
            most = max(most, doing)
    assert most == 1
    assert _accepted(way) == {"Message 1": 2} | {f"Message {n}": 1 for n in range(2, 31)}


async def test_a_rate_is_shared_by_both_workers(way: Way) -> None:
    """Sixty at twenty a second: what comes in any second is no more than that and what a lease holds."""
    people = await _begin(way)
    workers = await _start_two(way)
    await _pull(way, workers, "switches", "rate", "provider", "fcm", "20/s")
    await _write(way, 1, 60, people)
    await way.wait_until_settled()
    assert _accepted(way) == {f"Message {n}": 1 for n in range(1, 61)}
    times = sorted(
        moment.timestamp()
        for (moment,) in await way.fetch("select created_at from gtr_jobs.deliveries")
    )
    # Of a quarter of a second it may have saved up tokens; each worker hands out 0.2 s together.
    assert times[-1] - times[0] >= (60 - 5 - 2 * 4 - 1) / 20


async def test_a_ramp_is_for_some_and_for_test_users(way: Way) -> None:
    """Nobody but Mia gets messages told; what Leo does not get is in the ledger, with the reason."""
    mia, leo, chat = await _begin(way)
    workers = await _start_two(way)
    await _pull(way, workers, "switches", "ramp", "kind", "message", "0%")
    await _pull(way, workers, "switches", "test-user", str(mia.user_id))
    await _write(way, 1, 1, (mia, leo, chat))
    await _write(way, 2, 2, (leo, mia, chat))
    await way.wait_until_settled()
    assert _accepted(way) == {"Message 2": 1}
    assert Counter(await way.deliveries()) == {
        ("fcm", "sent", "accepted", "", 1, False): 1,
        (None, "skipped", "skipped", "not_in_ramp", 1, False): 1,
    }


def _worker_id(worker: WorkerProcess) -> object:
    (started,) = (record for record in worker.records if record["event"] == "worker.started")
    return started["worker_id"]
