"""Stands in for FCM HTTP v1: `POST /v1/projects/{id}/messages:send`."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from gtr_jobs.dev.standins import fcm_answers as answers
from gtr_jobs.dev.standins.exchange import Answer, Request, Respond
from gtr_jobs.dev.standins.fcm_schema import NOTHING, TARGETS, read_send_request
from gtr_jobs.dev.standins.google_oauth import AccessToken, GoogleOAuthStandIn
from gtr_jobs.dev.standins.ledger import Ledger
from gtr_jobs.dev.standins.phones import Phones
from gtr_jobs.dev.standins.proto_json import Violation
from gtr_jobs.dev.standins.script import Fail
from gtr_jobs.dev.standins.standin import StandIn
from gtr_jobs.dev.standins.tls import ThrowawayAuthority

# Either of these lets an access token send (the method's own list of OAuth scopes).
SCOPES = frozenset(
    {
        "https://www.googleapis.com/auth/firebase.messaging",
        "https://www.googleapis.com/auth/cloud-platform",
    }
)
# https://firebase.google.com/docs/cloud-messaging/concept-options: 4 KB, for topics 2 KB.
MAX_PAYLOAD = 4096
MAX_TOPIC_PAYLOAD = 2048
# Four weeks.
MAX_TTL_SECONDS = 2_419_200

_PATH = re.compile(r"/v1/projects/([^/?]+)/messages:send(?:\?.*)?")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{6,}:[A-Za-z0-9_-]{20,}|[A-Za-z0-9_:-]{100,}")
_FID = re.compile(r"[A-Za-z0-9_-]{22}")
# Error code reference of FCM: "a key (such as from, or gcm, or any value prefixed by google) that
# is used internally".
_RESERVED_KEY = re.compile(r"from|message_type|gcm(?:\..*)?|google.*")


class FcmStandIn(StandIn):
    """FCM as fcm.googleapis.com answers.

    Args:
        authority: Issues its certificate.
        oauth: Issues the access tokens that it takes.
        phones: The devices.
        ledger: Where acceptances go.
        port: Where to listen.
    """

    def __init__(
        self,
        authority: ThrowawayAuthority,
        oauth: GoogleOAuthStandIn,
        phones: Phones,
        ledger: Ledger,
        port: int = 0,
    ) -> None:
        super().__init__(authority, port)
        self._oauth = oauth
        self._phones = phones
        self._ledger = ledger

    def answer(self, request: Request) -> Answer:
        """Answer a request to send."""
        path = _PATH.fullmatch(request.path)
        if path is None or request.method != "POST":
            return answers.unknown_path()
        project = path[1]
        token = self._access(request)
        if isinstance(token, Respond):
            return token
        if (refusal := self._refuse_project(project, token)) is not None:
            return refusal
        body = _read_body(request.body)
        if isinstance(body, Respond):
            return body
        target = _target(body.get("message", NOTHING))
        scripted = self.script.take_for(target)
        return self.play(scripted, request, lambda: self._send(project, target, body, request))

    def refuse(self, failure: Fail, request: Request) -> Respond:
        """Put a scripted failure into Google's words."""
        del request
        return answers.fcm_error(
            failure.status, failure.reason, headers=failure.headers, details=failure.details
        )

    def _access(self, request: Request) -> AccessToken | Respond:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not bearer:
            return answers.credentials_missing()
        token = self._oauth.find(bearer)
        if token is None:
            return answers.credentials_invalid()
        if token.is_expired:
            return answers.credentials_expired()
        return token if token.scopes & SCOPES else answers.scope_insufficient()

    def _refuse_project(self, project: str, token: AccessToken) -> Respond | None:
        if project == token.account.project:
            return None
        if project in self._oauth.projects:
            return answers.permission_denied(project)
        return answers.project_not_found()

    def _send(
        self, project: str, target: str, body: Mapping[str, Any], request: Request
    ) -> Respond:
        message: Mapping[str, Any] = body.get("message", NOTHING)
        for check in _CHECKS:
            if (refusal := check(message)) is not None:
                return refusal
        if (refusal := self._refuse_device(message, target, project)) is not None:
            return refusal
        if body.get("validate_only"):
            return answers.accepted(f"projects/{project}/messages/fake_message_id")
        name = f"projects/{project}/messages/0:{time.time_ns() // 1000}%{secrets.token_hex(8)}"
        self._ledger.record("fcm", target, name, message, request.headers)
        return answers.accepted(name)

    def _refuse_device(
        self, message: Mapping[str, Any], target: str, project: str
    ) -> Respond | None:
        if "topic" in message or "condition" in message:
            return None
        phone = self._phones.find(target)
        if phone is None or phone.uninstalled_at is not None:
            return answers.unregistered()
        return None if phone.belongs_to(project) else answers.sender_id_mismatch()


def _read_body(body: bytes) -> dict[str, Any] | Respond:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return answers.bad_json([Violation("", "Invalid JSON payload received. Unexpected token.")])
    request, violations = read_send_request(value)
    return answers.bad_json(violations) if violations else request


def _target(message: Mapping[str, Any]) -> str:
    for name in TARGETS:
        if name in message:
            return str(message[name])
    return ""


def _refuse_missing_message(message: Mapping[str, Any]) -> Respond | None:
    return None if message else answers.bad_message("message", "Message is not set.")


def _refuse_missing_target(message: Mapping[str, Any]) -> Respond | None:
    if any(message.get(name) for name in TARGETS):
        return None
    return answers.bad_message("message", "Recipient of the message is not set.")


def _refuse_reserved_keys(message: Mapping[str, Any]) -> Respond | None:
    for field in ("data", "android.data"):
        owner = message.get("android", NOTHING) if field == "android.data" else message
        for index, key in enumerate(owner.get("data", NOTHING)):
            if _RESERVED_KEY.fullmatch(key):
                return answers.bad_message(
                    f"message.{field}[{index}].key", f"Invalid data payload key: {key}"
                )
    return None


def _refuse_ttl(message: Mapping[str, Any]) -> Respond | None:
    ttl = message.get("android", NOTHING).get("ttl")
    if ttl is None or 0 <= float(ttl.removesuffix("s")) <= MAX_TTL_SECONDS:
        return None
    return answers.bad_message(
        "message.android.ttl", f"Invalid TTL: must be between 0s and {MAX_TTL_SECONDS}s"
    )


def _refuse_size(message: Mapping[str, Any]) -> Respond | None:
    """What counts for Android is what the app and the screen get; for iOS it is Apple's payload."""
    limit = MAX_TOPIC_PAYLOAD if "topic" in message or "condition" in message else MAX_PAYLOAD
    android = message.get("android", NOTHING)
    shown = {
        **message.get("notification", NOTHING),
        **android.get("notification", NOTHING),
        **message.get("data", NOTHING),
        **android.get("data", NOTHING),
    }
    if _size(shown) > limit:
        return answers.bad_message("message", "Android message is too big")
    if _size(message.get("apns", NOTHING).get("payload", NOTHING)) > limit:
        return answers.bad_message("message", "iOS message is too big")
    return None


def _refuse_malformed_token(message: Mapping[str, Any]) -> Respond | None:
    if "token" in message:
        # While tokens give way to installation ids, `token` takes either.
        well_formed = _TOKEN.fullmatch(message["token"]) or _FID.fullmatch(message["token"])
    elif "fid" in message:
        well_formed = _FID.fullmatch(message["fid"])
    else:
        return None
    return None if well_formed else answers.malformed_token()


def _size(value: Mapping[str, Any]) -> int:
    return len(json.dumps(dict(value), separators=(",", ":"), ensure_ascii=False).encode())


_CHECKS: tuple[Callable[[Mapping[str, Any]], Respond | None], ...] = (
    _refuse_missing_message,
    _refuse_missing_target,
    _refuse_reserved_keys,
    _refuse_ttl,
    _refuse_size,
    _refuse_malformed_token,
)
