"""The faults of the long form, done to whatever happens at that moment."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress

import psycopg
from chaos.stage import Act, Stage
from support.proxy import Forward, LoseReply, ResetAt, Stall

from gtr_jobs.dev.postgres_cluster import ShutdownMode
from gtr_jobs.dev.standins.exchange import Disconnect, GoAway
from gtr_jobs.dev.standins.exchange import Stall as NoAnswer
from gtr_jobs.dev.standins.script import AfterAccepting, Fail, ScriptedAnswer, Slow
from gtr_jobs.dev.standins.standin import StandIn

# The watchdog ends a worker after 20 s.
_SILENCE_SECONDS = 25.0
# A worker is given up for dead after 30 s.
_FROZEN_SECONDS = (32.0, 40.0)


async def _kill(stage: Stage) -> None:
    if hand := stage.pick_worker():
        hand.send(signal.SIGKILL)


async def _stop(stage: Stage) -> None:
    if hand := stage.pick_worker():
        hand.send(signal.SIGTERM)


async def _hurry(stage: Stage) -> None:
    if hand := stage.pick_worker():
        hand.send(signal.SIGTERM)
        await asyncio.sleep(stage.chance.uniform(0, 0.3))
        hand.send(signal.SIGTERM)


async def _freeze(stage: Stage) -> None:
    await _freeze_for(stage, stage.chance.uniform(0.5, 8.0))


async def _bury_alive(stage: Stage) -> None:
    await _freeze_for(stage, stage.chance.uniform(*_FROZEN_SECONDS))


async def _freeze_for(stage: Stage, seconds: float) -> None:
    if hand := stage.pick_worker():
        hand.send(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        hand.send(signal.SIGCONT)


async def _kill_while_providers_are_silent(stage: Stage) -> None:
    for standin in _providers(stage):
        answers: list[ScriptedAnswer] = [NoAnswer(), AfterAccepting(NoAnswer())]
        answer = stage.chance.choice(answers)
        standin.script.add(answer, times=3)
    await asyncio.sleep(stage.chance.uniform(0.2, 1.0))
    await _kill(stage)


async def _kill_before_an_ack(stage: Stage) -> None:
    async with stage.scene.hold("lock table gtr_jobs.deliveries in exclusive mode"):
        await asyncio.sleep(stage.chance.uniform(0.2, 1.0))
        await _kill(stage)
        if stage.chance.random() < 0.5:
            await stage.scene.end_backends()


async def _fail_providers(stage: Stage) -> None:
    answers: list[ScriptedAnswer] = [
        Disconnect(),
        AfterAccepting(Disconnect()),
        GoAway("previous"),
        Slow(2.0),
    ]
    for standin in _providers(stage):
        standin.script.add(stage.chance.choice(answers), times=3)
    # Not APNs: who gets a 5xx from Apple comes back after a quarter of an hour.
    stage.scene.providers.fcm.script.add(Fail(503, "UNAVAILABLE"), times=3)


def _providers(stage: Stage) -> list[StandIn]:
    providers = stage.scene.providers
    return [providers.fcm, providers.apns]


async def _end_backends(stage: Stage) -> None:
    await stage.scene.end_backends()


async def _end_one_backend(stage: Stage) -> None:
    if pid := await _pick_backend(stage):
        await stage.scene.fetch("select pg_terminate_backend(%s)", pid)


async def _freeze_one_backend(stage: Stage) -> None:
    """A backend that is stopped is a half-open connection: the kernel still acknowledges every byte."""
    pid = await _pick_backend(stage)
    if pid is None:
        return
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(stage.chance.uniform(0.5, 6.0))
        finally:
            os.kill(pid, signal.SIGCONT)


async def _pick_backend(stage: Stage) -> int | None:
    pids = [
        int(pid)
        for (pid,) in await stage.scene.fetch(
            "select pid from pg_stat_activity"
            " where usename = 'gtr_worker' and datname = current_database() order by pid"
        )
    ]
    return stage.chance.choice(pids) if pids else None


async def _restart(stage: Stage, mode: ShutdownMode) -> None:
    with stage.scene.watch.without_database():
        await asyncio.to_thread(stage.server.go_down, mode)
        await asyncio.sleep(stage.chance.uniform(0, 2.0))
        await asyncio.to_thread(stage.server.come_up)


async def _restart_fast(stage: Stage) -> None:
    await _restart(stage, "fast")


async def _restart_immediate(stage: Stage) -> None:
    await _restart(stage, "immediate")


async def _make_read_only(stage: Stage) -> None:
    await stage.scene.fetch("alter system set default_transaction_read_only = on")
    await stage.scene.fetch("select pg_reload_conf()")
    await asyncio.sleep(stage.chance.uniform(0.5, 4.0))
    await stage.scene.fetch("alter system reset default_transaction_read_only")
    await stage.scene.fetch("select pg_reload_conf()")


async def _lock(stage: Stage) -> None:
    """The role's lock_timeout is 5 s: some of these are waited out, others are not."""
    table = stage.chance.choice(
        ["gtr_jobs.deliveries", "gtr_jobs.job_history", "procrastinate.procrastinate_workers"]
    )
    async with stage.scene.hold(f"lock table {table} in access exclusive mode"):
        await asyncio.sleep(stage.chance.uniform(0.5, 6.5))


async def _cut_statements_short(stage: Stage) -> None:
    await stage.scene.fetch("alter role gtr_worker set statement_timeout = '3ms'")
    await stage.scene.end_backends()
    await asyncio.sleep(stage.chance.uniform(0.5, 3.0))
    await stage.scene.fetch("alter role gtr_worker set statement_timeout = '30s'")
    await stage.scene.end_backends()


async def _deadlock(stage: Stage) -> None:
    """Two rows that are being done, locked one after the other: whoever acks both has them the other way round."""
    query = (
        "select id from procrastinate.procrastinate_jobs where status = 'doing'"
        " order by id {} limit 1 for update skip locked"
    )
    with suppress(psycopg.errors.DeadlockDetected):
        async with stage.scene.hold(query.format("desc"), "select pg_sleep(0.3)", query.format("")):
            await asyncio.sleep(stage.chance.uniform(0.2, 2.0))


async def _keep_snapshot(stage: Stage) -> None:
    async with stage.scene.hold(
        "set transaction isolation level repeatable read", "select count(*) from gtr_jobs.jobs"
    ):
        await asyncio.sleep(stage.chance.uniform(5.0, 20.0))


async def _reset_connections(stage: Stage) -> None:
    stage.proxy.reset_all()


async def _reset_at_a_byte(stage: Stage) -> None:
    stage.proxy.mode = ResetAt(
        stage.chance.randint(1, 5_000), stage.chance.choice(["to_server", "to_client"])
    )
    await asyncio.sleep(stage.chance.uniform(0.2, 1.5))
    stage.proxy.mode = Forward()


async def _lose_reply(stage: Stage) -> None:
    # Known by their parameters once they are prepared: the lane's queue, and how a job ended.
    stage.proxy.mode = LoseReply(stage.chance.choice([b"push", b'"ended"']))
    with suppress(TimeoutError):
        async with asyncio.timeout(2.0):
            await stage.proxy.wait_until_lost()
    stage.proxy.mode = Forward()


async def _slow_down(stage: Stage) -> None:
    stage.proxy.mode = Forward(delay=stage.chance.uniform(0.05, 0.25))
    await asyncio.sleep(stage.chance.uniform(1.0, 4.0))
    stage.proxy.mode = Forward()


async def _fall_silent(stage: Stage) -> None:
    await _stall_for(stage, stage.chance.uniform(1.0, 6.0))


async def _fall_silent_for_long(stage: Stage) -> None:
    await _stall_for(stage, _SILENCE_SECONDS)


async def _stall_for(stage: Stage, seconds: float) -> None:
    with stage.scene.watch.without_database():
        stage.proxy.mode = Stall()
        await asyncio.sleep(seconds)
        stage.proxy.mode = Forward()
    # What lost bytes stays silent for good; a network that is mended resets it.
    stage.proxy.reset_all()


ACTS = (
    Act("kill", 30, _kill),
    Act("stop", 12, _stop),
    Act("stop, and hurry", 8, _hurry),
    Act("freeze", 10, _freeze),
    Act("freeze until given up for dead", 4, _bury_alive),
    Act("kill while providers are silent", 20, _kill_while_providers_are_silent),
    Act("kill before an ack", 12, _kill_before_an_ack),
    Act("providers fail", 12, _fail_providers),
    Act("end backends", 20, _end_backends),
    Act("end one backend", 20, _end_one_backend),
    Act("freeze one backend", 10, _freeze_one_backend),
    Act("restart fast", 12, _restart_fast, is_alone=True),
    Act("restart immediate", 12, _restart_immediate, is_alone=True),
    Act("read-only", 8, _make_read_only, is_alone=True),
    Act("lock", 12, _lock),
    Act("statement timeout", 6, _cut_statements_short, is_alone=True),
    Act("deadlock", 10, _deadlock),
    Act("keep a snapshot", 4, _keep_snapshot),
    Act("reset connections", 12, _reset_connections, is_alone=True),
    Act("reset at a byte", 20, _reset_at_a_byte, is_alone=True),
    Act("lose a reply", 20, _lose_reply, is_alone=True),
    Act("slow network", 8, _slow_down, is_alone=True),
    Act("silent network", 8, _fall_silent, is_alone=True),
    Act("silent network until workers end", 2, _fall_silent_for_long, is_alone=True),
)
