"""async-firebase, which is not ours, works with the stand-in for FCM."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from async_firebase import AndroidConfig, APNSConfig, Message, MulticastMessage
from async_firebase import errors as raised
from async_firebase._config import RequestTimeout
from async_firebase.messages import Notification
from support.fcm_faults import MESSAGE_FAULTS, MESSAGE_NAME, NOT_A_TOKEN
from support.seen_connections import watch_connections

from gtr_jobs.dev.standins import Fail, ProviderStandIns, Reset, Stall

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    # Most devices still have a token, and FCM goes on taking it.
    pytest.mark.filterwarnings(r"ignore:\w+\.tokens? is deprecated:DeprecationWarning"),
]

Open = Callable[..., Any]
FID = "dQw4w9WgXcQ-_abcdefghi"
GREETING = Notification(title="Mia", body="Hello")


@pytest.fixture(params=["HTTP/1.1", "HTTP/2"])
def transport(request: pytest.FixtureRequest) -> str:
    """What the client speaks."""
    return str(request.param)


def read(response: Any) -> tuple[type[Exception], str, str]:
    """Give the client's own error: its type, its code and the words of FCM."""
    error = response.exception
    assert (response.success, response.message_id) == (False, None)
    return type(error), error.code, str(error)


async def test_a_message_is_sent_whole_and_gets_a_name(
    providers: ProviderStandIns, open_async_firebase: Open, transport: str
) -> None:
    """Every part arrives as the client encodes it, for an installation id too."""
    sent_at = int(time.time())
    async with open_async_firebase(use_http2=transport == "HTTP/2") as fcm:
        response = await fcm.send(
            Message(
                fid=FID,
                data={"url": "app://1"},
                notification=GREETING,
                android=AndroidConfig.build(
                    priority="high",
                    ttl=3600,
                    collapse_key="conversation-1",
                    tag="message-1",
                    channel_id="messages",
                    notification_count=3,
                ),
                apns=APNSConfig.build(
                    priority="high",
                    ttl=3600,
                    collapse_key="message-1",
                    alert="Hello",
                    badge=3,
                    thread_id="conversation-1",
                ),
            )
        )

    [entry] = providers.ledger.entries()
    message = dict(entry.payload)
    expiration = message["apns"]["headers"].pop("apns-expiration")
    assert (response.success, response.exception) == (True, None)
    assert response.message_id == entry.message_id
    assert MESSAGE_NAME.fullmatch(entry.message_id)
    assert entry.token == FID
    assert 3600 <= int(expiration) - sent_at <= 3605
    assert message == {
        "fid": FID,
        "data": {"url": "app://1"},
        "notification": {"title": "Mia", "body": "Hello"},
        "android": {
            "priority": "HIGH",
            "collapse_key": "conversation-1",
            "ttl": "3600s",
            "notification": {
                "tag": "message-1",
                "channel_id": "messages",
                "notification_count": 3,
            },
        },
        "apns": {
            "headers": {"apns-priority": "10", "apns-collapse-id": "message-1"},
            "payload": {
                "aps": {
                    "alert": {"body": "Hello"},
                    "badge": 3,
                    "sound": "default",
                    "thread-id": "conversation-1",
                    "mutable-content": 1,
                }
            },
        },
    }


async def test_a_trial_is_checked_and_reaches_nobody(
    providers: ProviderStandIns, open_async_firebase: Open
) -> None:
    """dry_run gets FCM's made-up name for what is good, and the refusal for what is not."""
    token = providers.phones.add_new("fcm")
    gone = MESSAGE_FAULTS["dead token"](providers).token
    async with open_async_firebase() as fcm:
        good = await fcm.send(Message(token=token, notification=GREETING), dry_run=True)
        bad = await fcm.send(Message(token=gone, notification=GREETING), dry_run=True)

    assert good.message_id == "projects/gtr-standin/messages/fake_message_id"
    assert read(bad)[0] is raised.UnregisteredError
    assert len(providers.ledger) == 0


REFUSALS: Mapping[str, tuple[type[Exception], str, str]] = {
    "dead token": (raised.UnregisteredError, "NOT_FOUND", "Requested entity was not found."),
    "another sender's token": (
        raised.SenderIdMismatchError,
        "PERMISSION_DENIED",
        "SenderId mismatch",
    ),
    "no token": (raised.InvalidArgumentError, "INVALID_ARGUMENT", NOT_A_TOKEN),
    "too big": (raised.InvalidArgumentError, "INVALID_ARGUMENT", "Android message is too big"),
    "reserved key": (
        raised.InvalidArgumentError,
        "INVALID_ARGUMENT",
        "Invalid data payload key: from",
    ),
    "rate": (
        raised.QuotaExceededError,
        "RESOURCE_EXHAUSTED",
        "Quota exceeded for quota metric 'Send requests' and limit 'Send requests per minute'.",
    ),
    "Apple's refusal": (
        raised.ThirdPartyAuthError,
        "UNAUTHENTICATED",
        "Auth error from APNS or Web Push Service",
    ),
    "internal": (raised.InternalError, "INTERNAL", "Internal error encountered."),
}


@pytest.mark.parametrize("fault", list(MESSAGE_FAULTS))
async def test_a_refusal_is_an_error_of_its_own_type(
    providers: ProviderStandIns, open_async_firebase: Open, fault: str
) -> None:
    """Each of FCM's error codes is told from the others."""
    attempt = MESSAGE_FAULTS[fault](providers)
    async with open_async_firebase() as fcm:
        response = await fcm.send(Message(token=attempt.token, data=attempt.data))

    assert read(response) == REFUSALS[fault]
    assert len(providers.ledger) == 0


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (429, "QUOTA_EXCEEDED", raised.QuotaExceededError),
        (503, "UNAVAILABLE", raised.UnavailableError),
    ],
)
async def test_when_to_come_back_is_in_the_error(
    providers: ProviderStandIns,
    open_async_firebase: Open,
    status: int,
    code: str,
    error: type[Exception],
) -> None:
    """The answer that an error carries has FCM's Retry-After; the client does not try again."""
    providers.fcm.script.add(Fail(status, code, {"retry-after": "30"}))
    token = providers.phones.add_new("fcm")
    async with open_async_firebase() as fcm:
        response = await fcm.send(Message(token=token, notification=GREETING))

    assert read(response)[0] is error
    assert response.exception is not None
    assert response.exception.http_response is not None
    assert response.exception.http_response.headers["retry-after"] == "30"
    assert providers.fcm.answered == {str(status): 1}


async def test_faults_of_the_wire_are_told_apart(
    providers: ProviderStandIns, open_async_firebase: Open
) -> None:
    """A stream that is reset, nobody who listens, and no answer in time."""
    message = Message(token=providers.phones.add_new("fcm"), notification=GREETING)
    providers.fcm.script.add(Reset(), Stall())
    async with open_async_firebase(use_http2=True) as fcm:
        found = [(await fcm.send(message)).exception]
    await providers.fcm.stop()
    try:
        async with open_async_firebase() as fcm:
            found.append((await fcm.send(message)).exception)
    finally:
        await providers.fcm.start()
    async with open_async_firebase(request_timeout=RequestTimeout(0.5)) as fcm:
        found.append((await fcm.send(message)).exception)

    assert [type(error) for error in found] == [
        raised.UnknownError,
        raised.UnavailableError,
        raised.DeadlineExceededError,
    ]
    assert len(providers.ledger) == 0


async def test_each_of_a_batch_has_its_own_response(
    providers: ProviderStandIns, open_async_firebase: Open, transport: str
) -> None:
    """Names and errors come in the order of the messages, from one token exchange."""
    attempts = {name: prepare(providers) for name, prepare in MESSAGE_FAULTS.items()}
    good = [providers.phones.add_new("fcm") for _ in range(50)]
    messages = [
        *(Message(token=each.token, data=each.data) for each in attempts.values()),
        *(Message(token=token, notification=GREETING) for token in good),
    ]
    with watch_connections(providers.fcm) as connections:
        async with open_async_firebase(use_http2=transport == "HTTP/2") as fcm:
            batch = await fcm.send_each(messages)

    failed, sent = batch.responses[: len(attempts)], batch.responses[len(attempts) :]
    accepted = {entry.token: entry.message_id for entry in providers.ledger.entries()}
    assert (batch.success_count, batch.failure_count) == (50, len(attempts))
    assert [read(response) for response in failed] == [REFUSALS[name] for name in attempts]
    assert {
        token: response.message_id for token, response in zip(good, sent, strict=True)
    } == accepted
    assert (len(connections) == 1) == (transport == "HTTP/2")
    assert providers.oauth.answered == {"200": 1}


async def test_a_multicast_is_a_message_to_each(
    providers: ProviderStandIns, open_async_firebase: Open
) -> None:
    """Tokens and installation ids together; the dead among them fail alone."""
    tokens = [providers.phones.add_new("fcm") for _ in range(3)]
    providers.phones.uninstall(tokens[1])
    async with open_async_firebase() as fcm:
        batch = await fcm.send_each_for_multicast(
            MulticastMessage(tokens=tokens, fids=[FID], notification=GREETING)
        )

    assert [response.success for response in batch.responses] == [True, False, True, True]
    assert read(batch.responses[1]) == REFUSALS["dead token"]
    assert [entry.payload for entry in providers.ledger.entries(token=FID)] == [
        {"fid": FID, "notification": {"title": "Mia", "body": "Hello"}}
    ]
