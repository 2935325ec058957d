"""Requests that a provider makes of us: reports and answers of people, signed as the provider signs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode

from pyreqwest.client import Client, ClientBuilder

_PATIENCE = timedelta(seconds=10)


def sign_as_twilio(token: str, url: str, form: Mapping[str, str]) -> str:
    """Sign a form: HMAC-SHA1 over the address and every field's name and value in order.

    https://www.twilio.com/docs/usage/security#validating-requests
    """
    signed = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    digest = hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


class Callbacks:
    """Posts forms to addresses that we gave.

    Attributes:
        forwards: Beginnings of public addresses, and what they lead to here: a request is signed for
            the one and sent to the other, as through a proxy.
    """

    def __init__(self) -> None:
        self.forwards: dict[str, str] = {}
        self._client: Client | None = None

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> int:
        """Post a form; give the status that came back."""
        if self._client is None:
            self._client = ClientBuilder().no_proxy().timeout(_PATIENCE).build()
        target = url
        for public, local in self.forwards.items():
            if url.startswith(public):
                target = local + url.removeprefix(public)
        request = self._client.post(target)
        for name, value in headers.items():
            request = request.header(name, value)
        request = request.header("content-type", "application/x-www-form-urlencoded")
        response = await request.body_bytes(urlencode(form).encode()).build().send()
        return response.status

    async def post_as_twilio(self, url: str, form: Mapping[str, str], token: str) -> int:
        """Post a form with Twilio's signature; give the status that came back."""
        return await self.post(
            url,
            form,
            {
                "x-twilio-signature": sign_as_twilio(token, url, form),
                "i-twilio-idempotency-token": secrets.token_hex(16),
                "user-agent": "TwilioProxy/1.1",
            },
        )

    async def close(self) -> None:
        """Close connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None
