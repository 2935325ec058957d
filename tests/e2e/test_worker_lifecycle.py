"""A worker that stops, is killed, or is one of many loses nothing and doubles nothing."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from uuid import UUID

from support.way import Person, Way

from gtr_jobs.dev.standins.exchange import Stall
from gtr_jobs.dev.standins.screen import show
from gtr_jobs.dev.standins.script import FOR_EVER, AfterAccepting, Slow

MESSAGES = 300


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


def _times_accepted(way: Way) -> Counter[str]:
    return Counter(show(entry).body for entry in way.providers.ledger.entries())


async def test_a_worker_told_to_stop_in_the_middle_loses_and_doubles_nothing(way: Way) -> None:
    """SIGTERM while hundreds are under way: exit 0, and a second worker does just the rest."""
    mia, leo, chat = await _begin(way)
    way.providers.fcm.script.add(Slow(0.05), times=FOR_EVER)
    first = await way.start_worker("--concurrency", "100")
    await _write_messages(way, MESSAGES, mia, leo, chat)
    await way.providers.ledger.wait_for(20)

    assert await first.stop() == 0

    accepted_by_first = way.providers.ledger.total
    ((left,),) = await way.fetch("select count(*) from gtr_jobs.jobs")
    assert accepted_by_first + left == MESSAGES
    ((claimed,),) = await way.fetch("select count(*) from gtr_jobs.jobs where status = 'doing'")
    assert claimed == 0
    await way.start_worker()
    await way.wait_until_settled()
    assert _times_accepted(way) == {f"Message {n}": 1 for n in range(1, MESSAGES + 1)}
    ledger = await way.fetch(
        "select state::text, attempts, resent_after_unknown, count(*)::integer"
        " from gtr_jobs.deliveries group by 1, 2, 3"
    )
    assert ledger == [("sent", 1, False, MESSAGES)]


async def test_a_second_signal_hands_running_work_back_at_once(way: Way) -> None:
    """The provider never answers: the second SIGTERM ends the wait, and the message is sent again, marked."""
    mia, leo, chat = await _begin(way)
    way.providers.fcm.script.add(AfterAccepting(Stall()))
    worker = await way.start_worker()
    await _write_messages(way, 1, mia, leo, chat)
    await way.providers.ledger.wait_for(1)

    worker.send_signal(signal.SIGTERM)
    await worker.wait_for_event("worker.stopping")
    worker.send_signal(signal.SIGTERM)

    assert await worker.wait() == 0
    jobs = await way.fetch("select status::text, attempts, lost_claims from gtr_jobs.jobs")
    assert jobs == [("todo", 0, 1)]
    await way.start_worker()
    await way.wait_until_settled()
    assert await way.deliveries() == [("fcm", "sent", "accepted", "", 1, True)]
    first, second = way.providers.ledger.entries()
    assert show(first) == show(second)


async def test_a_killed_workers_jobs_are_done_by_another_and_marked_as_resent(way: Way) -> None:
    """Kill -9 between send and ack: the next worker sends again under the same collapse id."""
    mia, leo, chat = await _begin(way)
    way.providers.fcm.script.add(AfterAccepting(Stall()))
    worker = await way.start_worker()
    await _write_messages(way, 1, mia, leo, chat)
    await way.providers.ledger.wait_for(1)

    worker.send_signal(signal.SIGKILL)
    await worker.wait()
    await way.fetch(
        "update procrastinate.procrastinate_workers set last_heartbeat = now() - interval '31 s'"
    )
    second = await way.start_worker()

    await second.wait_for_event("jobs.rescued")
    await way.wait_until_settled()
    assert await way.deliveries() == [("fcm", "sent", "accepted", "", 1, True)]
    assert _times_accepted(way) == {"Message 1": 2}


async def test_two_workers_share_a_queue_and_do_each_job_once(way: Way) -> None:
    """Both claim, and no message is accepted twice."""
    mia, leo, chat = await _begin(way)
    workers = await asyncio.gather(*(way.start_worker("--concurrency", "20") for _ in range(2)))
    way.providers.fcm.script.add(Slow(0.02), times=FOR_EVER)

    await _write_messages(way, MESSAGES, mia, leo, chat)
    await way.wait_until_settled()

    assert _times_accepted(way) == {f"Message {n}": 1 for n in range(1, MESSAGES + 1)}
    for worker in workers:
        assert [record for record in worker.records if record["event"] == "push.attempted"]


async def test_a_worker_outlives_a_killed_connection(way: Way) -> None:
    """Every connection of the worker is ended; it warns once, connects again and goes on."""
    mia, leo, chat = await _begin(way)
    worker = await way.start_worker()
    await _write_messages(way, 1, mia, leo, chat)
    await way.providers.ledger.wait_for(1)

    await way.fetch(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where usename = 'gtr_worker' and datname = current_database()"
    )
    await _write_messages(way, 1, mia, leo, chat)
    await way.providers.ledger.wait_for(2)
    await way.wait_until_settled()

    assert await worker.stop() == 0


async def test_a_job_of_an_unknown_kind_waits_for_a_newer_worker(way: Way) -> None:
    """It is parked without an attempt, and nothing about it is lost."""
    await way.fetch(
        "insert into gtr_jobs.job_kinds (kind, queue, produced_by, max_attempts)"
        " values ('of_tomorrow', 'push', 'test', 3)"
    )
    await way.fetch(
        "select gtr_jobs.enqueue(array[gtr_jobs.job('of_tomorrow', '{\"id\": 1}', 'of_tomorrow:1')])"
    )
    worker = await way.start_worker("--queues", "push", GTR_LOG_LEVEL="debug")

    await way.wait_for_records(worker, 1, event="job.ended", end="release")

    jobs = await way.fetch(
        "select kind, args, status::text, attempts, scheduled_at > now() + interval '25 s'"
        " from gtr_jobs.jobs"
    )
    assert jobs == [("of_tomorrow", {"id": 1}, "todo", 0, True)]


async def test_a_fault_of_its_own_ends_a_worker_without_a_word_of_content(way: Way) -> None:
    """A right that was taken away stops it in order: exit 70, one line, and where in the log."""
    mia, leo, chat = await _begin(way)
    worker = await way.start_worker(GTR_QUEUES="push")
    await _write_messages(way, 1, mia, leo, chat)
    await way.providers.ledger.wait_for(1)

    await way.connection.execute(
        "revoke execute on function gtr_jobs.claim_jobs_after("
        "text, bigint, integer, integer[], bigint[], timestamptz) from gtr_worker"
    )

    assert await worker.wait() == 70
    failed = await worker.wait_for_event("worker.failed")
    assert (failed["loop"], failed["error"]) == ("push", "InsufficientPrivilege")
    assert [place for place in failed["where"] if place.startswith("queue.py:")]
    assert worker.log[-1] == (
        "gtr-jobs: a part of the worker failed (InsufficientPrivilege), and it stopped in order: "
        "the log says where (worker.failed); start it again, and report it"
    )
    assert not [line for line in worker.log if "Traceback" in line]
