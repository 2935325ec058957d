"""Signatures as Twilio publishes them, and every way in which one can be wrong."""

from __future__ import annotations

from hashlib import sha256
from urllib.parse import urlencode

import pytest
from starlette.datastructures import Headers, ImmutableMultiDict
from support.webhooks import Pairs
from twilio.request_validator import RequestValidator

from gtr_jobs.http.webhooks.page import Asked, RefusedError
from gtr_jobs.http.webhooks.twilio_signature import FORM, JSON, TwilioSignature

# https://github.com/twilio/twilio-python/blob/main/tests/unit/test_request_validator.py
TOKEN = "12345"
PATH, QUERY = "/myapp.php", "foo=1&bar=2"
PARAMS: Pairs = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
    ("Caller", "+14158675309"),
]
BODY = b'{"property": "value", "boolean": true}'
BODY_HASH = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"


def _asked(
    signature: str, body: bytes, content_type: str = FORM, query: str = QUERY, **more: str
) -> Asked:
    headers = {"x-twilio-signature": signature, "content-type": content_type, **more}
    return Asked("POST", PATH, query, Headers(headers), body)


def _read(
    public_url: str, signature: str, pairs: Pairs = PARAMS, *tokens: str
) -> list[tuple[str, str]]:
    fields = TwilioSignature(public_url, tokens or [TOKEN]).read(
        _asked(signature, urlencode(pairs).encode())
    )
    return fields.multi_items()


@pytest.mark.parametrize(
    ("public_url", "signature"),
    [
        ("https://mycompany.com", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("https://mycompany.com:1234", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("http://mycompany.com:1234", "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
        ("https://mycompany.com", "kvajT1Ptam85bY51eRf/AJRuM3w="),
        ("http://mycompany.com", "0ZXoZLH/DfblKGATFgpif+LLRf4="),
    ],
    ids=["plain", "port left out", "http, port left out", "port added", "http, port added"],
)
def test_published_signatures_are_valid(public_url: str, signature: str) -> None:
    """With the port and without it, as Twilio's own tests have them."""
    assert _read(public_url, signature) == PARAMS


def test_the_published_signature_of_a_field_that_comes_twice_is_valid() -> None:
    """Its values are sorted, and each is there."""
    pairs = [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234")]

    assert _read("https://mycompany.com", "IK+Dwps556ElfBT0I3Rgjkr1wJU=", pairs) == pairs


def test_the_published_signature_of_a_json_body_is_valid() -> None:
    """Twilio signs its hash in the address."""
    asked = _asked("a9nBmqA0ju/hNViExpshrM61xv4=", BODY, JSON, f"{QUERY}&bodySHA256={BODY_HASH}")

    fields = TwilioSignature("https://mycompany.com", [TOKEN]).read(asked)
    assert fields.multi_items() == [("property", "value")]


def test_a_signature_for_another_address_is_refused() -> None:
    """Only the configured one counts, whatever the request says of where it came to."""
    with pytest.raises(RefusedError, match=r"^wrong_signature$"):
        _read("https://other.example", "RSOYDt4T1cUTdK1PDd93/VVr8B8=")


@pytest.mark.parametrize("token", ["12345", "67890"])
def test_either_token_is_valid_while_one_takes_the_place_of_the_other(token: str) -> None:
    """Whichever Twilio signs with by then."""
    signature = RequestValidator(token).compute_signature(
        f"https://mycompany.com{PATH}?{QUERY}", dict(PARAMS)
    )

    assert _read("https://mycompany.com", signature, PARAMS, "67890", "12345") == PARAMS


@pytest.mark.parametrize(
    "pairs",
    [
        [("Body", "")],
        [("Body", "a+b c%20d&e=f")],
        [("Body", "Grüße 👋 \u202e")],
        [("Empty", ""), ("Empty", ""), ("a", "1"), ("A", "2")],
        [("", "no name")],
    ],
)
def test_fields_are_read_as_the_sdk_signs_them(pairs: Pairs) -> None:
    """Empty ones, signs that a form escapes, and other scripts."""
    signature = RequestValidator(TOKEN).compute_signature(
        f"https://mycompany.com{PATH}?{QUERY}", ImmutableMultiDict(pairs)
    )

    assert _read("https://mycompany.com", signature, pairs) == pairs


def test_a_signature_with_sha256_is_valid() -> None:
    """Twilio says by a header that it signed so."""
    signature = RequestValidator(TOKEN).compute_signature(
        f"https://mycompany.com{PATH}?{QUERY}", dict(PARAMS), "HMAC_SHA256"
    )
    settings = {"x-twilio-webhooks-signature-settings": "key=k,algorithm=HMAC_SHA256"}
    asked = _asked(signature, urlencode(PARAMS).encode(), **settings)

    fields = TwilioSignature("https://mycompany.com", [TOKEN]).read(asked)
    assert fields.multi_items() == PARAMS


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (_asked("RSOYDt4T1cUTdK1PDd93/VVr8B8=", b"Digits=1"), "403 wrong_signature"),
        (_asked("é", urlencode(PARAMS).encode()), "403 wrong_signature"),
        (_asked("x", b"\xff"), "400 unreadable"),
        (_asked("x", b"a=%ff"), "400 unreadable"),
        (_asked("x", b"a=1&" * 201), "400 unreadable"),
        (_asked("x", BODY, JSON, f"{QUERY}&bodySHA256=0"), "403 wrong_signature"),
        (_asked("x", b"[", JSON, f"{QUERY}&bodySHA256={BODY_HASH}"), "403 wrong_signature"),
        (
            _asked(
                "x",
                urlencode(PARAMS).encode(),
                **{"x-twilio-webhooks-signature-settings": "algorithm=MD5"},
            ),
            "403 wrong_signature",
        ),
    ],
)
def test_what_is_not_signed_is_refused(asked: Asked, why: str) -> None:
    """And nothing of it fails in another way."""
    with pytest.raises(RefusedError) as refused:
        TwilioSignature("https://mycompany.com", [TOKEN]).read(asked)

    assert f"{refused.value.status} {refused.value.result}" == why


def test_signed_json_that_is_none_is_refused() -> None:
    """After its signature was seen to be right."""
    body = b"[1]"
    query = f"bodySHA256={sha256(body).hexdigest()}"
    signature = RequestValidator(TOKEN).compute_signature(
        f"https://mycompany.com{PATH}?{query}", {}
    )
    with pytest.raises(RefusedError, match=r"^unreadable$"):
        TwilioSignature("https://mycompany.com", [TOKEN]).read(_asked(signature, body, JSON, query))


@pytest.mark.parametrize(
    ("headers", "query", "why"),
    [
        ({}, "", "403 no_signature"),
        ({"x-twilio-signature": ""}, "", "403 no_signature"),
        ({"x-twilio-signature": "x" * 101}, "", "403 no_signature"),
        ({"x-twilio-signature": "x", "content-type": JSON}, "d=1", "400 no_body_hash"),
    ],
)
def test_a_head_without_what_it_takes_is_refused(
    headers: dict[str, str], query: str, why: str
) -> None:
    """Before its body is read."""
    with pytest.raises(RefusedError) as refused:
        TwilioSignature("https://mycompany.com", [TOKEN]).look_at_head(Headers(headers), query)

    assert f"{refused.value.status} {refused.value.result}" == why
