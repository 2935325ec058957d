"""An array that was written by hand is read as what it was written from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.databases import ProjectDatabase

from gtr_jobs.db.arrays import array_of

# Whatever a provider may call a message: what is quoted, what ends an array, what is no text, what is nothing.
NAMES = [
    "projects/p/messages/0:1", "", " ", "null", "NULL", '"', '""', "\\", '\\"', "a,b", "{", "}", "{}",
    "{a,b}", "'", "%s", "a\nb", "\r\t\b\f\x01\x1f\x7f", "é", "\u2028", "😀", "\\x41", "\\u0041",
]  # fmt: skip


TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])) | st.text(
    st.sampled_from("\\\"'{},\n nulNUL")
)


@pytest.fixture
def connection(database: ProjectDatabase) -> Iterator[psycopg.Connection]:
    """A connection of gtr_worker."""
    with database.connect("gtr_worker") as connection:
        yield connection


def _read(connection: psycopg.Connection, type_name: str, values: list[Any]) -> Any:
    row = connection.execute(f"select %s::{type_name}[]".encode(), [array_of(values)]).fetchone()
    assert row is not None
    return row[0]


def test_it_is_read_as_it_was_meant(connection: psycopg.Connection) -> None:
    """Numbers, ids, truths, texts of every kind, nothing, and none at all."""
    cases: list[tuple[str, list[Any]]] = [
        ("bigint", [1, -1, 0, 2**63 - 1, -(2**63), None]),
        ("uuid", [UUID(int=0), UUID(int=2**128 - 1), None]),
        ("boolean", [True, False]),
        ("text", NAMES),
        ("text", [None, *NAMES, None]),
        *(("text", [name]) for name in NAMES),
        ("text", [None]),
        ("text", []),
        ("bigint", []),
    ]
    for type_name, values in cases:
        assert _read(connection, type_name, values) == values


@given(st.lists(st.none() | TEXTS))
@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_texts_are_read_as_they_were_meant(
    connection: psycopg.Connection, values: list[str | None]
) -> None:
    """Whatever a provider calls a message."""
    assert _read(connection, "text", values) == values


def test_plain_texts_are_not_psycopgs_to_write() -> None:
    """It would take forty times as long."""
    assert array_of(["a,b", None, "NULL"]) == '{"a,b",null,"NULL"}'
    assert array_of(['a"b']) == ['a"b']


def test_a_text_that_postgresql_does_not_know_is_refused(connection: psycopg.Connection) -> None:
    """Before it is sent, as one of the database's errors."""
    with pytest.raises(psycopg.DataError):
        _read(connection, "text", ["a\x00b"])
