"""The story: what the two do in the app, row by row, and what their phones should show."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from gtr_jobs.dev.api_roles import as_user
from gtr_jobs.dev.app_rows import (
    answer_event,
    create_listing,
    favourite_event,
    favourite_listing,
    like_post,
    send_message,
    write_comment,
)
from gtr_jobs.dev.demo.cast import Cast, Phone
from gtr_jobs.dev.demo.stage import Stage
from gtr_jobs.dev.standins.script import Fail

Act = Callable[[], Awaitable[object]]
# Writes a row of a person about another row.
Insert = Callable[..., Awaitable[UUID]]

# The stand-in says when to come back, as providers do; a worker told nothing waits longer.
_BUSY = Fail(503, "SERVICE_UNAVAILABLE", headers={"retry-after": "1"})


@dataclass(frozen=True, slots=True)
class Scene:
    """One thing that somebody does in the app.

    Args:
        title: What happens, in a sentence.
        row: What the app inserts, as a person would read it.
        act: Inserts it, as the app does.
        shows: Which phones must show it.
        text: What each of them must show in its body.
        stays_dark: Phones that must show nothing.
        patience_seconds: How long it may take; longer only where a provider asks for it.
        prepare: What happens before, outside the app.
    """

    title: str
    row: str
    act: Act
    shows: tuple[Phone, ...]
    text: str
    stays_dark: tuple[Phone, ...] = ()
    patience_seconds: float = 10.0
    prepare: Callable[[], object] | None = None


def write_story(stage: Stage, cast: Cast) -> tuple[Scene, ...]:
    """Write the scenes for a cast."""
    return (
        *_write_chat(stage, cast),
        *_write_what_mia_hears_of(stage, cast),
        *_write_what_leo_hears_of(stage, cast),
        *_write_troubles(stage, cast),
    )


def _message(stage: Stage, cast: Cast, sender: UUID, content: str) -> Act:
    recipient = cast.leo if sender == cast.mia else cast.mia

    async def act() -> None:
        async with as_user(stage.database, sender):
            await send_message(stage.database, cast.conversation, sender, recipient, content)

    return act


def _as(stage: Stage, person: UUID, insert: Insert, row: UUID, *values: str) -> Act:
    async def act() -> None:
        async with as_user(stage.database, person):
            await insert(stage.database, row, person, *values)

    return act


def _write_chat(stage: Stage, cast: Cast) -> tuple[Scene, ...]:
    hello, reference = (
        "Hi Leo, the R34 is still for sale!",
        f'__listing_ref__:{{"id":"{cast.listing}"}}',
    )
    return (
        Scene(
            "Mia writes to Leo, who has three devices of three providers",
            f"insert into public.messages: Mia → Leo, “{hello}”",
            _message(stage, cast, cast.mia, hello),
            cast.leos_phones,
            hello,
        ),
        Scene(
            "Leo answers with a listing; the reference in the row is never shown",
            "insert into public.messages: Leo → Mia, “__listing_ref__:{…} Is it this one?”",
            _message(stage, cast, cast.leo, f"{reference} Is it this one?"),
            (cast.mias_pixel,),
            "Is it this one?",
        ),
    )


def _write_what_mia_hears_of(stage: Stage, cast: Cast) -> tuple[Scene, ...]:
    """What Leo does with what is hers; the app's own triggers write the notifications."""

    def scene(title: str, row: str, text: str, act: Act) -> Scene:
        return Scene(title, f"insert into public.{row}", act, (cast.mias_pixel,), text)

    return (
        scene(
            "Leo favourites Mia's car; the app's own trigger writes the notification",
            "listing_favorites: Leo, Mia's listing",
            'Leo Tanaka likes "Nissan Skyline GT-R R34, 1999"',
            _as(stage, cast.leo, favourite_listing, cast.listing),
        ),
        scene(
            "He favourites her meet",
            "event_favorites: Leo, “Sunday drive”",
            'Leo Tanaka likes "Sunday drive"',
            _as(stage, cast.leo, favourite_event, cast.meet),
        ),
        scene(
            "He comes to it",
            "event_rsvps: Leo, “Sunday drive”, going",
            'Leo Tanaka answered "going" to "Sunday drive"',
            _as(stage, cast.leo, answer_event, cast.meet),
        ),
        scene(
            "He likes her post in the forum",
            "post_likes: Leo, “Which oil?”",
            'Leo Tanaka likes "Which oil?"',
            _as(stage, cast.leo, like_post, cast.post),
        ),
        scene(
            "He comments on it",
            "forum_comments: Leo, “5W-50”",
            'Leo Tanaka commented on "Which oil?"',
            _as(stage, cast.leo, write_comment, cast.post, "5W-50"),
        ),
    )


def _write_what_leo_hears_of(stage: Stage, cast: Cast) -> tuple[Scene, ...]:
    async def reply() -> None:
        cursor = await stage.database.execute("select id from public.forum_comments")
        ((comment,),) = await cursor.fetchall()
        async with as_user(stage.database, cast.mia):
            await write_comment(stage.database, cast.post, cast.mia, "In summer too?", comment)

    async def offer() -> None:
        async with as_user(stage.database, cast.mia):
            await create_listing(
                stage.database, cast.mia, "Skyline R32 with its RB26", model="R32", price=45_000
            )

    return (
        Scene(
            "Mia replies to Leo's comment",
            "insert into public.forum_comments: Mia, below Leo's, “In summer too?”",
            reply,
            cast.leos_phones,
            "Mia Rossi replied to your comment",
        ),
        Scene(
            "Mia offers a car that two of Leo's saved searches fit; he is told once",
            "insert into public.listings: Mia, “Skyline R32 with its RB26”, 45,000",
            offer,
            cast.leos_phones,
            "Skyline R32 with its RB26",
        ),
    )


def _write_troubles(stage: Stage, cast: Cast) -> tuple[Scene, ...]:
    galaxy, iphone, ipad = cast.leos_phones
    return (
        Scene(
            "Leo has removed the app from his Galaxy; FCM says so, and the device is dropped",
            "insert into public.messages: Mia → Leo, “Shall we meet on Saturday?”",
            _message(stage, cast, cast.mia, "Shall we meet on Saturday?"),
            (iphone, ipad),
            "Shall we meet on Saturday?",
            stays_dark=(galaxy,),
            prepare=lambda: stage.providers.phones.uninstall(galaxy.token),
        ),
        Scene(
            "Expo answers 503 twice, “come back in a second”; nothing is lost, nothing comes twice",
            "insert into public.messages: Mia → Leo, “At ten, by the harbour?”",
            _message(stage, cast, cast.mia, "At ten, by the harbour?"),
            (iphone, ipad),
            "At ten, by the harbour?",
            stays_dark=(galaxy,),
            patience_seconds=40.0,
            prepare=lambda: stage.providers.expo.script.add(_BUSY, times=2),
        ),
    )
