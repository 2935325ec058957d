"""A Google service account: read from its key file, and able to ask for access tokens."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from google.auth import jwt
from google.auth.exceptions import GoogleAuthError
from google.oauth2.service_account import Credentials

from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.providers.key_files import KeyText

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"

# Google's own libraries name this audience whatever `token_uri` says.
_AUDIENCE = "https://oauth2.googleapis.com/token"
_LIFETIME_SECONDS = 3600

# google-auth tells a type checker nothing about either.
_encode: Callable[..., bytes] = jwt.encode
_load: Callable[..., Credentials] = Credentials.from_service_account_info

_FIELDS = ("project_id", "client_email", "private_key", "token_uri")


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """Who we are to Google.

    Args:
        project_id: The Firebase project.
        token_uri: Where access tokens are issued.
        source: The setting, and the file where there is one, for messages.
        credentials: google-auth's view of the key; it signs.
    """

    project_id: str
    token_uri: str
    source: str
    credentials: Credentials = field(repr=False)

    def sign_grant(self) -> str:
        """Sign a claim that is exchanged for an access token."""
        now = int(time.time())
        claims = {
            "iss": self.credentials.service_account_email,
            "aud": _AUDIENCE,
            "scope": SCOPE,
            "iat": now,
            "exp": now + _LIFETIME_SECONDS,
        }
        return _encode(self.credentials.signer, claims).decode("ascii")


def read_service_account(key: KeyText) -> ServiceAccount:
    """Read a service account key as the Firebase console gives it.

    Raises:
        ConfigurationError: It is not one; says what is wrong, never what is in it.
    """
    hint = "download a new key: Firebase console, project settings, service accounts"
    try:
        info = json.loads(key.text)
    except (ValueError, RecursionError):
        raise ConfigurationError(f"{key.source} is not JSON, or only part of it", hint) from None
    if not isinstance(info, dict) or info.get("type") != "service_account":
        raise ConfigurationError(f"{key.source} is not a service account key", hint)
    for name in _FIELDS:
        if not isinstance(info.get(name), str) or not info[name]:
            raise ConfigurationError(f"{key.source} has no {name}", hint)
    if urlsplit(info["token_uri"]).scheme != "https":
        raise ConfigurationError(f"{key.source} has a token_uri that is not https", hint)
    try:
        private_key = load_pem_private_key(info["private_key"].encode(), password=None)
        credentials = _load(info, scopes=[SCOPE])
    except (ValueError, TypeError, UnsupportedAlgorithm, GoogleAuthError):
        raise ConfigurationError(f"{key.source} has a private_key that is damaged", hint) from None
    if not isinstance(private_key, RSAPrivateKey):
        raise ConfigurationError(f"{key.source} has a private_key that is not RSA", hint)
    return ServiceAccount(
        project_id=info["project_id"],
        token_uri=info["token_uri"],
        source=key.source,
        credentials=credentials,
    )
