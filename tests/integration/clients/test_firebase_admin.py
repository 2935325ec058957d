"""firebase-admin, Google's own library for Node, works with the stand-in for FCM."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest
from support.fcm_faults import MESSAGE_FAULTS, MESSAGE_NAME, NOT_A_TOKEN
from support.node_client import NodeClient, ThrownError
from support.seen_connections import watch_connections

from gtr_jobs.dev.standins import AfterAccepting, Disconnect, Fail, GoAway, ProviderStandIns

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_message_is_sent_whole_and_gets_a_name(
    providers: ProviderStandIns, admin: NodeClient, account: dict[str, Any]
) -> None:
    """Every part arrives as the library encodes it: names, durations and enums."""
    token = providers.phones.add_new("fcm")

    name = await admin.ask(
        "send",
        account=account,
        message={
            "token": token,
            "notification": {"title": "Mia", "body": "Hello", "imageUrl": "https://example.com/1"},
            "data": {"url": "app://1"},
            "android": {
                "priority": "high",
                "ttl": 3_600_500,
                "collapseKey": "conversation-1",
                "notification": {
                    "tag": "message-1",
                    "channelId": "messages",
                    "notificationCount": 3,
                    "priority": "max",
                    "visibility": "public",
                    "vibrateTimingsMillis": [100, 50],
                },
            },
            "apns": {
                "headers": {"apns-priority": "10", "apns-collapse-id": "message-1"},
                "payload": {
                    "aps": {"badge": 3, "threadId": "conversation-1", "mutableContent": True},
                    "url": "app://1",
                },
            },
            "fcmOptions": {"analyticsLabel": "messages"},
        },
    )

    [entry] = providers.ledger.entries()
    assert name == entry.message_id
    assert MESSAGE_NAME.fullmatch(name)
    assert entry.payload == {
        "token": token,
        "notification": {"title": "Mia", "body": "Hello", "image": "https://example.com/1"},
        "data": {"url": "app://1"},
        "android": {
            "priority": "HIGH",
            "ttl": "3600.500000000s",
            "collapse_key": "conversation-1",
            "notification": {
                "tag": "message-1",
                "channel_id": "messages",
                "notification_count": 3,
                "notification_priority": "PRIORITY_MAX",
                "visibility": "PUBLIC",
                "vibrate_timings": ["0.100000000s", "0.050000000s"],
            },
        },
        "apns": {
            "headers": {"apns-priority": "10", "apns-collapse-id": "message-1"},
            "payload": {
                "aps": {"badge": 3, "thread-id": "conversation-1", "mutable-content": 1},
                "url": "app://1",
            },
        },
        "fcm_options": {"analytics_label": "messages"},
    }


async def test_a_trial_is_checked_and_reaches_nobody(
    providers: ProviderStandIns, admin: NodeClient, account: dict[str, Any]
) -> None:
    """With dryRun, what is good gets FCM's made-up name."""
    message = {"topic": "news", "notification": {"body": "x"}}

    name = await admin.ask("send", account=account, message=message, dryRun=True)

    assert name == "projects/gtr-standin/messages/fake_message_id"
    assert len(providers.ledger) == 0


REFUSALS: Mapping[str, tuple[str, str]] = {
    "dead token": (
        "messaging/registration-token-not-registered",
        "Requested entity was not found.",
    ),
    "another sender's token": ("messaging/mismatched-credential", "SenderId mismatch"),
    "no token": ("messaging/invalid-argument", NOT_A_TOKEN),
    "too big": ("messaging/invalid-argument", "Android message is too big"),
    "reserved key": ("messaging/invalid-argument", "Invalid data payload key: from"),
    "rate": (
        "messaging/message-rate-exceeded",
        "Quota exceeded for quota metric 'Send requests' and limit 'Send requests per minute'.",
    ),
    "Apple's refusal": (
        "messaging/third-party-auth-error",
        "Auth error from APNS or Web Push Service",
    ),
    "internal": ("messaging/internal-error", "Internal error encountered."),
}


@pytest.mark.parametrize("fault", list(MESSAGE_FAULTS))
async def test_a_refusal_is_a_code_of_the_library(
    providers: ProviderStandIns, admin: NodeClient, account: dict[str, Any], fault: str
) -> None:
    """Each of FCM's error codes is told from the others, with FCM's words."""
    attempt = MESSAGE_FAULTS[fault](providers)

    with pytest.raises(ThrownError) as caught:
        await admin.ask(
            "send", account=account, message={"token": attempt.token, "data": attempt.data}
        )

    code, message = REFUSALS[fault]
    assert caught.value.fields == {"code": code, "message": message}
    assert len(providers.ledger) == 0


async def test_the_library_comes_back_when_it_is_told_to(
    providers: ProviderStandIns, admin: NodeClient, account: dict[str, Any]
) -> None:
    """An unavailable service is asked again after its Retry-After, and the message is sent, once."""
    token = providers.phones.add_new("fcm")
    providers.fcm.script.add(Fail(503, "UNAVAILABLE", {"retry-after": "1"}))
    began = time.monotonic()

    name = await admin.ask("send", account=account, message={"token": token, "data": {"a": "b"}})

    [entry] = providers.ledger.entries()
    assert (entry.token, entry.message_id) == (token, name)
    assert time.monotonic() - began >= 1
    assert providers.fcm.answered == {"503": 1, "200": 1}


async def test_the_library_does_not_come_back_when_that_is_long(
    providers: ProviderStandIns, admin: NodeClient, account: dict[str, Any]
) -> None:
    """Above a minute it gives the error to the caller at once."""
    providers.fcm.script.add(Fail(503, "UNAVAILABLE", {"retry-after": "120"}))
    message = {"token": providers.phones.add_new("fcm"), "data": {"a": "b"}}

    with pytest.raises(ThrownError) as caught:
        await admin.ask("send", account=account, message=message)

    assert caught.value.fields == {
        "code": "messaging/server-unavailable",
        "message": "The service is currently unavailable.",
    }
    assert providers.fcm.answered == {"503": 1}


@pytest.mark.parametrize("transport", ["HTTP/1.1", "HTTP/2"])
async def test_each_of_a_batch_has_its_own_response(
    providers: ProviderStandIns, admin: NodeClient, account: dict[str, Any], transport: str
) -> None:
    """Names and codes come in the order of the messages; HTTP/2 makes do with one connection."""
    attempts = {name: prepare(providers) for name, prepare in MESSAGE_FAULTS.items()}
    good = [providers.phones.add_new("fcm") for _ in range(100)]
    messages = [
        *({"token": each.token, "data": each.data} for each in attempts.values()),
        *({"token": token, "notification": {"body": "x"}} for token in good),
    ]

    with watch_connections(providers.fcm) as connections:
        batch = await admin.ask("sendEach", account=account, messages=messages, transport=transport)

    failed, sent = batch["responses"][: len(attempts)], batch["responses"][len(attempts) :]
    accepted = {entry.token: entry.message_id for entry in providers.ledger.entries()}
    assert (batch["successCount"], batch["failureCount"]) == (100, len(attempts))
    assert failed == [
        {"success": False, "error": {"code": code, "message": message}}
        for code, message in (REFUSALS[name] for name in attempts)
    ]
    assert sent == [{"success": True, "messageId": accepted[token]} for token in good]
    assert (len(connections) == 1) == (transport == "HTTP/2")


async def test_a_multicast_is_a_message_to_each(
    providers: ProviderStandIns, admin: NodeClient, account: dict[str, Any]
) -> None:
    """The dead among the tokens fail alone."""
    tokens = [providers.phones.add_new("fcm") for _ in range(3)]
    providers.phones.uninstall(tokens[1])
    message = {"tokens": tokens, "notification": {"title": "Mia"}}

    batch = await admin.ask("sendEachForMulticast", account=account, message=message)

    code, words = REFUSALS["dead token"]
    first, third = providers.ledger.entries()
    assert batch == {
        "successCount": 2,
        "failureCount": 1,
        "responses": [
            {"success": True, "messageId": first.message_id},
            {"success": False, "error": {"code": code, "message": words}},
            {"success": True, "messageId": third.message_id},
        ],
    }
    assert [entry.payload for entry in (first, third)] == [
        {"token": token, "notification": {"title": "Mia"}} for token in (tokens[0], tokens[2])
    ]


async def test_a_message_whose_answer_is_lost_is_sent_again(
    providers: ProviderStandIns, admin: NodeClient, account: dict[str, Any]
) -> None:
    """The connection breaks after FCM has taken the message: the library cannot know, and it arrives twice."""
    token = providers.phones.add_new("fcm")
    providers.fcm.script.for_token(token).add(AfterAccepting(Disconnect()))

    name = await admin.ask("send", account=account, message={"token": token, "data": {"a": "b"}})

    first, second = providers.ledger.entries(token=token)
    assert first.payload == second.payload
    assert name == second.message_id
    assert providers.fcm.answered == {"Disconnect": 1, "200": 1}


async def test_a_goodbye_of_the_server_ends_a_batch(
    providers: ProviderStandIns, admin: NodeClient, account: dict[str, Any]
) -> None:
    """GOAWAY is an error of the whole batch, with what the server had to say."""
    token = providers.phones.add_new("fcm")
    providers.fcm.script.for_token(token).add(GoAway(debug=b"moving"))

    with pytest.raises(ThrownError) as caught:
        await admin.ask("sendEach", account=account, messages=[{"token": token}])

    assert caught.value.fields == {
        "code": "messaging/app/network-error",
        "message": "Error while making requests: GOAWAY - moving, Error code: 0",
    }
    assert providers.fcm.answered == {"GoAway": 1}
