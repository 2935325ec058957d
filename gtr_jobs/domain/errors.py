"""Errors that a user can cause, each with the exit code that a supervisor acts on.

    GtrError
    ├── ConfigurationError   exit 78: mend a setting; trying again is of no use
    ├── TryAgainError        exit 75: mend nothing; something outside is away
    ├── UsageError           exit  2: the command was called wrongly
    ├── StateError           exit  1: what was named is not there, or not now
    └── InternalFaultError   exit 70: a fault of ours; start again, and report it

The numbers are those of sysexits.h; systemd's `RestartPreventExitStatus=78` builds on them.
"""

from __future__ import annotations

from typing import ClassVar


class GtrError(Exception):
    """Something that a user can cause: shown as one line, never as a traceback.

    Args:
        message: What is wrong; names the setting or the input.
        hint: What to do about it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}: {self.hint}" if self.hint else self.message


class ConfigurationError(GtrError):
    """A setting, a file it names or the database's state is wrong."""

    exit_code = 78


class TryAgainError(GtrError):
    """Something outside is away for now."""

    exit_code = 75


class UsageError(GtrError):
    """The command was called wrongly."""

    exit_code = 2


class StateError(GtrError):
    """What was named is not there, or not in a state for what was asked."""

    exit_code = 1


class InternalFaultError(GtrError):
    """A part of ours failed; what is known of it, without content, stands in the log."""

    exit_code = 70
