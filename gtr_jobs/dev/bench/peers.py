"""What a user would run instead, on the same server in the same run: the scripts of a folder of peers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from gtr_jobs.dev.bench.rig import Rig
from gtr_jobs.domain.errors import ConfigurationError, TryAgainError

_PATIENCE_SECONDS = 300.0
_FIGURES = ("_per_second", "_per_push")
_PACKAGES = ("graphile-worker", "bullmq")
_GRAPHILE = "graphile_drain.mjs"
_STOCK = "stock_drain.py"
_BULLMQ = "fanout_bullmq.mjs"


@dataclass(frozen=True, slots=True)
class Peers:
    """Other queues, each drained by a script of its own.

    Args:
        folder: Holds the scripts; `npm ci` was run there.
    """

    folder: Path

    def check(self) -> None:
        """See that they can be run.

        Raises:
            ConfigurationError: Something is missing; says what to do.
        """
        for name in (_GRAPHILE, _STOCK, _BULLMQ, *(f"node_modules/{peer}" for peer in _PACKAGES)):
            if not (self.folder / name).exists():
                raise ConfigurationError(
                    f"--peers: there is no {name} in {self.folder}",
                    "name the folder tests/bench/peers of the repository, and run `npm ci` there",
                )
        if shutil.which("node") is None:
            raise ConfigurationError("--peers: there is no node", "install Node 20 or newer")

    def drain_graphile(self, rig: Rig, jobs: int) -> float:
        """Let graphile-worker drain no-op jobs with its local queue; give jobs a second."""
        told = _run("node", str(self.folder / _GRAPHILE), str(jobs), rig.make_empty_database())
        return told["jobs_per_second"]

    def drain_stock(self, rig: Rig, jobs: int) -> float:
        """Let the stock engine's own worker drain no-op jobs; give jobs a second."""
        script = str(self.folder / _STOCK)
        told = _run(sys.executable, script, str(jobs), rig.make_empty_database())
        return told["jobs_per_second"]

    def fan_out(self, pushes: int, redis: int, provider: str, ca_file: Path) -> dict[str, float]:
        """Let BullMQ send pushes, a job each.

        Args:
            pushes: How many.
            redis: The port of an empty Redis on this machine.
            provider: Where they go.
            ca_file: Whom it trusts.

        Returns:
            `pushes_per_second` and `worker_cpu_us_per_push`.
        """
        return _run(
            *("node", str(self.folder / _BULLMQ), str(pushes)),
            *("--redis", str(redis), "--provider", provider, "--ca", str(ca_file)),
        )


def _run(*command: str) -> dict[str, float]:
    try:
        done = subprocess.run(
            command, capture_output=True, check=True, text=True, timeout=_PATIENCE_SECONDS
        )
        told = json.loads(done.stdout.splitlines()[-1])
        return {name: float(value) for name, value in told.items() if name.endswith(_FIGURES)}
    except subprocess.CalledProcessError as error:
        said = (error.stderr or "").strip().splitlines()
        raise TryAgainError(
            f"the peer {Path(command[1]).name} failed: {said[-1] if said else 'it said nothing'}",
            "run it alone to see more",
        ) from None
    except (subprocess.TimeoutExpired, ValueError, IndexError, AttributeError):
        raise TryAgainError(
            f"the peer {Path(command[1]).name} gave no figure", "run it alone to see why"
        ) from None
