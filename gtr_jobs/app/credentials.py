"""What settings say of every app's credentials, read but not used yet: so that a change can be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

from pydantic import SecretStr

from gtr_jobs.credential_settings import AppCredentials
from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.domain.outcome import ApnsEnvironment
from gtr_jobs.domain.push import DEFAULT_APP
from gtr_jobs.domain.tokens import TokenKind
from gtr_jobs.providers.apns_hosts import DEFAULT_URL, SANDBOX_URL, ApnsHosts
from gtr_jobs.providers.base import ObserveAttempts, Provider
from gtr_jobs.providers.exchange import HttpOptions
from gtr_jobs.providers.key_files import KeyText, read_key_text
from gtr_jobs.settings import Settings
from gtr_jobs.tasks.envelope import Served

if TYPE_CHECKING:
    from gtr_jobs.providers.apns_tokens import ApnsTokens

_APNS_HOSTS: Mapping[ApnsEnvironment, str] = {
    "production": DEFAULT_URL,
    "sandbox": SANDBOX_URL,
}

Make = Callable[[HttpOptions, ObserveAttempts], Provider]


class SigningTokens:
    """What signs for every team and key, shared by all apps of a team: Apple counts new tokens."""

    def __init__(self) -> None:
        self._known: dict[bytes, ApnsTokens] = {}

    def get(self, digest: bytes, make: Callable[[], ApnsTokens]) -> ApnsTokens:
        """Give what signs with a key, the same for the same key, key id and team."""
        if digest not in self._known:
            self._known[digest] = make()
        return self._known[digest]


@dataclass(frozen=True, slots=True)
class Credential:
    """What an app has for one kind of token.

    Args:
        digest: Changes when anything of it changes; tells nothing of it.
        make: Makes the provider that uses it.

    `make` raises ConfigurationError where it is no such credential; names the setting.
    """

    digest: bytes = field(repr=False)
    make: Make = field(repr=False)


# What cannot even be read is told beside what can.
Read = Credential | ConfigurationError


def prefix_of(app: str) -> str:
    """Say what the settings of an app begin with."""
    return "GTR_" if app == DEFAULT_APP else f"GTR_APPS__{app.upper()}__"


def read_credentials(settings: Settings, signing: SigningTokens) -> dict[Served, Read]:
    """Read the credentials of every app, from their files or as they stand in the settings."""
    found: dict[Served, Read] = {}
    for app, its in settings.credentials().items():
        readers: dict[TokenKind, Callable[[], Credential | None]] = {
            "fcm": partial(_read_fcm, settings, app, its),
            "apns": partial(_read_apns, settings, app, its, signing),
            "expo": partial(_read_expo, settings, app, its),
        }
        for kind, read in readers.items():
            try:
                credential = read()
            except ConfigurationError as error:
                found[app, kind] = error
            else:
                if credential is not None:
                    found[app, kind] = credential
    return found


def _read_fcm(settings: Settings, app: str, its: AppCredentials) -> Credential | None:
    if its.fcm_credentials_file is None and its.fcm_credentials_json is None:
        return None
    prefix = prefix_of(app)
    key = read_key_text(
        its.fcm_credentials_file,
        f"{prefix}FCM_CREDENTIALS_FILE",
        _reveal(its.fcm_credentials_json),
        f"{prefix}FCM_CREDENTIALS_JSON",
    )

    def make(options: HttpOptions, observe: ObserveAttempts) -> Provider:
        # Only what is configured is loaded: a worker for one provider needs no other's libraries.
        from gtr_jobs.providers.fcm import FcmProvider  # noqa: PLC0415
        from gtr_jobs.providers.google_account import read_service_account  # noqa: PLC0415

        return FcmProvider(read_service_account(key), settings.fcm_url, options, observe, app=app)

    return Credential(_digest(key.source, key.text, settings.fcm_url), make)


def _read_apns(
    settings: Settings, app: str, its: AppCredentials, signing: SigningTokens
) -> Credential | None:
    prefix = key_prefix = prefix_of(app)
    keys = its
    if app != DEFAULT_APP and not its.names_apns_key:
        if its.apns_topic is None:
            return None
        key_prefix, keys = prefix_of(DEFAULT_APP), settings.credentials()[DEFAULT_APP]
    elif not (its.names_apns_key or its.apns_topic):
        return None
    key = _read_apns_key(its.apns_topic, prefix, keys, key_prefix)
    key_id, team_id, topic = keys.apns_key_id or "", keys.apns_team_id or "", its.apns_topic or ""
    signer = _digest(key.text, key_id, team_id)
    first = its.apns_environment or settings.apns_environment
    urls = apns_urls(settings)
    # Where one stand-in is all there is, it stands for both of Apple's hosts.
    environment, url = (first, urls[first]) if first in urls else next(iter(urls.items()))
    other = next((url for name, url in urls.items() if name != environment), None)

    def make(options: HttpOptions, observe: ObserveAttempts) -> Provider:
        from gtr_jobs.providers.apns import ApnsAccount, ApnsProvider  # noqa: PLC0415
        from gtr_jobs.providers.apns_key import read_apns_key  # noqa: PLC0415
        from gtr_jobs.providers.apns_tokens import ApnsTokens  # noqa: PLC0415

        account = ApnsAccount(
            read_apns_key(key), key_id, team_id, topic, app, key_prefix, f"{prefix}APNS_TOPIC"
        )
        return ApnsProvider(
            account,
            ApnsHosts(url, other, environment),
            options,
            observe,
            tokens=signing.get(signer, lambda: ApnsTokens(account.key, key_id, team_id)),
        )

    return Credential(_digest(signer.hex(), topic, url, other or "", environment), make)


def _read_apns_key(
    topic: str | None, prefix: str, keys: AppCredentials, key_prefix: str
) -> KeyText:
    named = {
        f"{key_prefix}APNS_KEY_ID": keys.apns_key_id,
        f"{key_prefix}APNS_TEAM_ID": keys.apns_team_id,
        f"{prefix}APNS_TOPIC": topic,
    }
    missing = [setting for setting, value in named.items() if not value]
    if missing:
        raise ConfigurationError(
            f"{', '.join(missing)}: not set", "APNs needs key, key id, team id and bundle id"
        )
    return read_key_text(
        keys.apns_key_file,
        f"{key_prefix}APNS_KEY_FILE",
        _reveal(keys.apns_key),
        f"{key_prefix}APNS_KEY",
    )


def apns_urls(settings: Settings) -> dict[ApnsEnvironment, str]:
    """Give the hosts of APNs by environment; a single stand-in is the only one, and nothing goes to Apple beside it."""
    first = settings.apns_environment
    other: ApnsEnvironment = "sandbox" if first == "production" else "production"
    urls = dict(_APNS_HOSTS) if settings.apns_url is None else {first: settings.apns_url}
    if settings.apns_other_url is not None:
        urls[other] = settings.apns_other_url
    return urls


def _read_expo(settings: Settings, app: str, its: AppCredentials) -> Credential | None:
    token = _reveal(its.expo_access_token)
    if not (its.expo if its.expo is not None else token):
        return None
    setting = f"{prefix_of(app)}EXPO_ACCESS_TOKEN"

    def make(options: HttpOptions, observe: ObserveAttempts) -> Provider:
        from gtr_jobs.providers.expo import ExpoProvider  # noqa: PLC0415

        return ExpoProvider(
            token, settings.expo_url, options, observe, app=app, token_setting=setting
        )

    return Credential(_digest(token or "", settings.expo_url), make)


def _reveal(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None


def _digest(*parts: str) -> bytes:
    return sha256(b"".join(sha256(part.encode()).digest() for part in parts)).digest()
