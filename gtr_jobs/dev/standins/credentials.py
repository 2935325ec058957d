"""Keys as Google and Apple hand them out, made here and worth nothing elsewhere."""

from __future__ import annotations

import functools
import secrets
import string
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from gtr_jobs.dev.standins.apns_tokens import SigningKey
from gtr_jobs.dev.standins.google_oauth import ServiceAccount

_CAPITALS = string.ascii_uppercase + string.digits


def make_service_account(project: str, token_url: str) -> tuple[ServiceAccount, dict[str, Any]]:
    """Make a Google service account.

    Args:
        project: The Firebase project.
        token_url: Where its JWTs are exchanged for access tokens.

    Returns:
        What Google knows of it, and the JSON file that its owner downloads.
    """
    private_key = _rsa_key()
    number = "".join(secrets.choice(string.digits) for _ in range(21))
    account = ServiceAccount(
        email=f"standin-{secrets.token_hex(4)}@{project}.iam.gserviceaccount.com",
        project=project,
        key_id=secrets.token_hex(20),
        public_key=private_key.public_key(),
    )
    file = {
        "type": "service_account",
        "project_id": project,
        "private_key_id": account.key_id,
        "private_key": _pem(private_key),
        "client_email": account.email,
        "client_id": number,
        "token_uri": token_url,
        "universe_domain": "googleapis.com",
    }
    return account, file


def make_signing_key(*topics: str) -> tuple[SigningKey, str]:
    """Make a key that signs APNs' provider tokens, of a team of its own.

    Args:
        topics: The apps that it may send for.

    Returns:
        What Apple knows of it, and the .p8 file that its owner downloads.
    """
    private_key = ec.generate_private_key(ec.SECP256R1())
    key = SigningKey(
        key_id=_ten_signs(),
        team=_ten_signs(),
        public_key=private_key.public_key(),
        topics=frozenset(topics),
    )
    return key, _pem(private_key)


@functools.cache
def _rsa_key() -> rsa.RSAPrivateKey:
    """Make one for the whole process: that takes longer than everything else here together."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _ten_signs() -> str:
    return "".join(secrets.choice(_CAPITALS) for _ in range(10))
