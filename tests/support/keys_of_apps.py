"""Credentials of several apps, and new ones in their place, as the stand-ins take them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from gtr_jobs.dev.standins import ProviderStandIns
from gtr_jobs.dev.standins.credentials import make_service_account, make_signing_key

# What an app has of its own; where services are is the same for all.
_OWN = ("FCM_CREDENTIALS_FILE", "APNS_KEY_FILE", "APNS_KEY_ID", "APNS_TEAM_ID", "APNS_TOPIC")


def add_app(
    providers: ProviderStandIns, folder: Path, app: str, *, project: str, topic: str
) -> dict[str, str]:
    """Make an app's keys known to the stand-ins; give its settings."""
    folder.mkdir()
    written = providers.write_credentials(folder, project=project, topic=topic)
    return {f"GTR_APPS__{app.upper()}__{name}": written[f"GTR_{name}"] for name in _OWN}


@dataclass(frozen=True)
class FirebaseKey:
    """A service account that the stand-ins know.

    Args:
        email: Its name.
        text: Its key file.
    """

    email: str
    text: str


def make_firebase_key(providers: ProviderStandIns, project: str) -> FirebaseKey:
    """Make another service account of a project."""
    account, file = make_service_account(project, providers.oauth.token_url)
    providers.oauth.register(account)
    return FirebaseKey(account.email, json.dumps(file))


def read_firebase_key(settings: Mapping[str, str]) -> FirebaseKey:
    """Read the service account that settings name."""
    text = Path(settings["GTR_FCM_CREDENTIALS_FILE"]).read_text()
    return FirebaseKey(json.loads(text)["client_email"], text)


def make_apple_key(
    providers: ProviderStandIns, folder: Path, topic: str, team: str
) -> dict[str, str]:
    """Make another signing key of a team; give the settings that name it."""
    key, text = make_signing_key(topic)
    key = replace(key, team=team)
    providers.apns.tokens.register(key)
    file = folder / f"AuthKey_{key.key_id}.p8"
    file.write_text(text)
    return {"GTR_APNS_KEY_FILE": str(file), "GTR_APNS_KEY_ID": key.key_id}
