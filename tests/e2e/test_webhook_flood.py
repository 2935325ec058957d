"""Strangers knock as fast as they can, and the worker beside the pages does its work."""

from __future__ import annotations

import asyncio
import sys

import httpx
import pytest
from support.http_process import WEBHOOK_ENVIRONMENT
from support.people import send_message
from support.way import Way
from support.webhooks import SID, STATUS, status_pairs, twilio_request

from gtr_jobs.dev.worker_process import WorkerProcess

pytestmark = pytest.mark.timeout(60)

MESSAGES = 300
# In a process of its own: who knocks takes none of the test's time. It never waits for an answer, and
# begins a new connection wherever one was ended.
_KNOCK = """
import socket, sys, threading
port, request = int(sys.argv[1]), sys.argv[2].encode().decode("unicode_escape").encode("latin-1")
def knock():
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as s:
                while True:
                    s.sendall(request)
                    if not s.recv(65536):
                        break
        except OSError:
            continue
for _ in range(100):
    threading.Thread(target=knock, daemon=True).start()
print("knocking", flush=True)
sys.stdin.read()
"""
_FORGED = (
    f"POST {STATUS} HTTP/1.1\r\nhost: jobs\r\nx-twilio-signature: AAAA\r\n"
    "content-type: application/x-www-form-urlencoded\r\ncontent-length: 3\r\n\r\na=b"
)


async def _send_all(way: Way, worker: WorkerProcess) -> float:
    """Have so many pushes sent; give how long it took."""
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka", "apns")
    chat = await way.add_conversation(mia, leo)
    began = asyncio.get_running_loop().time()
    for number in range(MESSAGES):
        await send_message(way.connection, chat, mia.user_id, leo.user_id, f"Message {number}")
    await way.wait_for_records(worker, MESSAGES, event="push.attempted")
    return asyncio.get_running_loop().time() - began


async def test_a_flood_of_forged_reports_does_not_starve_the_worker(way: Way) -> None:
    """Pushes go out, reports that are signed are written, and the worker ends in order."""
    worker = await way.start_worker(**WEBHOOK_ENVIRONMENT, GTR_QUEUES="push")
    url = (await worker.wait_for_event("webhooks.served"))["webhooks"]
    port = url.rpartition(":")[2]
    knocking = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _KNOCK,
        port,
        _FORGED.encode("unicode_escape").decode(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert knocking.stdout is not None
    try:
        assert await knocking.stdout.readline() == b"knocking\n"
        took = await _send_all(way, worker)
        signed = await _report_signed(url)
    finally:
        knocking.kill()
        await knocking.wait()

    # A second where nobody knocks; what starves takes for ever.
    assert took < 10
    assert signed == 204
    refused = worker.records_of("webhooks.refused")
    assert {record["reason"] for record in refused} <= {"wrong_signature", "busy"}
    assert await worker.stop() == 0


async def _report_signed(url: str) -> int:
    async with httpx.AsyncClient(base_url=url, timeout=15) as client:
        answer = await client.post(**twilio_request(STATUS, status_pairs("delivered", SID)))
    return answer.status_code
