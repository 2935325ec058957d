"""What every command does as a shell and its user expect."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from support.command_line import make_environment, run_command
from typer.main import get_command
from typer.testing import CliRunner

from gtr_jobs import __version__
from gtr_jobs.cli.commands import COMMANDS
from gtr_jobs.cli.main import app
from gtr_jobs.dev.worker_process import GTR_JOBS
from gtr_jobs.domain.errors import ConfigurationError, TryAgainError, UsageError

# Wide enough for every line, and without colours.
_BARE = {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
_LONG = "db sql --optional close_notification_hole"


def _run_in_shell(script: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which `gtr-jobs` stands for the command."""
    command = " ".join(shlex.quote(part) for part in GTR_JOBS)
    return subprocess.run(
        ["bash", "-c", f'gtr_jobs() {{ {command} "$@"; }}; {script}'],
        cwd=Path.cwd().root,
        env=make_environment({}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=15,
        check=False,
    )


def _name_commands(command: object, path: str = "") -> list[str]:
    """List a command and all below it."""
    found = [path]
    for name, below in getattr(command, "commands", {}).items():
        found += _name_commands(below, f"{path} {name}".strip())
    return found


@pytest.mark.parametrize("command", _name_commands(get_command(app)))
def test_every_command_has_help(command: str) -> None:
    """It says what it does and ends well, without a database and without a setting."""
    ended = CliRunner().invoke(app, [*command.split(), "--help"], prog_name="gtr-jobs", env=_BARE)
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert f"Usage: gtr-jobs {command}".rstrip() in ended.stdout
    assert "--help" in ended.stdout


def test_what_help_lists_is_what_each_command_says_of_itself() -> None:
    """The lines are known without the commands, so that help loads none of them; they are the same."""
    commands = getattr(get_command(app), "commands", {})
    own = {
        name: " ".join(command.help.split("\n\n")[0].split()) for name, command in commands.items()
    }
    assert {name: known.line for name, known in COMMANDS.items()} == own


def test_help_shows_what_stands_in_brackets() -> None:
    """The extra that the demo needs is part of its help."""
    assert '"gtr-jobs[demo]"' in run_command("dev", "--help").out.replace("\n", "")


def test_the_version_is_one_line() -> None:
    """It is what pip shows."""
    ended = run_command("--version")
    assert (ended.code, ended.out, ended.err) == (0, f"gtr-jobs {__version__}\n", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nope"],
        ["db", "nope"],
        ["--nope"],
        ["db", "migrate", "--nope"],
        ["db", "sql", "--out"],
        [],
        ["db"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_2(arguments: list[str]) -> None:
    """A command or an option that there is not, or none at all."""
    ended = CliRunner().invoke(app, arguments, prog_name="gtr-jobs", env=_BARE)
    assert (ended.exit_code, type(ended.exception)) == (2, SystemExit)
    assert ended.output != ""


def test_a_command_that_is_not_there_is_said_so() -> None:
    """The same from a shell, and without a traceback."""
    ended = run_command("nope")
    assert (ended.code, ended.out) == (2, "")
    assert "No such command 'nope'" in ended.err
    assert "Traceback" not in ended.err


def test_the_exit_codes_are_those_of_the_documentation() -> None:
    """Supervisors act on them: 78 is not tried again, 75 is."""
    codes = {error: error.exit_code for error in (ConfigurationError, TryAgainError, UsageError)}
    assert codes == {ConfigurationError: 78, TryAgainError: 75, UsageError: 2}


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    """`| head -1` gets its line, whether the rest is still to be written or was written already."""
    for script in (f"gtr_jobs {_LONG} | head -1", f"gtr_jobs db sql --out {tmp_path} | head -1"):
        ended = _run_in_shell(script)
        assert (ended.returncode, ended.stderr, ended.stdout.count("\n")) == (0, "", 1)


def test_a_reader_that_went_before_the_first_line_is_told_by_the_exit_code() -> None:
    """Nothing is written, and nothing is said."""
    ended = _run_in_shell(f"gtr_jobs {_LONG} | true; echo ${{PIPESTATUS[0]}}")
    assert (ended.stdout, ended.stderr) == ("1\n", "")


@pytest.mark.parametrize("command", [_LONG, "--version", "--help", "templates list"])
def test_a_closed_output_is_no_error(command: str) -> None:
    """Whoever closes it wants to read nothing."""
    ended = _run_in_shell(f"gtr_jobs {command} >&-")
    assert (ended.returncode, ended.stderr) == (0, "")


def test_an_output_that_cannot_be_written_is_one_line() -> None:
    """A full disk is not passed over in silence."""
    ended = _run_in_shell(f"gtr_jobs {_LONG} >/dev/full")
    assert ended.returncode == 74
    assert ended.stderr == "gtr-jobs: cannot write the output: No space left on device\n"


def test_a_closed_input_is_an_empty_one() -> None:
    """Nothing was given as the password: wrong usage, in one line."""
    ended = _run_in_shell("gtr_jobs db password --stdin <&-")
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
