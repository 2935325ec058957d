"""Workers that are killed, stopped and continued at every moment of a job's life."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from chaos.scene import Scene
from support.command_line import make_environment

from gtr_jobs.dev.standins.exchange import GoAway, Stall
from gtr_jobs.dev.standins.script import FOR_EVER, AfterAccepting, Slow
from gtr_jobs.dev.worker_process import GTR_JOBS
from gtr_jobs.observe import events

pytestmark = pytest.mark.timeout(120)

_JOBS = "select status::text, claim_number, lost_claims, worker_id is null from gtr_jobs.jobs"


async def test_without_faults_everything_comes_out_once(scene: Scene) -> None:
    """Two workers, no fault: nothing is found, and nothing was resent."""
    await scene.crew.supervise(2)
    async with scene.load(rate=100):
        await scene.providers.ledger.wait_for(300, timeout=30)

    verdict = await scene.finish()

    assert not verdict.findings, str(verdict)
    assert (verdict.resent, verdict.dead, verdict.unqueued) == (0, 0, 0)
    assert verdict.jobs >= 100


async def test_a_worker_killed_before_it_claims_leaves_the_job_untouched(duo: Scene) -> None:
    """Fault 1: the job is as it was enqueued, and another worker takes it."""
    first, second = await duo.crew.start(), await duo.crew.start()
    for hand in (first, second):
        hand.send(signal.SIGSTOP)
    await duo.writer.write(1)
    await duo.crew.kill(first)
    untouched = await duo.fetch(_JOBS)

    second.send(signal.SIGCONT)

    verdict = await duo.finish()
    assert untouched == [("todo", 0, 0, True)]
    assert not verdict.findings, str(verdict)
    assert (verdict.jobs, verdict.resent) == (1, 0)


async def test_a_worker_killed_between_claim_and_send_has_its_job_sent_once(duo: Scene) -> None:
    """Fault 2: it was claimed and nothing left the machine; after the rescue the phone rings once."""
    first = await duo.crew.start()
    first.send(signal.SIGSTOP)
    await duo.writer.write(1)
    async with duo.hold("lock table public.messages in access exclusive mode"):
        first.send(signal.SIGCONT)
        await duo.until(_JOBS, ("doing", 1, 0, False))
        await duo.crew.kill(first)
    sent_before = duo.providers.ledger.total
    await duo.let_silence_pass(first)

    second = await duo.crew.start()

    await duo.until_said(second, events.JOBS_RESCUED)
    verdict = await duo.finish()
    assert not verdict.findings, str(verdict)
    assert (sent_before, duo.providers.ledger.total) == (0, 1)


async def test_a_worker_killed_in_the_middle_of_sending_has_its_job_sent_again(duo: Scene) -> None:
    """Fault 3: the provider has the request and answers nothing; the second try is marked as resent."""
    duo.providers.fcm.script.add(Stall())
    first = await duo.crew.start()
    await duo.writer.write(1)
    await duo.until_stalled()
    await duo.crew.kill(first)
    await duo.let_silence_pass(first)

    await duo.crew.start()

    verdict = await duo.finish()
    assert not verdict.findings, str(verdict)
    assert duo.providers.ledger.total == 1
    assert await duo.fetch("select resent_after_unknown from gtr_jobs.deliveries") == [(True,)]


async def test_a_worker_killed_before_the_providers_answer_reports_what_it_resends(
    duo: Scene,
) -> None:
    """Fault 4: the provider took the message and its answer is lost; it is sent again, and said so."""
    duo.providers.fcm.script.add(AfterAccepting(Stall()))
    first = await duo.crew.start()
    await duo.writer.write(1)
    await duo.until_stalled()
    await duo.crew.kill(first)
    await duo.let_silence_pass(first)

    await duo.crew.start()

    verdict = await duo.finish()
    assert not verdict.findings, str(verdict)
    assert (duo.providers.ledger.total, verdict.resent) == (2, 1)


async def test_a_worker_killed_before_its_ack_reports_what_is_resent(duo: Scene) -> None:
    """Fault 4: the provider's answer arrived, and the ack waits for a lock; it is sent again, and said so."""
    first = await duo.crew.start()
    async with duo.hold("lock table gtr_jobs.deliveries in exclusive mode"):
        await duo.writer.write(1)
        await duo.until_said(first, events.PUSH_ATTEMPTED)
        await duo.crew.kill(first)
        # Its last statement would still be done when it gets the lock: the machine is gone as well.
        await duo.end_backends()
    await duo.let_silence_pass(first)

    await duo.crew.start()

    verdict = await duo.finish()
    assert not verdict.findings, str(verdict)
    assert (duo.providers.ledger.total, verdict.resent) == (2, 1)


async def test_jobs_of_a_killed_worker_are_rescued_within_a_minute(scene: Scene) -> None:
    """Faults 2 to 4 by the clock: two of three workers are killed under load, and nobody helps the silence along."""
    await scene.crew.supervise(3)
    scene.providers.fcm.script.add(Slow(0.2), times=FOR_EVER)
    async with scene.load(rate=50):
        await scene.providers.ledger.wait_for(200, timeout=30)
        for hand in scene.crew.alive[:2]:
            hand.send(signal.SIGKILL)
            scene.strike("kill")
        await scene.providers.ledger.wait_for(scene.providers.ledger.total + 200, timeout=30)

    verdict = await scene.finish()

    assert not verdict.findings, str(verdict)
    assert scene.watch.longest_ownerless > 0


async def test_a_worker_that_was_given_up_for_dead_cannot_ack(duo: Scene) -> None:
    """A stopped worker's job is done by another; when it goes on, its claim is refused and it registers anew."""
    duo.providers.fcm.script.add(Slow(3.0))
    first = await duo.crew.start()
    await duo.writer.write(1)
    await duo.providers.ledger.wait_for(1)
    first.send(signal.SIGSTOP)
    await duo.let_silence_pass(first)
    await duo.crew.start()
    await duo.providers.ledger.wait_for(2, timeout=20)

    first.send(signal.SIGCONT)

    await duo.until_said(first, events.JOBS_LOST)
    await duo.until_said(first, events.WORKER_REGISTERED_ANEW)
    verdict = await duo.finish()
    assert not verdict.findings, str(verdict)
    assert verdict.resent == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_worker_told_to_stop_under_load_loses_and_doubles_nothing(
    scene: Scene, number: signal.Signals
) -> None:
    """Fault 5: in the middle of a backlog it ends in order, and the next worker goes on where it was."""
    scene.providers.fcm.script.add(Slow(0.05), times=FOR_EVER)
    await scene.writer.write(400)
    first = await scene.crew.start("--concurrency", "50")
    await scene.providers.ledger.wait_for(20, timeout=20)
    first.send(number)
    assert await scene.crew.wait(first) == 0
    left = await scene.fetch(
        "select count(*) > 0, count(*) filter (where status = 'doing'), sum(attempts) from gtr_jobs.jobs"
    )

    await scene.crew.start()

    verdict = await scene.finish()
    assert left == [(True, 0, 0)]
    assert not verdict.findings, str(verdict)
    assert (verdict.jobs, verdict.resent) == (400, 0)


async def test_a_second_signal_hands_back_at_once_and_says_so(duo: Scene) -> None:
    """Fault 6: the provider never answers; what it took is sent again by the next, marked, with no attempt used."""
    duo.providers.fcm.script.add(AfterAccepting(Stall()))
    first = await duo.crew.start()
    await duo.writer.write(1)
    await duo.until_stalled()
    first.send(signal.SIGTERM)
    await duo.until_said(first, events.WORKER_STOPPING)
    assert await duo.crew.stop(first) == 0
    left = await duo.fetch("select status::text, attempts, lost_claims from gtr_jobs.jobs")

    await duo.crew.start()

    verdict = await duo.finish()
    assert left == [("todo", 0, 1)]
    assert not verdict.findings, str(verdict)
    assert verdict.resent == 1


async def test_a_worker_whose_reader_is_gone_goes_on_without_a_log(duo: Scene) -> None:
    """Fault 6: `gtr-jobs worker 2>&1 | head -1`; the reader leaves after a line and the worker still works."""
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *GTR_JOBS, "worker", env=make_environment(duo.crew.settings), stderr=writing
    )
    os.close(writing)
    with os.fdopen(reading) as log:
        first_line = await asyncio.to_thread(log.readline)

    await duo.writer.write(3)
    await duo.until_settled()
    process.send_signal(signal.SIGTERM)
    code = await process.wait()

    assert (events.WORKER_STARTED in first_line, code) == (True, 0)
    verdict = await duo.finish()
    assert not verdict.findings, str(verdict)
    assert verdict.jobs == 3


async def test_a_provider_that_says_goodbye_in_the_middle_of_a_batch_gets_nothing_twice(
    duo: Scene,
) -> None:
    """GOAWAY among a hundred requests on one connection: those that it leaves out go over another, once."""
    await duo.writer.write(200)
    duo.providers.fcm.script.add(GoAway("previous"), skip=20)

    await duo.crew.start()

    verdict = await duo.finish()
    assert not verdict.findings, str(verdict)
    assert duo.providers.fcm.answered["GoAway"] == 1
