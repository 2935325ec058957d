"""What Expo says later of pushes that it took, with real workers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from support.people import send_message
from support.way import Person, Way

from gtr_jobs.dev.standins import Fail, Stall

TICK = """
    select gtr_jobs.enqueue(array[gtr_jobs.job(
        'expo_receipts',
        '{"cron": "expo_receipts", "tick": "2026-05-04T12:02:00Z"}',
        gen_random_uuid()::text
    )])
"""
WAITING = "select count(*) from gtr_jobs.expo_tickets"
LEDGER = "select state::text, outcome::text, code, attempts from gtr_jobs.deliveries where provider = 'expo' order by 3"
SETTINGS = {"GTR_QUEUES": "push,receipts"}

pytestmark = pytest.mark.timeout(60)


@dataclass
class Scene:
    """Two people, one of whom has a phone with an Expo token and one with an APNs token."""

    way: Way
    one: Person
    other: Person
    conversation: Any

    @property
    def token(self) -> str:
        """The Expo token."""
        return self.other.tokens["expo"]

    async def write(self, count: int = 1) -> None:
        """Write messages, and wait until all were sent."""
        for number in range(count):
            await send_message(
                self.way.connection,
                self.conversation,
                self.one.user_id,
                self.other.user_id,
                f"message {number}",
            )
        await self.way.wait_until_settled()

    async def let_time_pass(self, seconds: float = 1000) -> None:
        """Let tickets have waited for so long."""
        await self.way.fetch(
            "update gtr_jobs.expo_tickets"
            " set waits_since = now() - make_interval(secs => %s), sent_at = sent_at - make_interval(secs => %s)",
            seconds,
            seconds,
        )

    async def tick(self) -> None:
        """Let a tick of the cron line come, and wait until it is done."""
        await self.way.fetch(TICK)
        async with asyncio.timeout(15):
            while await self.way.fetch("select 1 from gtr_jobs.jobs where queue = 'receipts'"):
                await asyncio.sleep(0.01)

    async def pushes(self) -> dict[str, int]:
        """Count what the ledger of the stand-ins has, by provider."""
        counts: dict[str, int] = {}
        for entry in self.way.providers.ledger.entries():
            counts[entry.provider] = counts.get(entry.provider, 0) + 1
        return counts


@pytest.fixture
async def scene(way: Way) -> Scene:
    """Two people in a conversation."""
    one = await way.add_person("ken", "Ken Block")
    other = await way.add_person("sung", "Sung Kang", "expo", "apns")
    return Scene(way, one, other, await way.add_conversation(one, other))


async def test_a_receipt_confirms_a_push(scene: Scene) -> None:
    """The ledger notes it, and nothing waits any more."""
    worker = await scene.way.start_worker(**SETTINGS)
    await scene.write()
    assert await scene.way.fetch(LEDGER) == [("sent", "accepted", "", 1)]
    await scene.let_time_pass()
    await scene.tick()
    assert await scene.way.fetch(LEDGER) == [("sent", "accepted", "receipt_ok", 1)]
    assert await scene.way.fetch(WAITING) == [(0,)]
    assert await worker.stop() == 0
    (read,) = [record for record in worker.records if record["event"] == "receipts.read"]
    assert read["receipts"] == {"accepted": 1}


async def test_a_receipt_drops_a_device_until_it_registers_again(scene: Scene) -> None:
    """The app was removed after Expo had taken the push: nothing more is sent there, and the other phone is untouched."""
    worker = await scene.way.start_worker(**SETTINGS)
    await scene.write()
    scene.way.providers.phones.uninstall(scene.token)
    await scene.let_time_pass()
    await scene.tick()
    assert await scene.way.fetch(LEDGER) == [("failed", "dead_target", "DeviceNotRegistered", 1)]
    (told,) = await scene.way.wait_for_records(worker, 1, event="push.receipt")
    assert (told["outcome"], told["code"]) == ("dead_target", "DeviceNotRegistered")
    assert scene.token not in str(worker.records)

    await scene.write()
    assert await scene.pushes() == {"apns": 2, "expo": 1}

    scene.way.providers.phones.add(scene.token)
    await scene.way.fetch(
        "update public.user_device_tokens set updated_at = now() where device_token = %s",
        scene.token,
    )
    await scene.write()
    assert await scene.pushes() == {"apns": 3, "expo": 2}


async def test_a_device_that_gets_too_much_is_tried_again_and_no_other(scene: Scene) -> None:
    """Later, in a job of its own; the other phone hears nothing of it."""
    await scene.way.start_worker(**SETTINGS)
    receipts = scene.way.providers.expo.receipts
    receipts.script(scene.token, "MessageRateExceeded")
    await scene.write()
    await scene.let_time_pass()
    await scene.tick()
    assert await scene.way.fetch(LEDGER) == [("queued", "retry", "MessageRateExceeded", 1)]
    ((seconds,),) = await scene.way.fetch(
        "select extract(epoch from scheduled_at - now())::float from gtr_jobs.jobs"
    )
    assert 290 < seconds <= 360

    receipts.clear()
    await scene.way.skip_waits()
    await scene.way.wait_until_settled()
    assert await scene.way.fetch(LEDGER) == [("sent", "accepted", "", 2)]
    assert await scene.pushes() == {"apns": 1, "expo": 1}
    await scene.let_time_pass()
    await scene.tick()
    assert await scene.way.fetch(LEDGER) == [("sent", "accepted", "receipt_ok", 2)]


async def test_what_is_refused_for_too_much_again_and_again_is_given_up(scene: Scene) -> None:
    """After six tries: nothing is tried for ever."""
    await scene.way.start_worker(**SETTINGS)
    scene.way.providers.expo.receipts.script(scene.token, "MessageRateExceeded")
    await scene.write()
    for _ in range(5):
        await scene.let_time_pass()
        await scene.tick()
        await scene.way.skip_waits()
        await scene.way.wait_until_settled()
    await scene.let_time_pass()
    await scene.tick()
    assert await scene.way.fetch(LEDGER) == [("failed", "retry", "MessageRateExceeded", 6)]
    assert await scene.way.fetch("select count(*) from gtr_jobs.jobs") == [(0,)]


async def test_a_device_that_is_gone_meanwhile_is_not_tried_again(scene: Scene) -> None:
    """Its delivery is settled all the same."""
    await scene.way.start_worker(**SETTINGS)
    scene.way.providers.expo.receipts.script(scene.token, "ProviderError")
    await scene.write()
    await scene.let_time_pass()
    await scene.tick()
    await scene.way.fetch(
        "delete from public.user_device_tokens where device_token = %s", scene.token
    )
    await scene.way.fetch("update procrastinate.procrastinate_jobs set scheduled_at = now()")
    await scene.way.wait_until_settled()
    assert await scene.way.fetch(
        "select state::text, code from gtr_jobs.deliveries where state <> 'sent'"
    ) == [("skipped", "no_device")]
    assert (await scene.pushes())["apns"] == 1


async def test_wrong_credentials_are_told_to_an_operator(scene: Scene) -> None:
    """With what to look at; the device stays."""
    worker = await scene.way.start_worker(**SETTINGS)
    scene.way.providers.expo.receipts.script(scene.token, "MismatchSenderId")
    await scene.write()
    await scene.let_time_pass()
    await scene.tick()
    assert await scene.way.fetch(LEDGER) == [("failed", "misconfigured", "MismatchSenderId", 1)]
    (warning,) = await scene.way.wait_for_records(worker, 1, event="receipts.misconfigured")
    assert warning["hint"] == "the Expo project's credentials for FCM or APNs"
    assert await scene.way.fetch(
        "select count(*) from gtr_jobs.devices where dead_since is not null"
    ) == [(0,)]


async def test_a_missing_receipt_is_asked_for_again_until_expo_has_forgotten_it(
    scene: Scene,
) -> None:
    """Then it is given up as missing: the push was taken, and is not sent again."""
    worker = await scene.way.start_worker(**SETTINGS)
    scene.way.providers.expo.receipts.withhold(scene.token)
    await scene.write()
    for _ in range(2):
        await scene.let_time_pass()
        await scene.tick()
    assert await scene.way.fetch("select asked from gtr_jobs.expo_tickets") == [(2,)]
    await scene.let_time_pass(23 * 3600)
    await scene.tick()
    assert await scene.way.fetch(LEDGER) == [("sent", "accepted", "receipt_missing", 1)]
    assert await scene.way.fetch(WAITING) == [(0,)]
    assert await worker.stop() == 0
    read = [r["receipts"] for r in worker.records if r["event"] == "receipts.read"]
    assert read == [{"missing": 1}, {"missing": 1}, {"given_up": 1}]


@pytest.mark.parametrize("status", [429, 503])
async def test_an_expo_that_does_not_answer_loses_no_receipt(scene: Scene, status: int) -> None:
    """It is asked again when the pause is over."""
    await scene.way.start_worker(**SETTINGS)
    await scene.write()
    scene.way.providers.expo.script.add(Fail(status, "SLOW_DOWN"))
    await scene.let_time_pass()
    await scene.tick()
    assert await scene.way.fetch(LEDGER) == [("sent", "accepted", "", 1)]
    assert await scene.way.fetch(WAITING) == [(1,)]
    await scene.let_time_pass()
    await scene.tick()
    assert await scene.way.fetch(LEDGER) == [("sent", "accepted", "receipt_ok", 1)]


async def test_two_workers_ask_for_each_receipt_once(scene: Scene) -> None:
    """Whoever takes a ticket has it alone."""
    workers = [await scene.way.start_worker(**SETTINGS) for _ in range(2)]
    await scene.write(30)
    await scene.let_time_pass()
    await asyncio.gather(*(scene.tick() for _ in range(4)))
    assert await scene.way.fetch(LEDGER) == [("sent", "accepted", "receipt_ok", 1)] * 30
    for worker in workers:
        assert await worker.stop() == 0
    counted = [
        record["receipts"]
        for worker in workers
        for record in worker.records
        if record["event"] == "receipts.read"
    ]
    assert sum(each.get("accepted", 0) for each in counted) == 30
    assert sum(each.get("missing", 0) for each in counted) == 0


async def test_a_worker_that_is_killed_while_it_asks_leaves_the_receipt_to_another(
    scene: Scene,
) -> None:
    """Nothing was written yet, and asking twice changes nothing."""
    doomed = await scene.way.start_worker(**SETTINGS)
    await scene.write()
    scene.way.providers.phones.uninstall(scene.token)
    scene.way.providers.expo.script.add(Stall())
    await scene.let_time_pass()
    await scene.way.fetch(TICK)
    await scene.way.providers.expo.script.wait_until_used_up()
    assert await scene.way.fetch("select asked from gtr_jobs.expo_tickets") == [(1,)]
    await doomed.kill()
    await scene.way.start_worker(**SETTINGS)
    await scene.let_time_pass()
    # The tick of the one that was killed waits for its rescue: the next one does not.
    await scene.way.fetch(TICK)
    async with asyncio.timeout(15):
        while await scene.way.fetch(WAITING) != [(0,)]:
            await asyncio.sleep(0.01)
    assert await scene.way.fetch(LEDGER) == [("failed", "dead_target", "DeviceNotRegistered", 1)]


async def test_a_worker_without_expo_leaves_the_question_to_one_that_has_it(scene: Scene) -> None:
    """Its own keys are for others; the tick waits, and uses no attempt."""
    without = await scene.way.start_worker(**SETTINGS, GTR_EXPO="false")
    await scene.way.fetch(TICK)
    async with asyncio.timeout(15):
        while not await scene.way.fetch(
            "select 1 from gtr_jobs.jobs where queue = 'receipts' and scheduled_at > now()"
        ):
            await asyncio.sleep(0.01)
    assert await without.stop() == 0
    assert await scene.way.fetch("select attempts from gtr_jobs.jobs") == [(0,)]
    await scene.way.start_worker(**SETTINGS)
    await scene.way.skip_waits()
    await scene.way.wait_until_settled()
