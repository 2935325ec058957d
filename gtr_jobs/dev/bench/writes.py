"""What our trigger leaves of the app's own write rate: pgbench into messages, with it and without."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from gtr_jobs.dev.bench.chats import put_chats
from gtr_jobs.dev.bench.rig import BenchDatabase, Rig
from gtr_jobs.dev.postgres_binaries import find_binaries
from gtr_jobs.domain.errors import TryAgainError

_TRIGGER = "gtr_jobs_messages_insert"
_SCRIPT = """
\\set n random(1, 1000)
\\set m :n + 1000
insert into public.messages (conversation_id, sender_id, recipient_id, content) values (
    ('c' || lpad(to_hex(:n::int), 31, '0'))::uuid, lpad(to_hex(:n::int), 32, '0')::uuid, lpad(to_hex(:m::int), 32, '0')::uuid,
    'Is the Skyline still for sale?'
);
"""


@dataclass(frozen=True, slots=True)
class WritesSize:
    """How long each is written, by how many clients, how often."""

    seconds: int = 6
    clients: tuple[int, ...] = (1, 16, 64)
    rounds: int = 3


def measure_writes(rig: Rig, size: WritesSize) -> dict[str, Any]:
    """Write with and without our trigger, in turn; medians of the rounds, for each number of clients."""
    figures: dict[str, Any] = {}
    with rig.open_database() as database, _write_script() as script:
        put_chats(database)
        for clients in size.clients:
            rates = [
                _pair(rig, database, script, clients, size.seconds) for _ in range(size.rounds)
            ]
            figures[str(clients)] = {
                "bare_tps": round(median(bare for bare, _ in rates)),
                "with_triggers_tps": round(median(ours for _, ours in rates)),
                "ratio": round(median(ours / bare for bare, ours in rates), 3),
                "rounds": [[round(bare), round(ours)] for bare, ours in rates],
            }
    headline = figures.get("16") or next(iter(figures.values()))
    return {"bench": "writes", **headline, "clients": figures} | rig.describe()


def _pair(
    rig: Rig, database: BenchDatabase, script: Path, clients: int, seconds: int
) -> tuple[float, float]:
    rates = []
    for is_on in (False, True):
        word = "enable" if is_on else "disable"
        database.connection.execute(
            f"alter table public.messages {word} trigger {_TRIGGER}".encode()
        )
        database.connection.execute("truncate public.messages")
        database.forget_jobs()
        database.settle()
        rates.append(_run_pgbench(rig, database, script, clients, seconds))
    bare, ours = rates
    return bare, ours


def _run_pgbench(
    rig: Rig, database: BenchDatabase, script: Path, clients: int, seconds: int
) -> float:
    command = [
        str(find_binaries(rig.version) / "pgbench"),
        "--no-vacuum",
        "--protocol=prepared",
        f"--client={clients}",
        "--jobs=1",
        f"--time={seconds}",
        f"--file={script}",
        database.server.dsn(database.name),
    ]
    done = subprocess.run(
        command, capture_output=True, check=False, text=True, timeout=seconds + 60
    )
    for line in done.stdout.splitlines():
        if line.startswith("tps = "):
            return float(line.split()[2])
    said = next((line for line in done.stderr.splitlines() if "ERROR" in line), "it said nothing")
    raise TryAgainError(f"pgbench failed: {said}", "run it again")


@contextmanager
def _write_script() -> Iterator[Path]:
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(_SCRIPT)
        script.flush()
        yield Path(script.name)
