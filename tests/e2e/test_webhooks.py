"""What Twilio reports reaches the ledger, once and never backwards, and whoever says STOP gets no more."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import httpx
import pytest
from support.http_process import WEBHOOK_ENVIRONMENT, pour, write_request
from support.reporting import (
    REPORTED_SID,
    post_to,
    read_reports,
    report_status,
    send_text,
    serve_http,
)
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
    twilio_request,
)

from gtr_jobs.domain.unsubscribe import UnsubscribeLinks

pytestmark = pytest.mark.timeout(90)

MANY = 10_000


async def test_ten_thousand_replays_change_one_row(way: Way) -> None:
    """Over two processes, of which each knows only what it heard itself."""
    delivery_id = await send_text(way)
    request = twilio_request(f"{STATUS}?d={delivery_id}", status_pairs("delivered", REPORTED_SID))
    rows = "select xmin::text, ctid::text from gtr_jobs."
    async with serve_http(way) as one, serve_http(way) as other:
        assert (await post_to(one, request)).status_code == 204
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
    delivery_id = await send_text(way)
    states = []
    async with serve_http(way) as process:
        for status in ("sending", "teleported", "delivered", "sent", "queued"):
            assert await report_status(process, status, f"?d={delivery_id}") == 204
            states.append((await way.deliveries())[0][1])

    assert states == ["sent", "sent", "delivered", "delivered", "delivered"]
    assert [status for status, _ in await read_reports(way)] == [
        "delivered",
        "queued",
        "sending",
        "sent",
        "teleported",
    ]


async def test_a_report_finds_its_delivery_by_twilios_name(way: Way) -> None:
    """Where its address names none; one that is nobody's is answered all the same."""
    await send_text(way)
    async with serve_http(way) as process:
        assert await report_status(process, "undelivered", ErrorCode="30003") == 204
        assert await report_status(process, "delivered", f"?d={uuid4()}") == 204

    assert await read_reports(way) == [("undelivered", "30003")]
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
                **twilio_request(STATUS, status_pairs("delivered", REPORTED_SID)),
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
    """The ledger keeps a keyed hash: no number is there."""
    await create_texter(way.connection)
    suppressed = "select channel, reason, source from gtr_jobs.suppressions"
    async with serve_http(way) as process:
        stop = await post_to(process, twilio_request(INBOUND, inbound_pairs("Stop.")))
        after_stop = await way.fetch(suppressed)
        await post_to(
            process, twilio_request(INBOUND, inbound_pairs("START", MessageSid=REPORTED_SID))
        )

    assert stop.status_code == 200
    assert after_stop == [("sms", "unsubscribed", "twilio")]
    assert await way.fetch(suppressed) == []


async def test_a_complaint_and_a_click_take_an_address_off(way: Way) -> None:
    """The one names the address, the other the e-mail that it came with."""
    delivery_id = await send_text(way)
    link = UnsubscribeLinks(PUBLIC_URL, [LINK_SECRET]).make(delivery_id).removeprefix(PUBLIC_URL)
    async with serve_http(way) as process:
        complaint = {"type": "complaint", "address": "mia@example.org"}
        answers = [
            (await post_to(process, email_request(complaint))).status_code,
            (
                await post_to(
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


async def test_no_number_and_no_word_of_anybody_is_in_the_log(way: Way) -> None:
    """However closely it is looked."""
    async with serve_http(way, GTR_LOG_LEVEL="debug") as process:
        await report_status(process, "delivered")
        pairs = inbound_pairs("Meet me at Daikoku")
        await post_to(process, twilio_request(INBOUND, pairs))
        await post_to(process, twilio_request(INBOUND, inbound_pairs("STOP")))
        await post_to(process, twilio_request(INBOUND, inbound_pairs("STOP"), "x" * 32))
        complaint = {"type": "complaint", "address": "mia@example.org"}
        await post_to(process, email_request(complaint))
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
