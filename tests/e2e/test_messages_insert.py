"""A row in public.messages becomes a push on the recipient's phones."""

from __future__ import annotations

from typing import Any

from support.api import as_user
from support.people import create_device, send_message
from support.way import Way

from gtr_jobs.dev.standins.screen import Shown, show
from gtr_jobs.dev.standins.script import Fail

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


async def test_a_message_shows_on_every_device_alike(way: Way) -> None:
    """FCM, APNs and Expo get the same title, text, badge, thread, link and collapse id."""
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka", "fcm", "apns", "expo")
    conversation = await way.add_conversation(mia, leo)
    await way.start_worker()

    async with as_user(way.connection, mia.user_id):
        message = await send_message(
            way.connection, conversation, mia.user_id, leo.user_id, "  Is the R34\nstill there? "
        )
    accepted = await way.providers.ledger.wait_for(3)

    expected = Shown(
        title="Mia Rossi",
        body="Is the R34 still there?",
        badge=1,
        thread=f"conversation-{conversation}",
        collapse_id=f"message-{message}",
        url=f"gtr-marketplace://chat/{conversation}",
    )
    shown = {entry.provider: show(entry) for entry in accepted}
    # Expo's API knows no thread.
    assert shown["fcm"] == shown["apns"] == expected
    assert shown["expo"] in {expected, _without_thread(expected)}
    await way.wait_until_settled()
    assert await way.deliveries() == [
        (provider, "sent", "accepted", "", 1, False) for provider in ("apns", "expo", "fcm")
    ]
    ids = await way.fetch("select provider, provider_id from gtr_jobs.deliveries")
    assert dict(ids) == {entry.provider: entry.message_id for entry in accepted}


async def test_a_listing_reference_is_never_shown(way: Way) -> None:
    """A message that begins with the app's reference shows its text only."""
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka", "apns")
    conversation = await way.add_conversation(mia, leo)
    await way.start_worker()

    for content in ('__listing_ref__:{"id": "1"} This one?', '__listing_ref__:{"id": "1"}'):
        await send_message(way.connection, conversation, mia.user_id, leo.user_id, content)
    accepted = await way.providers.ledger.wait_for(2)

    assert {show(entry).body for entry in accepted} == {"This one?", "Shared a listing"}


async def test_the_tokens_shape_decides_whatever_the_platform_says(way: Way) -> None:
    """An Expo token stored as android and an FCM token stored as ios reach Expo and FCM."""
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka")
    expo = way.providers.phones.add_new("expo")
    fcm = way.providers.phones.add_new("fcm")
    await create_device(way.connection, leo.user_id, expo, "android")
    await create_device(way.connection, leo.user_id, fcm, "ios")
    conversation = await way.add_conversation(mia, leo)
    await way.start_worker()

    await send_message(way.connection, conversation, mia.user_id, leo.user_id, "Hello")
    accepted = await way.providers.ledger.wait_for(2)

    assert {(entry.provider, entry.token) for entry in accepted} == {("expo", expo), ("fcm", fcm)}


async def test_a_message_older_than_its_time_to_live_is_not_sent(way: Way) -> None:
    """A chat message of yesterday is marked expired, and no provider hears of it."""
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka", "apns")
    conversation = await way.add_conversation(mia, leo)
    await send_message(way.connection, conversation, mia.user_id, leo.user_id, "Yesterday")
    await way.fetch(
        "update procrastinate.procrastinate_jobs set enqueued_at = enqueued_at - interval '25 hours'"
    )

    await way.start_worker()
    await way.wait_until_settled()

    assert await way.deliveries() == [(None, "expired", "expired", "", 1, False)]
    assert way.providers.ledger.entries() == []


async def test_a_person_without_a_device_is_skipped_with_the_reason(way: Way) -> None:
    """Nobody is asked, and the ledger says why."""
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka")
    conversation = await way.add_conversation(mia, leo)
    await way.start_worker()

    await send_message(way.connection, conversation, mia.user_id, leo.user_id, "Hello")
    await way.wait_until_settled()

    assert await way.deliveries() == [(None, "skipped", "skipped", "no_device", 1, False)]


async def test_an_uninstalled_phone_is_dropped_until_it_registers_again(way: Way) -> None:
    """After one refusal the provider is not asked again; a new registration revives the device."""
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka", "fcm", "apns")
    conversation = await way.add_conversation(mia, leo)
    await way.start_worker()
    way.providers.phones.uninstall(leo.tokens["fcm"])

    async def write(text: str) -> None:
        await send_message(way.connection, conversation, mia.user_id, leo.user_id, text)
        await way.wait_until_settled()

    await write("One")
    await write("Two")
    way.providers.phones.add(leo.tokens["fcm"])
    await way.connection.execute(
        "update public.user_device_tokens set updated_at = now() where device_token = %s",
        [leo.tokens["fcm"]],
    )
    await write("Three")

    texts: dict[str, list[str]] = {"fcm": [], "apns": []}
    for entry in way.providers.ledger.entries():
        texts[entry.provider].append(show(entry).body)
    assert texts == {"fcm": ["Three"], "apns": ["One", "Two", "Three"]}
    assert await way.deliveries() == [
        *[("apns", "sent", "accepted", "", 1, False)] * 3,
        ("fcm", "failed", "dead_target", "UNREGISTERED", 1, False),
        ("fcm", "sent", "accepted", "", 1, False),
    ]


async def test_a_provider_that_fails_twice_gets_it_the_third_time(way: Way) -> None:
    """Two answers of 503 delay the message; it is accepted once, and its other device is not asked again."""
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka", "fcm", "apns")
    conversation = await way.add_conversation(mia, leo)
    way.providers.fcm.script.add(Fail(503, "UNAVAILABLE"), times=2)
    await way.start_worker()

    await send_message(way.connection, conversation, mia.user_id, leo.user_id, "Hello")
    for _ in range(2):
        await way.skip_waits()
    await way.wait_until_settled()

    assert [entry.provider for entry in way.providers.ledger.entries()].count("apns") == 1
    assert await way.deliveries() == [
        ("apns", "sent", "accepted", "", 1, False),
        ("fcm", "sent", "accepted", "", 3, False),
    ]


async def test_a_job_out_of_retries_is_dead_with_its_reason(way: Way) -> None:
    """The list of the dead has the provider's code, a sentence and a fingerprint."""
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka", "fcm")
    conversation = await way.add_conversation(mia, leo)
    way.providers.fcm.script.add(Fail(503, "UNAVAILABLE"))
    await send_message(way.connection, conversation, mia.user_id, leo.user_id, "Hello")
    await way.fetch("update procrastinate.procrastinate_jobs set attempts = 7")

    await way.start_worker()
    await way.wait_until_settled()

    dead = await way.fetch(
        "select kind, attempts, code, error, length(fingerprint) from gtr_jobs.dead_jobs"
    )
    assert dead == [("message", 8, "UNAVAILABLE", "fcm failed in every attempt", 16)]
    assert await way.deliveries() == [("fcm", "failed", "retry", "UNAVAILABLE", 1, False)]


async def test_one_trace_id_leads_from_the_api_call_to_the_providers_answer(way: Way) -> None:
    """The traceparent of the request that wrote the row is in the worker's log and in the ledger."""
    mia = await way.add_person("mia", "Mia Rossi")
    leo = await way.add_person("leo", "Leo Tanaka", "apns")
    conversation = await way.add_conversation(mia, leo)
    worker = await way.start_worker()

    headers = {"Traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01"}
    async with as_user(way.connection, mia.user_id, headers=headers):
        await send_message(way.connection, conversation, mia.user_id, leo.user_id, "Hello")
    (record,) = await way.wait_for_records(worker, 1, event="push.attempted")
    await way.wait_until_settled()

    known: dict[str, Any] = {
        name: record[name] for name in ("trace_id", "provider", "outcome", "kind", "code")
    }
    assert known == {
        "trace_id": TRACE_ID,
        "provider": "apns",
        "outcome": "accepted",
        "kind": "message",
        "code": "",
    }
    rows = await way.fetch("select trace_id, dedupe_key::text from gtr_jobs.deliveries")
    assert rows == [(TRACE_ID, record["delivery"])]
    # What Apple is told as the message's id is the delivery's own name.
    (entry,) = way.providers.ledger.entries()
    assert entry.headers["apns-id"] == record["delivery"]


async def test_nothing_of_people_reaches_log_queue_metrics_or_history(way: Way) -> None:
    """Names, texts and tokens are found nowhere but in the app's own tables."""
    canary = "canaryzebra"
    mia = await way.add_person("mia", f"Mia {canary}")
    leo = await way.add_person("leo", "Leo Tanaka", "fcm", "apns", "expo")
    conversation = await way.add_conversation(mia, leo)
    way.providers.expo.script.add(Fail(503, "SERVICE_UNAVAILABLE"))
    way.providers.fcm.script.add(Fail(400, "INVALID_ARGUMENT"))
    worker = await way.start_worker(GTR_LOG_LEVEL="debug")

    await send_message(way.connection, conversation, mia.user_id, leo.user_id, f"Hi {canary}")
    await way.skip_waits()
    await way.wait_until_settled()
    await worker.stop()

    secrets = [canary, *leo.tokens.values()]
    kept = await way.fetch(
        "select to_jsonb(t)::text from gtr_jobs.deliveries as t"
        " union all select to_jsonb(t)::text from gtr_jobs.job_history as t"
        " union all select to_jsonb(t)::text from gtr_jobs.dead_jobs as t"
        " union all select to_jsonb(t)::text from gtr_jobs.devices as t"
        " union all select to_jsonb(t)::text from procrastinate.procrastinate_jobs as t"
    )
    for place in (*worker.log, *(row for (row,) in kept)):
        assert not [secret for secret in secrets if secret in place]


def _without_thread(shown: Shown) -> Shown:
    return Shown(shown.title, shown.body, shown.badge, "", shown.collapse_id, shown.url)
