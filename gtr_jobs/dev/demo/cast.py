"""The people of the story and their phones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from gtr_jobs.dev.app_rows import (
    create_conversation,
    create_device,
    create_event,
    create_listing,
    create_person,
    save_search,
    write_post,
)
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
    meet: UUID
    post: UUID
    mias_pixel: Phone
    leos_phones: tuple[Phone, Phone, Phone]

    @property
    def phones(self) -> tuple[Phone, ...]:
        """Every phone of the story."""
        return (self.mias_pixel, *self.leos_phones)


async def gather_cast(stage: Stage) -> Cast:
    """Write the people, their phones and all that they have in the app into its tables."""
    database = stage.database
    mia = await create_person(database, "mia", "Mia Rossi")
    leo = await create_person(database, "leo", "Leo Tanaka")
    # Two searches that one car fits, and the one below does not.
    await save_search(database, leo, "R32 under 50,000", model="R32", max_price=50_000)
    await save_search(database, leo, "Anything with an RB26", search_query="rb26")
    return Cast(
        mia=mia,
        leo=leo,
        conversation=await create_conversation(database, mia, leo),
        listing=await create_listing(database, mia, "Nissan Skyline GT-R R34, 1999"),
        meet=await create_event(database, mia, "Sunday drive"),
        post=await write_post(database, mia, "Which oil?", "For an engine of 1999."),
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
