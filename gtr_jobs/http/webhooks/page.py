"""What a page outside is, and the ways in which it says no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from starlette.datastructures import Headers
from starlette.responses import Response

Methods = frozenset[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request whose head was looked at and whose body was read.

    Args:
        method: In capitals.
        path: As it was asked for, without what a proxy took away.
        query: As it was asked for, behind the question mark.
        headers: All of them.
        body: The whole of it.
    """

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes

    @property
    def content_type(self) -> str:
        """What the body is, without parameters."""
        return content_type_of(self.headers)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a page answers.

    Args:
        response: To whoever asked.
        result: What came of it, in a word that is counted; one of few.
    """

    response: Response
    result: str


class RefusedError(Exception):
    """A request that is answered with no; says nothing of what it held.

    Args:
        status: Of HTTP.
        result: Why, in a word that is counted and logged.
        headers: Of the answer.
    """

    def __init__(self, status: int, result: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(result)
        self.status = status
        self.result = result
        self.headers = dict(headers or {})


class Page(Protocol):
    """A page outside."""

    name: ClassVar[str]
    path: ClassVar[str]
    # What each method's body may be; empty where it has none.
    methods: ClassVar[Mapping[str, frozenset[str]]]
    # Whether only providers ask for it, from networks that can be named.
    is_for_providers: ClassVar[bool]

    def look_at_head(self, method: str, headers: Headers, query: str) -> None:
        """Refuse what can be refused before a body is read.

        Raises:
            RefusedError: It is refused.
        """

    async def answer(self, asked: Asked) -> Answer:
        """Answer.

        Raises:
            RefusedError: It is refused.
        """


def content_type_of(headers: Headers) -> str:
    """Say what a body is, without parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()
