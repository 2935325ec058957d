"""Whatever is sent, it is read or refused, and nothing fails in another way."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers
from support.webhooks import LINK_SECRET, PUBLIC_URL, SECRET, TOKEN, RecordingReports

from gtr_jobs.domain.keywords import KEYWORDS, read_keyword
from gtr_jobs.domain.unsubscribe import UnsubscribeLinks
from gtr_jobs.http.webhooks.books import Books
from gtr_jobs.http.webhooks.email_events import read_events
from gtr_jobs.http.webhooks.page import Asked, RefusedError
from gtr_jobs.http.webhooks.sms import SmsReports
from gtr_jobs.http.webhooks.standard_signature import StandardSignature
from gtr_jobs.http.webhooks.twilio_signature import TwilioSignature
from gtr_jobs.observe.logs import get_logger
from gtr_jobs.observe.metrics import Metrics

_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=12,
)
_EVENT_KEYS = (
    "type address permanent message_id code at data events provider status delivery_id price currency "
    "from body to bounce"
)
_EVENTS = st.dictionaries(
    st.sampled_from(_EVENT_KEYS.split()),
    _JSON | st.sampled_from(["bounce", "complaint", "status", "inbound", "plivo", "email.bounced"]),
)
_BODIES = st.binary(max_size=200) | _EVENTS.map(lambda event: json.dumps(event).encode())
# Of headers the server passes on what latin-1 has.
_HEADER_NAMES = (
    "x-twilio-signature x-twilio-webhooks-signature-settings content-type webhook-id "
    "webhook-timestamp webhook-signature svix-id"
)
_HEADERS = st.dictionaries(
    st.sampled_from(_HEADER_NAMES.split()),
    st.text(st.characters(max_codepoint=255), max_size=60)
    | st.sampled_from(["application/json", "1614265330", "v1,abc", "algorithm=HMAC_SHA256"]),
)
_QUERIES = st.text(st.characters(max_codepoint=255), max_size=80)


def _sms_reports() -> SmsReports:
    books = Books(RecordingReports(), Decimal(1), get_logger(), Metrics("0"))
    return SmsReports(StandardSignature([SECRET]), books)


def _end_of(attempt: Callable[[], object]) -> str:
    """Say how something ends; what is not refused in order fails the test."""
    try:
        attempt()
    except RefusedError as refused:
        return f"{refused.status} {refused.result}"
    return "read"


@given(body=_BODIES)
@settings(max_examples=300, deadline=None)
def test_any_body_is_read_or_refused(body: bytes) -> None:
    """As events of e-mails, and of texts."""
    assert _end_of(lambda: read_events(body)) in {"read", "400 unreadable"}
    assert _end_of(lambda: _sms_reports().read(body)) in {"read", "400 unreadable"}


@given(headers=_HEADERS, query=_QUERIES, body=_BODIES)
@settings(max_examples=300, deadline=None)
def test_nothing_is_signed_by_chance(headers: dict[str, Any], query: str, body: bytes) -> None:
    """Neither for Twilio nor for the others."""
    asked = Asked("POST", "/webhooks/twilio/status", query, Headers(headers), body)
    twilio, standard = TwilioSignature(PUBLIC_URL, [TOKEN]), StandardSignature([SECRET])

    def read_twilios() -> None:
        twilio.look_at_head(asked.headers, query)
        twilio.read(asked)

    def check_others() -> None:
        standard.look_at_head(asked.headers)
        standard.check(asked.headers, body)

    assert _end_of(read_twilios)[:3] in {"400", "403"}
    assert _end_of(check_others)[:3] == "403"


@given(query=_QUERIES)
@settings(max_examples=300, deadline=None)
def test_no_link_is_made_by_chance(query: str) -> None:
    """Whatever stands behind the question mark."""
    assert UnsubscribeLinks(PUBLIC_URL, [LINK_SECRET]).read(query) is None


@given(body=st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_a_word_is_one_that_is_listed(body: str) -> None:
    """Or none."""
    assert read_keyword(body) in {None, *KEYWORDS.values()}
