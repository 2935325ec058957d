"""public.notify_email(): the same as notify_sms(), for an address and with the app's preferences."""

from __future__ import annotations

from uuid import UUID

import pytest
from psycopg import AsyncConnection
from support.jobs import fetch_rows
from support.people import create_person
from support.refusals import refused
from support.texting import EVENT, LISTINGS, notify_email


@pytest.fixture
async def person(admin: AsyncConnection) -> UUID:
    """Somebody whose address is confirmed."""
    return await create_person(admin, "mia", "Mia Rossi")


async def test_one_call_is_one_message_and_one_job(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """In the queue of e-mails; the key of a text is none of theirs."""
    answer = await notify_email(api, person, key="k-1")
    assert await fetch_rows(admin, "select channel, data from gtr_jobs.outgoing") == [
        ("email", EVENT)
    ]
    assert await fetch_rows(admin, "select queue, kind, args from gtr_jobs.jobs") == [
        ("email", "send_email", {"id": answer["delivery_id"]})
    ]
    assert await fetch_rows(admin, "select rpc from gtr_jobs.idempotency_keys") == [
        ("notify_email",)
    ]


async def test_an_address_that_was_not_confirmed_is_none(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """It may be somebody else's."""
    await admin.execute("update auth.users set email_confirmed_at = null")
    with refused(422, "no_address"):
        await notify_email(api, person)


async def test_updates_are_wanted_and_news_are_not_unless_somebody_says_so(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """A person without a row has the app's defaults."""
    assert await notify_email(api, person)
    with refused(403, "no_consent"):
        await notify_email(api, person, "new_listings", LISTINGS)
    await admin.execute(
        "insert into public.notification_preferences (user_id, email_news, email_updates)"
        " values (%s, true, false)",
        [person],
    )
    assert await notify_email(api, person, "new_listings", LISTINGS)
    with refused(403, "no_consent"):
        await notify_email(api, person)


async def test_an_app_without_preferences_sends_updates_and_no_news(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """Nobody said that they want news."""
    await admin.execute("drop table public.notification_preferences cascade")
    assert await notify_email(api, person)
    with refused(403, "no_consent"):
        await notify_email(api, person, "new_listings", LISTINGS)


async def test_one_address_is_suppressed_however_it_is_written(
    api: AsyncConnection, admin: AsyncConnection, person: UUID
) -> None:
    """A bounce may name it in other letters."""
    await admin.execute(
        "select gtr_jobs.suppress_address('email', ' MIA@Example.test', 'bounced', 'mailer')"
    )
    with refused(403, "suppressed"):
        await notify_email(api, person)
