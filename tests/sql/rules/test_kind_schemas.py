"""gtr_jobs.kind_schemas: what server code may send is what the kinds can tell."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from psycopg import AsyncConnection
from support.jobs import fetch_rows

from gtr_jobs.app.database import installation_plan
from gtr_jobs.domain.sources import NOTIFICATIONS, AppNotification
from gtr_jobs.kinds import KINDS
from gtr_jobs.kinds.base import Kind

# The keys that the app's client reads of a notification.
APP_KEYS = {
    "listing_id", "event_id", "post_id", "comment_id", "parent_comment_id", "user_id",
    "conversation_id", "message_id", "favorite_id", "rsvp_id", "like_id", "status",
}  # fmt: skip
OF_NOTIFICATIONS = [kind for kind in KINDS if kind.source == NOTIFICATIONS]
SCHEMAS = "select kind, title, keys from gtr_jobs.kind_schemas"


async def _schemas(admin: AsyncConnection) -> dict[str, dict[str, dict[str, Any]]]:
    return {kind: keys for kind, _, keys in await fetch_rows(admin, SCHEMAS)}


async def test_every_kind_of_notification_can_be_sent_and_no_other(admin: AsyncConnection) -> None:
    """Those that Python words and those that the trigger on notifications queues."""
    schemas = set(await _schemas(admin))
    assert schemas == {kind.name for kind in OF_NOTIFICATIONS}
    rows = await fetch_rows(
        admin, "select kind from gtr_jobs.job_kinds where produced_by = 'notifications_insert'"
    )
    assert schemas == {kind for (kind,) in rows}


@pytest.mark.parametrize("kind", OF_NOTIFICATIONS, ids=lambda kind: kind.name)
async def test_what_is_required_is_enough_to_lead_somewhere(
    admin: AsyncConnection, kind: Kind[Any]
) -> None:
    """With each required key the notice links to what it is about; without one it cannot."""
    keys = (await _schemas(admin))[kind.name]
    required = {name: str(uuid4()) for name, rule in keys.items() if rule["required"]}

    def path_of(data: dict[str, str]) -> str:
        row = AppNotification(uuid4(), uuid4(), kind.name, "A title", "A body", data)
        return kind.tell(row).path

    assert required
    for name, value in required.items():
        assert value in path_of(required)
        assert value not in path_of({key: text for key, text in required.items() if key != name})


async def test_the_keys_are_those_that_the_app_knows(admin: AsyncConnection) -> None:
    """Each with a type that check_data() knows; ids are UUIDs."""
    for keys in (await _schemas(admin)).values():
        assert set(keys) <= APP_KEYS
        for name, rule in keys.items():
            assert set(rule) == {"type", "required"}
            assert rule["type"] == ("uuid" if name.endswith("_id") else "text")


async def test_data_of_the_apps_own_triggers_fits(admin: AsyncConnection) -> None:
    """What the app writes itself, server code may write as well: every key that its functions use."""
    schemas = await _schemas(admin)
    rows = await fetch_rows(
        admin,
        "select prosrc from pg_proc where pronamespace = 'public'::regnamespace"
        " and prosrc like '%%public.create_notification(%%'",
    )
    checked = set()
    for (source,) in rows:
        (kind,) = [kind for kind in schemas if f"'{kind}'" in source]
        data = source.partition("jsonb_build_object(")[2]
        used = {key for key in APP_KEYS if f"'{key}'" in data}
        assert used
        assert used <= set(schemas[kind])
        checked.add(kind)
    assert checked == set(schemas) - {"saved_search_match"}


async def test_an_operators_own_kind_survives_an_upgrade(admin: AsyncConnection) -> None:
    """Installing the file again brings ours up to date and leaves what others added."""
    before = await fetch_rows(admin, SCHEMAS)
    await admin.execute("insert into gtr_jobs.kind_schemas values ('wash', 'A wash', '{}')")
    await admin.execute("update gtr_jobs.kind_schemas set title = 'old' where kind <> 'wash'")
    (file,) = (file for file in installation_plan().files if file.path == "rules/kind_schemas.sql")
    await admin.execute(file.sql.encode())
    after = await fetch_rows(admin, SCHEMAS)
    assert sorted(after, key=repr) == sorted([*before, ("wash", "A wash", {})], key=repr)
