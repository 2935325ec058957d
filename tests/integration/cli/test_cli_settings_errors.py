"""A setting that is wrong, or a file that it names, is one line that names the setting."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from support.command_line import Ended, assert_refused, run_command
from support.provider_keys import (
    KEY_ID,
    TEAM_ID,
    TOPIC,
    apple_key,
    service_account_json,
    to_pem,
)

from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.settings import read_settings

_APNS = {"GTR_APNS_KEY_ID": KEY_ID, "GTR_APNS_TEAM_ID": TEAM_ID, "GTR_APNS_TOPIC": TOPIC}


def _start(settings: dict[str, str], *arguments: str) -> Ended:
    """Start a worker that is not expected to run."""
    return run_command("worker", *arguments, settings=settings)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("GTR_CONCURRENCY", "0"),
        ("GTR_CONCURRENCY", "-1"),
        ("GTR_CONCURRENCY", "abc"),
        ("GTR_LOG_FORMAT", "xml"),
        ("GTR_FCM_URL", "http://127.0.0.1:1"),
        ("GTR_HTTP_PORT", "70000"),
        ("GTR_EXPO", "perhaps"),
    ],
)
def test_a_value_that_its_setting_does_not_take(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, setting: str, value: str
) -> None:
    """Only the setting is named, not what it holds: that may be a secret in the wrong place."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(setting, value)
    with pytest.raises(ConfigurationError, match=f"^{setting}: ") as refused:
        read_settings()
    assert f"'{value}'" not in str(refused.value)


@pytest.mark.parametrize("arguments", [["worker"], ["db", "status"]], ids=" ".join)
def test_a_wrong_value_is_refused_before_anything_is_connected_to(arguments: list[str]) -> None:
    """By every command that reads settings, whether it needs that one or not."""
    assert_refused(
        run_command(*arguments, settings={"GTR_CONCURRENCY": "0"}), 78, "GTR_CONCURRENCY: "
    )


def test_several_wrong_values_are_counted(worker_settings: dict[str, str]) -> None:
    """One is named, and that there are more."""
    wrong = {"GTR_CONCURRENCY": "0", "GTR_LOG_FORMAT": "xml"}
    assert_refused(_start(worker_settings | wrong), 78, "(and 1 more)")


@pytest.mark.parametrize(
    ("queues", "arguments"),
    [("nope", []), (",", []), ("push", ["--queues", "push,nope"])],
    ids=["setting", "none", "option"],
)
def test_a_queue_that_nobody_knows(
    worker_settings: dict[str, str], queues: str, arguments: list[str]
) -> None:
    """Setting and option are both named, and so are the queues that there are."""
    ended = _start(worker_settings | {"GTR_QUEUES": queues}, *arguments)
    assert_refused(ended, 78, "GTR_QUEUES (--queues)", "there is push")


@pytest.mark.parametrize("value", ["0", "10001", "abc"])
def test_an_option_that_is_out_of_range_is_wrong_usage(
    worker_settings: dict[str, str], value: str
) -> None:
    """The command was called wrongly: exit 2, and the option is named."""
    ended = _start(worker_settings, "--concurrency", value)
    assert (ended.code, ended.out) == (2, "")
    assert "--concurrency" in ended.err
    assert "Traceback" not in ended.err


def test_a_bad_file_of_fcm(worker_settings: dict[str, str], tmp_path: Path) -> None:
    """Setting, file and fault are in the line; nothing of what is in the file is."""
    file = tmp_path / "firebase.json"
    file.write_text(service_account_json()[:-200], encoding="utf-8")
    ended = _start(worker_settings | {"GTR_FCM_CREDENTIALS_FILE": str(file)})
    assert_refused(ended, 78, f"GTR_FCM_CREDENTIALS_FILE: {file}", "is not JSON")
    assert "PRIVATE KEY" not in ended.err


def test_a_bad_file_of_apns(worker_settings: dict[str, str], tmp_path: Path) -> None:
    """Setting, file and fault are in the line; nothing of what is in the file is."""
    file = tmp_path / "AuthKey.p8"
    file.write_text(to_pem(apple_key())[:100], encoding="utf-8")
    ended = _start(worker_settings | _APNS | {"GTR_APNS_KEY_FILE": str(file)})
    assert_refused(ended, 78, f"GTR_APNS_KEY_FILE: {file}", "is damaged, or only part of a key")
    assert "PRIVATE KEY" not in ended.err


def test_an_apns_key_alone_is_not_enough(worker_settings: dict[str, str], tmp_path: Path) -> None:
    """What goes with it is named."""
    file = tmp_path / "AuthKey.p8"
    file.write_text(to_pem(apple_key()), encoding="utf-8")
    settings = worker_settings | _APNS | {"GTR_APNS_KEY_FILE": str(file)}
    del settings["GTR_APNS_KEY_ID"]
    assert_refused(_start(settings), 78, "GTR_APNS_KEY_ID: not set")


def test_a_worker_without_a_provider_is_refused(worker_settings: dict[str, str]) -> None:
    """It could send nothing; the settings that turn one on are named."""
    ended = _start(worker_settings | {"GTR_EXPO": "false"})
    assert_refused(ended, 78, "GTR_FCM_CREDENTIALS_FILE", "GTR_APNS_KEY_FILE", "GTR_EXPO")


def test_a_port_that_is_taken(worker_settings: dict[str, str]) -> None:
    """Another worker may have it: the line says how to take another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = _start(worker_settings | {"GTR_HTTP_PORT": str(port)})
    assert_refused(ended, 78, "GTR_HTTP_PORT", f"127.0.0.1:{port}", "in use")


def test_an_address_that_is_not_this_machines(worker_settings: dict[str, str]) -> None:
    """An address for documentation is nobody's."""
    ended = _start(worker_settings | {"GTR_HTTP_HOST": "192.0.2.1"})
    assert_refused(ended, 78, "GTR_HTTP_HOST", "192.0.2.1")
