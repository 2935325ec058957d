"""What Twilio reports reaches the ledger, once and never backwards, and whoever says STOP gets no more."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from support.command_line import assert_refused, run_command
from support.http_process import WEBHOOK_ENVIRONMENT, HttpProcess, pour, write_request
from support.proxy import Forward, Proxy, Refuse
from support.texting import PHONE, create_texter, notify_sms, sms_settings
from support.way import Way
from support.webhooks import (
    INBOUND,
    LINK_SECRET,
    PUBLIC_URL,
    STATUS,
    email_request,
    inbound_pairs,
    status_pairs,
    talk,
    twilio_request,
)

from gtr_jobs.domain.unsubscribe import UnsubscribeLinks

pytestmark = pytest.mark.timeout(90)

SID = "SM" + "5" * 32
MANY = 10_000


def _database_settings(way: Way) -> dict[str, str]:
    names = ("GTR_DATABASE_URL", "GTR_PROJECT", "GTR_ENVIRONMENT")
    return {name: way.settings[name] for name in names}


@asynccontextmanager
async def _serve(way: Way, **settings: str) -> AsyncIterator[HttpProcess]:
    async with HttpProcess({**_database_settings(way), **settings}) as process:
        yield process


async def _send_text(way: Way) -> UUID:
    """Have a text sent of which Twilio has reported nothing yet; give its delivery."""
    mia = await create_texter(way.connection)
    worker = await way.start_worker(**sms_settings(way))
    await notify_sms(way.connection, mia)
    await way.wait_until_settled()
    await worker.stop()
    ((delivery_id,),) = await way.fetch(
        "update gtr_jobs.outgoing set provider_id = %s returning delivery_id", SID
    )
    assert isinstance(delivery_id, UUID)
    return delivery_id


async def _post(process: HttpProcess, request: dict[str, object]) -> httpx.Response:
    async with httpx.AsyncClient(base_url=process.url, timeout=15) as client:
        return await client.post(**request)  # type: ignore[arg-type]


async def _report(process: HttpProcess, status: str, query: str = "", **more: str) -> int:
    pairs = status_pairs(status, SID, **more)
    return (await _post(process, twilio_request(STATUS + query, pairs))).status_code


async def _reported(way: Way) -> list[tuple[object, ...]]:
    return await way.fetch("select status, error_code from gtr_jobs.delivery_reports order by 1")


async def test_ten_thousand_replays_change_one_row(way: Way) -> None:
    """Over two processes, of which each knows only what it heard itself."""
    delivery_id = await _send_text(way)
    request = twilio_request(f"{STATUS}?d={delivery_id}", status_pairs("delivered", SID))
    rows = "select xmin::text, ctid::text from gtr_jobs."
    async with _serve(way) as one, _serve(way) as other:
        assert (await _post(one, request)).status_code == 204
        before = [
            await way.fetch(rows + name) for name in ("deliveries", "outgoing", "delivery_reports")
        ]
        answers = await asyncio.gather(
            *(pour(process.url, write_request(request), MANY // 2) for process in (one, other))
        )
        after = [
            await way.fetch(rows + name) for name in ("deliveries", "outgoing", "delivery_reports")
        ]

    assert sum(answers, start=type(answers[0])()) == {204: MANY}
    assert after == before
    assert [len(found) for found in after] == [1, 1, 1]
    assert (await way.deliveries())[0][:2] == ("twilio", "delivered")


async def test_a_status_never_goes_backwards(way: Way) -> None:
    """Reports come in any order; a word that nobody knows is kept and changes nothing."""
    delivery_id = await _send_text(way)
    states = []
    async with _serve(way) as process:
        for status in ("sending", "teleported", "delivered", "sent", "queued"):
            assert await _report(process, status, f"?d={delivery_id}") == 204
            states.append((await way.deliveries())[0][1])

    assert states == ["sent", "sent", "delivered", "delivered", "delivered"]
    assert [status for status, _ in await _reported(way)] == [
        "delivered",
        "queued",
        "sending",
        "sent",
        "teleported",
    ]


async def test_a_report_finds_its_delivery_by_twilios_name(way: Way) -> None:
    """Where its address names none; one that is nobody's is answered all the same."""
    await _send_text(way)
    async with _serve(way) as process:
        assert await _report(process, "undelivered", ErrorCode="30003") == 204
        assert await _report(process, "delivered", f"?d={uuid4()}") == 204

    assert await _reported(way) == [("undelivered", "30003")]
    assert (await way.deliveries())[0][1:4] == ("undelivered", "accepted", "30003")


async def test_a_worker_hears_what_twilio_reports(way: Way) -> None:
    """The stand-in reports where it was told to; nothing else is needed."""
    mia = await create_texter(way.connection)
    worker = await way.start_worker(
        **sms_settings(way), GTR_PUBLIC_URL=PUBLIC_URL, GTR_WEBHOOK_PORT="0"
    )
    served = await worker.wait_for_event("webhooks.served")
    twilio = way.providers.twilio
    twilio.callbacks.forwards[PUBLIC_URL] = served["webhooks"]
    await notify_sms(way.connection, mia)
    await way.wait_until_settled()
    (entry,) = way.providers.ledger.entries()

    assert await twilio.report(entry.message_id, "delivered") == 204
    assert (await way.deliveries())[0][:2] == ("twilio", "delivered")
    assert await worker.stop() == 0


async def test_one_of_several_processes_serves_the_pages(way: Way) -> None:
    """The address is taken once, and what is counted there is among what the parent tells."""
    worker = await way.start_worker("--processes", "2", **WEBHOOK_ENVIRONMENT)
    served = await worker.wait_for_event("webhooks.served")
    parent = (await worker.wait_for_event("processes.started"))["http"]
    async with httpx.AsyncClient(timeout=15) as client:
        answer = await client.post(
            **{
                **twilio_request(STATUS, status_pairs("delivered", SID)),
                "url": served["webhooks"] + STATUS,
            }
        )
        counted = 'gtr_webhook_requests_total{page="twilio_status",result="unknown"} 1.0'
        async with asyncio.timeout(10):
            while counted not in (await client.get(f"{parent}/metrics")).text:
                await asyncio.sleep(0.1)

    assert (answer.status_code, served["process"]) == (204, 1)
    assert await worker.stop() == 0


async def test_whoever_says_stop_gets_no_more_until_they_say_start(way: Way) -> None:
    """Sealed by the ledger's own key: no number is kept."""
    await create_texter(way.connection)
    suppressed = "select channel, reason, source from gtr_jobs.suppressions"
    async with _serve(way) as process:
        stop = await _post(process, twilio_request(INBOUND, inbound_pairs("Stop.")))
        after_stop = await way.fetch(suppressed)
        await _post(process, twilio_request(INBOUND, inbound_pairs("START")))

    assert stop.status_code == 200
    assert after_stop == [("sms", "unsubscribed", "twilio")]
    assert await way.fetch(suppressed) == []


async def test_a_complaint_and_a_click_take_an_address_off(way: Way) -> None:
    """The one names the address, the other the e-mail that it came with."""
    delivery_id = await _send_text(way)
    link = UnsubscribeLinks(PUBLIC_URL, [LINK_SECRET]).make(delivery_id).removeprefix(PUBLIC_URL)
    async with _serve(way) as process:
        complaint = {"type": "complaint", "address": "mia@example.org"}
        answers = [
            (await _post(process, email_request(complaint))).status_code,
            (
                await _post(
                    process,
                    {
                        "url": link,
                        "content": "List-Unsubscribe=One-Click",
                        "headers": {"content-type": "application/x-www-form-urlencoded"},
                    },
                )
            ).status_code,
        ]

    assert answers == [204, 200]
    assert await way.fetch(
        "select channel, reason, source from gtr_jobs.suppressions order by reason"
    ) == [("email", "complained", "smtp"), ("sms", "unsubscribed", "link")]


async def test_a_database_that_is_away_has_providers_come_again(way: Way) -> None:
    """What comes again is written; the process stays, and says that it is not ready."""
    delivery_id = await _send_text(way)
    url = urlsplit(way.settings["GTR_DATABASE_URL"])
    async with Proxy(url.hostname or "127.0.0.1", url.port or 5432) as proxy:
        netloc = f"{url.username}:{url.password}@127.0.0.1:{proxy.port}"
        settings = {"GTR_DATABASE_URL": url._replace(netloc=netloc).geturl()}
        async with _serve(way, **settings) as process:
            request = twilio_request(f"{STATUS}?d={delivery_id}", status_pairs("delivered", SID))
            proxy.mode = Refuse()
            proxy.reset_all()
            away = await _post(process, request)
            await process.wait_for_event("database.away")
            proxy.mode = Forward()
            await process.wait_for_event("database.back")
            back = await _post(process, request)

    assert (away.status_code, away.headers["retry-after"], back.status_code) == (503, "30", 204)
    assert (await way.deliveries())[0][1] == "delivered"


async def test_what_was_asked_is_answered_before_the_end(way: Way) -> None:
    """SIGTERM in the middle of a body: it is read, written and answered, and the process ends with 0."""
    delivery_id = await _send_text(way)
    request = write_request(
        twilio_request(f"{STATUS}?d={delivery_id}", status_pairs("delivered", SID))
    )
    async with _serve(way) as process:
        port = urlsplit(process.url).port or 0
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request[:-10])
        await writer.drain()
        await asyncio.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        await process.wait_for_event("http.stopping")
        writer.write(request[-10:])
        answer = await reader.read()
        writer.close()

        assert answer.split(b" ", 2)[1] == b"204"
        assert await process.wait() == 0
    assert (await way.deliveries())[0][1] == "delivered"


async def test_whoever_never_ends_does_not_hold_up_the_end(way: Way) -> None:
    """A body that does not come has its seconds, and the grace has an end."""
    async with _serve(way, GTR_SHUTDOWN_GRACE_SECONDS="1") as process:
        request = write_request(twilio_request(STATUS, status_pairs("delivered", SID)))
        port = urlsplit(process.url).port or 0
        slow = asyncio.create_task(talk(port, request[:-10]))
        await asyncio.sleep(0.2)
        began = asyncio.get_running_loop().time()

        assert await process.stop() == 0
        assert asyncio.get_running_loop().time() - began < 5
        await asyncio.gather(slow, return_exceptions=True)


async def test_health_and_metrics_have_an_address_of_their_own(way: Way) -> None:
    """Nothing of them is where providers ask, and nothing of what they ask is there."""
    async with _serve(way) as process, httpx.AsyncClient(timeout=15) as client:
        own = [
            (await client.get(process.own_url + page)).status_code
            for page in ("/healthz", "/readyz", "/metrics", STATUS)
        ]
        outside = (await client.get(f"{process.url}/metrics")).status_code
        await _report(process, "delivered")
        metrics = (await client.get(f"{process.own_url}/metrics")).text

    assert (own, outside) == ([200, 200, 200, 404], 404)
    assert 'gtr_webhook_requests_total{page="twilio_status",result="unknown"} 1.0' in metrics


async def test_no_number_and_no_word_of_anybody_is_in_the_log(way: Way) -> None:
    """However closely it is looked."""
    async with _serve(way, GTR_LOG_LEVEL="debug") as process:
        await _report(process, "delivered")
        pairs = inbound_pairs("Meet me at Daikoku")
        await _post(process, twilio_request(INBOUND, pairs))
        await _post(process, twilio_request(INBOUND, inbound_pairs("STOP")))
        await _post(process, twilio_request(INBOUND, inbound_pairs("STOP"), "x" * 32))
        complaint = {"type": "complaint", "address": "mia@example.org"}
        await _post(process, email_request(complaint))
        await process.stop()
        log = "\n".join(process.log)

    assert log.count('"event":') > 4
    for canary in (
        PHONE,
        "14155550123",
        "Daikoku",
        "mia@example.org",
        *WEBHOOK_ENVIRONMENT.values(),
    ):
        if len(canary) > 2 and canary != PUBLIC_URL:
            assert canary not in log


def test_without_anything_to_serve_it_says_what_to_set(way: Way) -> None:
    """Exit 78: trying again is of no use."""
    settings = _database_settings(way)
    bare = run_command("http", settings=settings)
    without_url = run_command("http", settings={**settings, "GTR_TWILIO_AUTH_TOKEN": "x"})

    assert_refused(bare, 78, "no page for providers is turned on: set GTR_TWILIO_AUTH_TOKEN")
    assert_refused(without_url, 78, "GTR_PUBLIC_URL is not set")


def test_a_database_that_is_away_at_the_start_is_tried_again() -> None:
    """Exit 75, as for a worker."""
    url = "postgresql://gtr_worker:x@127.0.0.1:1/postgres"
    ended = run_command("http", settings={**WEBHOOK_ENVIRONMENT, "GTR_DATABASE_URL": url})

    assert_refused(ended, 75, "GTR_DATABASE_URL")


async def test_a_port_that_is_taken_is_named(way: Way) -> None:
    """Exit 78, with the setting."""
    async with _serve(way) as process:
        port = str(urlsplit(process.url).port)
        ended = await asyncio.to_thread(
            run_command,
            "http",
            "--port",
            port,
            settings={**WEBHOOK_ENVIRONMENT, **_database_settings(way)},
        )

    assert_refused(
        ended, 78, f"GTR_WEBHOOK_HOST, GTR_WEBHOOK_PORT: cannot listen on 127.0.0.1:{port}"
    )


async def test_a_worker_with_nothing_to_serve_does_not_start(way: Way) -> None:
    """A port alone turns nothing on."""
    settings = {**way.settings, "GTR_WEBHOOK_PORT": "0"}
    ended = await asyncio.to_thread(run_command, "worker", settings=settings)

    assert_refused(ended, 78, "no page for providers is turned on")
