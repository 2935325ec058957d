"""Each of the app's own notifications, from what somebody does in the app to the phone of who is told."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import pytest
from support.api import as_user
from support.people import (
    answer_event,
    create_event,
    create_listing,
    favourite_event,
    favourite_listing,
    like_post,
    write_comment,
    write_post,
)
from support.way import Person, Way

from gtr_jobs.dev.standins.screen import Shown, show


@dataclass(frozen=True, slots=True)
class Scene:
    """Mia has a listing, an event and a post; Leo is about to do something."""

    way: Way
    mia: Person
    leo: Person
    listing: UUID
    event: UUID
    post: UUID

    async def shows(self, thread: str, collapse_id: str, url: str) -> None:
        """Expect one push, on Mia's phone alone, in the words of the app's own row."""
        await self.way.start_worker()
        (entry,) = await self.way.providers.ledger.wait_for(1)
        await self.way.wait_until_settled()
        ((title, body),) = await self.way.fetch("select title, body from public.notifications")
        assert show(entry) == Shown(
            title=title,
            body=body,
            badge=1,
            thread=thread,
            collapse_id=collapse_id,
            url=f"gtr-marketplace://{url}",
        )
        assert [entry.token for entry in self.way.providers.ledger.entries()] == [
            self.mia.tokens["apns"]
        ]


@pytest.fixture
async def scene(way: Way) -> Scene:
    """Mia has a listing, an event and a post; Leo is about to do something."""
    mia = await way.add_person("mia", "Mia Rossi", "apns")
    leo = await way.add_person("leo", "Leo Tanaka", "fcm")
    return Scene(
        way,
        mia,
        leo,
        await create_listing(way.connection, mia.user_id, "R34", status="draft"),
        await create_event(way.connection, mia.user_id, "Daikoku meet"),
        await write_post(way.connection, mia.user_id, "RB26 oil", "Which one?"),
    )


async def test_a_listing_that_is_favourited_tells_its_owner(scene: Scene) -> None:
    """With a link to the listing."""
    async with as_user(scene.way.connection, scene.leo.user_id) as connection:
        await favourite_listing(connection, scene.listing, scene.leo.user_id)
    await scene.shows(
        f"listing-{scene.listing}",
        f"listing_favorited-{scene.listing}",
        f"listings/{scene.listing}",
    )


async def test_an_event_that_is_favourited_tells_its_organiser(scene: Scene) -> None:
    """With a link to the event."""
    async with as_user(scene.way.connection, scene.leo.user_id) as connection:
        await favourite_event(connection, scene.event, scene.leo.user_id)
    await scene.shows(
        f"event-{scene.event}", f"event_favorited-{scene.event}", f"events/{scene.event}"
    )


async def test_an_answer_to_an_event_tells_its_organiser(scene: Scene) -> None:
    """With a link to the event, beside those who favourited it."""
    async with as_user(scene.way.connection, scene.leo.user_id) as connection:
        await answer_event(connection, scene.event, scene.leo.user_id)
    await scene.shows(f"event-{scene.event}", f"event_rsvp-{scene.event}", f"events/{scene.event}")


async def test_a_comment_tells_the_author_of_the_post(scene: Scene) -> None:
    """With a link to the post; each comment is a notification of its own."""
    async with as_user(scene.way.connection, scene.leo.user_id) as connection:
        comment = await write_comment(connection, scene.post, scene.leo.user_id, "5W-50")
    await scene.shows(f"post-{scene.post}", f"forum_comment-{comment}", f"forum/{scene.post}")


async def test_a_reply_tells_the_author_of_the_comment(scene: Scene) -> None:
    """And not the author of the post, who wrote it."""
    way, leo, mia = scene.way, scene.leo, scene.mia
    post = await write_post(way.connection, leo.user_id, "Wheels", "Which ones?")
    comment = await write_comment(way.connection, post, mia.user_id, "TE37")
    await way.fetch("delete from public.notifications")
    await way.fetch("delete from procrastinate.procrastinate_jobs")
    async with as_user(way.connection, leo.user_id) as connection:
        reply = await write_comment(connection, post, leo.user_id, "In bronze?", comment)
    await scene.shows(f"post-{post}", f"forum_reply-{reply}", f"forum/{post}")


async def test_a_like_tells_the_author_of_the_post(scene: Scene) -> None:
    """With a link to the post; many likes are one notification."""
    async with as_user(scene.way.connection, scene.leo.user_id) as connection:
        await like_post(connection, scene.post, scene.leo.user_id)
    await scene.shows(f"post-{scene.post}", f"forum_like-{scene.post}", f"forum/{scene.post}")


async def test_what_one_does_oneself_tells_nobody(scene: Scene) -> None:
    """Mia likes, favourites and answers what is her own."""
    way, mia = scene.way, scene.mia
    async with as_user(way.connection, mia.user_id) as connection:
        await favourite_listing(connection, scene.listing, mia.user_id)
        await favourite_event(connection, scene.event, mia.user_id)
        await answer_event(connection, scene.event, mia.user_id)
        await like_post(connection, scene.post, mia.user_id)
        await write_comment(connection, scene.post, mia.user_id, "Bump")
    assert await way.fetch("select kind from gtr_jobs.jobs") == []
