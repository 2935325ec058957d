"""Stands in for Google's OAuth token endpoint (RFC 7523: a signed JWT for an access token)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from gtr_jobs.dev.standins.exchange import Answer, Request, Respond, respond_json
from gtr_jobs.dev.standins.script import Fail
from gtr_jobs.dev.standins.standin import StandIn
from gtr_jobs.dev.standins.tls import ThrowawayAuthority

TOKEN_PATH = "/token"  # noqa: S105 - a path
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# Google's libraries name this audience wherever their token_uri points.
GOOGLE_AUDIENCE = "https://oauth2.googleapis.com/token"
SCOPE_PREFIX = "https://www.googleapis.com/auth/"

# https://developers.google.com/identity/protocols/oauth2/service-account: one hour at most.
LONGEST_LIFE = 3600
CLOCK_SKEW = 300
MAX_TOKENS = 10_000


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A service account as Google knows it.

    Args:
        email: Its name, the `iss` of its JWTs.
        project: The project that it may send for.
        key_id: Names its key, the `kid` of its JWTs.
        public_key: Checks its signatures.
    """

    email: str
    project: str
    key_id: str
    public_key: RSAPublicKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a bearer token stands for."""

    account: ServiceAccount
    scopes: frozenset[str]
    expires_at: float

    @property
    def is_expired(self) -> bool:
        """Whether its time is over."""
        return time.time() >= self.expires_at


class GoogleOAuthStandIn(StandIn):
    """`POST /token` as oauth2.googleapis.com answers it.

    Attributes:
        lifetime: Seconds that an access token lives.
    """

    def __init__(self, authority: ThrowawayAuthority, port: int = 0) -> None:
        super().__init__(authority, port)
        self.lifetime = LONGEST_LIFE
        self._accounts: dict[str, ServiceAccount] = {}
        self._tokens: dict[str, AccessToken] = {}

    @property
    def token_url(self) -> str:
        """The `token_uri` of a service account file."""
        return self.url + TOKEN_PATH

    @property
    def projects(self) -> frozenset[str]:
        """The projects that exist."""
        return frozenset(account.project for account in self._accounts.values())

    def register(self, account: ServiceAccount) -> None:
        """Make a service account known."""
        self._accounts[account.email] = account

    def revoke(self, email: str) -> None:
        """Make a service account unknown, with the tokens that it was given."""
        self._accounts.pop(email, None)
        self._tokens = {
            bearer: token for bearer, token in self._tokens.items() if token.account.email != email
        }

    def issue(self, account: ServiceAccount, scopes: frozenset[str]) -> str:
        """Give out an access token, without a JWT to ask for it."""
        bearer = f"ya29.standin.{secrets.token_urlsafe(48)}"
        while len(self._tokens) >= MAX_TOKENS:
            del self._tokens[next(iter(self._tokens))]
        self._tokens[bearer] = AccessToken(account, scopes, time.time() + self.lifetime)
        return bearer

    def find(self, bearer: str) -> AccessToken | None:
        """Look an access token up; an expired one is found as well."""
        return self._tokens.get(bearer)

    def expire_tokens(self) -> None:
        """End the life of every access token given out so far."""
        self._tokens = {
            bearer: AccessToken(token.account, token.scopes, expires_at=0)
            for bearer, token in self._tokens.items()
        }

    def answer(self, request: Request) -> Answer:
        """Answer a request for a token."""
        if request.path != TOKEN_PATH or request.method != "POST":
            return Respond(404, b"<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>")
        return self.play(self.script.take(), request, lambda: self._grant(request))

    def refuse(self, failure: Fail, request: Request) -> Respond:
        """Put a scripted failure into an OAuth error."""
        del request
        error = {"error": failure.reason, "error_description": failure.reason, **failure.details}
        return respond_json(failure.status, error, failure.headers)

    def _grant(self, request: Request) -> Respond:
        form = parse_qs(request.body.decode("latin-1"))
        grant_type = form.get("grant_type", [""])[0]
        if grant_type != GRANT_TYPE:
            return oauth_error("unsupported_grant_type", f"Invalid grant_type: {grant_type}")
        assertion = form.get("assertion", [""])[0]
        if not assertion:
            return oauth_error("invalid_request", "Missing required parameter: assertion")
        return self._exchange(assertion)

    def _exchange(self, assertion: str) -> Respond:
        try:
            claimed = jwt.decode_complete(assertion, options={"verify_signature": False})
        except jwt.InvalidTokenError:
            return invalid_grant("Bad Request")
        account = self._accounts.get(str(claimed["payload"].get("iss")))
        if account is None:
            return invalid_grant("Invalid grant: account not found")
        try:
            claims = jwt.decode(
                assertion,
                account.public_key,
                algorithms=["RS256"],
                audience=[GOOGLE_AUDIENCE, self.token_url],
                # Their rule is stricter than the standard's, and checked below.
                options={"verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidAudienceError:
            return invalid_grant("Invalid JWT: Failed audience check.")
        except jwt.InvalidTokenError:
            return invalid_grant("Invalid JWT Signature.")
        key_id = claimed["header"].get("kid", account.key_id)
        return self._answer_claims(account, claims) if key_id == account.key_id else unknown_key()

    def _answer_claims(self, account: ServiceAccount, claims: Mapping[str, Any]) -> Respond:
        if not _is_timely(claims):
            return untimely()
        scopes = frozenset(str(claims.get("scope", "")).split())
        if not scopes or not all(scope.startswith(SCOPE_PREFIX) for scope in scopes):
            return invalid_scope()
        bearer = self.issue(account, scopes)
        return respond_json(
            200,
            {"access_token": bearer, "expires_in": self.lifetime - 1, "token_type": "Bearer"},
        )


def invalid_grant(description: str) -> Respond:
    """400: the JWT is not good."""
    return oauth_error("invalid_grant", description)


def unknown_key() -> Respond:
    """400: the account has no such key (any more)."""
    return invalid_grant("Invalid JWT Signature.")


def untimely() -> Respond:
    """400: `iat` and `exp` are missing, too far apart or not about now."""
    return invalid_grant(
        "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
        "timeframe. Check your iat and exp values in the JWT claim."
    )


def invalid_scope() -> Respond:
    """400: what is asked for does not exist."""
    return oauth_error("invalid_scope", "Invalid OAuth scope or ID token audience provided.")


def oauth_error(error: str, description: str) -> Respond:
    """400 in the shape of RFC 6749."""
    return respond_json(400, {"error": error, "error_description": description})


def _is_timely(claims: Mapping[str, Any]) -> bool:
    issued_at, expires_at = claims.get("iat"), claims.get("exp")
    if not isinstance(issued_at, int | float) or not isinstance(expires_at, int | float):
        return False
    now = time.time()
    return (
        issued_at <= now + CLOCK_SKEW
        and now - CLOCK_SKEW < expires_at
        and 0 < expires_at - issued_at <= LONGEST_LIFE
    )
