"""Whether a webhook is from who has our secret, and new: Standard Webhooks.

The signature is an HMAC-SHA256 over id, time and body (https://www.standardwebhooks.com). Senders that
speak it by another name put `svix-` before the same headers.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from collections.abc import Callable, Sequence
from hashlib import sha256

from starlette.datastructures import Headers

from gtr_jobs.http.webhooks.page import RefusedError

WINDOW_SECONDS = 300
_PREFIXES = ("webhook-", "svix-")
_SECRET_PREFIX = "whsec_"  # noqa: S105  (how the standard marks secrets)
_LONGEST_HEADER = 1_000
_MOST_SIGNATURES = 5


class StandardSignature:
    """Reads what somebody signed with one of our secrets.

    Args:
        secrets: As text, or as the standard writes them: whsec_ and base64.
        now: The time, in seconds since 1970.
    """

    def __init__(self, secrets: Sequence[str], now: Callable[[], float] = time.time) -> None:
        self._keys = [_read_secret(secret) for secret in secrets]
        self._now = now

    def look_at_head(self, headers: Headers) -> None:
        """Refuse what has no signature, or one that is too old.

        Raises:
            RefusedError: It is refused.
        """
        _, moment, signatures = _read_headers(headers)
        if not signatures:
            raise RefusedError(403, "no_signature")
        try:
            seconds = int(moment)
        except ValueError:
            raise RefusedError(403, "no_signature") from None
        if abs(self._now() - seconds) > WINDOW_SECONDS:
            raise RefusedError(403, "too_old")

    def check(self, headers: Headers, body: bytes) -> str:
        """Give the webhook's id.

        Raises:
            RefusedError: None of our secrets signed it.
        """
        name, moment, signatures = _read_headers(headers)
        content = f"{name}.{moment}.".encode() + body
        is_signed = False
        for key in self._keys:
            wanted = base64.b64encode(hmac.digest(key, content, sha256))
            for signature in signatures[:_MOST_SIGNATURES]:
                is_signed |= hmac.compare_digest(wanted, signature.encode())
        if not is_signed:
            raise RefusedError(403, "wrong_signature")
        return name


def _read_headers(headers: Headers) -> tuple[str, str, list[str]]:
    """Give id, time and the signatures of the version that we know."""
    for prefix in _PREFIXES:
        name, moment, given = (
            headers.get(f"{prefix}{part}", "") for part in ("id", "timestamp", "signature")
        )
        if name and moment and given and max(len(name), len(moment), len(given)) <= _LONGEST_HEADER:
            pairs = [one.partition(",") for one in given.split()]
            return name, moment, [value for version, _, value in pairs if version == "v1"]
    return "", "", []


def _read_secret(secret: str) -> bytes:
    if not secret.startswith(_SECRET_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
    except binascii.Error:
        return secret.encode()
