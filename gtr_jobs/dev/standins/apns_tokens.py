"""Checks APNs' provider tokens: JWTs signed with ES256 by a key of the team."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from gtr_jobs.dev.standins import apns_answers as answers
from gtr_jobs.dev.standins.exchange import Connection, Request, Respond

# "Establishing a token-based connection to APNs": refresh no more than once every 20 minutes and
# no less than once every 60.
LONGEST_LIFE = 3600
SHORTEST_LIFE = 1200
CLOCK_SKEW = 60
REMEMBERED = 1000

UpdateLimit = Literal["off", "connection", "key"]
Refusal = Callable[[str], Respond]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key as Apple's developer account lists it.

    Args:
        key_id: Its ten signs.
        team: The team that it belongs to.
        public_key: Checks its signatures.
        topics: The apps that it may send for.
    """

    key_id: str
    team: str
    public_key: EllipticCurvePublicKey = field(repr=False)
    topics: frozenset[str]


@dataclass(frozen=True, slots=True)
class ProviderToken:
    """What a checked token says."""

    key: SigningKey
    issued_at: float


class ProviderTokens:
    """Knows the keys, and every token that it has checked.

    Attributes:
        update_limit: Whether more than one new token in 20 minutes is refused, counted for each
            connection or for each key. Apple counts in a way that is not documented.
    """

    def __init__(self) -> None:
        self.update_limit: UpdateLimit = "off"
        self._keys: dict[str, SigningKey] = {}
        self._checked: dict[str, ProviderToken] = {}
        self._current: dict[object, tuple[str, float]] = {}

    def register(self, key: SigningKey) -> None:
        """Make a key known."""
        self._keys[key.key_id] = key

    def find(self, key_id: str) -> SigningKey:
        """Look a known key up."""
        return self._keys[key_id]

    def revoke(self, key_id: str) -> None:
        """Make a key unknown, with the tokens that it signed."""
        self._keys.pop(key_id, None)
        self._checked.clear()

    def check(self, request: Request) -> ProviderToken | Refusal:
        """Check the token of a request; what is refused comes as the answer to give."""
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not encoded:
            return answers.missing_provider_token
        token = self._checked.get(encoded) or self._read(encoded)
        if token is None or not _is_of_connection(token, request.connection):
            return answers.invalid_provider_token
        age = time.time() - token.issued_at
        if age < -CLOCK_SKEW:
            return answers.invalid_provider_token
        if age > LONGEST_LIFE:
            return answers.expired_provider_token
        if not self._may_change(encoded, token, request.connection):
            return answers.too_many_provider_token_updates
        return token

    def _read(self, encoded: str) -> ProviderToken | None:
        try:
            key = self._keys[str(jwt.get_unverified_header(encoded).get("kid"))]
            claims = jwt.decode(
                encoded,
                key.public_key,
                algorithms=["ES256"],
                # Apple's rule about age is checked at every use; a token carries no `exp`.
                options={"verify_iat": False, "verify_exp": False, "verify_aud": False},
            )
            issued_at = float(claims["iat"])
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
            return None
        if claims.get("iss") != key.team:
            return None
        token = ProviderToken(key, issued_at)
        if len(self._checked) >= REMEMBERED:
            self._checked.clear()
        self._checked[encoded] = token
        return token

    def _may_change(self, encoded: str, token: ProviderToken, connection: Connection) -> bool:
        if self.update_limit == "off":
            return True
        who = connection.number if self.update_limit == "connection" else token.key.key_id
        now = time.time()
        current, since = self._current.get(who, ("", 0.0))
        if current == encoded:
            return True
        if now - since < SHORTEST_LIFE:
            return False
        self._current[who] = (encoded, now)
        return True


def _is_of_connection(token: ProviderToken, connection: Connection) -> bool:
    """Apple takes the tokens of one team on a connection, and no other's after."""
    return bool(connection.notes.setdefault("team", token.key.team) == token.key.team)
