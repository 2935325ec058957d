"""A command that was started warm is the one that an interpreter of its own runs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.command_line import Ended, make_environment, run_command

from gtr_jobs.cli.commands import COMMANDS
from gtr_jobs.dev.worker_process import GTR_JOBS


@pytest.mark.parametrize(
    "arguments",
    [("--version",), ("--help",), ("queues", "list"), ("templates", "list"), ("nonsense",)],
    ids=lambda arguments: arguments[0],
)
def test_it_says_and_ends_as_one_that_was_started_anew(arguments: tuple[str, ...]) -> None:
    """Both streams and the exit code, of commands that work, lack a setting and are no commands."""
    settings = {"GTR_LOG_LEVEL": "debug"}
    anew = subprocess.run(
        [*GTR_JOBS, *arguments],
        cwd=Path.cwd().root,
        env=make_environment(settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    warm = run_command(*arguments, settings=settings)
    assert warm == Ended(anew.returncode, anew.stdout, anew.stderr)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_loads_by_itself(command: str) -> None:
    """A warm start has loaded all of them: what one lacks alone would be seen by nobody."""
    anew = subprocess.run(
        [*GTR_JOBS, command, "--help"], capture_output=True, text=True, check=False
    )
    assert (anew.returncode, anew.stderr) == (0, "")
    assert command in anew.stdout


def test_nothing_stays_from_one_to_the_next(tmp_path: Path) -> None:
    """Each has the environment that it was given, and finds the modules that this one names."""
    (tmp_path / "garage.py").write_text("raise SystemExit(7)\n")
    given = {"GTR_APP": "garage:app", "PYTHONPATH": str(tmp_path)}
    assert run_command("templates", "list", settings=given).code == 7
    assert run_command("templates", "list").code == 0
