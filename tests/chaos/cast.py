"""The people of a scene: who writes to whom, and on which phones it must ring."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from psycopg import AsyncConnection
from support.people import create_conversation, create_device, create_person

from gtr_jobs.dev.standins import ProviderStandIns
from gtr_jobs.dev.standins.phones import PhoneKind

# Somebody with every kind of phone is there too: one job, three providers.
PHONES: tuple[tuple[PhoneKind, ...], ...] = (
    ("fcm",),
    ("apns",),
    ("expo",),
    ("fcm", "apns", "expo"),
)
# Stands in every name: no worker may ever say it.
CANARY = "kanarienvogel"


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who is written to.

    Args:
        user_id: Their account.
        conversation_id: Their conversation with the one who writes.
        devices: The id of each of their devices, by its token.
    """

    user_id: UUID
    conversation_id: UUID
    devices: dict[str, UUID]


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody.

    Args:
        writer_id: The one who writes to all others.
        members: Those who are written to.
    """

    writer_id: UUID
    members: tuple[Member, ...]

    @property
    def tokens(self) -> list[str]:
        """Every token; none may stand in a log."""
        return [token for member in self.members for token in member.devices]


async def gather_cast(
    connection: AsyncConnection,
    providers: ProviderStandIns,
    *,
    size: int,
    phones: Sequence[tuple[PhoneKind, ...]] = PHONES,
) -> Cast:
    """Make the people and their phones.

    Args:
        connection: As the project's role postgres.
        providers: Who is to know the phones.
        size: How many are written to.
        phones: Which phones they have, one after another.
    """
    writer_id = await create_person(connection, f"writer{uuid4().hex[:8]}", f"Ada {CANARY}")
    members = []
    for number, kinds in zip(range(size), itertools.cycle(phones), strict=False):
        user_id = await create_person(
            connection, f"m{number}{uuid4().hex[:8]}", f"Bo {CANARY} {number}"
        )
        conversation_id = await create_conversation(connection, writer_id, user_id)
        devices = {}
        for kind in kinds:
            token = providers.phones.add_new(kind)
            devices[token] = await create_device(connection, user_id, token)
        members.append(Member(user_id, conversation_id, devices))
    return Cast(writer_id, tuple(members))
