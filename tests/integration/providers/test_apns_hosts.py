"""APNs' two hosts: each knows the tokens of its own builds, and whose a token is is asked once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import trustme
from support.answering_server import AnsweringServer
from support.answers import Action, Drop, SeenRequest
from support.conformance_apns import apns_error
from support.provider_benches import accept
from support.provider_keys import KEY_ID, TEAM_ID, TOPIC, apple_key
from support.pushes import NOW, make_push

from gtr_jobs.domain.outcome import (
    Accepted,
    ApnsEnvironment,
    DeadTarget,
    Misconfigured,
    Outcome,
    Rejected,
    Retry,
)
from gtr_jobs.domain.push import Push
from gtr_jobs.providers.apns import ApnsAccount, ApnsProvider
from gtr_jobs.providers.apns_hosts import ApnsHosts
from gtr_jobs.providers.exchange import HttpOptions

BAD_TOKEN = apns_error(400, "BadDeviceToken")
OTHER_KEY = apns_error(403, "BadEnvironmentKeyIdInToken")


@dataclass
class Hosts:
    """Both hosts, and a provider whose first one is production."""

    production: AnsweringServer
    sandbox: AnsweringServer
    provider: ApnsProvider

    def answer(self, production: Action | None, sandbox: Action | None) -> None:
        """Say what each host answers to every push; None accepts."""
        for server, action in ((self.production, production), (self.sandbox, sandbox)):
            server.answer_with(accept if action is None else partial(_always, action))

    async def send(self, *environments: ApnsEnvironment | None) -> list[Outcome]:
        """Send to devices 0, 1, 2, ... of which that is known."""
        pushes = [_push(number, known) for number, known in enumerate(environments)]
        return list(await self.provider.send(pushes))

    @property
    def asked(self) -> tuple[int, int]:
        """How many requests each host saw."""
        return len(self.production.requests), len(self.sandbox.requests)


def _always(action: Action, request: SeenRequest) -> Action:
    del request
    return action


def _push(number: int, known: ApnsEnvironment | None) -> Push:
    push = make_push("apns", number)
    return push._replace(target=push.target._replace(apns_environment=known))


@asynccontextmanager
async def _open(authority: trustme.CA, folder: Path) -> AsyncIterator[Hosts]:
    folders = folder / "production", folder / "sandbox"
    for one in folders:
        one.mkdir()
    async with (
        AnsweringServer(authority, folders[0]) as production,
        AnsweringServer(authority, folders[1]) as sandbox,
    ):
        provider = ApnsProvider(
            ApnsAccount(apple_key(), KEY_ID, TEAM_ID, TOPIC),
            ApnsHosts(production.url, sandbox.url),
            HttpOptions(ca_file=production.ca_file),
            now=lambda: NOW,
        )
        hosts = Hosts(production, sandbox, provider)
        hosts.answer(None, None)
        yield hosts
        await provider.close()


@pytest.fixture
async def hosts(authority: trustme.CA, tmp_path: Path) -> AsyncIterator[Hosts]:
    """Both hosts, and a provider whose first one is production."""
    async with _open(authority, tmp_path) as opened:
        yield opened


def _accepted(number: int, learned: ApnsEnvironment | None = None) -> Accepted:
    return Accepted(str(make_push("apns", number).push_id), learned)


async def test_a_token_that_the_first_host_knows_is_asked_of_no_other(hosts: Hosts) -> None:
    """Nothing is learned that would have to be remembered."""
    assert await hosts.send(None) == [_accepted(0)]
    assert hosts.asked == (1, 0)


async def test_a_token_that_the_first_host_does_not_know_is_asked_of_the_other(
    hosts: Hosts,
) -> None:
    """Once, with the same id and the same signature; where it is taken says whose it is."""
    hosts.answer(BAD_TOKEN, None)
    assert await hosts.send(None) == [_accepted(0, "sandbox")]
    (first,), (second,) = hosts.production.requests, hosts.sandbox.requests
    assert (first.path, first.body) == (second.path, second.body)
    for name in ("authorization", "apns-id", "apns-topic"):
        assert first.headers[name] == second.headers[name]


async def test_a_token_of_which_it_is_known_goes_to_its_host_alone(hosts: Hosts) -> None:
    """Both kinds in one batch."""
    assert await hosts.send("sandbox", "production", "sandbox") == [_accepted(n) for n in range(3)]
    assert hosts.asked == (1, 2)


async def test_a_token_that_both_refuse_is_dead(hosts: Hosts) -> None:
    """And many of them are a setting of ours, as ever."""
    hosts.answer(BAD_TOKEN, BAD_TOKEN)
    assert await hosts.send(None) == [DeadTarget("BadDeviceToken")]
    assert hosts.asked == (1, 1)
    assert {outcome.name for outcome in await hosts.send(*[None] * 20)} == {"misconfigured"}


async def test_a_known_token_that_its_host_refuses_is_dead_and_asked_of_no_other(
    hosts: Hosts,
) -> None:
    """It is known: there is nothing more to ask."""
    hosts.answer(None, BAD_TOKEN)
    assert await hosts.send("sandbox") == [DeadTarget("BadDeviceToken")]
    assert hosts.asked == (0, 1)


async def test_what_breaks_at_the_other_host_is_asked_again_later(hosts: Hosts) -> None:
    """The first one's refusal decides nothing."""
    hosts.answer(BAD_TOKEN, apns_error(503, "ServiceUnavailable"))
    (outcome,) = await hosts.send(None)
    assert isinstance(outcome, Retry)
    hosts.answer(BAD_TOKEN, Drop())
    (outcome,) = await hosts.send(None)
    assert outcome.name == "ambiguous"


async def test_a_key_of_one_host_gives_no_device_up(hosts: Hosts) -> None:
    """Apple gives out keys for one environment: the other host is not asked again, and says nothing of a device."""
    hosts.answer(BAD_TOKEN, OTHER_KEY)
    assert await hosts.send(None) == [Rejected("BadDeviceToken")]
    assert await hosts.send(None) == [Rejected("BadDeviceToken")]
    assert hosts.asked == (2, 1)


async def test_a_key_that_both_refuse_is_a_setting(hosts: Hosts) -> None:
    """The other host is asked about tokens, never about keys."""
    hosts.answer(apns_error(403, "InvalidProviderToken"), None)
    (outcome,) = await hosts.send(None)
    assert isinstance(outcome, Misconfigured)
    assert hosts.asked == (1, 0)
