"""`gtr-jobs dev providers` as a program: what it prints and writes, its ports, and its end."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.command_line import run_command, start_command

NAMES = [
    "GTR_FCM_CREDENTIALS_FILE",
    "GTR_FCM_URL",
    "GTR_APNS_KEY_FILE",
    "GTR_APNS_KEY_ID",
    "GTR_APNS_TEAM_ID",
    "GTR_APNS_TOPIC",
    "GTR_APNS_URL",
    "GTR_EXPO_URL",
    "GTR_CA_FILE",
    "GTR_TWILIO_ACCOUNT_SID",
    "GTR_TWILIO_AUTH_TOKEN",
    "GTR_TWILIO_FROM",
    "GTR_TWILIO_URL",
    "GTR_SMS_COUNTRIES",
    "GTR_SMTP_HOST",
    "GTR_SMTP_PORT",
    "GTR_SMTP_USERNAME",
    "GTR_SMTP_PASSWORD",
    "GTR_SMTP_FROM",
]


@contextmanager
def _providers(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str], str]]:
    """Start it; give it, the settings that it printed, and where orders are taken."""
    with start_command("dev", "providers", *arguments) as running:
        assert running.stdout is not None
        settings: dict[str, str] = {}
        try:
            for line in running.stdout:
                if line.startswith("# orders: "):
                    yield running, settings, line.removeprefix("# orders: ").strip()
                    break
                name, _, value = line.strip().partition("=")
                settings[name] = value
        finally:
            running.kill()


def test_it_prints_settings_whose_files_stay(tmp_path: Path) -> None:
    """The keys, and the authority to trust: all in the folder, which is made; Ctrl-C ends it in order."""
    folder = tmp_path / "keys" / "here"
    with _providers("--folder", str(folder)) as (running, settings, orders):
        assert sorted(settings) == sorted(NAMES)
        for name in ("GTR_FCM_CREDENTIALS_FILE", "GTR_APNS_KEY_FILE", "GTR_CA_FILE"):
            assert Path(settings[name]).parent == folder
        with urllib.request.urlopen(orders) as answer:
            assert json.load(answer)["urls"]["expo"] == settings["GTR_EXPO_URL"]
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == 0
        assert running.stderr is not None
        assert running.stderr.read() == ""
    assert (folder / "ca.pem").read_text().startswith("-----BEGIN CERTIFICATE-----")


def test_a_push_can_be_tried_with_its_settings(tmp_path: Path) -> None:
    """What it prints is an environment as it is."""
    with _providers("--folder", str(tmp_path)) as (_, settings, orders):
        make = urllib.request.Request(
            f"{orders}/phones", b'{"kind": "apns"}', {"content-type": "application/json"}
        )
        with urllib.request.urlopen(make) as answer:
            token = json.load(answer)["token"]
        ended = run_command("push", "test", "--token", token, settings=settings)
        assert (ended.code, ended.err) == (0, "")
        with urllib.request.urlopen(f"{orders}/ledger") as answer:
            (entry,) = json.load(answer)["entries"]
        assert (entry["provider"], entry["token"]) == ("apns", token)


def test_ports_can_be_chosen_and_one_that_is_taken_is_named(tmp_path: Path) -> None:
    """So that what is tested can have them in its own settings."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = run_command("dev", "providers", "--folder", str(tmp_path), "--port", str(port))
    assert ended.code == 2
    assert f"--port {port}" in ended.err
