"""The story: what the two do in the app, row by row, and what their phones should show."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from gtr_jobs.dev.api_roles import as_user
from gtr_jobs.dev.app_rows import favourite_listing, send_message
from gtr_jobs.dev.demo.cast import Cast, Phone
from gtr_jobs.dev.demo.stage import Stage
from gtr_jobs.dev.standins.script import Fail

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
    act: Callable[[], Awaitable[object]]
    shows: tuple[Phone, ...]
    text: str
    stays_dark: tuple[Phone, ...] = ()
    patience_seconds: float = 10.0
    prepare: Callable[[], object] | None = None


def write_story(stage: Stage, cast: Cast) -> tuple[Scene, ...]:
    """Write the scenes for a cast."""
    galaxy, iphone, ipad = cast.leos_phones
    phones = stage.providers.phones

    def message(sender: UUID, recipient: UUID, content: str) -> Callable[[], Awaitable[object]]:
        async def act() -> None:
            async with as_user(stage.database, sender):
                await send_message(stage.database, cast.conversation, sender, recipient, content)

        return act

    async def favourite() -> None:
        async with as_user(stage.database, cast.leo):
            await favourite_listing(stage.database, cast.listing, cast.leo)

    hello, reference = (
        "Hi Leo, the R34 is still for sale!",
        f'__listing_ref__:{{"id":"{cast.listing}"}}',
    )
    return (
        Scene(
            "Mia writes to Leo, who has three devices of three providers",
            f"insert into public.messages: Mia → Leo, “{hello}”",
            message(cast.mia, cast.leo, hello),
            cast.leos_phones,
            hello,
        ),
        Scene(
            "Leo answers with a listing; the reference in the row is never shown",
            "insert into public.messages: Leo → Mia, “__listing_ref__:{…} Is it this one?”",
            message(cast.leo, cast.mia, f"{reference} Is it this one?"),
            (cast.mias_pixel,),
            "Is it this one?",
        ),
        Scene(
            "Leo favourites Mia's car; the app's own trigger writes the notification",
            "insert into public.listing_favorites: Leo, Mia's listing",
            favourite,
            (cast.mias_pixel,),
            "",
        ),
        Scene(
            "Leo has removed the app from his Galaxy; FCM says so, and the device is dropped",
            "insert into public.messages: Mia → Leo, “Shall we meet on Saturday?”",
            message(cast.mia, cast.leo, "Shall we meet on Saturday?"),
            (iphone, ipad),
            "Shall we meet on Saturday?",
            stays_dark=(galaxy,),
            prepare=lambda: phones.uninstall(galaxy.token),
        ),
        Scene(
            "Expo answers 503 twice, “come back in a second”; nothing is lost, nothing comes twice",
            "insert into public.messages: Mia → Leo, “At ten, by the harbour?”",
            message(cast.mia, cast.leo, "At ten, by the harbour?"),
            (iphone, ipad),
            "At ten, by the harbour?",
            stays_dark=(galaxy,),
            patience_seconds=40.0,
            prepare=lambda: stage.providers.expo.script.add(_BUSY, times=2),
        ),
    )
