"""The gate before all pages outside: what is too much, too slow or not theirs comes no further.

From the cheapest look to the dearest: path, method, network, length, kind of content, presence of a
signature; then the body, within its limits; then the signature; and only then the database, so many
times a second and no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from gtr_jobs.db.pool import PASSING_ERRORS
from gtr_jobs.domain.networks import Networks, find_client, is_within
from gtr_jobs.http.webhooks.page import Answer, Asked, Page, RefusedError, content_type_of
from gtr_jobs.observe import events
from gtr_jobs.observe.faults import places_of
from gtr_jobs.observe.logs import Logger
from gtr_jobs.observe.metrics import Metrics

MAX_BODY_BYTES = 65_536
MAX_HEAD_BYTES = 16_384
# How many are read and answered at once: a body each, and never more than that in memory.
MOST_AT_ONCE = 64
BODY_SECONDS = 5.0
# With the body's time less than the 15 seconds that Twilio waits.
ANSWER_SECONDS = 8.0
# Who was refused so often within a second waits for the answer, and so asks less often.
_REFUSALS_A_SECOND = 20
_MOST_WAITING = 64
_WAIT_SECONDS = 1.0
_LOG_SECONDS = 60.0
_COME_AGAIN = {"retry-after": "30"}
_CLOSE = {"connection": "close"}


@dataclass(frozen=True, slots=True)
class GateRules:
    """Who comes through.

    Args:
        networks: From where providers may report; None for anywhere.
        proxies: Who is believed what stands in the header.
        proxy_header: Where proxies say who asks; None where none is believed.
        body_seconds: How long a body may take.
        answer_seconds: How long an answer may take.
    """

    networks: Networks | None = None
    proxies: Networks = ()
    proxy_header: str | None = None
    body_seconds: float = BODY_SECONDS
    answer_seconds: float = ANSWER_SECONDS


class Gate:
    """An ASGI application with a few pages.

    Args:
        pages: What there is.
        rules: Who comes through.
        log: Ids and codes only.
        metrics: Counts what came of requests.
    """

    def __init__(
        self, pages: Iterable[Page], rules: GateRules, log: Logger, metrics: Metrics
    ) -> None:
        self._pages = {page.path: page for page in pages}
        self._rules = rules
        self._metrics = metrics
        self._busy = 0
        self._let_go_of: set[asyncio.Task[Answer]] = set()
        self._refusals = _Refusals(log)
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        page = self._pages.get(scope["path"])
        name = page.name if page is not None else "none"
        try:
            answer = await self._answer(page, scope, receive)
        except RefusedError as refused:
            answer = Answer(_say_no(refused), refused.result)
            await self._refusals.note(name, refused)
        except _GoneError:
            self._metrics.webhook_requests.labels(name, "gone").inc()
            return
        self._metrics.webhook_requests.labels(name, answer.result).inc()
        await answer.response(scope, receive, send)

    async def _answer(self, page: Page | None, scope: Scope, receive: Receive) -> Answer:
        if page is None:
            raise RefusedError(404, "no_such_page", _CLOSE)
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEAD_BYTES:
            raise RefusedError(431, "too_large_head", _CLOSE)
        headers, method = Headers(scope=scope), scope["method"]
        query = scope["query_string"].decode("latin-1")
        self._look_at_head(page, scope, headers)
        page.look_at_head(method, headers, query)
        if self._busy >= MOST_AT_ONCE:
            raise RefusedError(503, "busy", {"retry-after": "1", **_CLOSE})
        self._busy += 1
        self._metrics.webhook_in_flight.set(self._busy)
        try:
            body = await self._read(receive) if page.methods[method] else b""
            return await self._ask(page, Asked(method, scope["path"], query, headers, body))
        finally:
            self._busy -= 1
            self._metrics.webhook_in_flight.set(self._busy)

    def _look_at_head(self, page: Page, scope: Scope, headers: Headers) -> None:
        method = scope["method"]
        if method not in page.methods:
            raise RefusedError(
                405, "wrong_method", {"allow": ", ".join(sorted(page.methods)), **_CLOSE}
            )
        if page.is_for_providers and not self._is_let_in(scope, headers):
            raise RefusedError(403, "wrong_network", _CLOSE)
        if not page.methods[method]:
            return
        if int(headers.get("content-length", "0")) > MAX_BODY_BYTES:
            raise RefusedError(413, "too_large", _CLOSE)
        if content_type_of(headers) not in page.methods[method]:
            raise RefusedError(415, "wrong_content_type", _CLOSE)
        if headers.get("content-encoding", "identity") != "identity":
            # What unfolds may be of any size.
            raise RefusedError(415, "wrong_content_encoding", _CLOSE)

    def _is_let_in(self, scope: Scope, headers: Headers) -> bool:
        if self._rules.networks is None:
            return True
        peer = scope["client"][0] if scope["client"] else ""
        header = self._rules.proxy_header
        # A header that comes twice is one list.
        forwarded = ",".join(headers.getlist(header)) if header and header in headers else None
        client = find_client(peer, forwarded, self._rules.proxies)
        return client is not None and is_within(client, self._rules.networks)

    async def _read(self, receive: Receive) -> bytes:
        body = bytearray()
        try:
            async with asyncio.timeout(self._rules.body_seconds):
                while True:
                    message: Message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _GoneError
                    body += message.get("body", b"")
                    if len(body) > MAX_BODY_BYTES:
                        raise RefusedError(413, "too_large", _CLOSE)
                    if not message.get("more_body", False):
                        return bytes(body)
        except TimeoutError:
            raise RefusedError(408, "too_slow", _CLOSE) from None

    async def _ask(self, page: Page, asked: Asked) -> Answer:
        answering = asyncio.create_task(_call(page, asked))
        try:
            await asyncio.wait({answering}, timeout=self._rules.answer_seconds)
        finally:
            if not answering.done():
                self._let_go(answering)
        if not answering.done():
            raise RefusedError(503, "database_away", _COME_AGAIN)
        try:
            return answering.result()
        except RefusedError:
            raise
        except (TimeoutError, *PASSING_ERRORS):
            raise RefusedError(503, "database_away", _COME_AGAIN) from None
        except Exception as error:  # noqa: BLE001  (one request that fails is one answer, and its text stays here)
            self._log.error(
                events.WEBHOOK_FAILED,
                page=page.name,
                error=type(error).__name__,
                sqlstate=getattr(error, "sqlstate", None),
                where=places_of(error),
            )
            return Answer(PlainTextResponse("", 500), "failed")

    def _let_go(self, answering: asyncio.Task[Answer]) -> None:
        """End an answer that nobody waits for: a statement takes seconds until it is given up."""

        def forget(task: asyncio.Task[Answer]) -> None:
            self._let_go_of.discard(task)
            if not task.cancelled():
                task.exception()

        self._let_go_of.add(answering)
        answering.add_done_callback(forget)
        answering.cancel()


async def _call(page: Page, asked: Asked) -> Answer:
    return await page.answer(asked)


class _GoneError(Exception):
    """Whoever asked does not wait for the answer."""


class _Refusals:
    """Refusals: told once a minute each, and slowed down where there are many.

    Whoever asks over and over waits for each no; those with a signature never wait.
    """

    def __init__(self, log: Logger) -> None:
        self._log = log
        self._told: dict[tuple[str, str], _Told] = {}
        self._second = 0
        self._count = 0
        self._waiting = 0

    async def note(self, page: str, refused: RefusedError) -> None:
        """Take note of a refusal, and wait where there are too many."""
        self._tell(page, refused)
        second = int(monotonic())
        if second != self._second:
            self._second, self._count = second, 0
        self._count += 1
        if self._count <= _REFUSALS_A_SECOND or self._waiting >= _MOST_WAITING:
            return
        self._waiting += 1
        try:
            await asyncio.sleep(_WAIT_SECONDS)
        finally:
            self._waiting -= 1

    def _tell(self, page: str, refused: RefusedError) -> None:
        told = self._told.setdefault((page, refused.result), _Told())
        told.since += 1
        if monotonic() - told.at >= _LOG_SECONDS:
            self._log.warning(
                events.WEBHOOK_REFUSED,
                page=page,
                reason=refused.result,
                status=refused.status,
                count=told.since,
            )
            told.at, told.since = monotonic(), 0


@dataclass(slots=True)
class _Told:
    at: float = float("-inf")
    since: int = 0


def _say_no(refused: RefusedError) -> Response:
    # Empty: whoever is refused learns nothing of why.
    return Response(status_code=refused.status, headers=refused.headers)
