"""Errors that a user can cause are one line, and an exit code that a supervisor acts on."""

from __future__ import annotations

import pytest

from gtr_jobs.domain.errors import (
    ConfigurationError,
    GtrError,
    InternalFaultError,
    TryAgainError,
    UsageError,
)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (GtrError, 1),
        (UsageError, 2),
        (InternalFaultError, 70),
        (TryAgainError, 75),
        (ConfigurationError, 78),
    ],
)
def test_an_error_has_its_exit_code(kind: type[GtrError], code: int) -> None:
    """The numbers of sysexits.h; what starts the worker builds on them."""
    assert kind("it broke").exit_code == code


def test_an_error_says_what_is_wrong_and_what_to_do() -> None:
    """In one line."""
    assert str(ConfigurationError("GTR_X is not set", "set it")) == "GTR_X is not set: set it"
    assert str(TryAgainError("the server is away")) == "the server is away"
