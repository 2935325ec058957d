"""Stands in for Twilio's API of messages: create, list and fetch, and the reports that follow."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import time
from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

from gtr_jobs.dev.standins import twilio_answers as answers
from gtr_jobs.dev.standins.callbacks import Callbacks
from gtr_jobs.dev.standins.exchange import Answer, Request, Respond, respond_json
from gtr_jobs.dev.standins.ledger import Ledger
from gtr_jobs.dev.standins.script import ACCEPT, Fail
from gtr_jobs.dev.standins.standin import StandIn
from gtr_jobs.dev.standins.tls import ThrowawayAuthority
from gtr_jobs.dev.standins.twilio_messages import TwilioMessage

# What the listing of messages has its script under: no number.
LISTING = "list"

_LIST = re.compile(rf"/{answers.API}/Accounts/(AC[0-9a-f]{{32}})/Messages\.json")
_ONE = re.compile(rf"/{answers.API}/Accounts/(AC[0-9a-f]{{32}})/Messages/([A-Z0-9a-z]+)\.json")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_SERVICE = re.compile(r"MG[0-9a-f]{32}", re.ASCII)
_LONGEST_BODY = 1600
_LONGEST_VALIDITY = 36_000
_DEFAULT_PAGE = 50
_LARGEST_PAGE = 1000


class TwilioStandIn(StandIn):
    """Twilio as api.twilio.com answers it.

    A script for a token is one for a number, and one for `LISTING` is for the list of messages. `Fail(400, "21610")` is refused with that code.

    Args:
        authority: Issues its certificate.
        ledger: Where acceptances go.
        port: Where to listen.

    Attributes:
        account: The account that it knows.
        auth_token: The account's token: signs in, and signs what the account is told.
        keys: API keys and their secrets.
        messages: What was accepted, oldest first.
        refusals: Numbers, and the codes that messages to them are refused with.
        senders: The account's numbers; empty for any.
        price: What a segment costs.
        list_lag: Seconds until an accepted message is listed.
        callbacks: What is posted to us.
    """

    def __init__(self, authority: ThrowawayAuthority, ledger: Ledger, port: int = 0) -> None:
        super().__init__(authority, port)
        self._ledger = ledger
        self._listed_at: dict[str, float] = {}
        self.account = f"AC{secrets.token_hex(16)}"
        self.auth_token = secrets.token_hex(16)
        self.keys: dict[str, str] = {}
        self.messages: dict[str, TwilioMessage] = {}
        self.refusals: dict[str, int] = {}
        self.senders: set[str] = set()
        self.price = Decimal("0.0079")
        self.list_lag = 0.0
        self.callbacks = Callbacks()

    async def stop(self) -> None:
        """Refuse connections, and post nothing more."""
        await super().stop()
        await self.callbacks.close()

    def reset(self) -> None:
        """Forget the script, the counts and the messages; logins stay good."""
        super().reset()
        self.messages.clear()
        self._listed_at.clear()
        self.refusals.clear()
        self.senders.clear()
        self.list_lag = 0.0

    def add_key(self) -> tuple[str, str]:
        """Make an API key; give its SID and its secret."""
        sid, secret = f"SK{secrets.token_hex(16)}", secrets.token_urlsafe(24)
        self.keys[sid] = secret
        return sid, secret

    def answer(self, request: Request) -> Answer:
        """Answer a request to create, list or fetch messages."""
        target = urlsplit(request.path)
        found = _LIST.fullmatch(target.path) or _ONE.fullmatch(target.path)
        if found is None:
            return answers.refused(404, 20404)
        if not self._is_signed_in(request, found[1]):
            return answers.refused(401, 20003)
        if request.method == "POST" and found.re is _LIST:
            return self._answer_create(request)
        if request.method != "GET":
            return answers.refused(405, 20004)
        query = dict(parse_qsl(target.query))
        if found.re is _LIST:
            return self.play(
                self.script.take_own(LISTING) or ACCEPT,
                request,
                lambda: self._list(target.path, query),
            )
        return self._fetch(found[2])

    def refuse(self, failure: Fail, request: Request) -> Respond:
        """Put a scripted failure into Twilio's words."""
        del request
        return answers.refused(failure.status, int(failure.reason), failure.headers)

    async def report(
        self, sid: str, status: str, *, error_code: int | None = None, token: str | None = None
    ) -> int | None:
        """Move a message on and report it to the address that its sender gave.

        Args:
            sid: Which message.
            status: Where it is now.
            error_code: Why it did not arrive.
            token: What the report is signed with; the account's token by default.

        Returns:
            What came back; None where no address was given.
        """
        message = self.messages[sid]
        self.move(sid, status, error_code=error_code)
        url = message.form.get("StatusCallback")
        if url is None:
            return None
        return await self.callbacks.post_as_twilio(
            url, self.report_form(sid), token or self.auth_token
        )

    def move(self, sid: str, status: str, *, error_code: int | None = None) -> None:
        """Move a message on without a word."""
        message = self.messages[sid]
        message.status, message.error_code = status, error_code
        if status not in {"queued", "accepted", "sending"}:
            message.sent = message.sent or message.created
            message.price = self.price * message.segments

    def report_form(self, sid: str) -> dict[str, str]:
        """Write the report of where a message is."""
        message = self.messages[sid]
        form = {
            "MessageSid": sid,
            "SmsSid": sid,
            "MessageStatus": message.status,
            "SmsStatus": message.status,
            "AccountSid": message.account,
            "ApiVersion": answers.API,
            "To": message.form["To"],
            "From": message.form.get("From", "+15005550006"),
        }
        if "MessagingServiceSid" in message.form:
            form["MessagingServiceSid"] = message.form["MessagingServiceSid"]
        if message.error_code is not None:
            form["ErrorCode"] = str(message.error_code)
        return form

    async def say(
        self, url: str, body: str, *, sender: str, to: str, extra: Mapping[str, str] | None = None
    ) -> int:
        """Post what somebody wrote to a number of ours; give the status that came back."""
        sid = f"SM{secrets.token_hex(16)}"
        form = {
            "MessageSid": sid,
            "SmsSid": sid,
            "SmsMessageSid": sid,
            "AccountSid": self.account,
            "ApiVersion": answers.API,
            "SmsStatus": "received",
            "NumMedia": "0",
            "NumSegments": "1",
            "From": sender,
            "To": to,
            "Body": body,
            **(extra or {}),
        }
        return await self.callbacks.post_as_twilio(url, form, self.auth_token)

    def _is_signed_in(self, request: Request, account: str) -> bool:
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        try:
            name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        if scheme.lower() != "basic" or account != self.account:
            return False
        return (name, password) == (self.account, self.auth_token) or (
            name in self.keys and self.keys[name] == password
        )

    def _answer_create(self, request: Request) -> Answer:
        try:
            text = request.body.decode()
            form = dict(parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text)))
        except ValueError:
            return answers.refused(400, 20001)
        scripted = self.script.take_for(form.get("To", ""))
        return self.play(scripted, request, lambda: self._create(request, form))

    def _create(self, request: Request, form: dict[str, str]) -> Respond:
        code = self._find_fault(form)
        if code is not None:
            return answers.refused(400, code)
        is_by_service = "MessagingServiceSid" in form
        message = TwilioMessage(
            self.account, form, status="accepted" if is_by_service else "queued"
        )
        self.messages[message.sid] = message
        self._listed_at[message.sid] = time.monotonic() + self.list_lag
        self._ledger.record("twilio", form["To"], message.sid, form, request.headers)
        return respond_json(201, message.describe())

    def _find_fault(self, form: Mapping[str, str]) -> int | None:
        """Give the code that a message is refused with."""
        to, body = form.get("To", ""), form.get("Body", "")
        checks = (
            (not _E164.fullmatch(to), 21211),
            (to in self.refusals, self.refusals.get(to, 0)),
            (not body, 21602),
            (len(body) > _LONGEST_BODY, 21617),
            (not _has_sender(form), 21603),
            ("From" in form and bool(self.senders) and form["From"] not in self.senders, 21606),
            (not _is_validity(form.get("ValidityPeriod")), 20001),
            (not _is_address(form.get("StatusCallback")), 21609),
        )
        return next((code for is_wrong, code in checks if is_wrong), None)

    def _list(self, path: str, query: Mapping[str, str]) -> Respond:
        wanted = {name: query[name] for name in ("To", "From") if name in query}
        size = query.get("PageSize", str(_DEFAULT_PAGE))
        page = query.get("Page", "0")
        if not (size.isdecimal() and 1 <= int(size) <= _LARGEST_PAGE and page.isdecimal()):
            return answers.refused(400, 20001)
        now = time.monotonic()
        records = [
            message.describe()
            for message in reversed(self.messages.values())
            if self._listed_at[message.sid] <= now
            and all(message.form.get(name) == value for name, value in wanted.items())
        ]
        return answers.page_of(path, {**wanted, "PageSize": size}, records, int(page))

    def _fetch(self, sid: str) -> Respond:
        message = self.messages.get(sid)
        if message is None:
            return answers.refused(404, 20404)
        return respond_json(200, message.describe())


def _has_sender(form: Mapping[str, str]) -> bool:
    service = form.get("MessagingServiceSid")
    return bool(form.get("From")) if service is None else bool(_SERVICE.fullmatch(service))


def _is_validity(value: str | None) -> bool:
    return value is None or (value.isdecimal() and 1 <= int(value) <= _LONGEST_VALIDITY)


def _is_address(value: str | None) -> bool:
    if value is None:
        return True
    target = urlsplit(value)
    return target.scheme in {"http", "https"} and bool(target.hostname) and len(value) <= 4000
