"""The command `gtr-jobs`, run as its user runs it: a process of its own, far from any `.env`."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from support.warm import start_warm

from gtr_jobs.dev.worker_process import GTR_JOBS

# More than any command takes here, less than a test may.
_PATIENCE_SECONDS = 18


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended.

    Args:
        code: Its exit code.
        out: What it wrote to standard output.
        err: What it wrote to standard error.
    """

    code: int
    out: str
    err: str


def make_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Make the environment of a command: no setting of ours or of libpq's comes from outside."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("GTR_", "PG"))
    }
    # Narrower than what is shown: what a reader may grep for is not cut off.
    return {**inherited, "COLUMNS": "60", **settings}


def run_command(
    *arguments: str,
    settings: Mapping[str, str] | None = None,
    given: bytes | None = None,
    timeout: float = _PATIENCE_SECONDS,
) -> Ended:
    """Run a command to its end.

    Args:
        arguments: What stands behind `gtr-jobs`.
        settings: Its environment, beside what every process has.
        given: What it finds on standard input.
        timeout: Seconds that it may take.
    """
    with (
        tempfile.TemporaryFile() as read,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        read.write(given or b"")
        read.seek(0)
        streams = {0: read.fileno(), 1: out.fileno(), 2: err.fileno()}
        process = start_warm(
            arguments, make_environment(settings or {}), Path(Path.cwd().root), streams
        )
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(["gtr-jobs", *arguments], timeout)
        return Ended(process.exitcode, _read(out), _read(err))


def _read(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode()


def start_command(
    *arguments: str, settings: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start a command and leave it running; its output can be read as it comes."""
    return subprocess.Popen(
        [*GTR_JOBS, *arguments],
        cwd=Path.cwd().root,
        env={**make_environment(settings or {}), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Tests that a shell runs in the background are started deaf to Ctrl-C, and so would be what they start.
        preexec_fn=_hear_ctrl_c,  # noqa: PLW1509  (sets a signal and takes no lock)
    )


def _hear_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for_line(process: subprocess.Popen[str], line: str) -> None:
    """Read what a command reports until it has reported a line."""
    assert process.stderr is not None
    for found in process.stderr:
        if found.rstrip("\n") == line:
            return
    raise AssertionError(f"it ended, and never said: {line}")


def assert_refused(ended: Ended, code: int, *said: str, after: tuple[str, ...] = ()) -> None:
    """See that a command ended with one line for its user: what is wrong, and what to do.

    Args:
        ended: How it ended.
        code: The exit code that it should have.
        said: What the line must say.
        after: What it reported of its progress before.
    """
    assert (ended.code, ended.out) == (code, ""), ended.err
    *progress, line = ended.err.splitlines()
    assert tuple(progress) == after
    assert line.startswith("gtr-jobs: ")
    assert [part for part in said if part not in line] == [], line
