"""Connections to a mail server: kept, counted, closed in time, and replaced where they are gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio
from support.smtp_benches import MESSAGE_ID, TO, SmtpBench, make_email, open_smtp_bench

from gtr_jobs.dev.standins import Fail, ProviderStandIns, Slow
from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.domain.outcome import Accepted, DeadTarget, Outcome, Rejected, Retry
from gtr_jobs.providers.smtp_pool import SmtpServer

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[ProviderStandIns]:
    """The stand-ins, running."""
    async with ProviderStandIns() as standins:
        yield standins


@pytest.fixture
def standins(running: ProviderStandIns) -> ProviderStandIns:
    """The stand-ins, with nothing scripted and an empty ledger."""
    running.reset()
    return running


async def send_many(bench: SmtpBench, count: int) -> list[Outcome]:
    """Send so many messages at once."""
    messages = [make_email(delivery_id=uuid4()) for _ in range(count)]
    return list(await asyncio.gather(*map(bench.provider.send, messages)))


async def until_open(bench: SmtpBench, count: int) -> None:
    """Wait until so many connections are open."""
    async with asyncio.timeout(5):
        while bench.server.open != count:
            await asyncio.sleep(0.01)


async def test_connections_are_used_again(standins: ProviderStandIns) -> None:
    """Ten messages one after another need one."""
    async with open_smtp_bench(standins) as bench:
        for _ in range(10):
            assert await bench.provider.send(make_email()) == Accepted(MESSAGE_ID)
        assert (bench.server.connections, len(bench.taken)) == (1, 10)


async def test_no_more_connections_are_opened_than_allowed(standins: ProviderStandIns) -> None:
    """However much there is to send at once."""
    async with open_smtp_bench(standins, connections=3) as bench:
        bench.server.script.add(Slow(0.05), times=30)
        outcomes = await send_many(bench, 30)
        assert {outcome.name for outcome in outcomes} == {"accepted"}
        assert (bench.server.connections, len(bench.taken)) == (3, 30)


async def test_who_waits_too_long_for_a_connection_was_not_sent(
    standins: ProviderStandIns,
) -> None:
    """Half of the deadline, so that the other half is left for the call."""
    async with open_smtp_bench(standins, connections=1, deadline=0.6, connect_timeout=0.5) as bench:
        # Two may be under way at once for the account, and one for the server.
        bench.provider.pressure.window.limit = 2
        bench.server.script.add(Slow(0.5))
        outcomes = await send_many(bench, 2)
        assert sorted(outcome.name for outcome in outcomes) == ["accepted", "retry"]
        assert Retry("pool_timeout") in outcomes
        assert len(bench.taken) == 1


async def test_a_connection_that_rests_is_closed(standins: ProviderStandIns) -> None:
    """Servers count open connections too."""
    async with open_smtp_bench(standins, idle_seconds=0.1) as bench:
        await bench.provider.send(make_email())
        await until_open(bench, 0)
        assert bench.provider._pool.idle == 0
        assert (await bench.provider.send(make_email())).name == "accepted"
        assert bench.server.connections == 2


async def test_a_connection_is_closed_after_so_many_messages(standins: ProviderStandIns) -> None:
    """Servers have such limits, and say so rudely."""
    async with open_smtp_bench(standins, messages=3) as bench:
        for _ in range(7):
            assert (await bench.provider.send(make_email())).name == "accepted"
        assert bench.server.connections == 3


async def test_a_connection_that_was_lost_while_it_rested_is_replaced(
    standins: ProviderStandIns,
) -> None:
    """Nothing was said on it: the message goes out on another at once, and once."""
    async with open_smtp_bench(standins) as bench:
        await bench.provider.send(make_email())
        bench.server.drop_connections()
        assert await bench.provider.send(make_email()) == Accepted(MESSAGE_ID)
        assert (bench.server.connections, len(bench.taken)) == (2, 2)


async def test_a_connection_that_the_server_ends_with_421_is_replaced(
    standins: ProviderStandIns,
) -> None:
    """Its time was up before the message had begun."""
    async with open_smtp_bench(standins) as bench:
        await bench.provider.send(make_email())
        bench.server.at["sender"].add(Fail(421, "4.4.2"))
        assert await bench.provider.send(make_email()) == Accepted(MESSAGE_ID)
        assert (bench.server.connections, len(bench.taken)) == (2, 2)


async def test_a_refused_recipient_spoils_no_connection(standins: ProviderStandIns) -> None:
    """The server forgets the message, and the next goes out on the same connection."""
    async with open_smtp_bench(standins) as bench:
        bench.server.at["recipient"].for_token(TO).add(Fail(550, "5.1.1"))
        assert await bench.provider.send(make_email()) == DeadTarget("5.1.1", "invalid")
        assert (await bench.provider.send(make_email())).name == "accepted"
        assert bench.server.connections == 1


async def test_an_address_that_the_server_cannot_take_is_refused(
    standins: ProviderStandIns,
) -> None:
    """Before anything is said of it; with SMTPUTF8 it is taken as it is written."""
    message = make_email(to="j\u00f6rg@b\u00fccher.example")
    standins.smtp.speaks_utf8 = False
    async with open_smtp_bench(standins) as bench:
        refusal = Rejected("smtputf8_missing", "the server takes no such address")
        assert await bench.provider.send(message) == refusal
        assert (await bench.provider.send(make_email())).name == "accepted"
        assert bench.server.connections == 1
    standins.reset()
    async with open_smtp_bench(standins) as bench:
        assert await bench.provider.send(message) == Accepted(MESSAGE_ID)
        (taken,) = standins.ledger.entries()
        assert taken.token == "j\u00f6rg@xn--bcher-kva.example"
        assert taken.payload["text"].splitlines() == message.text.splitlines()


async def test_a_message_that_is_too_large_is_refused_before_it_is_sent(
    standins: ProviderStandIns,
) -> None:
    """The server is told its size with the sender."""
    standins.smtp.largest = 10_000
    async with open_smtp_bench(standins) as bench:
        outcome = await bench.provider.send(make_email(text="x" * 20_000))
        assert outcome == Rejected("552")
        assert (await bench.provider.send(make_email())).name == "accepted"


async def test_dots_and_a_large_text_arrive_as_they_were_written(
    standins: ProviderStandIns,
) -> None:
    """A line that is a dot ends no message, and two megabytes fit through."""
    text = ".\n..\n.hidden\n" + "a line of some length that is repeated\n" * 50_000
    async with open_smtp_bench(standins) as bench:
        assert (await bench.provider.send(make_email(text=text, html=None))).name == "accepted"
        (taken,) = bench.taken
        assert taken.payload["text"] == text


async def test_a_closed_provider_sends_nothing_and_leaves_nothing(
    standins: ProviderStandIns,
) -> None:
    """What is under way ends, what comes later is not sent, and no connection stays."""
    async with open_smtp_bench(standins, connections=2) as bench:
        await bench.provider.send(make_email())
        bench.server.script.add(Slow(5.0))
        under_way = asyncio.create_task(bench.provider.send(make_email()))
        await standins.ledger.wait_for(2)
        await bench.provider.close()
        assert (await under_way).name == "ambiguous"
        assert await bench.provider.send(make_email()) == Retry("pool_closed")
        await until_open(bench, 0)


async def test_a_server_that_cannot_be_one_is_named() -> None:
    """Before anything is sent, without the password."""
    with pytest.raises(ConfigurationError, match="GTR_SMTP_HOST"):
        SmtpServer("")
    with pytest.raises(ConfigurationError, match="GTR_SMTP_PASSWORD"):
        SmtpServer("mail.example.com", username="ada")
    assert "secret-1" not in repr(
        SmtpServer("mail.example.com", 587, password="secret-1", username="a")
    )
