"""How many pushes a second one worker process sends, the whole way, beside a job queue on Redis."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from gtr_jobs.dev.bench.chats import PAIRS, put_chats
from gtr_jobs.dev.bench.peers import Peers
from gtr_jobs.dev.bench.programs import SINK, find_program, free_port, run_server, run_sink
from gtr_jobs.dev.bench.rig import BenchDatabase, Rig
from gtr_jobs.dev.standins.credentials import make_service_account
from gtr_jobs.dev.standins.google_oauth import GoogleOAuthStandIn
from gtr_jobs.dev.standins.tls import ThrowawayAuthority

_PROJECT = "gtr-bench"
# To look costs the server, which has to pass by all that was in the queue.
_LOOK_SECONDS = 1.0
_PATIENCE_SECONDS = 600.0
_PHONES = """
    insert into public.user_device_tokens (user_id, device_token, platform)
    select lpad(to_hex(n), 32, '0')::uuid, repeat('t', 150) || lpad(n::text, 10, '0'), 'android'
    from generate_series(%(pairs)s + 1, 2 * %(pairs)s) as n
"""
_MESSAGES = """
    insert into public.messages (conversation_id, sender_id, recipient_id, content)
    select
        ('c' || lpad(to_hex(1 + n %% %(pairs)s), 31, '0'))::uuid,
        lpad(to_hex(1 + n %% %(pairs)s), 32, '0')::uuid,
        lpad(to_hex(1 + n %% %(pairs)s + %(pairs)s), 32, '0')::uuid,
        'Hello there, is the R34 still for sale?'
    from generate_series(1, %(messages)s) as n
"""
_ENDS = """
    select count(*), count(*) filter (where d.state = 'sent'), extract(epoch from max(d.created_at))
    from gtr_jobs.deliveries as d
"""


@dataclass(frozen=True, slots=True)
class PushSize:
    """How many pushes are sent in a round, how often, and how far away the provider is."""

    pushes: int = 60_000
    rounds: int = 3
    latency_ms: int = 60


@dataclass(frozen=True, slots=True)
class _Sent:
    """What a round came to."""

    per_second: float
    cpu_us: float


async def measure_push(rig: Rig, peers: Peers, size: PushSize) -> dict[str, Any]:
    """Send chat messages that wait in the queue to their phones, in turn with the peer; medians.

    Ours is a worker as `gtr-jobs worker` starts it, with its log and its ledger, and rates off: the
    published quota of FCM is no property of the machine.
    """
    ours: list[_Sent] = []
    theirs: list[_Sent] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gtr-push-")))
        authority = ThrowawayAuthority(folder)
        certificate, key = authority.write_server(folder)
        sink = stack.enter_context(run_sink(peers.folder / SINK, certificate, key, size.latency_ms))
        oauth = GoogleOAuthStandIn(authority)
        await oauth.start()
        try:
            account, file = make_service_account(_PROJECT, oauth.token_url)
            oauth.register(account)
            (folder / "account.json").write_text(json.dumps(file), encoding="utf-8")
            settings = {
                "GTR_FCM_CREDENTIALS_FILE": str(folder / "account.json"),
                "GTR_FCM_URL": f"https://localhost:{sink}",
                "GTR_CA_FILE": str(authority.ca_file),
            }
            for _ in range(size.rounds):
                ours.append(await _send(rig, size.pushes, settings))
                theirs.append(await asyncio.to_thread(_fan_out, peers, size.pushes, sink, folder))
        finally:
            await oauth.stop()
    return {
        "bench": "push",
        "pushes": size.pushes,
        "latency_ms": size.latency_ms,
        "pushes_per_second": round(median(sent.per_second for sent in ours)),
        "worker_cpu_us_per_push": round(median(sent.cpu_us for sent in ours)),
        "rounds": [round(sent.per_second) for sent in ours],
        "bullmq_pushes_per_second": round(median(sent.per_second for sent in theirs)),
        "bullmq_worker_cpu_us_per_push": round(median(sent.cpu_us for sent in theirs)),
        "bullmq_rounds": [round(sent.per_second) for sent in theirs],
        # Of neighbours in one run: the machine may have been slower for a while.
        "ratio": round(
            median(a.per_second / b.per_second for a, b in zip(ours, theirs, strict=True)), 2
        ),
        "cpu_ratio": round(
            median(a.cpu_us / b.cpu_us for a, b in zip(ours, theirs, strict=True)), 2
        ),
    } | rig.describe()


async def _send(rig: Rig, pushes: int, settings: dict[str, str]) -> _Sent:
    with rig.open_database() as database:
        put_chats(database)
        for statement in (_PHONES, _MESSAGES):
            database.connection.execute(statement.encode(), {"pairs": PAIRS, "messages": pushes})
        database.settle()
        more = {**settings, "GTR_APP": "", "GTR_CONCURRENCY": "4000", "GTR_EXPO": "false"}
        async with database.run_worker("push", **more) as worker:
            began, spent = time.time(), _cpu_seconds(worker.pid)
            ended = await _wait_until_sent(database, pushes)
            spent = _cpu_seconds(worker.pid) - spent
        return _Sent(pushes / (ended - began), spent / pushes * 1e6)


async def _wait_until_sent(database: BenchDatabase, pushes: int) -> float:
    """Wait until the ledger holds every push; give when the last was written, by the same clock."""
    latest = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < latest:
        row = database.connection.execute(
            "select from gtr_jobs.jobs where queue = 'push' limit 1"
        ).fetchone()
        if row is None:
            break
        await asyncio.sleep(_LOOK_SECONDS)
    row = database.connection.execute(_ENDS).fetchone()
    if row is None or row[:2] != (pushes, pushes):
        raise RuntimeError(f"of {pushes} pushes the ledger holds {row and row[:2]}")
    return float(row[2])


def _fan_out(peers: Peers, pushes: int, sink: int, folder: Path) -> _Sent:
    with _run_redis(folder) as redis:
        told = peers.fan_out(pushes, redis, f"https://localhost:{sink}", folder / "ca.pem")
    return _Sent(told["pushes_per_second"], told["worker_cpu_us_per_push"])


@contextmanager
def _run_redis(folder: Path) -> Iterator[int]:
    program = find_program("redis-server", "install it (Debian: apt install redis-server)")
    port = free_port()
    keep_nothing = ["--save", "", "--appendonly", "no", "--dir", str(folder)]
    with run_server([program, "--port", str(port), "--bind", "127.0.0.1", *keep_nothing], port):
        yield port


def _cpu_seconds(pid: int) -> float:
    """Read how much of a processor a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
