"""One worker serves the phones of several apps, each with its own credentials and at its own host of Apple's."""

from __future__ import annotations

import asyncio
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

from support.api import as_user
from support.keys_of_apps import add_app
from support.people import send_message
from support.way import Person, Way

from gtr_jobs.dev.standins import ProviderStandIns
from gtr_jobs.dev.standins.phones import PhoneKind
from gtr_jobs.dev.standins.provider_standins import DEFAULT_PROJECT, DEFAULT_TOPIC

PROJECT, TOPIC = "gtr-dealer", "com.example.dealer"
HOSTS = "select app, apns_environment from gtr_jobs.devices"
ATTEMPTS = 'gtr_delivery_attempts_total{app="%s",outcome="accepted",provider="%s"} 1.0'


async def _register(way: Way, person: Person, token: str, app: str) -> None:
    async with as_user(way.connection, person.user_id):
        await way.connection.execute(
            "select public.register_app_device(%s, 'ios', %s)", [token, app]
        )


async def _add_people(way: Way) -> tuple[Person, Person, Any]:
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka")
    return mia, leo, await way.add_conversation(mia, leo)


async def _write(way: Way, mia: Person, leo: Person, chat: Any, text: str = "Hello") -> None:
    await send_message(way.connection, chat, mia.user_id, leo.user_id, text)


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        text: str = answer.read().decode()
        return text


async def test_each_device_gets_the_credentials_of_its_app(way: Way, tmp_path: Path) -> None:
    """Two Firebase projects, two teams of Apple's: the stand-ins take none for the other."""
    dealer = add_app(way.providers, tmp_path / "dealer", "dealer", project=PROJECT, topic=TOPIC)
    mia, leo, chat = await _add_people(way)
    homes: dict[str, dict[PhoneKind, str]] = {
        "default": {"fcm": DEFAULT_PROJECT, "apns": DEFAULT_TOPIC, "expo": ""},
        "dealer": {"fcm": PROJECT, "apns": TOPIC, "expo": ""},
    }
    for app, kinds in homes.items():
        for kind, home in kinds.items():
            token = way.providers.phones.add_new(kind, app=home)
            await _register(way, leo, token, app)
    worker = await way.start_worker(**dealer, GTR_APPS__DEALER__EXPO="true")
    address = (await worker.wait_for_event("worker.started"))["http"]

    await _write(way, mia, leo, chat)
    await way.wait_until_settled()

    assert await way.deliveries() == [
        (provider, "sent", "accepted", "", 1, False)
        for provider in ("apns", "apns", "expo", "expo", "fcm", "fcm")
    ]
    topics = [
        entry.headers["apns-topic"] for entry in way.providers.ledger.entries(provider="apns")
    ]
    assert sorted(topics) == [DEFAULT_TOPIC, TOPIC]
    metrics = await asyncio.to_thread(_get, f"{address}/metrics")
    for app in homes:
        for kind in ("fcm", "apns", "expo"):
            assert ATTEMPTS % (app, kind) in metrics


async def test_a_bundle_id_alone_is_sent_to_with_the_teams_key(way: Way) -> None:
    """One key for two apps: each on connections of its own."""
    tokens = way.providers.apns.tokens
    key = tokens.find(way.settings["GTR_APNS_KEY_ID"])
    tokens.register(replace(key, topics=frozenset({DEFAULT_TOPIC, TOPIC})))
    mia, leo, chat = await _add_people(way)
    for app, topic in (("default", DEFAULT_TOPIC), ("dealer", TOPIC)):
        await _register(way, leo, way.providers.phones.add_new("apns", app=topic), app)
    await way.start_worker(GTR_APPS__DEALER__APNS_TOPIC=TOPIC)

    await _write(way, mia, leo, chat)
    await way.wait_until_settled()

    assert await way.deliveries() == [("apns", "sent", "accepted", "", 1, False)] * 2


async def test_a_device_of_an_app_that_is_not_configured_waits_for_its_credentials(
    way: Way, tmp_path: Path
) -> None:
    """It is sent to nobody's; once the app is there it is sent, and nothing twice."""
    mia, leo, chat = await _add_people(way)
    await _register(way, leo, way.providers.phones.add_new("fcm", app=DEFAULT_PROJECT), "default")
    await _register(way, leo, way.providers.phones.add_new("fcm", app=PROJECT), "dealer")
    first = await way.start_worker()
    await _write(way, mia, leo, chat)
    await way.providers.ledger.wait_for(1)
    async with asyncio.timeout(15):
        while len(await way.deliveries()) < 2:
            await asyncio.sleep(0.01)
    assert await way.deliveries() == [
        ("fcm", "sent", "accepted", "", 1, False),
        (None, "queued", "misconfigured", "not_configured", 1, False),
    ]
    assert await first.stop() == 0

    dealer = add_app(way.providers, tmp_path / "dealer", "dealer", project=PROJECT, topic=TOPIC)
    await way.skip_waits()
    await way.start_worker(**dealer)
    await way.wait_until_settled()

    assert way.providers.ledger.total == 2
    states = await way.fetch("select state::text, attempts from gtr_jobs.deliveries order by 2")
    assert states == [("sent", 1), ("sent", 2)]


async def test_whose_host_a_token_is_of_is_asked_once(way: Way, tmp_path: Path) -> None:
    """A build from Xcode: production refuses its token, the sandbox takes it, and is asked alone from then on."""
    async with ProviderStandIns(sandbox=True) as sandbox:
        key = way.providers.apns.tokens.find(way.settings["GTR_APNS_KEY_ID"])
        sandbox.apns.tokens.register(key)
        authorities = tmp_path / "authorities.pem"
        authorities.write_bytes(way.providers.ca_file.read_bytes() + sandbox.ca_file.read_bytes())
        mia, leo, chat = await _add_people(way)
        token = way.providers.phones.add_new("apns", sandbox=True)
        await _register(way, leo, token, "default")
        await way.start_worker(GTR_APNS_OTHER_URL=sandbox.apns.url, GTR_CA_FILE=str(authorities))

        await _write(way, mia, leo, chat, "First")
        await sandbox.ledger.wait_for(1)
        await way.wait_until_settled()
        learned = await way.fetch(HOSTS)
        await _write(way, mia, leo, chat, "Second")
        await sandbox.ledger.wait_for(2)
        await way.wait_until_settled()

        assert learned == [(None, "sandbox")]
        assert way.providers.apns.answered == {"400": 1}
        assert sandbox.apns.answered == {"200": 2}
    assert await way.deliveries() == [("apns", "sent", "accepted", "", 1, False)] * 2
