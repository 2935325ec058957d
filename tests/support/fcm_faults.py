"""What can be wrong with a message for FCM or with its sender: every client must meet all of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import google.auth._helpers
import pytest
from support.provider_keys import google_key, to_pem

from gtr_jobs.dev.standins import FOR_EVER, Fail, ProviderStandIns
from gtr_jobs.dev.standins.credentials import make_service_account
from gtr_jobs.dev.standins.provider_standins import DEFAULT_PROJECT

MESSAGE_NAME = re.compile(rf"projects/{DEFAULT_PROJECT}/messages/0:\d{{16}}%[0-9a-f]{{16}}")
NOT_A_TOKEN = "The registration token is not a valid FCM registration token"
UNTIMELY = "Invalid JWT: Token must be a short-lived token (60 minutes)"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A message that FCM will refuse, as far as clients put it in different forms.

    Args:
        token: The device.
        data: For the app on it.
    """

    token: str = field(repr=False)
    data: dict[str, str] = field(default_factory=lambda: {"url": "app://1"})


def _to_a_dead_token(providers: ProviderStandIns) -> Attempt:
    token = providers.phones.add_new("fcm")
    providers.phones.uninstall(token)
    return Attempt(token)


def _to_another_senders_token(providers: ProviderStandIns) -> Attempt:
    return Attempt(providers.phones.add_new("fcm", app="another-project"))


def _to_no_token(_: ProviderStandIns) -> Attempt:
    return Attempt("no-token")


def _too_big(providers: ProviderStandIns) -> Attempt:
    return Attempt(providers.phones.add_new("fcm"), {"text": "x" * 4096})


def _with_a_reserved_key(providers: ProviderStandIns) -> Attempt:
    return Attempt(providers.phones.add_new("fcm"), {"from": "me"})


def _failing_with(status: int, code: str) -> Callable[[ProviderStandIns], Attempt]:
    def prepare(providers: ProviderStandIns) -> Attempt:
        token = providers.phones.add_new("fcm")
        providers.fcm.script.for_token(token).add(Fail(status, code), times=FOR_EVER)
        return Attempt(token)

    return prepare


# 503 is not among them: most clients try again by themselves, each in its own time.
MESSAGE_FAULTS: Mapping[str, Callable[[ProviderStandIns], Attempt]] = {
    "dead token": _to_a_dead_token,
    "another sender's token": _to_another_senders_token,
    "no token": _to_no_token,
    "too big": _too_big,
    "reserved key": _with_a_reserved_key,
    "rate": _failing_with(429, "QUOTA_EXCEEDED"),
    "Apple's refusal": _failing_with(401, "THIRD_PARTY_AUTH_ERROR"),
    "internal": _failing_with(500, "INTERNAL"),
}


def _with_another_key(account: Mapping[str, Any], _: ProviderStandIns) -> dict[str, Any]:
    """A key that was replaced; its number is still in the file."""
    return {**account, "private_key": to_pem(google_key())}


def _with_a_deleted_key(account: Mapping[str, Any], _: ProviderStandIns) -> dict[str, Any]:
    return {**account, "private_key_id": "0" * 40}


def _of_nobody(account: Mapping[str, Any], _: ProviderStandIns) -> dict[str, Any]:
    return {**account, "client_email": f"nobody@{DEFAULT_PROJECT}.iam.gserviceaccount.com"}


def _of_another_project(_: Mapping[str, Any], providers: ProviderStandIns) -> dict[str, Any]:
    known, file = make_service_account("another-project", providers.oauth.token_url)
    providers.oauth.register(known)
    return {**file, "project_id": DEFAULT_PROJECT}


def _for_no_project(account: Mapping[str, Any], _: ProviderStandIns) -> dict[str, Any]:
    return {**account, "project_id": "no-such-project"}


ACCOUNT_FAULTS: Mapping[str, Callable[[Mapping[str, Any], ProviderStandIns], dict[str, Any]]] = {
    "another key": _with_another_key,
    "deleted key": _with_a_deleted_key,
    "nobody": _of_nobody,
    "another project": _of_another_project,
    "no project": _for_no_project,
}


def set_googles_clock_back(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    """Let google-auth sign its JWTs on a machine whose clock is late."""
    now: Callable[[], datetime] = google.auth._helpers.utcnow
    monkeypatch.setattr(google.auth._helpers, "utcnow", lambda: now() - by)
