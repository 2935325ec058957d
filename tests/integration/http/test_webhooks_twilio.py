"""What Twilio reports, by real HTTP: signed, written once, and answered as Twilio wants it."""

from __future__ import annotations

from uuid import UUID

import psycopg
import pytest
from support.webhooks import (
    INBOUND,
    OTHER_TOKEN,
    PHONE,
    SID,
    STATUS,
    TOKEN,
    Pairs,
    inbound_pairs,
    serve_pages,
    status_pairs,
    twilio_request,
)

from gtr_jobs.domain.delivery_report import DeliveryReport

DELIVERY = "5b0c1c52-8f0a-4f0e-9a57-0123456789ab"
HELP = (
    "These are messages from garage. Write STOP to get no more. Message and data rates may apply."
)
NOTHING_SAID = '<?xml version="1.0" encoding="UTF-8"?><Response />'


@pytest.mark.parametrize(
    ("path", "pairs", "report"),
    [
        (
            f"{STATUS}?d={DELIVERY}",
            status_pairs("delivered"),
            DeliveryReport("twilio", SID, UUID(DELIVERY), "delivered"),
        ),
        (
            f"{STATUS}?d={DELIVERY}",
            status_pairs("undelivered", ErrorCode="30006"),
            DeliveryReport("twilio", SID, UUID(DELIVERY), "undelivered", "30006"),
        ),
        (STATUS, status_pairs("sent"), DeliveryReport("twilio", SID, None, "sent")),
        (f"{STATUS}?d=1", status_pairs("sent"), DeliveryReport("twilio", SID, None, "sent")),
        (
            STATUS,
            [("SmsSid", SID), ("SmsStatus", "sent")],
            DeliveryReport("twilio", SID, None, "sent"),
        ),
        (STATUS, status_pairs("teleported"), DeliveryReport("twilio", SID, None, "teleported")),
    ],
)
async def test_a_report_is_written(path: str, pairs: Pairs, report: DeliveryReport) -> None:
    """With our delivery where its address names it, and with a word that nobody knows yet."""
    async with serve_pages() as served:
        answer = await served.client.post(**twilio_request(path, pairs))

        assert (answer.status_code, answer.content) == (204, b"")
        assert served.reports.calls == [("record", report)]
        assert served.counted("twilio_status", "recorded") == 1


@pytest.mark.parametrize("token", [TOKEN, OTHER_TOKEN])
async def test_two_tokens_are_valid_while_one_takes_the_place_of_the_other(token: str) -> None:
    """Twilio signs with the one until it is told to sign with the other."""
    async with serve_pages(twilio_auth_token_other=OTHER_TOKEN) as served:
        answer = await served.client.post(**twilio_request(STATUS, status_pairs(), token))

        assert answer.status_code == 204


async def test_only_the_configured_address_counts() -> None:
    """Whatever host, scheme and port the request came to: a proxy changes them, and strangers write them."""
    async with serve_pages() as served:
        fine = twilio_request(STATUS, status_pairs())
        fine["headers"] |= {
            "host": "evil.example:8080",
            "x-forwarded-host": "evil.example",
            "x-forwarded-proto": "http",
        }
        wrong = twilio_request(STATUS, status_pairs(), url=served.url)

        answers = [await served.client.post(**request) for request in (fine, wrong)]
        assert [answer.status_code for answer in answers] == [204, 403]


@pytest.mark.parametrize(
    ("change", "status", "result"),
    [
        ({"x-twilio-signature": ""}, 403, "no_signature"),
        ({"x-twilio-signature": "AAAA"}, 403, "wrong_signature"),
        ({"content-type": "text/plain"}, 415, "wrong_content_type"),
        ({"content-type": ""}, 415, "wrong_content_type"),
        ({"content-encoding": "gzip"}, 415, "wrong_content_encoding"),
        ({"content-type": "application/json"}, 400, "no_body_hash"),
    ],
)
async def test_what_is_not_as_twilio_sends_it_is_refused(
    change: dict[str, str], status: int, result: str
) -> None:
    """With an empty answer, and without a word to the database."""
    async with serve_pages() as served:
        request = twilio_request(STATUS, status_pairs())
        request["headers"] |= change
        answer = await served.client.post(**request)

        assert (answer.status_code, answer.content) == (status, b"")
        assert served.reports.calls == []
        assert served.counted("twilio_status", result) == 1


async def test_a_request_signed_with_another_token_is_refused() -> None:
    """Its body was never looked into."""
    async with serve_pages() as served:
        answer = await served.client.post(**twilio_request(STATUS, status_pairs(), OTHER_TOKEN))

        assert answer.status_code == 403
        assert served.reports.calls == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "HEAD"])
async def test_another_method_is_refused(method: str) -> None:
    """And told which there is."""
    async with serve_pages() as served:
        answer = await served.client.request(method, STATUS)

        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "pairs",
    [
        status_pairs(sid="SM123"),
        status_pairs(sid=""),
        status_pairs(status=""),
        status_pairs(status="two words"),
    ],
)
async def test_a_signed_report_that_says_nothing_is_refused(pairs: Pairs) -> None:
    """It can only be ours to mend."""
    async with serve_pages() as served:
        answer = await served.client.post(**twilio_request(STATUS, pairs))

        assert answer.status_code == 400
        assert served.reports.calls == []


async def test_replays_write_once() -> None:
    """A signature has no time in it: whoever saw a request can send it for ever."""
    async with serve_pages() as served:
        request = twilio_request(f"{STATUS}?d={DELIVERY}", status_pairs())
        answers = {(await served.client.post(**request)).status_code for _ in range(1000)}

        assert answers == {204}
        assert len(served.reports.calls) == 1
        assert served.counted("twilio_status", "repeated") == 999


async def test_a_database_that_is_away_has_twilio_come_again() -> None:
    """The report is written then."""
    async with serve_pages() as served:
        request = twilio_request(STATUS, status_pairs())
        served.reports.error = psycopg.OperationalError("the database is away")
        away = await served.client.post(**request)
        served.reports.error = None
        back = await served.client.post(**request)

        assert (away.status_code, away.headers["retry-after"]) == (503, "30")
        assert back.status_code == 204
        assert served.counted("twilio_status", "database_away") == 1


async def test_a_fault_of_ours_is_an_answer_too(capfd: pytest.CaptureFixture[str]) -> None:
    """And its text, which may hold anything, goes nowhere."""
    async with serve_pages() as served:
        served.reports.error = RuntimeError(f"no row for {PHONE}")
        answer = await served.client.post(**twilio_request(STATUS, status_pairs()))

        assert (answer.status_code, answer.content) == (500, b"")
    assert PHONE not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("pairs", "calls"),
    [
        (inbound_pairs("Stop"), [("suppress", "sms", PHONE, "unsubscribed", "twilio")]),
        (
            inbound_pairs("ALTO", OptOutType="STOP"),
            [("suppress", "sms", PHONE, "unsubscribed", "twilio")],
        ),
        (
            inbound_pairs("Genug davon", OptOutType="STOP"),
            [("suppress", "sms", PHONE, "unsubscribed", "twilio")],
        ),
        (inbound_pairs("unstop"), [("unsuppress", "sms", PHONE, "unsubscribed")]),
        (inbound_pairs("HELP"), []),
        (inbound_pairs("When do you stop?"), []),
        (inbound_pairs(""), []),
        (inbound_pairs("STOP", From="whatsapp:+14155550123"), []),
        (inbound_pairs("STOP", From="32665"), []),
    ],
)
async def test_what_somebody_wrote_is_done(pairs: Pairs, calls: list[tuple[str, ...]]) -> None:
    """STOP and START change who is written to; Twilio says the words, and nothing is said here."""
    async with serve_pages() as served:
        answer = await served.client.post(**twilio_request(INBOUND, pairs))

        assert (answer.status_code, answer.text) == (200, NOTHING_SAID)
        assert answer.headers["content-type"] == "application/xml"
        assert served.reports.calls == calls


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("STOP", "You will get no more messages from garage. Write START to get them again."),
        ("START", "You will get messages from garage again. Write STOP to get no more."),
        ("HELP", HELP),
    ],
)
async def test_words_are_answered_where_that_is_asked(body: str, words: str) -> None:
    """For accounts in which Twilio's own answers were turned off."""
    async with serve_pages(twilio_replies=True, project="garage") as served:
        answer = await served.client.post(**twilio_request(INBOUND, inbound_pairs(body)))

        assert answer.text == (
            f'<?xml version="1.0" encoding="UTF-8"?><Response><Message>{words}</Message></Response>'
        )


async def test_a_word_that_twilio_answered_is_not_answered_twice() -> None:
    """It says so itself."""
    async with serve_pages(twilio_replies=True, project="garage") as served:
        pairs = inbound_pairs("STOP", OptOutType="STOP")
        answer = await served.client.post(**twilio_request(INBOUND, pairs))

        assert answer.text == NOTHING_SAID


async def test_stop_is_not_lost_while_the_database_is_away() -> None:
    """Twilio is told that it was not heard."""
    async with serve_pages() as served:
        served.reports.error = psycopg.OperationalError("the database is away")
        answer = await served.client.post(**twilio_request(INBOUND, inbound_pairs("STOP")))

        assert answer.status_code == 503


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ({}, 403),
        ({"x-forwarded-for": "203.0.113.9"}, 204),
        ({"x-forwarded-for": "203.0.113.9, 198.51.100.1"}, 403),
        ({"x-forwarded-for": "rubbish"}, 403),
    ],
)
async def test_only_networks_that_are_named_come_in(header: dict[str, str], status: int) -> None:
    """As a trusted proxy names who asks."""
    async with serve_pages(
        webhook_networks="203.0.113.0/24", webhook_proxy_header="x-forwarded-for"
    ) as served:
        request = twilio_request(STATUS, status_pairs())
        request["headers"] |= header
        assert (await served.client.post(**request)).status_code == status


async def test_a_header_is_not_believed_unless_that_was_said() -> None:
    """Anybody can write one."""
    async with serve_pages(webhook_networks="203.0.113.0/24") as served:
        request = twilio_request(STATUS, status_pairs())
        request["headers"] |= {"x-forwarded-for": "203.0.113.9"}
        assert (await served.client.post(**request)).status_code == 403


async def test_a_page_that_is_not_turned_on_is_not_there() -> None:
    """Nothing is served that has no secret."""
    async with serve_pages(twilio_auth_token=None) as served:
        answer = await served.client.post(**twilio_request(STATUS, status_pairs()))

        assert answer.status_code == 404
