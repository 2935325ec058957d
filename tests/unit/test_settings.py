"""The environment becomes one frozen value, or one line that names the setting."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from gtr_jobs.credential_settings import AppCredentials
from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.settings import Settings, read_settings

CANARY = "canary-7f3a"
PASSWORD = "s3cret-7f3a"
DSN = f"postgresql://gtr_worker:{PASSWORD}@db.example:5432/postgres"


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting is set, and no .env is there."""
    for name in os.environ:
        if name.startswith("GTR_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_nothing_set_is_everything_unset_or_default() -> None:
    """A setting that is not set is None or the default that stands in one place."""
    set_anyway = {
        name: getattr(read_settings(), name)
        for name, field in Settings.model_fields.items()
        if getattr(read_settings(), name) != field.default
    }
    assert set_anyway == {}


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each by its name with GTR_ before it; what is empty counts as unset."""
    monkeypatch.setenv("GTR_CONCURRENCY", "20")
    monkeypatch.setenv("GTR_EXPO", "false")
    monkeypatch.setenv("GTR_APNS_KEY_FILE", "/keys/a.p8")
    monkeypatch.setenv("GTR_PROJECT", "")
    monkeypatch.setenv("GTR_UNHEARD_OF", "x")
    settings = read_settings()
    assert (settings.concurrency, settings.expo, settings.apns_key_file, settings.project) == (
        20,
        False,
        Path("/keys/a.p8"),
        None,
    )


def test_a_file_in_the_working_directory_is_read_after_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What the environment says goes before .env."""
    (tmp_path / ".env").write_text("GTR_PROJECT=from-file\nGTR_ENVIRONMENT=from-file\nOTHER=x\n")
    monkeypatch.setenv("GTR_ENVIRONMENT", "from-environment")
    settings = read_settings()
    assert (settings.project, settings.environment) == ("from-file", "from-environment")


BAD_VALUES = [
    ("GTR_CONCURRENCY", CANARY),
    ("GTR_CONCURRENCY", "0"),
    ("GTR_CONCURRENCY", "-1"),
    ("GTR_CONCURRENCY", "1000000"),
    ("GTR_CONCURRENCY", "1.5"),
    ("GTR_HTTP_PORT", "65536"),
    ("GTR_HTTP_PORT", "-1"),
    ("GTR_HTTP_PORT", CANARY),
    ("GTR_SHUTDOWN_GRACE_SECONDS", "-0.1"),
    ("GTR_SHUTDOWN_GRACE_SECONDS", "601"),
    ("GTR_SHUTDOWN_GRACE_SECONDS", "nan"),
    ("GTR_LOG_FORMAT", CANARY),
    ("GTR_LOG_LEVEL", "INFO "),
    ("GTR_EXPO", CANARY),
    ("GTR_APNS_ENVIRONMENT", CANARY),
    ("GTR_DEEP_LINK_SCHEME", "Not A Scheme"),
    ("GTR_DEEP_LINK_SCHEME", "javascript://"),
    ("GTR_FCM_URL", f"http://{CANARY}"),
    ("GTR_FCM_URL", CANARY),
    ("GTR_FCM_URL", "https://"),
    ("GTR_FCM_URL", "https://host/path"),
    ("GTR_FCM_URL", "https://host?query"),
    ("GTR_FCM_URL", "https://host#fragment"),
    ("GTR_FCM_URL", f"https://user:{CANARY}@host"),
    ("GTR_FCM_URL", "https://host name"),
    ("GTR_APNS_URL", "https://host:port"),
    ("GTR_EXPO_URL", "https://host:99999"),
]


@pytest.mark.parametrize(("name", "value"), BAD_VALUES)
def test_a_value_that_makes_no_sense_is_one_line_that_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """And says what it is for; the value, which may be a secret in the wrong place, is not repeated."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        read_settings()
    assert caught.value.message.startswith(f"{name}: ")
    assert caught.value.hint == Settings.model_fields[name.removeprefix("GTR_").lower()].description
    assert caught.value.exit_code == 78
    assert CANARY not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_several_bad_values_are_told_by_the_first_and_their_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One line, whatever is wrong."""
    monkeypatch.setenv("GTR_CONCURRENCY", "0")
    monkeypatch.setenv("GTR_HTTP_PORT", "0x")
    monkeypatch.setenv("GTR_EXPO", "maybe")
    with pytest.raises(ConfigurationError, match=r"^GTR_CONCURRENCY: .* \(and 2 more\)"):
        read_settings()


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://fcm.example", "https://fcm.example"),
        ("https://fcm.example/", "https://fcm.example"),
        ("https://127.0.0.1:8443", "https://127.0.0.1:8443"),
        ("https://[::1]:8443", "https://[::1]:8443"),
    ],
)
def test_a_provider_may_stand_elsewhere(
    monkeypatch: pytest.MonkeyPatch, url: str, kept: str
) -> None:
    """A host and a port, over TLS; nothing else."""
    monkeypatch.setenv("GTR_FCM_URL", url)
    assert read_settings().fcm_url == kept


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("push", ("push",)),
        ("push,sms", ("push", "sms")),
        (" sms , push,sms,,", ("sms", "push")),
        (",", ()),
    ],
)
def test_queues_are_read_from_a_list(
    monkeypatch: pytest.MonkeyPatch, text: str, names: tuple[str, ...]
) -> None:
    """In their order, each once."""
    monkeypatch.setenv("GTR_QUEUES", text)
    assert read_settings().queue_names() == names


def test_unless_queues_are_named_those_of_an_app_are_drained_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who names queues means these and no others; an empty setting names none."""
    monkeypatch.setenv("GTR_QUEUES", "")
    assert read_settings().queue_names(("slips",)) == (
        "push",
        "match",
        "receipts",
        "maintenance",
        "slips",
    )
    monkeypatch.setenv("GTR_QUEUES", "push,match")
    assert read_settings().queue_names(("slips",)) == ("push", "match")
    given = read_settings().model_copy(update={"queues": "slips"})
    assert given.queue_names(("slips",)) == ("slips",)


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever prints the settings prints no password and no key."""
    for name, field in Settings.model_fields.items():
        if "SecretStr" in str(field.annotation):
            monkeypatch.setenv(f"GTR_{name.upper()}", DSN)
    settings = read_settings()
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == DSN
    for shown in (repr(settings), str(settings), str(settings.model_dump())):
        assert PASSWORD not in shown


def test_settings_do_not_change() -> None:
    """They are read once."""
    with pytest.raises(ValidationError, match="frozen"):
        setattr(read_settings(), Settings.model_fields.copy().popitem()[0], None)


def test_apps_are_named_in_the_names_of_their_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an app does not say it does not have; the settings without a name are the app named default."""
    monkeypatch.setenv("GTR_APNS_TOPIC", "com.example.app")
    monkeypatch.setenv("GTR_APPS__DEALER__APNS_TOPIC", "com.example.dealer")
    monkeypatch.setenv("GTR_APPS__DEALER__APNS_KEY_ID", "1234567890")
    monkeypatch.setenv("GTR_APPS__DEALER__FCM_CREDENTIALS_JSON", f'{{"type": "{CANARY}"}}')
    monkeypatch.setenv("GTR_APPS__FLEET_EU__EXPO", "true")
    monkeypatch.setenv("GTR_APPS__FLEET_EU__APNS_KEY_FILE", "")
    apps = read_settings().credentials()
    assert list(apps) == ["default", "dealer", "fleet_eu"]
    assert (apps["default"].apns_topic, apps["default"].expo) == ("com.example.app", True)
    dealer = apps["dealer"]
    assert (dealer.apns_topic, dealer.apns_key_id) == ("com.example.dealer", "1234567890")
    assert dealer.fcm_credentials_json is not None
    assert dealer.fcm_credentials_json.get_secret_value() == f'{{"type": "{CANARY}"}}'
    assert apps["fleet_eu"] == AppCredentials(expo=True)
    assert CANARY not in repr(read_settings())


BAD_APPS = [
    ("GTR_APPS__DEALER__EXPO", CANARY, "GTR_APPS__DEALER__EXPO"),
    ("GTR_APPS__DEALER__APNS_ENVIRONMENT", CANARY, "GTR_APPS__DEALER__APNS_ENVIRONMENT"),
    ("GTR_APPS__DEALER__APNS_TOPICS", CANARY, "GTR_APPS__DEALER__APNS_TOPICS"),
    ("GTR_APPS__DEALER__FCM_URL", CANARY, "GTR_APPS__DEALER__FCM_URL"),
    ("GTR_APPS__DEALER", CANARY, "GTR_APPS__DEALER"),
    ("GTR_APPS__DEALER__APNS_TOPIC__MORE", CANARY, "GTR_APPS__DEALER__APNS_TOPIC"),
    ("GTR_APPS__DEFAULT__APNS_TOPIC", CANARY, "GTR_APPS__DEFAULT"),
    ("GTR_APPS__9LIVES__APNS_TOPIC", CANARY, "GTR_APPS__9LIVES"),
    (f"GTR_APPS__{'X' * 41}__APNS_TOPIC", CANARY, f"GTR_APPS__{'X' * 41}"),
    ("GTR_APPS", CANARY, "GTR_APPS"),
]


@pytest.mark.parametrize(("name", "value", "says"), BAD_APPS)
def test_a_setting_of_an_app_that_makes_no_sense_is_named_whole(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    """One that is unknown too: an app's name stands before it, so it can only be a slip of the pen."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        read_settings()
    assert caught.value.message.startswith(f"{says}: ")
    assert caught.value.exit_code == 78
    assert CANARY not in str(caught.value)
    assert "\n" not in str(caught.value)
