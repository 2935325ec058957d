"""Stands in for Plivo's API of messages: create, list and fetch, and the reports that follow."""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from gtr_jobs.dev.standins.callbacks import Callbacks
from gtr_jobs.dev.standins.exchange import Answer, Request, Respond, respond_json
from gtr_jobs.dev.standins.ledger import Ledger
from gtr_jobs.dev.standins.script import Fail
from gtr_jobs.dev.standins.standin import StandIn
from gtr_jobs.dev.standins.tls import ThrowawayAuthority
from gtr_jobs.domain.segments import count_segments

_LIST = re.compile(r"/v1/Account/([A-Z0-9]+)/Message/")
_ONE = re.compile(r"/v1/Account/([A-Z0-9]+)/Message/([0-9a-f-]+)/")
_NUMBER = re.compile(r"\+?[1-9][0-9]{6,14}", re.ASCII)
_LARGEST_PAGE = 20
_EXPIRY = range(5, 10_800)


@dataclass(slots=True)
class PlivoMessage:
    """One message.

    Args:
        fields: What was asked for.
        name: Its UUID.
        state: Where it is on its way.
        error_code: Why it did not arrive; 000 where it did.
        created: When it was accepted.
        amount: What it cost.
    """

    fields: Mapping[str, Any] = field(repr=False)
    name: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = "queued"
    error_code: str | None = None
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    amount: Decimal = Decimal(0)

    def describe(self, account: str) -> dict[str, Any]:
        """Write it as the API does."""
        return {
            "error_code": self.error_code,
            "from_number": str(self.fields["src"]).lstrip("+"),
            "message_direction": "outbound",
            "message_state": self.state,
            "message_time": self.created.strftime("%Y-%m-%d %H:%M:%S.%f+00:00"),
            "message_type": "sms",
            "message_uuid": self.name,
            "resource_uri": f"/v1/Account/{account}/Message/{self.name}/",
            "to_number": str(self.fields["dst"]).lstrip("+"),
            "total_amount": f"{self.amount:.5f}",
            "total_rate": "0.00500",
            "units": count_segments(str(self.fields["text"])).count,
        }


class PlivoStandIn(StandIn):
    """Plivo as api.plivo.com answers it.

    A script for a token is one for a number.

    Args:
        authority: Issues its certificate.
        ledger: Where acceptances go.
        port: Where to listen.

    Attributes:
        account: The account that it knows.
        auth_token: Its secret.
        messages: What was accepted, oldest first.
        callbacks: What is posted to us.
    """

    def __init__(self, authority: ThrowawayAuthority, ledger: Ledger, port: int = 0) -> None:
        super().__init__(authority, port)
        self._ledger = ledger
        self.account = f"MA{secrets.token_hex(9).upper()}"
        self.auth_token = secrets.token_urlsafe(30)
        self.messages: dict[str, PlivoMessage] = {}
        self.callbacks = Callbacks()

    async def stop(self) -> None:
        """Refuse connections, and post nothing more."""
        await super().stop()
        await self.callbacks.close()

    def reset(self) -> None:
        """Forget the script, the counts and the messages; the login stays good."""
        super().reset()
        self.messages.clear()

    def answer(self, request: Request) -> Answer:
        """Answer a request to create, list or fetch messages."""
        target = urlsplit(request.path)
        found = _LIST.fullmatch(target.path) or _ONE.fullmatch(target.path)
        if found is None:
            return _refuse(404, "not found")
        if not self._is_signed_in(request, found[1]):
            return Respond(401, b"Could not verify your access level for that URL.")
        if request.method == "POST" and found.re is _LIST:
            return self._answer_create(request)
        if request.method != "GET":
            return _refuse(405, "method not allowed")
        return (
            self._list(dict(parse_qsl(target.query)))
            if found.re is _LIST
            else self._fetch(found[2])
        )

    def refuse(self, failure: Fail, request: Request) -> Respond:
        """Put a scripted failure into Plivo's words."""
        del request
        return _refuse(failure.status, failure.reason, failure.headers)

    def move(self, name: str, state: str, *, error_code: str | None = None) -> None:
        """Move a message on without a word."""
        message = self.messages[name]
        message.state, message.error_code = state, error_code
        message.amount = Decimal("0.005") * count_segments(str(message.fields["text"])).count

    async def report(self, name: str, state: str, *, error_code: str | None = None) -> int | None:
        """Move a message on and report it to the address that its sender gave.

        Returns:
            What came back; None where no address was given.
        """
        self.move(name, state, error_code=error_code)
        message = self.messages[name]
        url = message.fields.get("url")
        if url is None:
            return None
        form = {
            "From": str(message.fields["src"]).lstrip("+"),
            "To": str(message.fields["dst"]).lstrip("+"),
            "Status": state,
            "MessageUUID": name,
            "Units": str(count_segments(str(message.fields["text"])).count),
            "TotalAmount": f"{message.amount:.5f}",
            "ErrorCode": error_code or "",
        }
        return await self.callbacks.post(str(url), form, {"user-agent": "Plivo"})

    def _is_signed_in(self, request: Request, account: str) -> bool:
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        try:
            login = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        expected = f"{self.account}:{self.auth_token}"
        return scheme.lower() == "basic" and account == self.account and login == expected

    def _answer_create(self, request: Request) -> Answer:
        try:
            fields = json.loads(request.body)
        except ValueError:
            return _refuse(400, "invalid JSON")
        if not isinstance(fields, dict):
            return _refuse(400, "invalid JSON")
        scripted = self.script.take_for(str(fields.get("dst", "")))
        return self.play(scripted, request, lambda: self._create(request, fields))

    def _create(self, request: Request, fields: dict[str, Any]) -> Respond:
        fault = _find_fault(fields)
        if fault:
            return _refuse(400, fault)
        message = PlivoMessage(fields)
        self.messages[message.name] = message
        self._ledger.record("plivo", fields["dst"], message.name, fields, request.headers)
        return respond_json(
            202,
            {
                "api_id": str(uuid.uuid4()),
                "message": "message(s) queued",
                "message_uuid": [message.name],
            },
        )

    def _list(self, query: Mapping[str, str]) -> Respond:
        limit, offset = query.get("limit", "20"), query.get("offset", "0")
        if not (limit.isdecimal() and offset.isdecimal() and 1 <= int(limit) <= _LARGEST_PAGE):
            return _refuse(400, "limit should be between 1 and 20")
        after = datetime.fromisoformat(query.get("message_time__gte", "1970-01-01")).replace(
            tzinfo=UTC
        )
        to = query.get("to_number")
        found = [
            message
            for message in reversed(self.messages.values())
            if message.created >= after and to in {None, message.fields["dst"]}
        ]
        start = int(offset)
        shown = found[start : start + int(limit)]
        return respond_json(
            200,
            {
                "api_id": str(uuid.uuid4()),
                "meta": {"limit": int(limit), "offset": start, "next": None, "previous": None},
                "objects": [message.describe(self.account) for message in shown],
            },
        )

    def _fetch(self, name: str) -> Respond:
        message = self.messages.get(name)
        if message is None:
            return _refuse(404, "not found")
        described = message.describe(self.account)
        return respond_json(200, {"api_id": str(uuid.uuid4()), **described})


def _refuse(status: int, error: str, headers: Mapping[str, str] | None = None) -> Respond:
    return respond_json(status, {"api_id": str(uuid.uuid4()), "error": error}, headers)


def _find_fault(fields: Mapping[str, Any]) -> str:
    """Give the sentence that a message is refused with; empty where it is taken."""
    if not fields.get("text"):
        return "text is a required parameter"
    if not fields.get("src"):
        return "src or powerpack_uuid is a required parameter"
    dst = fields.get("dst")
    if not (isinstance(dst, str) and _NUMBER.fullmatch(dst)):
        return "dst parameter is not valid"
    if fields.get("message_expiry", 5) not in _EXPIRY:
        return "message_expiry should be between 5 and 10799"
    return ""
