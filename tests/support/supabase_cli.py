"""The real Supabase command line from npm, run on a project folder of a test; it needs no Docker."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_BINARY = (
    Path(__file__).resolve().parents[1] / "node/node_modules/@supabase/cli-linux-x64/bin/supabase"
)
_PATIENCE_SECONDS = 15


@dataclass(frozen=True, slots=True)
class SupabaseProject:
    """A folder such as an app keeps beside its code.

    Args:
        folder: Holds `supabase/`.
    """

    folder: Path

    @property
    def migrations(self) -> Path:
        """The app's own history of its database."""
        return self.folder / "supabase" / "migrations"

    def push(self, dsn: str) -> list[str]:
        """Apply what the database has not yet; give the names of the files, in their order.

        Raises:
            AssertionError: It failed; carries what it said.
        """
        said = self._run("db", "push", "--db-url", dsn, "--yes")
        return [
            line.removeprefix("Applying migration ").removesuffix("...")
            for line in said.stderr.splitlines()
            if line.startswith("Applying migration ")
        ]

    def find_advice(self, dsn: str) -> list[dict[str, Any]]:
        """Run the lints of the dashboard on a database; give what is a warning or an error."""
        done = self._run("db", "advisors", "--db-url", dsn, "--output", "json")
        # A word on the connection may stand before the list.
        begin = done.stdout.find("[\n")
        if begin < 0:
            assert "No issues found" in done.stderr, done.stdout + done.stderr
            return []
        found: list[dict[str, Any]]
        found, _ = json.JSONDecoder().raw_decode(done.stdout[begin:])
        return [one for one in found if one["level"] in {"WARN", "ERROR"}]

    def generate_types(self, dsn: str) -> str:
        """Write TypeScript types of all that the API shows of a database."""
        return self._run(
            "gen", "types", "--lang", "typescript", f"--remote={dsn}", "-s", "public"
        ).stdout

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [_BINARY, *arguments],
            cwd=self.folder,
            env={
                "HOME": str(self.folder),
                "PATH": os.environ["PATH"],
                "DO_NOT_TRACK": "1",
                "SUPABASE_TELEMETRY_DISABLED": "1",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done


def make_project(folder: Path) -> SupabaseProject:
    """Make a project as `supabase init` makes it; skips the test where the command line is not installed."""
    if not _BINARY.exists():
        pytest.skip("no Supabase command line: run `npm ci` in tests/node")
    project = SupabaseProject(folder)
    project._run("init")
    project.migrations.mkdir()
    return project
