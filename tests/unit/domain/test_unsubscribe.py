"""A link to unsubscribe can be used by who has it, and made by us alone."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from gtr_jobs.domain.unsubscribe import UnsubscribeLinks

DELIVERY = UUID("5b0c1c52-8f0a-4f0e-9a57-0123456789ab")
SECRET, OTHER = "a" * 32, "b" * 32
LINKS = UnsubscribeLinks("https://jobs.example.com/gtr/", [SECRET])


def _query(link: str) -> str:
    return urlsplit(link).query


def test_a_link_names_its_delivery_and_is_signed() -> None:
    """And it begins with the address that people reach."""
    link = LINKS.make(DELIVERY)

    assert link.startswith(
        "https://jobs.example.com/gtr/unsubscribe?d=5b0c1c52-8f0a-4f0e-9a57-0123456789ab&s="
    )
    assert len(parse_qs(_query(link))["s"][0]) == 43
    assert LINKS.read(_query(link)) == DELIVERY


def test_a_link_is_the_same_however_often_it_is_made() -> None:
    """An e-mail that is sent again has the same one."""
    assert LINKS.make(DELIVERY) == LINKS.make(DELIVERY)


def test_a_link_of_an_earlier_secret_works() -> None:
    """While new ones are signed with the new."""
    after = UnsubscribeLinks("https://jobs.example.com", [OTHER, SECRET])

    assert after.read(_query(LINKS.make(DELIVERY))) == DELIVERY
    assert LINKS.read(_query(after.make(DELIVERY))) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda query: query.replace("d=5", "d=6"),
        lambda query: query[:-1] + ("A" if query[-1] != "A" else "B"),
        lambda query: query.partition("&s=")[0],
        lambda query: query.partition("&")[2],
        lambda _: "",
        lambda _: "d=1&s=2",
        lambda query: query + "é",
        lambda query: query + "&x=" + "y" * 300,
    ],
)
def test_a_link_that_was_changed_is_none(change: object) -> None:
    """In the delivery, in the signature, or in what there is of it."""
    assert callable(change)
    assert LINKS.read(change(_query(LINKS.make(DELIVERY)))) is None
