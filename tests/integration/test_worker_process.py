"""A daemon as a process of its own leaves nothing behind, however it ends."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress

from gtr_jobs.dev.worker_process import WorkerProcess

# Says that it works, and leaves a process behind that speaks once more after it was killed.
_HEIR = """
import json, os, signal, sys, time
read, write = os.pipe()
if os.fork() == 0:
    os.close(write)
    os.read(read, 1)  # until the parent is gone
    time.sleep(0.3)
    print(json.dumps({"event": "heir.gone"}), file=sys.stderr, flush=True)
else:
    print(json.dumps({"event": "worker.started", "http": "none"}), file=sys.stderr, flush=True)
    signal.pause()
"""


async def test_leaving_waits_for_those_that_a_killed_worker_left_behind() -> None:
    """Its processes write to its log for a while longer: that is read, and the pipe is let go."""
    command = (sys.executable, "-c", _HEIR)
    async with WorkerProcess({}, command=command) as worker:
        async with asyncio.timeout(5):
            with suppress(ProcessLookupError):  # it has ended
                while True:
                    worker.send_signal(signal.SIGKILL)
                    await asyncio.sleep(0.01)

    assert [record["event"] for record in worker.records] == ["worker.started", "heir.gone"]
