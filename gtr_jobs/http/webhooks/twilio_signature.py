"""Whether Twilio asked: its SDK computes the signature, over the address that Twilio was told."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256
from urllib.parse import parse_qs, parse_qsl, urlsplit

import orjson
from starlette.datastructures import Headers, ImmutableMultiDict
from twilio.request_validator import (
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    add_port,
    get_signature_algorithm,
    remove_port,
)

from gtr_jobs.http.webhooks.page import Asked, RefusedError

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

Form = ImmutableMultiDict[str, str]

_MOST_FIELDS = 200
_BODY_HASH = "bodySHA256"
_LONGEST_SIGNATURE = 100


class TwilioSignature:
    """Reads what Twilio signed.

    Args:
        public_url: Where Twilio was told to report, without the page.
        tokens: Any of which may have signed.
    """

    def __init__(self, public_url: str, tokens: Sequence[str]) -> None:
        self._url = public_url
        self._validators = [RequestValidator(token) for token in tokens]

    def look_at_head(self, headers: Headers, query: str) -> None:
        """Refuse what has no signature.

        Raises:
            RefusedError: There is none, or a body that none can be about.
        """
        signature = headers.get(SIGNATURE_HEADER, "")
        if not 0 < len(signature) <= _LONGEST_SIGNATURE:
            raise RefusedError(403, "no_signature")
        if headers.get("content-type", "").startswith(JSON) and _BODY_HASH not in query:
            raise RefusedError(400, "no_body_hash")

    def read(self, asked: Asked) -> Form:
        """Give the fields of a request that Twilio signed.

        Raises:
            RefusedError: It did not, or they cannot be read.
        """
        if asked.content_type == JSON:
            fields, is_whole = _read_json(asked.body), _has_hash(asked)
            signed: Form | None = None
        else:
            fields = signed = _read_form(asked.body)
            is_whole = True
        if not (is_whole and self._is_signed(asked, signed)):
            raise RefusedError(403, "wrong_signature")
        if fields is None:
            raise RefusedError(400, "unreadable")
        return fields

    def _is_signed(self, asked: Asked, fields: Form | None) -> bool:
        url = urlsplit(f"{self._url}{asked.path}" + (f"?{asked.query}" if asked.query else ""))
        given = asked.headers.get(SIGNATURE_HEADER, "")
        algorithm = get_signature_algorithm(asked.headers.get(SIGNATURE_SETTINGS_HEADER))
        is_signed = False
        for validator in self._validators:
            # Twilio signs the address with its port or without, and does not say which.
            for address in (remove_port(url), add_port(url)):
                try:
                    signature = validator.compute_signature(address, fields, algorithm)
                except ValueError:
                    return False
                is_signed |= hmac.compare_digest(signature.encode(), given.encode())
        return is_signed


def _read_form(body: bytes) -> Form:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=_MOST_FIELDS,
            errors="strict",
        )
    except ValueError:
        raise RefusedError(400, "unreadable") from None
    return ImmutableMultiDict(pairs)


def _read_json(body: bytes) -> Form | None:
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(fields, dict):
        return None
    return ImmutableMultiDict(
        [(name, value) for name, value in fields.items() if isinstance(value, str)]
    )


def _has_hash(asked: Asked) -> bool:
    given = parse_qs(asked.query).get(_BODY_HASH, [""])[0]
    return hmac.compare_digest(sha256(asked.body).hexdigest().encode(), given.encode())
