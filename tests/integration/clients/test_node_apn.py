"""@parse/node-apn, which is not ours, works with the stand-in for APNs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from support.apns_faults import (
    MESSAGE_FAULTS,
    SIGNER_FAULTS,
    UNINSTALLED_AT,
    Attempt,
    Signer,
    read_signer,
)
from support.node_client import NodeClient, run_node_client
from support.seen_connections import watch_connections

from gtr_jobs.dev.standins import Fail, ProviderStandIns
from gtr_jobs.dev.standins.provider_standins import DEFAULT_TOPIC

pytestmark = pytest.mark.asyncio(loop_scope="module")

APNS_ID = "4b12f3a0-6f3c-4a53-9d5f-6a1f6d0e7c11"
MESSAGE = {"topic": DEFAULT_TOPIC, "alert": {"title": "Mia", "body": "Hello"}, "pushType": "alert"}


class NodeApn:
    """Sends over a connection of its own each time, as the client's Provider does."""

    def __init__(self, client: NodeClient, providers: ProviderStandIns, signer: Signer) -> None:
        self._client = client
        self._providers = providers
        self._signer = signer

    async def send(
        self,
        message: Mapping[str, Any],
        *devices: str,
        signer: Signer | None = None,
        clock_behind: int = 0,
    ) -> dict[str, Any]:
        """Send one notification to all devices and give the client's own answer."""
        used = signer or self._signer
        answer: dict[str, Any] = await self._client.ask(
            "send",
            options={
                "token": {"key": used.key, "keyId": used.key_id, "teamId": used.team},
                "address": "localhost",
                "port": self._providers.apns.server.port,
                "ca": self._providers.ca_file.read_text(encoding="utf-8"),
            },
            notification=message,
            devices=devices,
            clockBehind=clock_behind,
        )
        return answer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def apn(running: ProviderStandIns, environment: dict[str, str]) -> AsyncIterator[NodeApn]:
    """The client, with the stand-in as its address."""
    async with run_node_client("node_apn", "@parse/node-apn", environment={}) as client:
        yield NodeApn(client, running, read_signer(environment))


async def test_a_message_is_sent_whole_and_keeps_its_id(
    providers: ProviderStandIns, apn: NodeApn
) -> None:
    """Headers and payload arrive as the client writes them; the id that it gave comes back."""
    token = providers.phones.add_new("apns", app=DEFAULT_TOPIC)

    answer = await apn.send(
        {
            **MESSAGE,
            "id": APNS_ID,
            "badge": 3,
            "sound": "default",
            "threadId": "conversation-1",
            "collapseId": "message-1",
            "priority": 10,
            "expiry": 1_760_000_000,
            "mutableContent": True,
            "payload": {"url": "app://1"},
        },
        token,
    )

    [entry] = providers.ledger.entries()
    assert answer == {"sent": [{"device": token, "apns-id": APNS_ID}], "failed": []}
    assert (entry.token, entry.message_id) == (token, APNS_ID)
    assert entry.payload == {
        "url": "app://1",
        "aps": {
            "alert": {"title": "Mia", "body": "Hello"},
            "badge": 3,
            "sound": "default",
            "thread-id": "conversation-1",
            "mutable-content": 1,
        },
    }
    assert entry.headers == {
        "apns-id": APNS_ID,
        "apns-topic": DEFAULT_TOPIC,
        "apns-push-type": "alert",
        "apns-priority": "10",
        "apns-expiration": "1760000000",
        "apns-collapse-id": "message-1",
    }


REFUSALS: Mapping[str, tuple[int, dict[str, Any]]] = {
    "dead token": (410, {"reason": "Unregistered", "timestamp": UNINSTALLED_AT * 1000}),
    "no token": (400, {"reason": "BadDeviceToken"}),
    "sandbox token": (400, {"reason": "BadDeviceToken"}),
    "another app's token": (400, {"reason": "DeviceTokenNotForTopic"}),
    "another team's app": (400, {"reason": "TopicDisallowed"}),
    "no app": (400, {"reason": "BadTopic"}),
    "too big": (413, {"reason": "PayloadTooLarge"}),
    "collapse id": (400, {"reason": "BadCollapseId"}),
    "priority": (400, {"reason": "BadPriority"}),
    "rate": (429, {"reason": "TooManyRequests"}),
    "shutdown": (503, {"reason": "Shutdown"}),
}


def write(attempt: Attempt) -> dict[str, Any]:
    """Put a message that will be refused into the client's form."""
    return {
        "id": APNS_ID,
        "topic": attempt.topic,
        "collapseId": attempt.collapse_id,
        **(
            {"pushType": "background", "contentAvailable": True, "priority": 10}
            if attempt.is_silent
            else {"pushType": "alert", "alert": attempt.text}
        ),
    }


@pytest.mark.parametrize("fault", [name for name in MESSAGE_FAULTS if name != "internal"])
async def test_a_refusal_keeps_its_reason(
    providers: ProviderStandIns, apn: NodeApn, fault: str
) -> None:
    """Failed devices come with the status, Apple's word for it and, for a 410, since when."""
    attempt = MESSAGE_FAULTS[fault](providers)

    answer = await apn.send(write(attempt), attempt.token)

    status, response = REFUSALS[fault]
    assert answer == {
        "sent": [],
        "failed": [
            {"device": attempt.token, "apns-id": APNS_ID, "status": status, "response": response}
        ],
    }
    assert len(providers.ledger) == 0


async def test_an_internal_error_is_one_of_its_own(
    providers: ProviderStandIns, apn: NodeApn
) -> None:
    """For InternalServerError the client has an error instead of a reason, after it tried again."""
    attempt = MESSAGE_FAULTS["internal"](providers)

    answer = await apn.send(write(attempt), attempt.token)

    failed = {
        "device": attempt.token,
        "apns-id": APNS_ID,
        "status": 500,
        "error": "Error 500, stream ended unexpectedly",
    }
    assert answer == {"sent": [], "failed": [failed]}
    assert providers.apns.answered == {"500": 4}


@pytest.mark.parametrize("fault", list(SIGNER_FAULTS))
async def test_a_token_that_the_team_did_not_sign_is_invalid(
    providers: ProviderStandIns, apn: NodeApn, environment: dict[str, str], fault: str
) -> None:
    """A wrong key, key id or team makes every device fail alike."""
    signer = SIGNER_FAULTS[fault](read_signer(environment), providers)
    tokens = [providers.phones.add_new("apns") for _ in range(3)]

    answer = await apn.send({**MESSAGE, "id": APNS_ID}, *tokens, signer=signer)

    refused = {"apns-id": APNS_ID, "status": 403, "response": {"reason": "InvalidProviderToken"}}
    assert answer == {"sent": [], "failed": [{"device": token, **refused} for token in tokens]}
    assert len(providers.ledger) == 0


async def test_a_late_clock_signs_expired_tokens_only(
    providers: ProviderStandIns, apn: NodeApn
) -> None:
    """The client signs anew at ExpiredProviderToken, three times over, and then gives up."""
    token = providers.phones.add_new("apns")

    answer = await apn.send({**MESSAGE, "id": APNS_ID}, token, clock_behind=2 * 3600)

    failed = {
        "device": token,
        "apns-id": APNS_ID,
        "status": 403,
        "error": "ExpiredProviderToken",
    }
    assert answer == {"sent": [], "failed": [failed]}
    assert providers.apns.answered == {"403": 4}


@pytest.mark.parametrize(
    ("status", "reason"),
    [(403, "ExpiredProviderToken"), (429, "TooManyRequests"), (503, "ServiceUnavailable")],
)
async def test_the_client_tries_again_after_what_passes(
    providers: ProviderStandIns, apn: NodeApn, status: int, reason: str
) -> None:
    """An old provider token, a rate and an unavailable service are each tried once more, and sent."""
    token = providers.phones.add_new("apns")
    providers.apns.script.for_token(token).add(Fail(status, reason, {"retry-after": "1"}))

    answer = await apn.send({**MESSAGE, "id": APNS_ID}, token)

    assert answer == {"sent": [{"device": token, "apns-id": APNS_ID}], "failed": []}
    assert providers.apns.answered == {str(status): 1, "200": 1}
    assert len(providers.ledger) == 1


async def test_many_devices_share_a_connection(providers: ProviderStandIns, apn: NodeApn) -> None:
    """300 at once over one new connection: each gets an id of its own, the dead ones a reason."""
    good = [providers.phones.add_new("apns") for _ in range(280)]
    dead = [providers.phones.add_new("apns") for _ in range(20)]
    for token in dead:
        providers.phones.uninstall(token, at=UNINSTALLED_AT)

    with watch_connections(providers.apns) as connections:
        answer = await apn.send(MESSAGE, *good, *dead)

    assert len(connections) == 1
    assert [sent["device"] for sent in answer["sent"]] == good
    assert [(failed["device"], failed["response"]) for failed in answer["failed"]] == [
        (token, {"reason": "Unregistered", "timestamp": UNINSTALLED_AT * 1000}) for token in dead
    ]
    accepted = {entry.token: entry.message_id for entry in providers.ledger.entries()}
    assert {sent["device"]: sent["apns-id"] for sent in answer["sent"]} == accepted
    assert len({UUID(apns_id) for apns_id in accepted.values()}) == len(good)
    assert providers.apns.answered == {"200": 280, "410": 20}
