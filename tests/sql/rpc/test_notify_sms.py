"""public.notify_sms(): what it takes, what it refuses, and what it leaves in the database."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import AsyncConnection
from support.api import as_anon, as_user
from support.databases import ProjectDatabase
from support.jobs import fetch_rows, fetch_value
from support.people import create_person
from support.refusals import refused
from support.texting import EVENT, PHONE, create_texter, notify_sms

KEPT = "select channel, template, user_id, data from gtr_jobs.outgoing"


@pytest.fixture
async def texter(admin: AsyncConnection) -> UUID:
    """Somebody who proved that a number is theirs."""
    return await create_texter(admin)


async def test_one_call_is_one_message_and_one_job(
    api: AsyncConnection, admin: AsyncConnection, texter: UUID
) -> None:
    """The job names the delivery, and nothing of what it says."""
    answer = await notify_sms(api, texter)
    delivery_id = await fetch_value(admin, "select delivery_id from gtr_jobs.outgoing")
    assert answer == {"delivery_id": str(delivery_id)}
    assert await fetch_rows(admin, KEPT) == [("sms", "event_reminder", texter, EVENT)]
    assert await fetch_rows(admin, "select queue, kind, args from gtr_jobs.jobs") == [
        ("sms", "send_sms", {"id": str(delivery_id)})
    ]


async def test_the_message_has_the_day_of_its_job(
    api: AsyncConnection, admin: AsyncConnection, texter: UUID
) -> None:
    """A retry after midnight meets its own row of the ledger."""
    await notify_sms(api, texter)
    assert await fetch_value(
        admin,
        "select o.day = j.event_day from gtr_jobs.outgoing as o, procrastinate.procrastinate_jobs as j",
    )


async def test_the_same_key_and_body_give_the_same_answer(
    api: AsyncConnection, admin: AsyncConnection, texter: UUID
) -> None:
    """There is one message; without a key every call is a new one."""
    answers = [await notify_sms(api, texter, key="k-1") for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    for _ in range(2):
        await notify_sms(api, texter)
    assert await fetch_value(admin, "select count(*) from gtr_jobs.outgoing") == 3


async def test_the_same_key_with_another_body_is_refused(
    api: AsyncConnection, admin: AsyncConnection, texter: UUID
) -> None:
    """Another person or other data: 409, and nothing is written."""
    other = await create_texter(admin, "sung", "+14155550101")
    await notify_sms(api, texter, key="k-1")
    for user_id, data in ((other, EVENT), (texter, EVENT | {"place": "Tatsumi PA"})):
        with refused(409, "idempotency_mismatch"):
            await notify_sms(api, user_id, data=data, key="k-1")
    assert await fetch_value(admin, "select count(*) from gtr_jobs.outgoing") == 1


async def test_two_calls_under_one_key_at_once_are_one(
    admin: AsyncConnection, texter: UUID, database: ProjectDatabase
) -> None:
    """The second waits for the first and gets its answer."""
    async with (
        await database.connect_async("authenticator") as one,
        await database.connect_async("authenticator") as other,
    ):
        answers = await asyncio.gather(
            notify_sms(one, texter, key="k-1"), notify_sms(other, texter, key="k-1")
        )
    assert answers[0] == answers[1]
    assert await fetch_value(admin, "select count(*) from gtr_jobs.outgoing") == 1


@pytest.mark.parametrize("template", ["unheard_of", "new_listings", "", None])
async def test_an_unknown_template_is_refused_with_the_list_of_those_known(
    api: AsyncConnection, texter: UUID, template: str | None
) -> None:
    """One that is for e-mail only is none of them."""
    with refused(422, "unknown_template"):
        await notify_sms(api, texter, template)
    with pytest.raises(psycopg.Error) as caught:
        await notify_sms(api, texter, template)
    assert caught.value.diag.message_hint == "Give one of: event_reminder."


@pytest.mark.parametrize(
    "data",
    [
        {},
        EVENT | {"place": None},
        EVENT | {"place": 7},
        EVENT | {"place": ["Daikoku PA"]},
        EVENT | {"code": "1"},
        [],
        "text",
        None,
    ],
    ids=json.dumps,
)
async def test_data_that_does_not_fit_its_template_is_refused(
    api: AsyncConnection, admin: AsyncConnection, texter: UUID, data: Any
) -> None:
    """Missing, unknown, of another type, or no object: 422 data_format."""
    with refused(422, "data_format"):
        await notify_sms(api, texter, data=data)
    assert await fetch_rows(admin, KEPT) == []


async def test_data_over_8_kb_is_refused(api: AsyncConnection, texter: UUID) -> None:
    """With 413."""
    with refused(413, "data_too_large"):
        await notify_sms(api, texter, data=EVENT | {"place": "x" * 9000})


async def test_nobody_is_unknown(api: AsyncConnection, admin: AsyncConnection) -> None:
    """And so is a deleted account."""
    gone = await create_texter(admin)
    await admin.execute("update auth.users set deleted_at = now()")
    for user_id in (gone, uuid4(), None):
        with refused(404, "unknown_user"):
            await notify_sms(api, user_id)


async def test_a_number_that_nobody_proved_is_none(
    api: AsyncConnection, admin: AsyncConnection
) -> None:
    """Neither Supabase Auth's before its code was entered nor the profile's."""
    person = await create_person(admin, "ken", "Ken Block")
    await admin.execute("update auth.users set phone = %s", [PHONE[1:]])
    await admin.execute("update public.profiles set phone_number = %s", [PHONE])
    with refused(422, "no_address"):
        await notify_sms(api, person)
    await admin.execute("update public.profiles set phone_verified = true")
    assert await notify_sms(api, person)


async def test_a_suppressed_number_is_refused_until_that_ends(
    api: AsyncConnection, admin: AsyncConnection, texter: UUID
) -> None:
    """Whoever it belongs to: 403, with the reason."""
    await admin.execute(
        "select gtr_jobs.suppress_address('sms', %s, 'unsubscribed', 'twilio')", [PHONE]
    )
    with refused(403, "suppressed"):
        await notify_sms(api, texter)
    await admin.execute("select gtr_jobs.unsuppress_address('sms', %s, 'unsubscribed')", [PHONE])
    assert await notify_sms(api, texter)


async def test_an_app_says_itself_what_consent_is(
    api: AsyncConnection, admin: AsyncConnection, texter: UUID
) -> None:
    """A function of its own, named beside the template."""
    await admin.execute(
        "create function public.wants_texts(p_user_id uuid) returns boolean"
        " language sql as $$ select false $$"
    )
    await admin.execute(
        "update gtr_jobs.message_templates set consent = 'public.wants_texts' where channel = 'sms'"
    )
    with refused(403, "no_consent"):
        await notify_sms(api, texter)


async def test_only_server_code_texts(
    api: AsyncConnection, admin: AsyncConnection, texter: UUID
) -> None:
    """Neither anybody with the public key nor people, themselves included."""
    for statement in (
        "select public.notify_sms(%s, 'event_reminder', '{}')",
        "select gtr_jobs.notify_sms(%s, 'event_reminder', '{}', null)",
        "select public.notify_email(%s, 'event_reminder', '{}')",
        "select gtr_jobs.notify_email(%s, 'event_reminder', '{}', null)",
    ):
        for caller in (as_anon(api), as_user(api, texter)):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                async with caller:
                    await api.execute(statement.encode(), (texter,))
    assert await fetch_rows(admin, KEPT) == []
