"""Every provider against the stand-in for its service, which decides by itself what is right."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.pushes import make_message, make_push

from gtr_jobs.dev.standins import ProviderStandIns
from gtr_jobs.domain.outcome import Accepted, DeadTarget
from gtr_jobs.domain.push import Push
from gtr_jobs.domain.tokens import TokenKind
from gtr_jobs.providers.apns import ApnsAccount, ApnsProvider
from gtr_jobs.providers.apns_key import read_apns_key
from gtr_jobs.providers.base import Provider
from gtr_jobs.providers.exchange import HttpOptions
from gtr_jobs.providers.expo import ExpoProvider
from gtr_jobs.providers.fcm import FcmProvider
from gtr_jobs.providers.google_account import read_service_account
from gtr_jobs.providers.key_files import KeyText

KINDS: tuple[TokenKind, ...] = ("fcm", "apns", "expo")


def make_provider(kind: TokenKind, environment: dict[str, str]) -> Provider:
    """Make a provider as the environment of a worker says."""
    options = HttpOptions(ca_file=Path(environment["GTR_CA_FILE"]))

    def read(setting: str) -> KeyText:
        return KeyText(Path(environment[setting]).read_text("utf-8"), setting)

    match kind:
        case "fcm":
            account = read_service_account(read("GTR_FCM_CREDENTIALS_FILE"))
            return FcmProvider(account, environment["GTR_FCM_URL"], options)
        case "apns":
            apple = ApnsAccount(
                read_apns_key(read("GTR_APNS_KEY_FILE")),
                environment["GTR_APNS_KEY_ID"],
                environment["GTR_APNS_TEAM_ID"],
                environment["GTR_APNS_TOPIC"],
            )
            return ApnsProvider(apple, environment["GTR_APNS_URL"], options)
        case "expo":
            return ExpoProvider(None, environment["GTR_EXPO_URL"], options)


@asynccontextmanager
async def open_standins(
    kind: TokenKind, folder: Path
) -> AsyncIterator[tuple[ProviderStandIns, Provider]]:
    """Run the stand-ins and make a provider that sends to them."""
    async with ProviderStandIns(strict=True) as standins:
        provider = make_provider(kind, standins.write_credentials(folder))
        try:
            yield standins, provider
        finally:
            await provider.close()


def push_to(kind: TokenKind, token: str) -> Push:
    """Make a push to a device that the stand-ins know, registered an hour ago."""
    now = datetime.now(UTC)
    push = make_push(kind, 0, make_message(expires_at=now + timedelta(hours=1)))
    target = push.target._replace(token=token, registered_at=now - timedelta(hours=1))
    return push._replace(target=target)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stand_in_takes_what_its_provider_sends(kind: TokenKind, tmp_path: Path) -> None:
    """Credentials, fields and forms are right by somebody else's reading of the documentation."""
    async with open_standins(kind, tmp_path) as (standins, provider):
        await provider.check()
        tokens = [standins.phones.add_new(kind) for _ in range(120)]
        outcomes = await provider.send([push_to(kind, token) for token in tokens])
        assert {outcome.name for outcome in outcomes} == {"accepted"}
        taken = standins.ledger.entries(provider=kind)
        assert sorted(entry.token for entry in taken) == sorted(tokens)
        assert {entry.message_id for entry in taken} == {
            outcome.provider_id for outcome in outcomes if isinstance(outcome, Accepted)
        }


@pytest.mark.parametrize("kind", KINDS)
async def test_an_uninstalled_app_is_a_dead_device(kind: TokenKind, tmp_path: Path) -> None:
    """And its neighbour still gets its push."""
    async with open_standins(kind, tmp_path) as (standins, provider):
        gone, there = standins.phones.add_new(kind), standins.phones.add_new(kind)
        standins.phones.uninstall(gone)
        outcomes = await provider.send([push_to(kind, gone), push_to(kind, there)])
        assert outcomes[0] == DeadTarget(
            {"fcm": "UNREGISTERED", "apns": "Unregistered", "expo": "DeviceNotRegistered"}[kind]
        )
        assert outcomes[1].name == "accepted"
