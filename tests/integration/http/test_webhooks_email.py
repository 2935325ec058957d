"""Bounces, complaints and one-click unsubscribing, by real HTTP."""

from __future__ import annotations

import re
import time
from typing import Any
from uuid import UUID

import psycopg
import pytest
from support.webhooks import (
    LINK_SECRET,
    PUBLIC_URL,
    Served,
    email_request,
    serve_pages,
)

from gtr_jobs.domain.delivery_report import DeliveryReport
from gtr_jobs.domain.unsubscribe import UnsubscribeLinks

DELIVERY = UUID("5b0c1c52-8f0a-4f0e-9a57-0123456789ab")
MESSAGE_ID = f"{DELIVERY}@jobs.example.com"
COMPLAINT = {"type": "complaint", "address": "mia@example.org"}
ONE_CLICK = b"List-Unsubscribe=One-Click"
FORM = {"content-type": "application/x-www-form-urlencoded"}


def _link(secret: str = LINK_SECRET) -> str:
    """Make a link as an e-mail has it; what a proxy takes away is taken away."""
    link = UnsubscribeLinks(PUBLIC_URL, [secret]).make(DELIVERY)
    return link.removeprefix(PUBLIC_URL)


async def test_a_bounce_is_written_and_its_address_taken_off() -> None:
    """A complaint beside it too, and a delivery that only its message id names."""
    events = [
        {
            "type": "bounce",
            "permanent": True,
            "address": "mia@example.org",
            "code": "5.1.1",
            "message_id": f"<{MESSAGE_ID}>",
        },
        COMPLAINT,
        {"type": "complaint", "message_id": f"<{MESSAGE_ID}>"},
        {"type": "bounce", "address": "leo@example.org"},
    ]
    async with serve_pages() as served:
        answer = await served.client.post(**email_request({"events": events}))

        assert (answer.status_code, answer.content) == (204, b"")
        assert served.reports.calls == [
            ("suppress", "email", "mia@example.org", "bounced", "smtp"),
            ("record", DeliveryReport("smtp", MESSAGE_ID, DELIVERY, "bounced", "5.1.1")),
            ("suppress", "email", "mia@example.org", "complained", "smtp"),
            ("suppress_recipient", DELIVERY, "complained", "smtp"),
            ("record", DeliveryReport("smtp", MESSAGE_ID, DELIVERY, "complained")),
        ]


async def test_a_webhook_is_written_once() -> None:
    """Its id says which it is."""
    async with serve_pages() as served:
        answers = [
            await served.client.post(**email_request(COMPLAINT, name=name))
            for name in ("msg_1", "msg_1", "msg_2")
        ]

        assert [answer.status_code for answer in answers] == [204, 204, 204]
        assert len(served.reports.calls) == 2


async def test_a_webhook_that_failed_is_written_when_it_comes_again() -> None:
    """Nothing of it counts as done before all of it is."""
    async with serve_pages() as served:
        request = email_request(COMPLAINT)
        served.reports.error = psycopg.OperationalError("the database is away")
        away = await served.client.post(**request)
        served.reports.error = None
        back = await served.client.post(**request)

        assert (away.status_code, back.status_code) == (503, 204)
        assert served.counted("email", "recorded") == 1


@pytest.mark.parametrize(
    ("signing", "result"),
    [
        ({"secret": "x" * 32}, "wrong_signature"),
        ({"ago": 310}, "too_old"),
        ({"ago": -330}, "too_old"),
    ],
)
async def test_a_webhook_that_is_old_or_signed_otherwise_is_refused(
    signing: dict[str, Any], result: str
) -> None:
    """A replay works for five minutes, and changes nothing in them."""
    if "ago" in signing:
        # Of now, and not of when the tests were collected.
        signing = {"at": time.time() - signing["ago"]}
    async with serve_pages() as served:
        answer = await served.client.post(**email_request(COMPLAINT, **signing))

        assert (answer.status_code, served.reports.calls) == (403, [])
        assert served.counted("email", result) == 1


async def test_one_click_takes_the_recipient_off() -> None:
    """As a mail program does it (RFC 8058): a form, no cookie, no further question."""
    async with serve_pages() as served:
        answer = await served.client.post(_link(), content=ONE_CLICK, headers=FORM)

        assert answer.status_code == 200
        assert "You will get no more e-mails from us." in answer.text
        assert served.reports.calls == [("suppress_recipient", DELIVERY, "unsubscribed", "link")]


async def test_one_click_may_come_in_parts() -> None:
    """RFC 8058 lets mail programs send multipart/form-data."""
    async with serve_pages() as served:
        answer = await served.client.post(_link(), files={"List-Unsubscribe": (None, "One-Click")})

        assert answer.status_code == 200
        assert len(served.reports.calls) == 1


async def test_looking_at_a_link_changes_nothing() -> None:
    """Programs that search mail for malice follow links; the page has a button for people."""
    async with serve_pages() as served:
        answer = await served.client.get(_link())
        head = await served.client.head(_link())

        assert (answer.status_code, head.status_code) == (200, 200)
        assert served.reports.calls == []
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"


async def test_the_button_of_the_page_does_what_one_click_does() -> None:
    """It posts to where the page was, with its query."""
    async with serve_pages() as served:
        page = (await served.client.get(_link())).text
        fields = dict(re.findall(r'name="([^"]+)" value="([^"]+)"', page))

        assert re.search(r"<form[^>]*action", page) is None
        answer = await served.client.post(_link(), data=fields)
        assert (answer.status_code, len(served.reports.calls)) == (200, 1)


async def test_the_page_speaks_german_too() -> None:
    """To whoever asks in it."""
    async with serve_pages() as served:
        answer = await served.client.get(_link(), headers={"accept-language": "de-AT,de;q=0.9"})

        assert "Abmelden" in answer.text


async def _post(served: Served, link: str, content: bytes = ONE_CLICK) -> int:
    return (await served.client.post(link, content=content, headers=FORM)).status_code


async def test_a_link_that_we_did_not_make_takes_nobody_off() -> None:
    """Nor does a post that is no click."""
    async with serve_pages() as served:
        forged = _link("x" * 32)
        answers = [
            await _post(served, forged),
            await _post(served, "/unsubscribe"),
            await _post(served, _link(), b"List-Unsubscribe=Perhaps"),
            await _post(served, _link(), b""),
            (await served.client.get(forged)).status_code,
        ]

        assert answers == [403, 403, 400, 400, 404]
        assert served.reports.calls == []


async def test_a_link_of_a_delivery_that_nobody_knows_any_more_says_so() -> None:
    """Nobody is told that they are off a list on which they stay."""
    async with serve_pages() as served:
        served.reports.is_known = False
        answer = await served.client.post(_link(), content=ONE_CLICK, headers=FORM)

        assert answer.status_code == 404
        assert "This link does not work." in answer.text
