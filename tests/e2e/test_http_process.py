"""`gtr-jobs http` as a process: how it starts, how it ends, and what it does without its database."""

from __future__ import annotations

import asyncio
import signal
from urllib.parse import urlsplit

import httpx
import pytest
from support.command_line import assert_refused, run_command
from support.http_process import WEBHOOK_ENVIRONMENT, write_request
from support.proxy import Forward, Proxy, Refuse
from support.reporting import (
    REPORTED_SID,
    database_settings,
    post_to,
    report_status,
    send_text,
    serve_http,
)
from support.way import Way
from support.webhooks import STATUS, status_pairs, talk, twilio_request

pytestmark = pytest.mark.timeout(90)


async def test_a_database_that_is_away_has_providers_come_again(way: Way) -> None:
    """What comes again is written; the process stays, and says that it is not ready."""
    delivery_id = await send_text(way)
    url = urlsplit(way.settings["GTR_DATABASE_URL"])
    async with Proxy(url.hostname or "127.0.0.1", url.port or 5432) as proxy:
        netloc = f"{url.username}:{url.password}@127.0.0.1:{proxy.port}"
        settings = {"GTR_DATABASE_URL": url._replace(netloc=netloc).geturl()}
        async with serve_http(way, **settings) as process:
            request = twilio_request(
                f"{STATUS}?d={delivery_id}", status_pairs("delivered", REPORTED_SID)
            )
            proxy.mode = Refuse()
            proxy.reset_all()
            away = await post_to(process, request)
            await process.wait_for_event("database.away")
            proxy.mode = Forward()
            await process.wait_for_event("database.back")
            back = await post_to(process, request)

    assert (away.status_code, away.headers["retry-after"], back.status_code) == (503, "30", 204)
    assert (await way.deliveries())[0][1] == "delivered"


async def test_what_was_asked_is_answered_before_the_end(way: Way) -> None:
    """SIGTERM in the middle of a body: it is read, written and answered, and the process ends with 0."""
    delivery_id = await send_text(way)
    request = write_request(
        twilio_request(f"{STATUS}?d={delivery_id}", status_pairs("delivered", REPORTED_SID))
    )
    async with serve_http(way) as process:
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
    async with serve_http(way, GTR_SHUTDOWN_GRACE_SECONDS="1") as process:
        request = write_request(twilio_request(STATUS, status_pairs("delivered", REPORTED_SID)))
        port = urlsplit(process.url).port or 0
        slow = asyncio.create_task(talk(port, request[:-10]))
        await asyncio.sleep(0.2)
        began = asyncio.get_running_loop().time()

        assert await process.stop() == 0
        assert asyncio.get_running_loop().time() - began < 5
        await asyncio.gather(slow, return_exceptions=True)


async def test_health_and_metrics_have_an_address_of_their_own(way: Way) -> None:
    """Nothing of them is where providers ask, and nothing of what they ask is there."""
    async with serve_http(way) as process, httpx.AsyncClient(timeout=15) as client:
        own = [
            (await client.get(process.own_url + page)).status_code
            for page in ("/healthz", "/readyz", "/metrics", STATUS)
        ]
        outside = (await client.get(f"{process.url}/metrics")).status_code
        await report_status(process, "delivered")
        metrics = (await client.get(f"{process.own_url}/metrics")).text

    assert (own, outside) == ([200, 200, 200, 404], 404)
    assert 'gtr_webhook_requests_total{page="twilio_status",result="unknown"} 1.0' in metrics


def test_without_anything_to_serve_it_says_what_to_set(way: Way) -> None:
    """Exit 78: trying again is of no use."""
    settings = database_settings(way)
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
    async with serve_http(way) as process:
        port = str(urlsplit(process.url).port)
        ended = await asyncio.to_thread(
            run_command,
            "http",
            "--port",
            port,
            settings={**WEBHOOK_ENVIRONMENT, **database_settings(way)},
        )

    assert_refused(
        ended, 78, f"GTR_WEBHOOK_HOST, GTR_WEBHOOK_PORT: cannot listen on 127.0.0.1:{port}"
    )


async def test_a_worker_with_nothing_to_serve_does_not_start(way: Way) -> None:
    """A port alone turns nothing on."""
    settings = {**way.settings, "GTR_WEBHOOK_PORT": "0"}
    ended = await asyncio.to_thread(run_command, "worker", settings=settings)

    assert_refused(ended, 78, "no page for providers is turned on")


async def test_a_worker_is_not_held_up_by_them_either(way: Way) -> None:
    """It ends its work, waits a few seconds for who has asked, and exits 0."""
    worker = await way.start_worker(**WEBHOOK_ENVIRONMENT, GTR_QUEUES="push")
    port = urlsplit((await worker.wait_for_event("webhooks.served"))["webhooks"]).port or 0
    request = write_request(twilio_request(STATUS, status_pairs("delivered", REPORTED_SID)))
    slow = asyncio.create_task(talk(port, request[:-10], 30))
    silent = asyncio.create_task(talk(port, b"POST ", 30))
    await asyncio.sleep(0.2)
    began = asyncio.get_running_loop().time()

    assert await worker.stop() == 0
    assert asyncio.get_running_loop().time() - began < 12
    await asyncio.gather(slow, silent, return_exceptions=True)


async def test_a_process_that_is_full_is_there_again(way: Way) -> None:
    """Connections for which there is no room are cut off; when others are gone, there is room."""
    async with serve_http(way) as process:
        port = urlsplit(process.url).port or 0
        many = [await asyncio.open_connection("127.0.0.1", port) for _ in range(300)]
        cut_off = 0
        for reader, _ in many:
            try:
                async with asyncio.timeout(0.02):
                    await reader.read(1)
                cut_off += 1
            except ConnectionResetError:
                cut_off += 1
            except TimeoutError:
                continue
        for _, writer in many:
            writer.close()

        assert cut_off >= 300 - 256
        assert await report_status(process, "delivered") == 204
        assert await process.stop() == 0
