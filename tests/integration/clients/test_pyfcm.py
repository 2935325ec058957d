"""pyfcm, which is not ours, works with the stand-in for FCM."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from contextlib import closing

import pytest
from pyfcm import errors as raised
from support.fcm_faults import MESSAGE_FAULTS, MESSAGE_NAME, NOT_A_TOKEN
from support.pyfcm_sender import OpenPyfcm

from gtr_jobs.dev.standins import Fail, ProviderStandIns

pytestmark = pytest.mark.asyncio(loop_scope="module")

FAKE_NAME = "projects/gtr-standin/messages/fake_message_id"


async def test_a_message_is_sent_whole_and_gets_a_name(
    providers: ProviderStandIns, open_pyfcm: OpenPyfcm
) -> None:
    """Every part arrives as it was given, and the answer is what FCM answered."""
    token = providers.phones.add_new("fcm")
    android = {
        "ttl": "60s",
        "priority": "HIGH",
        "collapse_key": "conversation-1",
        "notification": {"tag": "message-1", "channel_id": "messages"},
    }
    apns = {"headers": {"apns-priority": "10"}, "payload": {"aps": {"badge": 3}}}

    answer = await open_pyfcm().notify(
        fcm_token=token,
        notification_title="Mia",
        notification_body="Hello",
        data_payload={"url": "app://1"},
        android_config=android,
        apns_config=apns,
        fcm_options={"analytics_label": "messages"},
    )

    [entry] = providers.ledger.entries()
    assert answer == {"name": entry.message_id}
    assert MESSAGE_NAME.fullmatch(entry.message_id)
    assert entry.payload == {
        "token": token,
        "notification": {"title": "Mia", "body": "Hello"},
        "data": {"url": "app://1"},
        "android": android,
        "apns": apns,
        "fcm_options": {"analytics_label": "messages"},
    }


async def test_a_topic_and_a_condition_are_targets_too(
    providers: ProviderStandIns, open_pyfcm: OpenPyfcm
) -> None:
    """What is sent to many has one name; a trial has FCM's made-up one and reaches nobody."""
    fcm = open_pyfcm()

    names = [
        (await fcm.notify(topic_name="news", notification_body="1"))["name"],
        (await fcm.notify(topic_condition="'a' in topics", notification_body="2"))["name"],
        (await fcm.notify(topic_name="news", notification_body="3", dry_run=True))["name"],
    ]

    entries = providers.ledger.entries()
    assert [entry.token for entry in entries] == ["news", "'a' in topics"]
    assert names == [*(entry.message_id for entry in entries), FAKE_NAME]


REFUSALS: Mapping[str, tuple[type[Exception], str]] = {
    "dead token": (raised.FCMNotRegisteredError, "Token not registered"),
    "another sender's token": (
        raised.FCMSenderIdMismatchError,
        "The authenticated sender ID is different from the sender ID for the registration token.",
    ),
    "no token": (raised.InvalidDataError, NOT_A_TOKEN),
    "too big": (raised.InvalidDataError, "Android message is too big"),
    "reserved key": (raised.InvalidDataError, "Invalid data payload key: from"),
    "rate": (raised.FCMServerError, "FCM server error: Unexpected status code 429."),
    "Apple's refusal": (
        raised.AuthenticationError,
        "There was an error authenticating the sender account",
    ),
    "internal": (raised.FCMServerError, "FCM server error: Unexpected status code 500."),
}


@pytest.mark.parametrize("fault", list(MESSAGE_FAULTS))
async def test_a_refusal_is_the_error_that_the_client_knows_for_it(
    providers: ProviderStandIns, open_pyfcm: OpenPyfcm, fault: str
) -> None:
    """It tells by the status, and shows FCM's words for what is wrong with the message."""
    attempt = MESSAGE_FAULTS[fault](providers)
    error, words = REFUSALS[fault]

    with pytest.raises(raised.FCMError) as caught:
        await open_pyfcm().notify(fcm_token=attempt.token, data_payload=attempt.data)

    assert (type(caught.value), words in str(caught.value)) == (error, True)
    assert len(providers.ledger) == 0


@pytest.mark.parametrize(("status", "code"), [(429, "QUOTA_EXCEEDED"), (503, "UNAVAILABLE")])
async def test_the_client_comes_back_when_it_is_told_to(
    providers: ProviderStandIns, open_pyfcm: OpenPyfcm, status: int, code: str
) -> None:
    """It waits as long as Retry-After says, and then the message is sent, once."""
    token = providers.phones.add_new("fcm")
    providers.fcm.script.for_token(token).add(Fail(status, code, {"retry-after": "1"}))
    began = time.monotonic()

    answer = await open_pyfcm().notify(fcm_token=token, notification_body="x")

    [entry] = providers.ledger.entries()
    assert answer == {"name": entry.message_id}
    assert time.monotonic() - began >= 1
    assert providers.fcm.answered == {str(status): 1, "200": 1}


async def test_each_of_a_batch_has_its_own_answer(
    providers: ProviderStandIns, open_pyfcm: OpenPyfcm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answers are FCM's own, in the order of the messages, names and errors alike."""
    # aiohttp made its context before any test, and the client has no way to give it another; nor does
    # the client close the loop that it makes.
    trusted = ssl.create_default_context(cafile=str(providers.ca_file))
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trusted)
    loop = asyncio.new_event_loop()
    monkeypatch.setattr(asyncio, "new_event_loop", lambda: loop)
    good = [providers.phones.add_new("fcm") for _ in range(20)]
    attempts = [prepare(providers) for prepare in MESSAGE_FAULTS.values()]

    with closing(loop):
        answers = await open_pyfcm().notify_many(
            [{"fcm_token": token, "notification_body": "x"} for token in good]
            + [{"fcm_token": each.token, "data_payload": each.data} for each in attempts]
        )

    accepted = {entry.token: entry.message_id for entry in providers.ledger.entries()}
    assert answers[:20] == [{"name": accepted[token]} for token in good]
    assert [answer["error"]["status"] for answer in answers[20:]] == [
        "NOT_FOUND",
        "PERMISSION_DENIED",
        "INVALID_ARGUMENT",
        "INVALID_ARGUMENT",
        "INVALID_ARGUMENT",
        "RESOURCE_EXHAUSTED",
        "UNAUTHENTICATED",
        "INTERNAL",
    ]
