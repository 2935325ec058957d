"""gtr_jobs.read_outgoing(): what a worker knows of a message before it sends it."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg import AsyncConnection
from support.jobs import fetch_rows
from support.texting import EVENT, PHONE, create_texter, notify_sms

READ = "select address, locale, refusal, state, data from gtr_jobs.read_outgoing(%s)"


@pytest.fixture
async def asked(api: AsyncConnection, admin: AsyncConnection) -> UUID:
    """A text that somebody asked for."""
    return UUID((await notify_sms(api, await create_texter(admin)))["delivery_id"])


async def _read(worker: AsyncConnection, *ids: UUID) -> list[tuple[Any, ...]]:
    return await fetch_rows(worker, READ, list(ids))


async def test_the_number_and_the_language_are_those_of_now(
    admin: AsyncConnection, worker: AsyncConnection, asked: UUID
) -> None:
    """A message that was forgotten is missing."""
    assert await _read(worker, asked, uuid4()) == [(PHONE, "", None, "queued", EVENT)]
    await admin.execute(
        "update auth.users set phone = '14155550199',"
        ' raw_user_meta_data = raw_user_meta_data || \'{"locale": "de-AT"}\''
    )
    assert await _read(worker, asked) == [("+14155550199", "de-AT", None, "queued", EVENT)]


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ("update auth.users set deleted_at = now()", "user_gone"),
        ("update auth.users set phone_confirmed_at = null", "no_phone"),
        (
            f"select gtr_jobs.suppress_address('sms', '{PHONE}', 'unsubscribed', 'twilio')",
            "unsubscribed",
        ),
        ("delete from gtr_jobs.message_templates", "unknown_template"),
        (
            "update gtr_jobs.message_templates set consent = 'public.is_not_there'",
            "consent_unknown",
        ),
        (
            (
                "create function public.says_no(p uuid) returns boolean language sql as 'select false';"
                "update gtr_jobs.message_templates set consent = 'public.says_no'"
            ),
            "no_consent",
        ),
        (
            (
                "create function public.says_nothing(p uuid) returns boolean language sql as 'select null::boolean';"
                "update gtr_jobs.message_templates set consent = 'public.says_nothing'"
            ),
            "no_consent",
        ),
    ],
)
async def test_who_gets_none_any_more_is_told_in_a_word(
    admin: AsyncConnection, worker: AsyncConnection, asked: UUID, change: str, refusal: str
) -> None:
    """Whatever has changed since it was asked for; a function that fails says neither yes nor no."""
    await admin.execute(change.encode())
    ((_, _, told, _, _),) = await _read(worker, asked)
    assert told == refusal
