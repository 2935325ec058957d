"""Server code that texts people by Twilio's stand-in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb
from support.api import as_service_role
from support.people import create_person
from support.way import Way

EVENT: dict[str, Any] = {
    "event_title": "Daikoku meet",
    "starts": "19:30",
    "place": "Daikoku PA",
    "event_url": "https://marketplace.example/events/5b0c",
}
LISTINGS: dict[str, Any] = {
    "search_name": "R34 under 90k",
    "count": 1,
    "listings": [
        {
            "title": "Nissan Skyline GT-R",
            "price": "$ 84,900",
            "url": "https://marketplace.example/listings/77aa",
        }
    ],
    "manage_url": "https://marketplace.example/searches",
}
PHONE = "+14155550100"


async def create_texter(connection: AsyncConnection, name: str = "mia", phone: str = PHONE) -> UUID:
    """Make a person who proved that a number is theirs."""
    user_id = await create_person(connection, name, name.title())
    await connection.execute(
        "update auth.users set phone = %s, phone_confirmed_at = now() where id = %s",
        [phone.removeprefix("+"), user_id],
    )
    return user_id


async def notify_sms(
    api: AsyncConnection,
    user_id: UUID | None,
    template: str | None = "event_reminder",
    data: object = EVENT,
    key: str | None = None,
) -> dict[str, Any]:
    """Call public.notify_sms() with the secret key."""
    return await _notify(api, "sms", user_id, template, data, key)


async def notify_email(
    api: AsyncConnection,
    user_id: UUID | None,
    template: str | None = "event_reminder",
    data: object = EVENT,
    key: str | None = None,
) -> dict[str, Any]:
    """Call public.notify_email() with the secret key."""
    return await _notify(api, "email", user_id, template, data, key)


async def _notify(
    api: AsyncConnection,
    channel: str,
    user_id: UUID | None,
    template: str | None,
    data: object,
    key: str | None,
) -> dict[str, Any]:
    async with as_service_role(api):
        cursor = await api.execute(
            f"select public.notify_{channel}(%s, %s, %s, %s)".encode(),
            [user_id, template, Jsonb(data), key],
        )
        row = await cursor.fetchone()
    assert row is not None
    answer: dict[str, Any] = row[0]
    return answer


def sms_settings(way: Way, reconcile_after: str = "0.4,0.8,1.2") -> dict[str, str]:
    """Give what a worker needs to send texts to the stand-in, and nothing else."""
    return {
        **way.providers.message_settings(),
        "GTR_QUEUES": "sms",
        "GTR_SMS_COUNTRIES": "US",
        "GTR_MESSAGE_CALL_SECONDS": "2",
        "GTR_RECONCILE_AFTER": reconcile_after,
    }


def email_settings(way: Way) -> dict[str, str]:
    """Give what a worker needs to send e-mail to the stand-in, and nothing else."""
    return {
        **way.providers.message_settings(),
        "GTR_QUEUES": "email",
        "GTR_PUBLIC_URL": "https://notify.example",
        "GTR_UNSUBSCRIBE_SECRET": "u" * 40,
    }
