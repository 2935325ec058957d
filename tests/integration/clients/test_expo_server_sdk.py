"""expo-server-sdk, Expo's own library for Node, works with the stand-in for Expo's push service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import pytest_asyncio
from support.node_client import NodeClient, ThrownError, run_node_client

from gtr_jobs.dev.standins import Fail, ProviderStandIns, Respond
from gtr_jobs.dev.standins.phones import make_expo_token

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def expo(running: ProviderStandIns) -> AsyncIterator[NodeClient]:
    """The SDK, with the address that its own makers use for tests."""
    environment = {
        "EXPO_BASE_URL": running.expo.url,
        "NODE_EXTRA_CA_CERTS": str(running.ca_file),
    }
    async with run_node_client(
        "expo_server_sdk", "expo-server-sdk", environment=environment
    ) as client:
        yield client


async def test_a_message_is_sent_whole_and_gets_a_ticket_and_a_receipt(
    providers: ProviderStandIns, expo: NodeClient
) -> None:
    """Every field arrives as it was given; the ticket's id is a UUID, and its receipt says ok."""
    token = providers.phones.add_new("expo")
    message = {
        "title": "Mia",
        "subtitle": "Trail bike",
        "body": "Hello",
        "data": {"url": "app://1"},
        "badge": 3,
        "sound": "default",
        "ttl": 3600,
        "priority": "high",
        "channelId": "messages",
        "interruptionLevel": "time-sensitive",
        "mutableContent": True,
    }

    [ticket] = await expo.ask("send", messages=[{"to": token, **message}])
    receipts = await expo.ask("readReceipts", ids=[ticket["id"]])

    [entry] = providers.ledger.entries()
    assert ticket == {"status": "ok", "id": str(UUID(ticket["id"]))}
    assert receipts == {ticket["id"]: {"status": "ok"}}
    assert (entry.token, entry.message_id, entry.payload) == (token, ticket["id"], message)
    assert entry.headers == {"user-agent": "expo-server-sdk-node/7.2.0"}


async def test_the_tokens_of_phones_are_tokens_to_the_sdk(expo: NodeClient) -> None:
    """The SDK's own check says yes to what the stand-ins make, and to a UUID."""
    uuid = "f47ac10b-58cc-4372-a567-0e02b2c3d479"

    found = [
        await expo.ask("isToken", token=token) for token in (make_expo_token(), uuid, "no-token")
    ]

    assert found == [True, True, False]


async def test_tickets_say_which_of_a_batch_failed_and_why(
    providers: ProviderStandIns, expo: NodeClient
) -> None:
    """One ticket a recipient, in order; a failed one carries the error and the token to forget."""
    good, other, gone, fast = (providers.phones.add_new("expo") for _ in range(4))
    providers.phones.uninstall(gone)
    providers.expo.script.for_token(fast).add(Fail(200, "MessageRateExceeded"))
    messages = [
        {"to": [good, gone], "body": "1"},
        {"to": "no-token", "body": "2"},
        {"to": fast, "body": "3"},
        {"to": other, "body": "4"},
    ]

    tickets = await expo.ask("send", messages=messages)

    accepted = [entry.message_id for entry in providers.ledger.entries()]
    assert tickets == [
        {"status": "ok", "id": accepted[0]},
        {
            "status": "error",
            "message": f'"{gone}" is not a registered push notification recipient',
            "details": {"error": "DeviceNotRegistered", "expoPushToken": gone},
        },
        {
            "status": "error",
            "message": '"no-token" is not a valid Expo push token',
            "details": {"error": "DeviceNotRegistered", "expoPushToken": "no-token"},
        },
        {
            "status": "error",
            "message": "Messages are sent too frequently to the given device.",
            "details": {"error": "MessageRateExceeded", "expoPushToken": fast},
        },
        {"status": "ok", "id": accepted[1]},
    ]


async def test_receipts_say_what_became_of_tickets(
    providers: ProviderStandIns, expo: NodeClient
) -> None:
    """An error that shows later is in the receipt; a receipt that is not there yet is left out."""
    gone, big, fast, mismatched, unsigned, late = (
        providers.phones.add_new("expo") for _ in range(6)
    )
    for token, error in (
        (fast, "MessageRateExceeded"),
        (mismatched, "MismatchSenderId"),
        (unsigned, "InvalidCredentials"),
    ):
        providers.expo.receipts.script(token, error)
    providers.expo.receipts.withhold(late)
    bodies = dict.fromkeys((gone, fast, mismatched, unsigned, late), "x") | {big: "x" * 4096}

    tickets = await expo.ask(
        "send", messages=[{"to": token, "body": body} for token, body in bodies.items()]
    )
    providers.phones.uninstall(gone)
    ids = {token: ticket["id"] for token, ticket in zip(bodies, tickets, strict=True)}
    receipts = await expo.ask("readReceipts", ids=[*ids.values(), "no-such-ticket"])

    assert {ticket["status"] for ticket in tickets} == {"ok"}
    assert {
        key: (found["status"], found["details"]["error"]) for key, found in receipts.items()
    } == {
        ids[gone]: ("error", "DeviceNotRegistered"),
        ids[big]: ("error", "MessageTooBig"),
        ids[fast]: ("error", "MessageRateExceeded"),
        ids[mismatched]: ("error", "MismatchSenderId"),
        ids[unsigned]: ("error", "InvalidCredentials"),
    }


async def test_a_large_batch_goes_out_in_chunks(
    providers: ProviderStandIns, expo: NodeClient
) -> None:
    """350 messages are four requests, their receipts two; each ticket belongs to its message."""
    tokens = [providers.phones.add_new("expo") for _ in range(350)]
    messages = [{"to": token, "body": str(number)} for number, token in enumerate(tokens)]

    chunks = await expo.ask("sendInChunks", messages=messages)
    ids = [ticket["id"] for chunk in chunks for ticket in chunk]
    receipts = await expo.ask("readReceiptsInChunks", ids=ids)

    bodies = {entry.message_id: entry.payload["body"] for entry in providers.ledger.entries()}
    assert [len(chunk) for chunk in chunks] == [100, 100, 100, 50]
    assert [bodies[ticket_id] for ticket_id in ids] == [message["body"] for message in messages]
    assert [len(chunk) for chunk in receipts] == [300, 50]
    assert {key for chunk in receipts for key in chunk} == set(ids)
    assert providers.expo.answered == {"200": 6}


async def test_a_long_request_comes_compressed(
    providers: ProviderStandIns, expo: NodeClient
) -> None:
    """Above 1 KB the SDK gzips, and what is unpacked is what was sent."""
    token = providers.phones.add_new("expo")

    await expo.ask("send", messages=[{"to": token, "body": "ä" * 1024}])

    [entry] = providers.ledger.entries()
    assert (entry.payload, entry.headers["content-encoding"]) == ({"body": "ä" * 1024}, "gzip")


async def test_an_access_token_that_is_wrong_or_missing_is_unauthorized(
    providers: ProviderStandIns, expo: NodeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With enhanced push security both endpoints take the right token and no other."""
    monkeypatch.setattr(providers.expo, "access_token", "right")
    messages = [{"to": providers.phones.add_new("expo"), "body": "x"}]

    [ticket] = await expo.ask("send", messages=messages, accessToken="right")
    receipts = await expo.ask("readReceipts", ids=[ticket["id"]], accessToken="right")
    thrown = []
    for token in (None, "wrong"):
        for command, given in (("send", {"messages": messages}), ("readReceipts", {"ids": ["x"]})):
            with pytest.raises(ThrownError) as caught:
                await expo.ask(command, **given, accessToken=token)
            thrown.append(caught.value.fields)

    assert receipts == {ticket["id"]: {"status": "ok"}}
    assert thrown == 4 * [
        {
            "message": "Insufficient permissions to send push notifications to @gtr/app.",
            "code": "UNAUTHORIZED",
            "statusCode": 403,
        }
    ]
    assert len(providers.ledger) == 1


async def test_recipients_of_several_projects_are_told_apart(
    providers: ProviderStandIns, expo: NodeClient
) -> None:
    """The error's details say which tokens are of which project, and nothing is sent."""
    ours = providers.phones.add_new("expo", app="@gtr/app")
    theirs = providers.phones.add_new("expo", app="@other/app")

    with pytest.raises(ThrownError) as caught:
        await expo.ask("send", messages=[{"to": [ours, theirs], "body": "x"}])

    assert caught.value.fields == {
        "message": "All push notification messages in the same request must be for the same "
        "project; check the details field to investigate conflicting tokens.",
        "code": "PUSH_TOO_MANY_EXPERIENCE_IDS",
        "details": {"@gtr/app": [ours], "@other/app": [theirs]},
        "statusCode": 400,
    }
    assert len(providers.ledger) == 0


async def test_what_is_too_much_or_malformed_is_refused_whole(
    providers: ProviderStandIns, expo: NodeClient
) -> None:
    """101 recipients, 1001 receipts and a field of a wrong type each have a code of their own."""
    tokens = [make_expo_token() for _ in range(101)]
    thrown = []
    for command, given in (
        ("send", {"messages": [{"to": tokens, "body": "x"}]}),
        ("readReceipts", {"ids": [str(number) for number in range(1001)]}),
        ("send", {"messages": [{"to": tokens[0], "body": 5}]}),
    ):
        with pytest.raises(ThrownError) as caught:
            await expo.ask(command, **given)
        thrown.append((caught.value.fields["statusCode"], caught.value.fields["code"]))

    assert thrown == [
        (400, "PUSH_TOO_MANY_NOTIFICATIONS"),
        (400, "PUSH_TOO_MANY_RECEIPTS"),
        (400, "VALIDATION_ERROR"),
    ]
    assert len(providers.ledger) == 0


async def test_the_sdk_tries_again_when_it_was_too_fast(
    providers: ProviderStandIns, expo: NodeClient
) -> None:
    """Two answers of 429 and then a ticket; nothing was sent twice."""
    providers.expo.script.add(Fail(429, "TOO_MANY_REQUESTS", {"retry-after": "1"}), times=2)

    [ticket] = await expo.ask("send", messages=[{"to": make_expo_token(), "body": "x"}])

    assert ticket["status"] == "ok"
    assert providers.expo.answered == {"429": 2, "200": 1}
    assert len(providers.ledger) == 1


async def test_the_rate_of_a_project_is_limited(
    providers: ProviderStandIns, expo: NodeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than a second's worth in one request is refused until the SDK gives up."""
    monkeypatch.setattr(providers.expo, "notifications_per_second", 2)

    with pytest.raises(ThrownError) as caught:
        await expo.ask("send", messages=[{"to": [make_expo_token()] * 3, "body": "x"}])

    assert caught.value.fields == {
        "message": "Exceeded 2 notifications per second, please try again.",
        "code": "TOO_MANY_REQUESTS",
        "statusCode": 429,
    }
    assert providers.expo.answered == {"429": 3}
    assert len(providers.ledger) == 0


async def test_faults_of_the_service_are_thrown(
    providers: ProviderStandIns, expo: NodeClient
) -> None:
    """A fault in Expo's words has its code; a page of a machine before it has its text."""
    page = "<html>Bad Gateway</html>"
    providers.expo.script.add(
        Fail(503, "SERVICE_UNAVAILABLE"),
        Fail(500, "INTERNAL_SERVER_ERROR"),
        Respond(502, page.encode(), {"content-type": "text/html"}),
    )
    thrown = []
    for _ in range(3):
        with pytest.raises(ThrownError) as caught:
            await expo.ask("send", messages=[{"to": make_expo_token(), "body": "x"}])
        thrown.append(caught.value.fields)

    assert thrown == [
        {"message": "SERVICE_UNAVAILABLE", "code": "SERVICE_UNAVAILABLE", "statusCode": 503},
        {"message": "INTERNAL_SERVER_ERROR", "code": "INTERNAL_SERVER_ERROR", "statusCode": 500},
        {
            "message": f"Expo responded with an error with status code 502: {page}",
            "statusCode": 502,
            "errorText": page,
        },
    ]
