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
_GRAPHILE = "graphile_drain.mjs"
_STOCK = "stock_drain.py"


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
        for name in (_GRAPHILE, _STOCK, "node_modules/graphile-worker"):
            if not (self.folder / name).exists():
                raise ConfigurationError(
                    f"--peers: there is no {name} in {self.folder}",
                    "name the folder tests/bench/peers of the repository, and run `npm ci` there",
                )
        if shutil.which("node") is None:
            raise ConfigurationError("--peers: there is no node", "install Node 20 or newer")

    def drain_graphile(self, rig: Rig, jobs: int) -> float:
        """Let graphile-worker drain no-op jobs with its local queue; give jobs a second."""
        return _run("node", str(self.folder / _GRAPHILE), str(jobs), rig.make_empty_database())

    def drain_stock(self, rig: Rig, jobs: int) -> float:
        """Let the stock engine's own worker drain no-op jobs; give jobs a second."""
        return _run(sys.executable, str(self.folder / _STOCK), str(jobs), rig.make_empty_database())


def _run(*command: str) -> float:
    try:
        done = subprocess.run(
            command, capture_output=True, check=True, text=True, timeout=_PATIENCE_SECONDS
        )
        return float(json.loads(done.stdout.splitlines()[-1])["jobs_per_second"])
    except subprocess.CalledProcessError as error:
        said = (error.stderr or "").strip().splitlines()
        raise TryAgainError(
            f"the peer {Path(command[1]).name} failed: {said[-1] if said else 'it said nothing'}",
            "run it alone to see more",
        ) from None
    except (subprocess.TimeoutExpired, ValueError, IndexError, KeyError):
        raise TryAgainError(
            f"the peer {Path(command[1]).name} gave no figure", "run it alone to see why"
        ) from None
