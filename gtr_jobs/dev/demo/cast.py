"""The people of the story and their phones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from gtr_jobs.dev.app_rows import create_conversation, create_device, create_listing, create_person
from gtr_jobs.dev.demo.stage import Stage
from gtr_jobs.dev.standins.phones import PhoneKind

Platform = Literal["ios", "android"]


@dataclass(frozen=True, slots=True)
class Phone:
    """One device of a person.

    Args:
        owner: First name.
        name: What it is.
        kind: Whose token it has.
        token: The token.
    """

    owner: str
    name: str
    kind: PhoneKind
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays, and what they have."""

    mia: UUID
    leo: UUID
    conversation: UUID
    listing: UUID
    mias_pixel: Phone
    leos_phones: tuple[Phone, Phone, Phone]

    @property
    def phones(self) -> tuple[Phone, ...]:
        """Every phone of the story."""
        return (self.mias_pixel, *self.leos_phones)


async def gather_cast(stage: Stage) -> Cast:
    """Write the people, their phones, their chat and a car into the app's tables."""
    database = stage.database
    mia = await create_person(database, "mia", "Mia Rossi")
    leo = await create_person(database, "leo", "Leo Tanaka")
    return Cast(
        mia=mia,
        leo=leo,
        conversation=await create_conversation(database, mia, leo),
        listing=await create_listing(database, mia, "Nissan Skyline GT-R R34, 1999"),
        mias_pixel=await _give_phone(stage, mia, "Mia", "Pixel", "fcm"),
        leos_phones=(
            await _give_phone(stage, leo, "Leo", "Galaxy", "fcm"),
            await _give_phone(stage, leo, "Leo", "iPhone", "apns"),
            await _give_phone(stage, leo, "Leo", "iPad with Expo Go", "expo"),
        ),
    )


async def _give_phone(stage: Stage, user_id: UUID, owner: str, name: str, kind: PhoneKind) -> Phone:
    token = stage.providers.phones.add_new(kind)
    # The app stores the platform; who serves a token is told by the token's shape alone.
    platform: Platform = "android" if kind == "fcm" else "ios"
    await create_device(stage.database, user_id, token, platform)
    return Phone(owner, name, kind, token)
