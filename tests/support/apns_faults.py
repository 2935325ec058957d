"""What can be wrong with a message for APNs or with its sender: every client must meet all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from support.provider_keys import apple_key, to_pem

from gtr_jobs.dev.standins import FOR_EVER, Fail, ProviderStandIns
from gtr_jobs.dev.standins.credentials import make_signing_key
from gtr_jobs.dev.standins.provider_standins import DEFAULT_TOPIC

UNINSTALLED_AT = 1_750_000_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """A message that APNs will refuse, as far as clients put it in different forms.

    Args:
        token: The device.
        text: What to say.
        topic: The app.
        collapse_id: What it replaces.
        is_silent: Whether it is a background push, at the priority of what is seen.
    """

    token: str = field(repr=False)
    text: str = "Hello"
    topic: str = DEFAULT_TOPIC
    collapse_id: str | None = None
    is_silent: bool = False


def _to_a_dead_token(providers: ProviderStandIns) -> Attempt:
    token = providers.phones.add_new("apns")
    providers.phones.uninstall(token, at=UNINSTALLED_AT)
    return Attempt(token)


def _to_no_token(_: ProviderStandIns) -> Attempt:
    return Attempt("abc")


def _to_a_sandbox_token(providers: ProviderStandIns) -> Attempt:
    return Attempt(providers.phones.add_new("apns", sandbox=True))


def _to_another_apps_token(providers: ProviderStandIns) -> Attempt:
    return Attempt(providers.phones.add_new("apns", app="com.example.other"))


def _for_another_teams_app(providers: ProviderStandIns) -> Attempt:
    return Attempt(providers.phones.add_new("apns"), topic="com.example.other")


def _for_no_app(providers: ProviderStandIns) -> Attempt:
    return Attempt(providers.phones.add_new("apns"), topic="no topic")


def _too_big(providers: ProviderStandIns) -> Attempt:
    return Attempt(providers.phones.add_new("apns"), text="x" * 4096)


def _replacing_too_long_a_name(providers: ProviderStandIns) -> Attempt:
    return Attempt(providers.phones.add_new("apns"), collapse_id="c" * 65)


def _too_urgent(providers: ProviderStandIns) -> Attempt:
    return Attempt(providers.phones.add_new("apns"), is_silent=True)


def _failing_with(status: int, reason: str) -> Callable[[ProviderStandIns], Attempt]:
    def prepare(providers: ProviderStandIns) -> Attempt:
        token = providers.phones.add_new("apns")
        providers.apns.script.for_token(token).add(Fail(status, reason), times=FOR_EVER)
        return Attempt(token)

    return prepare


MESSAGE_FAULTS: Mapping[str, Callable[[ProviderStandIns], Attempt]] = {
    "dead token": _to_a_dead_token,
    "no token": _to_no_token,
    "sandbox token": _to_a_sandbox_token,
    "another app's token": _to_another_apps_token,
    "another team's app": _for_another_teams_app,
    "no app": _for_no_app,
    "too big": _too_big,
    "collapse id": _replacing_too_long_a_name,
    "priority": _too_urgent,
    "rate": _failing_with(429, "TooManyRequests"),
    "internal": _failing_with(500, "InternalServerError"),
    "shutdown": _failing_with(503, "Shutdown"),
}


@dataclass(frozen=True, slots=True)
class Signer:
    """What a client signs its provider tokens with.

    Args:
        key: The text of a .p8 file.
        key_id: Its ten signs.
        team: The team's ten signs.
    """

    key: str = field(repr=False)
    key_id: str
    team: str


def read_signer(environment: Mapping[str, str]) -> Signer:
    """Read what the stand-ins' credentials say."""
    return Signer(
        Path(environment["GTR_APNS_KEY_FILE"]).read_text(encoding="utf-8"),
        environment["GTR_APNS_KEY_ID"],
        environment["GTR_APNS_TEAM_ID"],
    )


def _with_another_key(good: Signer, _: ProviderStandIns) -> Signer:
    return Signer(to_pem(apple_key()), good.key_id, good.team)


def _with_an_unknown_key(good: Signer, _: ProviderStandIns) -> Signer:
    return Signer(good.key, "0000000000", good.team)


def _of_another_team(good: Signer, _: ProviderStandIns) -> Signer:
    return Signer(good.key, good.key_id, "0000000000")


def _with_a_revoked_key(good: Signer, providers: ProviderStandIns) -> Signer:
    key, p8 = make_signing_key(DEFAULT_TOPIC)
    providers.apns.tokens.register(key)
    providers.apns.tokens.revoke(key.key_id)
    return Signer(p8, key.key_id, key.team)


SIGNER_FAULTS: Mapping[str, Callable[[Signer, ProviderStandIns], Signer]] = {
    "another key": _with_another_key,
    "unknown key": _with_an_unknown_key,
    "another team": _of_another_team,
    "revoked key": _with_a_revoked_key,
}
