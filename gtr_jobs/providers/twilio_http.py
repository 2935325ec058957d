"""Twilio's library over our connections: what it asks goes out once, under a deadline, and in silence.

The library documents this seam (`AsyncHttpClient`). Its own client has no deadline, repeats messages
where it is told to retry, loses `Retry-After` and writes phone numbers into its log.
"""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from twilio.http import AsyncHttpClient
from twilio.http.response import Response

from gtr_jobs.providers.exchange import Answered, Broken, NotSent
from gtr_jobs.providers.transport import HttpPool

_SILENCE = logging.getLogger("gtr_jobs.twilio")
_SILENCE.addHandler(logging.NullHandler())
_SILENCE.propagate = False


class NoSuccessError(Exception):
    """Twilio did not do what it was asked, or did not say so.

    Args:
        result: What became of the request.
    """

    def __init__(self, result: Answered | NotSent | Broken) -> None:
        super().__init__(type(result).__name__)
        self.result = result


class TwilioHttpClient(AsyncHttpClient):  # type: ignore[misc]
    """Carries the library's requests.

    Args:
        pool: Over which connections.
        base_url: Whom alone they are for, whatever an answer says where its next page is.
    """

    def __init__(self, pool: HttpPool, base_url: str) -> None:
        super().__init__(_SILENCE, True)
        self._pool = pool
        self._base = base_url.rstrip("/") + "/"

    async def request(  # noqa: PLR0913, PLR0917 - the library's interface
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's interface; the pool has the deadline
        allow_redirects: bool = False,
    ) -> Any:
        """Send a request as the library wrote it.

        Raises:
            NoSuccessError: There was no answer, or one that is no success.
        """
        del timeout, allow_redirects
        if not uri.startswith(self._base):
            raise NoSuccessError(NotSent("request_invalid"))
        lines = list((headers or {}).items())
        if auth is not None:
            lines.append(("Authorization", f"Basic {b64encode(':'.join(auth).encode()).decode()}"))
        if params:
            uri = f"{uri}?{urlencode(params, doseq=True)}"
        if method == "GET":
            result = await self._pool.get(uri, lines)
        else:
            try:
                body = urlencode(data or {}, doseq=True).encode()
            except UnicodeEncodeError:
                raise NoSuccessError(NotSent("request_invalid")) from None
            result = await self._pool.post(uri, body, lines)
        if not isinstance(result, Answered) or not 200 <= result.status < 300:
            raise NoSuccessError(result)
        return Response(result.status, result.body.decode(errors="replace"), result.headers)
