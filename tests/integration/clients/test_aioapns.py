"""aioapns, which is not ours, works with the stand-in for APNs."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import aioapns
import pytest
from aioapns.connection import APNsTLSClientProtocol
from support.apns_faults import (
    MESSAGE_FAULTS,
    SIGNER_FAULTS,
    UNINSTALLED_AT,
    Attempt,
    Signer,
    read_signer,
)
from support.seen_connections import watch_connections

from gtr_jobs.dev.standins import Fail, ProviderStandIns
from gtr_jobs.dev.standins.provider_standins import DEFAULT_TOPIC

pytestmark = pytest.mark.asyncio(loop_scope="module")

Open = Callable[[Signer], Any]


class LocalProtocol(APNsTLSClientProtocol):
    """aioapns' connection, pointed at this machine."""

    APNS_SERVER = "localhost"


@pytest.fixture
def open_apns(providers: ProviderStandIns) -> Iterator[Open]:
    """Makes senders; without ALPN, as aioapns comes."""
    opened = []
    port = {"APNS_PORT": providers.apns.server.port}
    # Made here, and not by a fixture that runs in another loop: the pool keeps the loop that it is made in.
    trusted = ssl.create_default_context(cafile=str(providers.ca_file))

    def make(signer: Signer) -> Any:
        sender = aioapns.APNs(
            key=signer.key,
            key_id=signer.key_id,
            team_id=signer.team,
            topic=DEFAULT_TOPIC,
            ssl_context=trusted,
        )
        sender.pool.protocol_class = type("Protocol", (LocalProtocol,), port)
        opened.append(sender)
        return sender

    yield make
    for sender in opened:
        for connection in sender.pool.connections:
            connection.close()


def write(attempt: Attempt) -> Any:
    """Put a message that will be refused into the client's form."""
    aps = {"content-available": 1} if attempt.is_silent else {"alert": attempt.text}
    return aioapns.NotificationRequest(
        device_token=attempt.token,
        message={"aps": aps},
        apns_topic=attempt.topic,
        collapse_key=attempt.collapse_id,
        priority=10,
        push_type=aioapns.PushType.BACKGROUND if attempt.is_silent else aioapns.PushType.ALERT,
    )


def read(result: Any) -> tuple[str, str | None, int | None]:
    """Give all that the client says of a result, besides the id."""
    return result.status, result.description, result.timestamp


async def test_a_message_is_sent_whole_and_keeps_its_id(
    providers: ProviderStandIns, environment: dict[str, str], open_apns: Open
) -> None:
    """Headers and payload arrive as the client writes them; the id that it gave comes back."""
    token = providers.phones.add_new("apns", app=DEFAULT_TOPIC)
    payload = {
        "aps": {
            "alert": {"title": "Mia", "body": "Hello"},
            "badge": 2,
            "thread-id": "conversation-1",
        },
        "url": "app://1",
    }
    request = aioapns.NotificationRequest(
        device_token=token,
        message=payload,
        notification_id=str(uuid4()),
        collapse_key="message-1",
        push_type=aioapns.PushType.ALERT,
        priority=10,
        time_to_live=60,
    )
    sent_at = int(time.time())

    result = await open_apns(read_signer(environment)).send_notification(request)

    [entry] = providers.ledger.entries()
    expires_at = int(entry.headers["apns-expiration"])
    assert (result.is_successful, result.notification_id) == (True, request.notification_id)
    assert read(result) == ("200", None, None)
    assert (entry.token, entry.message_id) == (token, request.notification_id)
    assert entry.payload == payload
    assert 60 <= expires_at - sent_at <= 65
    assert entry.headers == {
        "apns-id": request.notification_id,
        "apns-topic": DEFAULT_TOPIC,
        "apns-push-type": "alert",
        "apns-priority": "10",
        "apns-expiration": str(expires_at),
        "apns-collapse-id": "message-1",
    }


REFUSALS: Mapping[str, tuple[str, str, int | None]] = {
    "dead token": ("410", "Unregistered", UNINSTALLED_AT * 1000),
    "no token": ("400", "BadDeviceToken", None),
    "sandbox token": ("400", "BadDeviceToken", None),
    "another app's token": ("400", "DeviceTokenNotForTopic", None),
    "another team's app": ("400", "TopicDisallowed", None),
    "no app": ("400", "BadTopic", None),
    "too big": ("413", "PayloadTooLarge", None),
    "collapse id": ("400", "BadCollapseId", None),
    "priority": ("400", "BadPriority", None),
    "rate": ("429", "TooManyRequests", None),
    "internal": ("500", "InternalServerError", None),
    "shutdown": ("503", "Shutdown", None),
}


@pytest.mark.parametrize("fault", list(MESSAGE_FAULTS))
async def test_a_refusal_keeps_its_reason(
    providers: ProviderStandIns, environment: dict[str, str], open_apns: Open, fault: str
) -> None:
    """Results come with the status, Apple's word for it and, for a 410, since when."""
    attempt = MESSAGE_FAULTS[fault](providers)
    request = write(attempt)

    result = await open_apns(read_signer(environment)).send_notification(request)

    assert (result.is_successful, result.notification_id) == (False, request.notification_id)
    assert read(result) == REFUSALS[fault]
    assert providers.apns.answered == {REFUSALS[fault][0]: 1}
    assert len(providers.ledger) == 0


@pytest.mark.parametrize("fault", list(SIGNER_FAULTS))
async def test_a_token_that_the_team_did_not_sign_is_invalid(
    providers: ProviderStandIns, environment: dict[str, str], open_apns: Open, fault: str
) -> None:
    """A wrong key, key id or team is the same refusal."""
    signer = SIGNER_FAULTS[fault](read_signer(environment), providers)
    request = write(Attempt(providers.phones.add_new("apns")))

    result = await open_apns(signer).send_notification(request)

    assert read(result) == ("403", "InvalidProviderToken", None)
    assert len(providers.ledger) == 0


async def test_a_late_clock_signs_expired_tokens_only(
    providers: ProviderStandIns,
    environment: dict[str, str],
    open_apns: Open,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A provider token that was signed two hours ago is refused, and the client says so."""
    late = SimpleNamespace(time=lambda: time.time() - 2 * 3600)
    monkeypatch.setattr("aioapns.connection.time", late)
    request = write(Attempt(providers.phones.add_new("apns")))

    result = await open_apns(read_signer(environment)).send_notification(request)

    assert read(result) == ("403", "ExpiredProviderToken", None)
    assert len(providers.ledger) == 0


async def test_tokens_that_change_too_often_are_refused(
    providers: ProviderStandIns,
    environment: dict[str, str],
    open_apns: Open,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each of the client's senders signs a token of its own, and the second is one too many."""
    monkeypatch.setattr(providers.apns.tokens, "update_limit", "key")
    moments = iter([time.time(), time.time() + 1])
    monkeypatch.setattr("aioapns.connection.time", SimpleNamespace(time=lambda: next(moments)))
    request = write(Attempt(providers.phones.add_new("apns")))

    results = [
        read(await open_apns(read_signer(environment)).send_notification(request)) for _ in range(2)
    ]

    assert results == [("200", None, None), ("429", "TooManyProviderTokenUpdates", None)]


async def test_many_messages_share_a_connection(
    providers: ProviderStandIns, environment: dict[str, str], open_apns: Open
) -> None:
    """Sixty are sent at once: each has its own result, whatever the others'."""
    sender = open_apns(read_signer(environment))
    # By itself it may open more: it miscounts free streams when APNs changes how many there may be.
    sender.pool.max_connections = 1
    attempts = [Attempt(providers.phones.add_new("apns")) for _ in range(60)]
    for attempt in attempts[::10]:
        providers.phones.uninstall(attempt.token, at=UNINSTALLED_AT)
    providers.apns.script.for_token(attempts[1].token).add(Fail(429, "TooManyRequests"))
    requests = [write(attempt) for attempt in attempts]

    with watch_connections(providers.apns) as connections:
        results = await asyncio.gather(*[sender.send_notification(each) for each in requests])

    expected: list[tuple[str, str | None, int | None]] = [("200", None, None) for _ in attempts]
    expected[::10] = [REFUSALS["dead token"]] * 6
    expected[1] = REFUSALS["rate"]
    assert [read(result) for result in results] == expected
    assert [result.notification_id for result in results] == [
        request.notification_id for request in requests
    ]
    assert {entry.token: entry.message_id for entry in providers.ledger.entries()} == {
        request.device_token: request.notification_id
        for request, (status, _, _) in zip(requests, expected, strict=True)
        if status == "200"
    }
    assert len(connections) == 1
