"""Links to unsubscribe: who has one can use it, and nobody can make one.

A link names the delivery that it came with, and no address: it stands in logs of proxies and in
histories of browsers, where nothing of a person belongs.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from hashlib import sha256
from urllib.parse import parse_qs, urlencode
from uuid import UUID

PATH = "/unsubscribe"

_DELIVERY, _SIGNATURE = "d", "s"
# Part of what is signed: what was signed for something else is no link of these.
_PURPOSE = b"gtr_jobs unsubscribe 1 "
_LONGEST_QUERY = 200


class UnsubscribeLinks:
    """Makes links and reads them.

    Args:
        public_url: Where people reach the page.
        secrets: The first signs new links; links of the others still work.
    """

    def __init__(self, public_url: str, secrets: Sequence[str]) -> None:
        self._url = f"{public_url.rstrip('/')}{PATH}"
        self._keys = [secret.encode() for secret in secrets]

    def make(self, delivery_id: UUID) -> str:
        """Make the link that goes with a delivery."""
        signature = _sign(self._keys[0], delivery_id)
        query = urlencode({_DELIVERY: str(delivery_id), _SIGNATURE: signature})
        return f"{self._url}?{query}"

    def read(self, query: str) -> UUID | None:
        """Give the delivery that a link went with; None where we did not make it.

        Args:
            query: What stands behind the question mark.
        """
        if len(query) > _LONGEST_QUERY or not query.isascii():
            return None
        fields = parse_qs(query)
        try:
            delivery_id = UUID(fields[_DELIVERY][0])
            given = fields[_SIGNATURE][0]
        except (KeyError, ValueError):
            return None
        is_ours = False
        for key in self._keys:
            is_ours |= hmac.compare_digest(_sign(key, delivery_id).encode(), given.encode())
        return delivery_id if is_ours else None


def _sign(key: bytes, delivery_id: UUID) -> str:
    digest = hmac.digest(key, _PURPOSE + delivery_id.bytes, sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
