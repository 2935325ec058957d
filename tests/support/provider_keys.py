"""Keys as Google and Apple give them out, made here and worth nothing elsewhere."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

PROJECT_ID = "gtr-test"
KEY_ID = "ABCDE12345"
TEAM_ID = "TEAM123456"
TOPIC = "com.example.gtr"


@cache
def google_key() -> rsa.RSAPrivateKey:
    """Give the service account's key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def apple_key() -> ec.EllipticCurvePrivateKey:
    """Give the team's signing key."""
    return ec.generate_private_key(ec.SECP256R1())


def to_pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    """Write a private key as both companies do."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def to_public_pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    """Write the public half of a key."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def service_account_json(**changes: Any) -> str:
    """Write a service account key file; a change to None leaves the field out."""
    info = {
        "type": "service_account",
        "project_id": PROJECT_ID,
        "private_key_id": "0123456789abcdef",
        "private_key": to_pem(google_key()),
        "client_email": "worker@gtr-test.iam.gserviceaccount.com",
        "client_id": "123456789",
        "token_uri": "https://oauth2.googleapis.com/token",
    } | changes
    return json.dumps({name: value for name, value in info.items() if value is not None})
