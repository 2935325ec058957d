"""Links to unsubscribe: who has one can use it, and nobody can make or read one.

The address is sealed (AES-256-GCM), not only signed: the link stands in logs of proxies and in
histories of browsers, where no address of a person belongs.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PATH = "/unsubscribe"
PARAMETER = "t"

# Bound into the seal: what is sealed for something else, or by a later version, is no link of these.
_PURPOSE = b"gtr_jobs unsubscribe 1"
_NONCE_BYTES = 12
_LONGEST_ADDRESS = 320
_LONGEST_TOKEN = 600


class UnsubscribeLinks:
    """Makes links and reads them.

    Args:
        public_url: Where people reach the page.
        secrets: The first seals new links; links of the others still work.
    """

    def __init__(self, public_url: str, secrets: Sequence[str]) -> None:
        self._url = f"{public_url.rstrip('/')}{PATH}"
        self._ciphers = [AESGCM(_derive_key(secret)) for secret in secrets]

    def make(self, address: str) -> str:
        """Make the link for an e-mail to an address.

        Raises:
            ValueError: The address is none.
        """
        content = address.encode()
        if not 0 < len(content) <= _LONGEST_ADDRESS:
            raise ValueError("an e-mail address has 1 to 320 bytes")
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._ciphers[0].encrypt(nonce, content, _PURPOSE)
        token = base64.urlsafe_b64encode(sealed).decode().rstrip("=")
        return f"{self._url}?{PARAMETER}={token}"

    def read(self, token: str) -> str | None:
        """Give the address that a link was made for; None where we did not make it."""
        if len(token) > _LONGEST_TOKEN or not token.isascii():
            return None
        try:
            padded = token + "=" * (-len(token) % 4)
            sealed = base64.b64decode(padded, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        nonce, content = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        for cipher in self._ciphers if len(nonce) == _NONCE_BYTES else ():
            try:
                return cipher.decrypt(nonce, content, _PURPOSE).decode()
            except InvalidTag:
                continue
        return None


def _derive_key(secret: str) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret.encode())
