"""gtr_jobs.classify_token(): the same as gtr_jobs/domain/tokens.py."""

from __future__ import annotations

from typing import get_args

import pytest
from psycopg import AsyncConnection
from support.jobs import fetch_rows, fetch_value
from support.token_examples import TOKEN_EXAMPLES

from gtr_jobs.domain.tokens import TokenShape, tell_shape

CLASSIFY = "select gtr_jobs.classify_token(%s)"


@pytest.mark.parametrize("example", TOKEN_EXAMPLES)
async def test_the_database_tells_a_tokens_shape_as_python_does(
    admin: AsyncConnection, example: str
) -> None:
    """One table of examples holds the two together."""
    token, shape = TOKEN_EXAMPLES[example]
    assert await fetch_value(admin, CLASSIFY, token) == shape
    assert tell_shape(token) == shape


async def test_every_sign_counts_the_same_in_both(admin: AsyncConnection) -> None:
    """Each ASCII sign, put inside a token of each shape, changes both judgements alike."""
    signs = [chr(number) for number in range(1, 128)]
    tokens = [
        made
        for sign in signs
        for made in (
            f"ExpoPushToken[a{sign}b]",
            f"f47ac10b-58cc-4372-a567-0e02b2c3d47{sign}",
            "0" * 63 + sign,
            "z" * 21 + sign,
            "y" * 99 + sign,
            f"abcdef{sign}" + "A" * 20,
        )
    ]
    rows = await fetch_rows(
        admin,
        "select t, gtr_jobs.classify_token(t) from unnest(%s::text[]) as t",
        tokens,
    )
    assert dict(rows) == {token: tell_shape(token) for token in tokens}


async def test_null_is_no_token(admin: AsyncConnection) -> None:
    """What is not there has no shape."""
    assert await fetch_value(admin, CLASSIFY, None) is None


async def test_a_device_can_be_of_every_shape(admin: AsyncConnection) -> None:
    """The column's check names those that Python has."""
    check = await fetch_value(
        admin,
        "select pg_get_constraintdef(oid) from pg_constraint where conname = 'devices_kind_check'",
    )
    assert [shape for shape in get_args(TokenShape) if f"'{shape}'" not in check] == []
