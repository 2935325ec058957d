"""APNs provider tokens: signed rarely, because Apple counts how often."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from aioapns.connection import JWTAuthorizationHeaderProvider
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

# Apple takes a token for an hour, and a new one every 20 minutes at most.
_RENEW_AFTER = 40 * 60.0
SHORTEST_INTERVAL = 20 * 60.0


class ApnsTokens:
    """Gives the `authorization` header, the same one for every connection of the team.

    Args:
        key: The signing key.
        key_id: Its id.
        team_id: The Apple team.
        clock: Wall time in seconds: the machine may have slept, and Apple's clock did not.
    """

    def __init__(
        self,
        key: EllipticCurvePrivateKey,
        key_id: str,
        team_id: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._key = key
        self._key_id = key_id
        self._team_id = team_id
        self._clock = clock
        self._header = ""
        self._signed_at = 0.0
        self._may_replace_from = 0.0
        self._may_sign_from = 0.0

    def header(self) -> str:
        """Give the header that is to be sent now."""
        now = self._clock()
        age = now - self._signed_at
        is_fresh = 0 <= age < _RENEW_AFTER or now < self._may_sign_from
        if not (self._header and is_fresh):
            self._sign(now)
        return self._header

    def replace(self, rejected: str) -> str | None:
        """Give another header than one that was refused as expired.

        Returns:
            A new one, or the one that somebody else got meanwhile; None while Apple would count a
            new one as too many.
        """
        if self._header != rejected:
            return self._header
        now = self._clock()
        if now < max(self._may_replace_from, self._may_sign_from):
            return None
        self._may_replace_from = now + SHORTEST_INTERVAL
        self._sign(now)
        return self._header

    def hold(self) -> None:
        """Sign nothing for a while: Apple has counted too many."""
        self._may_sign_from = self._clock() + SHORTEST_INTERVAL

    def _sign(self, now: float) -> None:
        # A new instance signs when it is first asked. aioapns tells a type checker nothing of it.
        provider: Any = JWTAuthorizationHeaderProvider(self._key, self._key_id, self._team_id)
        self._header = provider.get_header()
        self._signed_at = now
