"""What Twilio reports: what became of a text message, and what somebody wrote back."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import ClassVar
from urllib.parse import parse_qs
from uuid import UUID

from starlette.datastructures import Headers
from starlette.responses import Response
from twilio.twiml.messaging_response import MessagingResponse

from gtr_jobs.domain.delivery_report import DeliveryReport, read_error_code, read_status
from gtr_jobs.domain.keywords import Keyword, read_keyword
from gtr_jobs.domain.phone import PhoneError, parse_phone
from gtr_jobs.domain.sms import DELIVERY_PARAMETER
from gtr_jobs.http.webhooks.books import Books
from gtr_jobs.http.webhooks.page import Answer, Asked, RefusedError
from gtr_jobs.http.webhooks.twilio_signature import FORM, JSON, TwilioSignature

PROVIDER = "twilio"
# The reason that a person's own STOP is kept under, and the only one that START takes away.
STOP_REASON = "unsubscribed"

_SID = re.compile(r"[A-Z]{2}[0-9a-f]{32}")

Say = Callable[[Keyword], str | None]


class TwilioStatus:
    """`/webhooks/twilio/status`: a message that we sent has come to a new state.

    Args:
        signature: Says whether Twilio asks.
        books: Where it is written.
    """

    name: ClassVar[str] = "twilio_status"
    path: ClassVar[str] = "/webhooks/twilio/status"
    methods: ClassVar[Mapping[str, frozenset[str]]] = {"POST": frozenset({FORM, JSON})}
    is_for_providers: ClassVar[bool] = True

    def __init__(self, signature: TwilioSignature, books: Books) -> None:
        self._signature = signature
        self._books = books

    def look_at_head(self, method: str, headers: Headers, query: str) -> None:  # noqa: ARG002  (a page's)
        """Refuse what has no signature."""
        self._signature.look_at_head(headers, query)

    async def answer(self, asked: Asked) -> Answer:
        """Write it down, once, and never a step back."""
        fields = self._signature.read(asked)
        sid = fields.get("MessageSid") or fields.get("SmsSid") or ""
        status = read_status(fields.get("MessageStatus") or fields.get("SmsStatus") or "")
        if _SID.fullmatch(sid) is None or status is None:
            raise RefusedError(400, "unreadable")
        fate = await self._books.record(
            DeliveryReport(
                provider=PROVIDER,
                provider_id=sid,
                delivery_id=_read_delivery(asked.query),
                status=status,
                error_code=read_error_code(fields.get("ErrorCode")),
            )
        )
        return Answer(Response(status_code=204), fate)


class TwilioInbound:
    """`/webhooks/twilio/inbound`: somebody wrote to one of our numbers.

    What they wrote is read for STOP, START and HELP, and kept nowhere.

    Args:
        signature: Says whether Twilio asks.
        books: Where it is written.
        say: What is answered in words, if anything.
    """

    name: ClassVar[str] = "twilio_inbound"
    path: ClassVar[str] = "/webhooks/twilio/inbound"
    methods: ClassVar[Mapping[str, frozenset[str]]] = {"POST": frozenset({FORM, JSON})}
    is_for_providers: ClassVar[bool] = True

    def __init__(self, signature: TwilioSignature, books: Books, say: Say) -> None:
        self._signature = signature
        self._books = books
        self._say = say

    def look_at_head(self, method: str, headers: Headers, query: str) -> None:  # noqa: ARG002  (a page's)
        """Refuse what has no signature."""
        self._signature.look_at_head(headers, query)

    async def answer(self, asked: Asked) -> Answer:
        """Do what the word wants."""
        fields = self._signature.read(asked)
        # Set where Twilio's Advanced Opt-Out knew the word, in whichever language, and has answered it.
        known = (fields.get("OptOutType") or "").lower()
        keyword = read_keyword(known or fields.get("Body") or "")
        if keyword is None:
            return _answer_in_words(None, "other")
        try:
            phone = parse_phone(fields.get("From") or "")
        except PhoneError:
            # Another channel, or a sender that is no number: nothing that we could have sent to.
            return _answer_in_words(None, "other")
        words = None if known else self._say(keyword)
        sid = fields.get("MessageSid") or ""
        if self._books.is_done(self.name, sid):
            # Whoever saw a STOP can send it again for ever: after a START it must not count again.
            return _answer_in_words(words, "repeated")
        match keyword:
            case "stop":
                await self._books.suppress("sms", phone, STOP_REASON, PROVIDER)
            case "start":
                await self._books.unsuppress("sms", phone, STOP_REASON, PROVIDER)
            case "help":
                pass
        if sid:
            self._books.note_done(self.name, sid)
        return _answer_in_words(words, keyword)


def _read_delivery(query: str) -> UUID | None:
    try:
        return UUID(parse_qs(query)[DELIVERY_PARAMETER][0])
    except (KeyError, ValueError):
        return None


def _answer_in_words(words: str | None, result: str) -> Answer:
    twiml = MessagingResponse()
    if words is not None:
        twiml.message(words)
    return Answer(Response(str(twiml), media_type="application/xml"), result)
