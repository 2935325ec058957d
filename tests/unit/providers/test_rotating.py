"""A provider that is replaced while it sends ends what it has under way, and is closed then."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from support.pushes import make_push

from gtr_jobs.domain.outcome import Accepted, Misconfigured, Outcome
from gtr_jobs.domain.push import Push
from gtr_jobs.domain.tokens import TokenKind
from gtr_jobs.providers.pressure import Pressure
from gtr_jobs.providers.rotating import RotatingProvider


class Held:
    """A provider that answers when it may."""

    name = "apns"
    token_kind: TokenKind = "apns"

    def __init__(self, answer: Outcome, app: str = "default") -> None:
        self.app = app
        self.answer = answer
        self.pressure = Pressure("apns", 1)
        self.may_answer = asyncio.Event()
        self.closed = asyncio.Event()

    async def send(self, pushes: Sequence[Push]) -> Sequence[Outcome]:
        """Answer all alike, as soon as it may."""
        await self.may_answer.wait()
        return [self.answer for _ in pushes]

    async def check(self) -> None:
        """Have nothing to check."""

    async def close(self) -> None:
        """Be closed."""
        self.closed.set()


async def test_what_is_under_way_ends_with_the_old_credentials() -> None:
    """It is answered by whom it was sent to; what comes later goes to the new one."""
    old, new = Held(Accepted("old")), Held(Accepted("new"))
    new.may_answer.set()
    rotating = RotatingProvider(old)
    under_way = asyncio.create_task(rotating.send([make_push("apns")]))
    await asyncio.sleep(0)

    rotating.replace(new)

    assert await rotating.send([make_push("apns")]) == [Accepted("new")]
    assert not old.closed.is_set()
    old.may_answer.set()
    assert await under_way == [Accepted("old")]
    async with asyncio.timeout(5):
        await old.closed.wait()
    assert not new.closed.is_set()


async def test_what_sends_nothing_is_closed_at_once() -> None:
    """And once, however often it is replaced; closing at the end closes the newest."""
    providers = [Held(Accepted(str(number))) for number in range(3)]
    rotating = RotatingProvider(providers[0])
    rotating.replace(providers[1])
    rotating.replace(providers[2])
    async with asyncio.timeout(5):
        await asyncio.gather(*(one.closed.wait() for one in providers[:2]))
    assert not providers[2].closed.is_set()
    await rotating.close()
    assert providers[2].closed.is_set()


async def test_closing_closes_what_still_sends_with_old_credentials() -> None:
    """A worker that ends leaves no connection behind."""
    old, new = Held(Accepted("old")), Held(Accepted("new"))
    rotating = RotatingProvider(old)
    under_way = asyncio.create_task(rotating.send([make_push("apns")]))
    await asyncio.sleep(0)
    rotating.replace(new)
    await rotating.close()
    assert (old.closed.is_set(), new.closed.is_set()) == (True, True)
    old.may_answer.set()
    assert await under_way == [Accepted("old")]


@pytest.mark.parametrize(
    ("app", "says"),
    [
        ("default", "see GTR_APNS_TOPIC, GTR_APNS_TEAM_ID and GTR_APNS_URL"),
        (
            "dealer",
            "see GTR_APPS__DEALER__APNS_TOPIC, GTR_APPS__DEALER__APNS_TEAM_ID and GTR_APNS_URL",
        ),
    ],
)
async def test_a_hint_names_the_settings_of_the_app(app: str, says: str) -> None:
    """Where an app has settings of its own; a host is the same for all."""
    hint = "see GTR_APNS_TOPIC, GTR_APNS_TEAM_ID and GTR_APNS_URL"
    held = Held(Misconfigured("BadTopic", hint), app)
    held.may_answer.set()
    assert await RotatingProvider(held).send([make_push("apns")]) == [
        Misconfigured("BadTopic", says)
    ]
