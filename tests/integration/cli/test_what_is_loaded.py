"""What a command loads before it does anything: what it uses, and nothing of what others do."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from support.command_line import start_command
from support.databases import ProjectDatabase

from gtr_jobs.dev.worker_process import WorkerProcess

# What takes longest to load of all that the package stands on, or ought to be on no worker at all.
_HEAVY = frozenset(
    {
        "aioapns",
        "aiosmtplib",
        "babel",
        "cryptography",
        "docker",
        "google",
        "gtr_jobs.dev",
        "idna",
        "jwt",
        "liquid",
        "phonenumbers",
        "procrastinate",
        "prometheus_client",
        "psycopg",
        "pydantic",
        "pyfcm",
        "pyreqwest",
        "requests",
        "rich",
        "starlette",
        "structlog",
        "twilio",
        "uvicorn",
    }
)
_IMPORTED = re.compile(r"^import time: +\d+ \| +\d+ \| +([\w.]+)$")
# Python tells on standard error of every module that it loads.
_TELL = {"PYTHONPROFILEIMPORTTIME": "1"}


def _run(command: str, **settings: str) -> list[str]:
    """Run a command by an interpreter of its own; give what it told of its modules."""
    with start_command(*command.split(), settings={**settings, **_TELL}) as process:
        _, told = process.communicate()
    assert process.returncode == 0
    return told.splitlines()


def _heavy(lines: Iterable[str]) -> set[str]:
    """Read which of the heavy ones were loaded."""
    loaded = {match[1] for line in lines if (match := _IMPORTED.match(line))}
    assert "gtr_jobs.cli.main" in loaded
    # By what is in them: of what was looked for and not found there is a line too.
    return {heavy for heavy in _HEAVY if any(name.startswith(f"{heavy}.") for name in loaded)}


def _assert_loads(lines: Iterable[str], expected: set[str]) -> None:
    loaded = _heavy(lines)
    assert loaded == expected, (
        f"loaded and not used: {sorted(loaded - expected)}; used and not loaded: {sorted(expected - loaded)}. "
        "`python -X importtime -c 'import gtr_jobs.cli.COMMAND'` shows who imports it: import it where it is used "
        "(with the reason beside it), or take what needs it out of a module that others import for something else"
    )


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("--version", set()),
        ("--help", {"rich"}),
        ("templates list", {"babel", "liquid", "pydantic"}),
    ],
)
def test_a_command_loads_what_it_uses(command: str, expected: set[str]) -> None:
    """Nothing that others use: a command is waited for, and a thousand of them by every run of the tests."""
    _assert_loads(_run(command), expected)


@pytest.mark.parametrize("command", ["queues", "dead list", "switches list", "db status", "spend"])
def test_a_command_of_operators_loads_what_it_uses(
    installed: ProjectDatabase, command: str
) -> None:
    """It reads settings and asks the database; off a terminal it draws no tables."""
    lines = _run(command, GTR_ADMIN_DATABASE_URL=installed.dsn)
    _assert_loads(lines, {"psycopg", "pydantic"})


async def test_a_worker_loads_what_is_configured(worker_settings: dict[str, str]) -> None:
    """One that sends pushes by Expo alone knows no other provider, no texts and no e-mails."""
    async with WorkerProcess({**worker_settings, **_TELL}) as worker:
        assert await worker.stop() == 0
        lines = worker.log
    _assert_loads(
        lines,
        {
            "prometheus_client",
            "psycopg",
            "pydantic",
            "pyreqwest",
            "starlette",
            "structlog",
            "uvicorn",
        },
    )
