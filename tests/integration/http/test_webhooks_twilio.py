"""What Twilio reports, by real HTTP: signed, written once, and answered as Twilio wants it."""

from __future__ import annotations

import asyncio
from typing import Literal
from uuid import UUID

import psycopg
import pytest
from support.webhooks import (
    OTHER_TOKEN,
    PHONE,
    SID,
    STATUS,
    TOKEN,
    Pairs,
    serve_pages,
    status_pairs,
    twilio_request,
)

from gtr_jobs.domain.delivery_report import DeliveryReport
from gtr_jobs.http.webhooks import gate

DELIVERY = "5b0c1c52-8f0a-4f0e-9a57-0123456789ab"


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
        answers = {(await served.client.post(**request)).status_code for _ in range(200)}

        assert answers == {204}
        assert len(served.reports.calls) == 1
        assert served.counted("twilio_status", "repeated") == 199


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


async def test_a_database_that_says_nothing_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor is its statement, which takes longer to be given up: Twilio waits fifteen seconds in all."""
    monkeypatch.setattr(gate.GateRules, "__init__", _with_short_answers)
    async with serve_pages() as served:
        served.reports.hold = StubbornEvent()
        answer = await served.client.post(**twilio_request(STATUS, status_pairs()))
        served.reports.hold.set()

        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")


class StubbornEvent(asyncio.Event):
    """Waited for once more by whoever is told to wait no longer."""

    async def wait(self) -> Literal[True]:
        """Wait, also after a cancellation."""
        try:
            return await super().wait()
        except asyncio.CancelledError:
            await super().wait()
            raise


def _with_short_answers(self: gate.GateRules, **rules: object) -> None:
    for name in gate.GateRules.__slots__:
        value = rules.get(name, gate.GateRules.__dataclass_fields__[name].default)
        object.__setattr__(self, name, 0.2 if name == "answer_seconds" else value)


async def test_a_fault_of_ours_is_an_answer_too(capfd: pytest.CaptureFixture[str]) -> None:
    """And its text, which may hold anything, goes nowhere."""
    async with serve_pages() as served:
        served.reports.error = RuntimeError(f"no row for {PHONE}")
        answer = await served.client.post(**twilio_request(STATUS, status_pairs()))

        assert (answer.status_code, answer.content) == (500, b"")
    assert PHONE not in "".join(capfd.readouterr())


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
