"""A daemon as a process of its own leaves nothing behind, however it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress

import pytest

from gtr_jobs.dev.worker_process import WorkerFailedError, WorkerProcess

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

# Says no more, and takes its time to end.
_MUTE = "import os, time; os.close(2); time.sleep(60)"


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


async def test_a_worker_that_does_not_start_is_gone_when_that_is_told() -> None:
    """Nobody is left to end it, or to let go of its pipe."""
    worker = WorkerProcess({}, command=(sys.executable, "-c", _MUTE))
    with pytest.raises(WorkerFailedError, match=r"logged no worker\.started"):
        async with worker:
            pass

    with pytest.raises(ProcessLookupError):
        os.kill(worker.pid, 0)
