"""Server code sends texts and e-mails with the app's real client, to people of every kind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.lite import run_lite
from support.rpc_answers import IDEMPOTENCY_MISMATCH
from support.rpc_answers_messages import NO_ADDRESS, NO_CONSENT, SUPPRESSED
from support.rpc_calls import RIGHT
from support.supabase_js import Answer, Client, run_app
from support.texting import PHONE, create_texter


@pytest.fixture
async def server(database: ProjectDatabase, tmp_path: Path) -> AsyncIterator[Client]:
    """Server code with the secret key."""
    with run_lite(database, tmp_path) as lite:
        async with run_app(lite) as app:
            yield await app.open("server", is_server=True)


@pytest.fixture
async def admin(database: ProjectDatabase) -> AsyncIterator[AsyncConnection]:
    """A connection of postgres."""
    async with await database.connect_async() as connection:
        yield connection


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("rpc", "channel"), [("notify_sms", "sms"), ("notify_email", "email")])
async def test_a_message_is_taken_once_a_key_and_refused_where_it_is_not_wanted(
    server: Client, admin: AsyncConnection, rpc: str, channel: str
) -> None:
    """The same body gives the same answer and another 409; without consent, suppressed and unproved it is refused."""
    person = await create_texter(admin)
    given = RIGHT[rpc][1] | {"p_user_id": str(person), "p_idempotency_key": "order-17"}
    first = await server.rpc(rpc, given)
    assert first == Answer(200, {"delivery_id": str(UUID(first.data["delivery_id"]))})
    assert await server.rpc(rpc, dict(reversed(given.items()))) == first
    changed = given | {"p_data": given["p_data"] | {"place": "Tatsumi PA"}}
    assert await server.rpc(rpc, changed) == IDEMPOTENCY_MISMATCH

    unkeyed = {name: value for name, value in given.items() if name != "p_idempotency_key"}
    await admin.execute(
        "select gtr_jobs.suppress_address(%s, %s, 'unsubscribed', 'twilio')",
        [channel, PHONE if channel == "sms" else "mia@example.test"],
    )
    assert await server.rpc(rpc, unkeyed) == SUPPRESSED
    await admin.execute(
        "create function public.wants_nothing(p uuid) returns boolean language sql as 'select false'"
    )
    await admin.execute("update gtr_jobs.message_templates set consent = 'public.wants_nothing'")
    assert await server.rpc(rpc, unkeyed) == NO_CONSENT
    await admin.execute(
        "update auth.users set phone_confirmed_at = null, email_confirmed_at = null"
    )
    assert await server.rpc(rpc, unkeyed) == NO_ADDRESS
