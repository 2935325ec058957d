"""Stands in for APNs: `POST /3/device/{token}` over HTTP/2."""

from __future__ import annotations

import json
import uuid
from typing import ClassVar

from gtr_jobs.dev.standins import apns_answers as answers
from gtr_jobs.dev.standins.apns_checks import (
    Refusal,
    bundle_id,
    device_token,
    find_fault,
    find_fault_in_line,
)
from gtr_jobs.dev.standins.apns_tokens import ProviderToken, ProviderTokens
from gtr_jobs.dev.standins.exchange import Answer, Request, Respond
from gtr_jobs.dev.standins.ledger import Ledger
from gtr_jobs.dev.standins.phones import Phones
from gtr_jobs.dev.standins.script import Fail
from gtr_jobs.dev.standins.standin import StandIn
from gtr_jobs.dev.standins.tls import ThrowawayAuthority

# Seen on Apple's servers: one stream until a request has authenticated, then 500 or 1000.
STREAMS_OF_A_STRANGER = 1
STREAMS = 1000


class ApnsStandIn(StandIn):
    """APNs as api.push.apple.com answers; HTTP/1.1 is refused.

    Args:
        authority: Issues its certificate.
        phones: The devices.
        ledger: Where acceptances go.
        port: Where to listen.
        sandbox: Whether to be the development environment.

    Attributes:
        tokens: The signing keys, and how often tokens may change.
        streams_when_known: Requests that an authenticated client may have open at once.
        narrows_after_refusal: Whether a refused push brings the client back to one stream until
            one is accepted, as has been seen on Apple's servers.
    """

    speaks_http1: ClassVar[bool] = False
    streams: ClassVar[int] = STREAMS_OF_A_STRANGER

    def __init__(
        self,
        authority: ThrowawayAuthority,
        phones: Phones,
        ledger: Ledger,
        port: int = 0,
        *,
        sandbox: bool = False,
    ) -> None:
        super().__init__(authority, port)
        self._phones = phones
        self._ledger = ledger
        self._sandbox = sandbox
        self.tokens = ProviderTokens()
        self.streams_when_known = STREAMS
        self.narrows_after_refusal = False

    def answer(self, request: Request) -> Answer:
        """Answer a request to send."""
        apns_id = _name(request)
        if (fault := find_fault_in_line(request)) is not None:
            return fault(apns_id)
        token = self.tokens.check(request)
        if not isinstance(token, ProviderToken):
            return token(apns_id)
        if "streams" not in request.connection.notes:
            self._allow_streams(request, self.streams_when_known)
        scripted = self.script.take_for(device_token(request))
        return self.play(scripted, request, lambda: self._send(request, apns_id, token))

    def refuse(self, failure: Fail, request: Request) -> Respond:
        """Put a scripted failure into Apple's words."""
        return answers.refused(
            failure.status, failure.reason, _name(request), failure.details, failure.headers
        )

    def _send(self, request: Request, apns_id: str, token: ProviderToken) -> Respond:
        fault = find_fault(request) or self._find_fault_with_topic(request, token)
        if fault is not None:
            return self._refuse(request, fault(apns_id))
        if (refusal := self._refuse_device(request, apns_id)) is not None:
            return self._refuse(request, refusal)
        self._allow_streams(request, self.streams_when_known)
        payload = json.loads(request.body)
        self._ledger.record("apns", device_token(request), apns_id, payload, request.headers)
        return answers.accepted(apns_id)

    def _find_fault_with_topic(self, request: Request, token: ProviderToken) -> Refusal | None:
        return None if bundle_id(request) in token.key.topics else answers.topic_disallowed

    def _refuse_device(self, request: Request, apns_id: str) -> Respond | None:
        phone = self._phones.find(device_token(request))
        if phone is None or phone.sandbox not in {None, self._sandbox}:
            return answers.bad_device_token(apns_id)
        if not phone.belongs_to(bundle_id(request)):
            return answers.device_token_not_for_topic(apns_id)
        if phone.uninstalled_at is not None:
            return answers.unregistered(apns_id, int(phone.uninstalled_at * 1000))
        return None

    def _refuse(self, request: Request, refusal: Respond) -> Respond:
        if self.narrows_after_refusal:
            self._allow_streams(request, STREAMS_OF_A_STRANGER)
        return refusal

    def _allow_streams(self, request: Request, maximum: int) -> None:
        """Tell the client once, not with every request."""
        notes = request.connection.notes
        if notes.get("streams") != maximum:
            notes["streams"] = maximum
            request.connection.allow_streams(maximum)


def _name(request: Request) -> str:
    """Give the message's id: the sender's, or one of Apple's making."""
    return request.headers.get("apns-id") or str(uuid.uuid4()).upper()
