"""Reads where people can be reached, and how much they have not read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from gtr_jobs.db.connections import ConnectionPool
from gtr_jobs.db.functions import write_ids
from gtr_jobs.domain.push import Target
from gtr_jobs.domain.tokens import classify_token

_DEVICES = """
    select user_id, device_id, device_token, registered_at, app, apns_environment from gtr_jobs.read_app_devices(%s::uuid[])
"""
_BADGES = "select user_id, badge from gtr_jobs.read_badges(%s::uuid[])"


@dataclass(frozen=True, slots=True)
class Audience:
    """The devices of people, and the number on their app's icon."""

    devices: dict[UUID, list[Target]]
    badges: dict[UUID, int]


class Devices:
    """The devices of the app's people, as the worker may read them."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    async def read_audience(self, user_ids: Collection[UUID]) -> Audience:
        """Read devices and badges of people, in one round trip."""
        people = write_ids(user_ids)
        async with self._pool.connection() as connection, connection.pipeline():
            device_rows = await connection.execute(_DEVICES, [people])
            badge_rows = await connection.execute(_BADGES, [people])
            devices = defaultdict(list)
            for user_id, device_id, token, *rest in await device_rows.fetchall():
                devices[user_id].append(Target(device_id, token, classify_token(token), *rest))
            badges: dict[UUID, int] = dict(await badge_rows.fetchall())
        return Audience(dict(devices), badges)

    async def keep(self) -> int:
        """Note devices whose registration was missed, and forget old tokens; give how many were noted."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute("select gtr_jobs.keep_devices()")
            row = await cursor.fetchone()
        return int(row[0]) if row else 0
