"""New credentials of a running worker: when they are taken, when not, and what is said of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.provider_keys import KEY_ID, TEAM_ID, TOPIC, service_account_json

from gtr_jobs.app.providers import Providers, make_providers
from gtr_jobs.app.rotation import Rotation
from gtr_jobs.dev.standins.credentials import make_signing_key
from gtr_jobs.observe.logs import get_logger
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.settings import read_settings


@dataclass
class Scene:
    """A worker's credentials, and what looks after them."""

    file: Path
    providers: Providers
    rotation: Rotation
    metrics: Metrics
    details: dict[str, list[str]]
    logs: list[Any] = field(default_factory=list)

    @property
    def current(self) -> Any:
        """What sends to the app's iPhones now."""
        return self.providers.by_device["default", "apns"].current

    async def look(self, *, is_asked: bool = False) -> list[str]:
        """Look once; give the events that were logged."""
        with capture_logs() as logs:
            await self.rotation.look(is_asked=is_asked)
        self.logs += logs
        return [entry["event"] for entry in logs]

    def count(self, result: str, app: str = "default", provider: str = "apns") -> float:
        """Say how often credentials were taken or refused."""
        labels = {"app": app, "provider": provider, "result": result}
        name = "gtr_credential_changes_total"
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


def _new_key() -> str:
    return make_signing_key(TOPIC)[1]


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Scene:
    """An APNs key in a file."""
    for name in os.environ:
        if name.startswith("GTR_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "AuthKey.p8"
    file.write_text(_new_key())
    monkeypatch.setenv("GTR_APNS_KEY_FILE", str(file))
    monkeypatch.setenv("GTR_APNS_KEY_ID", KEY_ID)
    monkeypatch.setenv("GTR_APNS_TEAM_ID", TEAM_ID)
    monkeypatch.setenv("GTR_APNS_TOPIC", TOPIC)
    settings, metrics, details = read_settings(), Metrics("0"), dict[str, list[str]]()
    providers = make_providers(settings, metrics)
    rotation = Rotation(settings, providers, read_settings, details, get_logger(), metrics)
    return Scene(file, providers, rotation, metrics, details)


async def test_what_stays_the_same_is_left_alone(scene: Scene) -> None:
    """However often it is looked at, or asked for: no new connection, no new signature."""
    before = scene.current
    assert [await scene.look() for _ in range(3)] == [[], [], []]
    assert await scene.look(is_asked=True) == ["credentials.read"]
    assert scene.current is before
    assert scene.count("taken") == 0


async def test_a_file_is_taken_once_it_has_stayed_as_it_is(scene: Scene) -> None:
    """One that is just being written is neither taken nor complained of."""
    before = scene.current
    whole = _new_key()
    await scene.look()
    scene.file.write_text(whole[:60])
    assert await scene.look() == []
    scene.file.write_text(whole)
    assert await scene.look() == []
    assert scene.current is before
    assert await scene.look() == ["credentials.changed"]
    assert scene.current is not before
    assert (scene.count("taken"), scene.count("refused")) == (1, 0)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda file: file.write_text("no key"), "is not a key in PEM form"),
        (lambda file: file.unlink(), "does not exist"),
        (lambda file: file.write_bytes(b"x" * 70_000), "is too large to be a key"),
    ],
    ids=["no key", "gone", "too large"],
)
async def test_what_is_bad_is_said_once_and_not_taken(
    scene: Scene, spoil: Callable[[Path], object], says: str
) -> None:
    """And shown as long as it is so; the old one coming back is all it takes."""
    before, good = scene.current, scene.file.read_text()
    await scene.look()
    spoil(scene.file)
    said = [await scene.look() for _ in range(4)]
    assert said == [[], ["credentials.refused"], [], []]
    assert scene.current is before
    (complaint,) = scene.details["credentials"]
    assert complaint.startswith(
        f"the new credentials are not used: GTR_APNS_KEY_FILE: {scene.file}"
    )
    assert says in complaint
    assert scene.count("refused") == 1
    scene.file.write_text(good)
    assert [await scene.look() for _ in range(2)] == [[], []]
    assert scene.details == {}
    assert scene.current is before


async def test_an_app_comes_without_a_restart_and_goes_with_one(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What settings no longer name is kept: a line lost from .env stops nobody's pushes."""
    monkeypatch.setenv("GTR_APPS__DEALER__APNS_TOPIC", "com.example.dealer")
    assert await scene.look() == []
    assert await scene.look(is_asked=True) == ["credentials.changed", "credentials.read"]
    assert ("dealer", "apns") in scene.providers.by_device
    assert scene.logs[0]["app"] == "dealer"
    monkeypatch.delenv("GTR_APPS__DEALER__APNS_TOPIC")
    assert await scene.look(is_asked=True) == ["credentials.read"]
    assert ("dealer", "apns") in scene.providers.by_device


async def test_one_bad_app_keeps_no_other_from_its_new_key(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is taken or refused by itself."""
    monkeypatch.setenv("GTR_APPS__DEALER__FCM_CREDENTIALS_JSON", "{")
    scene.file.write_text(_new_key())
    assert sorted(await scene.look(is_asked=True)) == [
        "credentials.changed",
        "credentials.read",
        "credentials.refused",
    ]
    assert scene.count("taken") == 1
    assert scene.count("refused", "dealer", "fcm") == 1


async def test_whoever_cannot_be_asked_now_is_asked_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Google is away: the new key is not taken unchecked, and tried with every look; it is said once."""
    key = service_account_json(token_uri="https://127.0.0.1:1/token")
    monkeypatch.setenv("GTR_FCM_CREDENTIALS_JSON", key)
    said = await scene.look(is_asked=True)
    assert said == ["credentials.refused", "credentials.read"]
    assert [await scene.look() for _ in range(3)] == [[], [], []]
    assert "Google gives no access token now" in scene.details["credentials"][0]
    assert ("default", "fcm") not in scene.providers.by_device


async def test_settings_that_make_no_sense_change_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are named; once they are right again, all is well."""
    monkeypatch.setenv("GTR_EXPO", "perhaps")
    assert await scene.look(is_asked=True) == ["credentials.refused"]
    assert scene.details["credentials"][0].split(": ")[1] == "GTR_EXPO"
    assert scene.count("refused", "none", "none") == 1
    monkeypatch.setenv("GTR_EXPO", "true")
    assert await scene.look(is_asked=True) == ["credentials.read"]
    assert scene.details == {}
