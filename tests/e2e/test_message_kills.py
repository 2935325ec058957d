"""Workers are killed in the middle of a text: Twilio takes each once, and what is sent again is marked."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from support.held_ends import build_gate, hold_ends
from support.killing import Kills, bury, settle, wait_for_state
from support.proxy import Proxy
from support.proxy import Stall as Swallow
from support.texting import create_texter, notify_sms, sms_settings
from support.way import Way

from gtr_jobs.dev.standins.exchange import Stall
from gtr_jobs.dev.standins.script import AfterAccepting

pytestmark = pytest.mark.timeout(120)

SENT = ("twilio", "sent", "accepted", "")


async def _clear_up(way: Way) -> None:
    await bury(way)
    await way.start_worker(**sms_settings(way))
    await settle(way)


async def test_killed_before_the_call_it_is_sent_again_and_marked(way: Way) -> None:
    """Nobody can know that nothing left the machine, until Twilio says that it has nothing."""
    mia = await create_texter(way.connection)
    async with Proxy("localhost", urlsplit(way.providers.twilio.url).port or 0) as network:
        through = {"GTR_TWILIO_URL": f"https://localhost:{network.port}"}
        worker = await way.start_worker(**sms_settings(way) | through)
        network.mode = Swallow()
        await notify_sms(way.connection, mia)
        await wait_for_state(way, "sending")
        await worker.kill()
    await _clear_up(way)
    assert len(way.providers.ledger.entries()) == 1
    assert await way.deliveries() == [(*SENT, 2, True)]


async def test_killed_during_the_call_it_is_sent_again_and_marked(way: Way) -> None:
    """Twilio has the request, takes nothing and answers nothing."""
    mia = await create_texter(way.connection)
    way.providers.twilio.script.add(Stall())
    worker = await way.start_worker(**sms_settings(way))
    await notify_sms(way.connection, mia)
    await way.providers.twilio.script.wait_until_used_up()
    await worker.kill()
    await _clear_up(way)
    assert len(way.providers.ledger.entries()) == 1
    assert await way.deliveries() == [(*SENT, 2, True)]


async def test_killed_when_twilio_took_it_it_is_found(way: Way) -> None:
    """The text was taken and the answer is lost with the worker: nothing is sent again."""
    mia = await create_texter(way.connection)
    way.providers.twilio.script.add(AfterAccepting(Stall()))
    worker = await way.start_worker(**sms_settings(way))
    await notify_sms(way.connection, mia)
    await way.providers.ledger.wait_for(1)
    await worker.kill()
    await _clear_up(way)
    assert len(way.providers.ledger.entries()) == 1
    assert await way.deliveries() == [(*SENT, 1, False)]


async def test_killed_after_the_answer_it_is_found(way: Way) -> None:
    """The answer came, and its end waits for a lock."""
    mia = await create_texter(way.connection)
    await build_gate(way)
    async with hold_ends(way) as ends:
        worker = await way.start_worker(**sms_settings(way))
        await notify_sms(way.connection, mia)
        await ends.wait_for_one()
        await worker.kill()
        await ends.lose()
    assert await way.deliveries() == [("twilio", "sending", None, "", 0, False)]
    await _clear_up(way)
    assert len(way.providers.ledger.entries()) == 1
    assert await way.deliveries() == [(*SENT, 1, False)]


async def test_killed_at_any_moment_no_text_is_taken_twice_unmarked(way: Way) -> None:
    """Six workers, each killed at a moment of chance among four texts of their own and what others left."""
    fates = await Kills(way, seed=1).run(6)
    assert fates.total() == 24


async def test_killed_at_any_moment_no_email_is_taken_twice(way: Way) -> None:
    """Three workers; what nobody knows of stays unknown, and nothing is sent again."""
    fates = await Kills(way, seed=2, channel="email").run(3)
    assert fates.total() == 12
    assert not any(fate.endswith("again") for fate in fates)
