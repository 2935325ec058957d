"""What settings give every app, and which setting is named where something is wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.provider_keys import KEY_ID, TEAM_ID, TOPIC, apple_key, service_account_json, to_pem

from gtr_jobs.app.credentials import Credential, SigningTokens, apns_urls, read_credentials
from gtr_jobs.app.key_checks import warn_of_apns_host
from gtr_jobs.app.providers import make_providers
from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.observe.logs import get_logger
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.settings import Settings, read_settings

CANARY = "canary-7f3a"
PRODUCTION, SANDBOX = "https://api.push.apple.com", "https://api.sandbox.push.apple.com"
APPLE = {
    "GTR_APNS_KEY": to_pem(apple_key()),
    "GTR_APNS_KEY_ID": KEY_ID,
    "GTR_APNS_TEAM_ID": TEAM_ID,
    "GTR_APNS_TOPIC": TOPIC,
}


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting is set, and no .env is there."""
    for name in os.environ:
        if name.startswith("GTR_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def _settings(monkeypatch: pytest.MonkeyPatch, **values: str) -> Settings:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return read_settings()


def _served(settings: Settings) -> set[tuple[str, str]]:
    return set(make_providers(settings, Metrics("0")).by_device)


async def test_an_app_has_what_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle id alone takes the key of the app named default; Firebase and Expo are an app's own."""
    settings = _settings(
        monkeypatch,
        **APPLE,
        GTR_FCM_CREDENTIALS_JSON=service_account_json(),
        GTR_APPS__DEALER__APNS_TOPIC="com.example.dealer",
        GTR_APPS__FLEET__EXPO="true",
        GTR_APPS__SHOP__EXPO_ACCESS_TOKEN="a-token",
        GTR_APPS__QUIET__EXPO="false",
    )
    assert _served(settings) == {
        ("default", "fcm"),
        ("default", "apns"),
        ("default", "expo"),
        ("dealer", "apns"),
        ("fleet", "expo"),
        ("shop", "expo"),
    }


async def test_apps_of_one_key_sign_one_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Apple counts how often a team signs anew; two keys are two tokens."""
    settings = _settings(
        monkeypatch,
        **APPLE,
        GTR_APPS__DEALER__APNS_TOPIC="com.example.dealer",
        GTR_APPS__OTHER__APNS_TOPIC="com.example.other",
        GTR_APPS__OTHER__APNS_KEY=to_pem(apple_key()),
        GTR_APPS__OTHER__APNS_KEY_ID="OTHERKEY12",
        GTR_APPS__OTHER__APNS_TEAM_ID="OTHERTEAM1",
    )
    made: dict[str, Any] = {
        app: rotating.current
        for (app, kind), rotating in make_providers(settings, Metrics("0")).by_device.items()
        if kind == "apns"
    }
    tokens = {app: provider._tokens for app, provider in made.items()}
    pools = [host.pool for provider in made.values() for host in provider._hosts]
    assert tokens["default"] is tokens["dealer"]
    assert tokens["default"] is not tokens["other"]
    assert len(set(map(id, pools))) == 6


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "a Firebase key that is none": (
        {"GTR_APPS__DEALER__FCM_CREDENTIALS_JSON": CANARY},
        "GTR_APPS__DEALER__FCM_CREDENTIALS_JSON",
    ),
    "a file that is not there": (
        {"GTR_APPS__DEALER__FCM_CREDENTIALS_FILE": "/nowhere/key.json"},
        "GTR_APPS__DEALER__FCM_CREDENTIALS_FILE: /nowhere/key.json does not exist",
    ),
    "a key without its id": (
        {**APPLE, "GTR_APPS__DEALER__APNS_TOPIC": TOPIC, "GTR_APPS__DEALER__APNS_KEY": CANARY},
        "GTR_APPS__DEALER__APNS_KEY_ID, GTR_APPS__DEALER__APNS_TEAM_ID: not set",
    ),
    "a key for no bundle id": (
        {
            "GTR_APPS__DEALER__APNS_KEY": to_pem(apple_key()),
            "GTR_APPS__DEALER__APNS_KEY_ID": KEY_ID,
            "GTR_APPS__DEALER__APNS_TEAM_ID": TEAM_ID,
        },
        "GTR_APPS__DEALER__APNS_TOPIC: not set",
    ),
    "a bundle id, and nobody has a key": (
        {"GTR_APPS__DEALER__APNS_TOPIC": TOPIC},
        "GTR_APNS_KEY_ID, GTR_APNS_TEAM_ID: not set",
    ),
    "no bundle id": (
        {**APPLE, "GTR_APPS__DEALER__APNS_TOPIC": f"{CANARY} x"},
        "GTR_APPS__DEALER__APNS_TOPIC: not a bundle id",
    ),
    "no key id": (
        {
            "GTR_APPS__DEALER__APNS_TOPIC": TOPIC,
            "GTR_APPS__DEALER__APNS_KEY": to_pem(apple_key()),
            "GTR_APPS__DEALER__APNS_KEY_ID": CANARY,
            "GTR_APPS__DEALER__APNS_TEAM_ID": TEAM_ID,
        },
        "GTR_APPS__DEALER__APNS_KEY_ID: not ten",
    ),
    "an access token that is none": (
        {"GTR_APPS__DEALER__EXPO_ACCESS_TOKEN": f"{CANARY} x"},
        "GTR_APPS__DEALER__EXPO_ACCESS_TOKEN: not an access token",
    ),
}


@pytest.mark.parametrize("case", WRONG)
async def test_a_credential_of_an_app_that_cannot_be_used_names_its_setting(
    monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """Whole, and without its value; the worker does not start."""
    given, says = WRONG[case]
    settings = _settings(monkeypatch, **given)
    with pytest.raises(ConfigurationError) as caught:
        make_providers(settings, Metrics("0"))
    assert caught.value.message.startswith(says)
    assert caught.value.exit_code == 78
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "urls"),
    [
        ({}, {"production": PRODUCTION, "sandbox": SANDBOX}),
        ({"GTR_APNS_URL": "https://one"}, {"production": "https://one"}),
        (
            {"GTR_APNS_URL": "https://one", "GTR_APNS_ENVIRONMENT": "sandbox"},
            {"sandbox": "https://one"},
        ),
        (
            {"GTR_APNS_URL": "https://one", "GTR_APNS_OTHER_URL": "https://two"},
            {"production": "https://one", "sandbox": "https://two"},
        ),
    ],
)
def test_a_single_stand_in_is_no_way_to_apple(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], urls: dict[str, str]
) -> None:
    """Where one host is replaced, the other is asked only where it is named too."""
    assert apns_urls(_settings(monkeypatch, **given)) == urls


def test_a_change_shows_in_the_digest_and_nothing_else_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The same key in another form of the file is another digest; reading twice is not."""
    file = tmp_path / "key.json"
    file.write_text(service_account_json())
    settings = _settings(monkeypatch, **APPLE, GTR_FCM_CREDENTIALS_FILE=str(file))

    def digests() -> dict[tuple[str, str], bytes]:
        read = read_credentials(settings, SigningTokens())
        return {of: one.digest for of, one in read.items() if isinstance(one, Credential)}

    before = digests()
    assert digests() == before
    file.write_text(json.dumps(json.loads(service_account_json()) | {"project_id": "other"}))
    after = digests()
    assert {of for of in before if before[of] != after[of]} == {("default", "fcm")}


@pytest.mark.parametrize(
    ("given", "settings_named"),
    [
        ({"GTR_ENVIRONMENT": "production"}, []),
        ({"GTR_ENVIRONMENT": "staging", "GTR_APNS_ENVIRONMENT": "sandbox"}, []),
        ({"GTR_ENVIRONMENT": "staging"}, ["GTR_APNS_ENVIRONMENT"]),
        (
            {"GTR_ENVIRONMENT": "Production", "GTR_APNS_ENVIRONMENT": "sandbox"},
            ["GTR_APNS_ENVIRONMENT"],
        ),
        (
            {
                "GTR_ENVIRONMENT": "production",
                "GTR_APPS__DEALER__APNS_TOPIC": TOPIC,
                "GTR_APPS__DEALER__APNS_ENVIRONMENT": "sandbox",
            },
            ["GTR_APPS__DEALER__APNS_ENVIRONMENT"],
        ),
        ({"GTR_ENVIRONMENT": "staging", "GTR_APNS_URL": "https://stand-in"}, []),
        ({}, []),
    ],
)
def test_an_environment_that_sends_to_the_wrong_host_of_apples_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], settings_named: list[str]
) -> None:
    """Once an app, with the setting that says it; a stand-in is nobody's host."""
    settings = _settings(monkeypatch, **APPLE, **given)
    with capture_logs() as logs:
        warn_of_apns_host(settings, get_logger())
    assert [entry["event"] for entry in logs] == ["worker.warned"] * len(settings_named)
    for entry, setting in zip(logs, settings_named, strict=True):
        assert f" and {setting} is " in entry["warning"]
