"""What is taken for a provider's word and code."""

from __future__ import annotations

import pytest

from gtr_jobs.domain.delivery_report import read_error_code, read_status


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("delivered", "delivered"),
        (" Delivered ", "delivered"),
        ("teleported", "teleported"),
        ("partially_delivered", "partially_delivered"),
        ("", None),
        ("+14155550123", None),
        ("two words", None),
        ("x" * 41, None),
        ("a\nb", None),
    ],
)
def test_a_status_is_a_word_that_need_not_be_known(text: str, status: str | None) -> None:
    """Nothing else comes into the books under its name."""
    assert read_status(text) == status


@pytest.mark.parametrize(
    ("text", "code"),
    [("30003", "30003"), ("5.1.1", "5.1.1"), ("", None), (None, None), ("no such user", None)],
)
def test_an_error_code_is_a_code(text: str | None, code: str | None) -> None:
    """A sentence may hold an address."""
    assert read_error_code(text) == code
