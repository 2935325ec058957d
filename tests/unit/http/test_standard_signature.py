"""Webhooks signed as Standard Webhooks say: with their published example, and every way to be wrong."""

from __future__ import annotations

import base64

import pytest
from starlette.datastructures import Headers
from support.webhooks import SECRET, sign_standard

from gtr_jobs.http.webhooks.page import RefusedError
from gtr_jobs.http.webhooks.standard_signature import StandardSignature

# https://github.com/standard-webhooks/standard-webhooks: the example of its libraries.
PUBLISHED_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PUBLISHED = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
PUBLISHED_BODY = b'{"test": 2432232314}'


def _check(headers: dict[str, str], body: bytes, *secrets: str, now: float = 1_614_265_330) -> str:
    signature = StandardSignature(secrets or [PUBLISHED_SECRET], lambda: now)
    signature.look_at_head(Headers(headers))
    return signature.check(Headers(headers), body)


@pytest.mark.parametrize("prefix", ["webhook-", "svix-"])
def test_the_published_signature_is_valid(prefix: str) -> None:
    """Under both names of its headers."""
    headers = {name.replace("webhook-", prefix): value for name, value in PUBLISHED.items()}

    assert _check(headers, PUBLISHED_BODY) == "msg_p5jXN8AQM9LWM0D4loKWxJek"


def test_one_valid_signature_among_several_is_enough() -> None:
    """Whoever changes its secret signs with both."""
    wrong = f"v2,abc v1,{base64.b64encode(b'x' * 32).decode()} "
    headers = PUBLISHED | {"webhook-signature": wrong + PUBLISHED["webhook-signature"]}

    assert _check(headers, PUBLISHED_BODY) == "msg_p5jXN8AQM9LWM0D4loKWxJek"


@pytest.mark.parametrize("secrets", [(SECRET,), (PUBLISHED_SECRET, SECRET)])
def test_a_secret_may_be_plain_text_and_one_of_two(secrets: tuple[str, ...]) -> None:
    """While one takes the place of the other."""
    assert _check(sign_standard(b"{}", at=1_614_265_330), b"{}", *secrets) == "msg_1"


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_webhook_is_new_for_five_minutes(seconds: int) -> None:
    """Before and after, as clocks differ."""
    assert _check(PUBLISHED, PUBLISHED_BODY, now=1_614_265_330 + seconds)


@pytest.mark.parametrize(
    ("change", "body", "why"),
    [
        ({"webhook-timestamp": "1614265029"}, PUBLISHED_BODY, "too_old"),
        ({"webhook-timestamp": "1614265631"}, PUBLISHED_BODY, "too_old"),
        ({"webhook-timestamp": "yesterday"}, PUBLISHED_BODY, "no_signature"),
        ({"webhook-timestamp": ""}, PUBLISHED_BODY, "no_signature"),
        ({"webhook-id": ""}, PUBLISHED_BODY, "no_signature"),
        ({"webhook-id": "x" * 1001}, PUBLISHED_BODY, "no_signature"),
        ({"webhook-signature": ""}, PUBLISHED_BODY, "no_signature"),
        ({"webhook-signature": "v2,abc"}, PUBLISHED_BODY, "no_signature"),
        ({"webhook-timestamp": "1614265331"}, PUBLISHED_BODY, "wrong_signature"),
        ({"webhook-id": "msg_2"}, PUBLISHED_BODY, "wrong_signature"),
        ({}, b'{"test": 2432232315}', "wrong_signature"),
        ({"webhook-signature": "v1,\xe9"}, PUBLISHED_BODY, "wrong_signature"),
    ],
)
def test_what_is_old_or_not_signed_is_refused(
    change: dict[str, str], body: bytes, why: str
) -> None:
    """With the same answer, whichever it is."""
    with pytest.raises(RefusedError) as refused:
        _check(PUBLISHED | change, body)

    assert (refused.value.status, refused.value.result) == (403, why)
