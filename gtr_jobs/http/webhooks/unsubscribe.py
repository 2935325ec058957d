"""Somebody wants no more e-mails: one click in their mail program (RFC 8058), or a button on a page.

A link that is only looked at changes nothing: programs that search mail for malice follow every link.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import ClassVar
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse

from gtr_jobs.domain.unsubscribe import PATH, UnsubscribeLinks
from gtr_jobs.http.webhooks.books import Books
from gtr_jobs.http.webhooks.page import Answer, Asked, RefusedError

REASON = "unsubscribed"
SOURCE = "link"

_FIELD, _ONE_CLICK = "List-Unsubscribe", "One-Click"
_FORM, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    # The link is all that it takes: it goes nowhere else.
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}
_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "ask": "Do you want no more e-mails from us?",
        "button": "Unsubscribe",
        "done": "You will get no more e-mails from us.",
        "broken": "This link does not work. Take the one in the newest e-mail.",
    },
    "de": {
        "ask": "Möchtest du keine E-Mails mehr von uns?",
        "button": "Abmelden",
        "done": "Du bekommst keine E-Mails mehr von uns.",
        "broken": "Dieser Link geht nicht. Nimm den aus der neuesten E-Mail.",
    },
}


class Unsubscribe:
    """`/unsubscribe`.

    Args:
        links: Reads the link.
        books: Where it is written.
    """

    name: ClassVar[str] = "unsubscribe"
    path: ClassVar[str] = PATH
    methods: ClassVar[Mapping[str, frozenset[str]]] = {
        "GET": frozenset(),
        "HEAD": frozenset(),
        "POST": frozenset({_FORM, _MULTIPART}),
    }
    is_for_providers: ClassVar[bool] = False

    def __init__(self, links: UnsubscribeLinks, books: Books) -> None:
        self._links = links
        self._books = books

    def look_at_head(self, method: str, headers: Headers, query: str) -> None:  # noqa: ARG002  (a page's)
        """Refuse a click on a link that we did not make."""
        if method == "POST" and self._links.read(query) is None:
            raise RefusedError(403, "wrong_link")

    async def answer(self, asked: Asked) -> Answer:
        """Show the button, or do as it says."""
        words = _WORDS[_choose_language(asked.headers)]
        delivery_id = self._links.read(asked.query)
        if delivery_id is None:
            return Answer(_show(f"<p>{escape(words['broken'])}</p>", 404), "wrong_link")
        if asked.method != "POST":
            return Answer(_show(_form(words)), "shown")
        if not _is_one_click(asked):
            raise RefusedError(400, "unreadable")
        if not await self._books.suppress_recipient(delivery_id, REASON, SOURCE):
            # So long ago that nobody knows any more whom it went to.
            return Answer(_show(f"<p>{escape(words['broken'])}</p>", 404), "unknown")
        return Answer(_show(f"<p>{escape(words['done'])}</p>"), "unsubscribed")


def _is_one_click(asked: Asked) -> bool:
    if asked.content_type == _MULTIPART:
        # The one field that the standard knows, however its parts are divided.
        return f'name="{_FIELD}"'.encode() in asked.body and _ONE_CLICK.encode() in asked.body
    fields = parse_qs(asked.body.decode("latin-1"))
    return fields.get(_FIELD) == [_ONE_CLICK]


def _choose_language(headers: Headers) -> str:
    first = headers.get("accept-language", "").partition(",")[0].strip()[:2].lower()
    return first if first in _WORDS else "en"


def _form(words: Mapping[str, str]) -> str:
    # Without an action: it goes where the page was, whatever stands before its path.
    return (
        f"<p>{escape(words['ask'])}</p>"
        f'<form method="post"><input type="hidden" name="{_FIELD}" value="{_ONE_CLICK}">'
        f"<button>{escape(words['button'])}</button></form>"
    )


def _show(content: str, status: int = 200) -> HTMLResponse:
    page = (
        '<!doctype html><html><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>E-mail</title></head>'
        f"<body>{content}</body></html>"
    )
    return HTMLResponse(page, status, _HEADERS)
