"""gtr_jobs.find_saved_searches(): every field of a saved search is compared with the listing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from psycopg import AsyncConnection
from support.jobs import fetch_rows, fetch_value
from support.people import create_listing, create_person, save_search
from support.searches import NOBODY, add_searchers, find, offer_r34

FITTING: dict[str, dict[str, Any]] = {
    "nothing is asked for": {},
    "everything is asked for": {
        "search_query": "v-spec bayside",
        "model": "R34",
        "min_price": 80_000,
        "max_price": 90_000,
        "min_year": 1998,
        "max_year": 2000,
        "condition": ["Excellent", "Good"],
        "city": "Los Angeles",
        "state": "CA",
        "location": "California",
        "transmission": ["Manual"],
    },
    "every field is blank": {
        "search_query": " ",
        "model": "",
        "condition": [],
        "city": " ",
        "state": "",
        "location": "",
        "transmission": [],
    },
    "the model in other letters": {"model": " r34 "},
    "the city in other letters": {"city": "los angeles"},
    "the state in other letters": {"state": "ca"},
    "a condition of several, in other letters": {"condition": ["new", "EXCELLENT"]},
    "a transmission in other letters": {"transmission": ["manual"]},
    "a bound of the price itself": {"min_price": 89_500, "max_price": 89_500},
    "a bound of the year itself": {"min_year": 1999, "max_year": 1999},
    "a word of the title": {"search_query": "skyline"},
    "a word of the model": {"search_query": "R34"},
    "a word of the description": {"search_query": "rust"},
    "words in another order": {"search_query": "blue skyline"},
    "a word in another form": {"search_query": "owner"},
    "a phrase": {"search_query": '"bayside blue"'},
    "one of two words": {"search_query": "supra or skyline"},
    "without a word that is not there": {"search_query": "skyline -automatic"},
    "only without a word that is not there": {"search_query": "-automatic"},
    "a compound word": {"search_query": "gt-r"},
    "the location as a city": {"location": "los angeles"},
    "the location as a state": {"location": "California"},
    "the location as a country": {"location": "usa"},
}
OTHERS: dict[str, dict[str, Any]] = {
    "another model": {"model": "R33"},
    "a model that begins alike": {"model": "R3"},
    "another city": {"city": "San Diego"},
    "another state": {"state": "NV"},
    "too cheap": {"min_price": 89_500.01},
    "too dear": {"max_price": 89_499.99},
    "too old": {"min_year": 2000},
    "too new": {"max_year": 1998},
    "another condition": {"condition": ["Fair", "Good"]},
    "another transmission": {"transmission": ["Automatic"]},
    "another location": {"location": "Chicago"},
    "a location that is part of a word": {"location": "Angel"},
    "a word that is not there": {"search_query": "supra"},
    "a word that is there and one that is not": {"search_query": "skyline supra"},
    "a phrase in another order": {"search_query": '"blue bayside"'},
    "without a word that is there": {"search_query": "skyline -rust"},
    "neither of two words": {"search_query": "supra or stagea"},
    "nothing that could be found": {"search_query": "the"},
    "nothing but signs": {"search_query": "!!!"},
    "one field alone does not fit": {"model": "R34", "state": "CA", "max_price": 1},
    "a search that is switched off": {"is_active": False},
}


@pytest.fixture
async def seller(admin: AsyncConnection) -> UUID:
    """Who offers cars."""
    return await create_person(admin, "nismo", "Nis Mo")


@pytest.fixture
async def searcher(admin: AsyncConnection) -> UUID:
    """Who looks for one."""
    return await create_person(admin, "ken", "Ken Block")


@pytest.mark.parametrize("case", FITTING)
async def test_a_listing_fits(
    admin: AsyncConnection, seller: UUID, searcher: UUID, case: str
) -> None:
    """What a search does not say, or what the listing has, keeps nobody from being told."""
    await save_search(admin, searcher, "My search", **FITTING[case])
    assert await find(admin, await offer_r34(admin, seller)) == [searcher]


@pytest.mark.parametrize("case", OTHERS)
async def test_a_listing_does_not_fit(
    admin: AsyncConnection, seller: UUID, searcher: UUID, case: str
) -> None:
    """One field that differs is enough."""
    await save_search(admin, searcher, "My search", **OTHERS[case])
    assert await find(admin, await offer_r34(admin, seller)) == []


@pytest.mark.parametrize(
    ("criteria", "fits"),
    [
        ({}, True),
        ({"min_price": 0}, True),
        ({"min_price": 1}, False),
        ({"max_price": 1_000_000}, False),
        ({"min_year": 1990}, False),
        ({"max_year": 2030}, False),
        ({"model": "R34"}, False),
        ({"city": "Los Angeles"}, False),
        ({"condition": ["Good"]}, False),
        ({"transmission": ["Manual"]}, False),
        ({"location": "USA"}, False),
        ({"search_query": "skyline"}, True),
    ],
)
async def test_what_a_listing_does_not_say_fits_only_who_does_not_ask(
    admin: AsyncConnection, seller: UUID, searcher: UUID, criteria: dict[str, Any], *, fits: bool
) -> None:
    """A listing with a title alone has no price, year or place that would fit a bound."""
    await save_search(admin, searcher, "My search", **criteria)
    listing = await create_listing(admin, seller, "Skyline")
    assert await find(admin, listing) == ([searcher] if fits else [])


async def test_a_seller_is_not_told_of_their_own_listing(
    admin: AsyncConnection, seller: UUID
) -> None:
    """Whatever they look for themselves."""
    await save_search(admin, seller, "My search")
    assert await find(admin, await offer_r34(admin, seller)) == []


@pytest.mark.parametrize("status", ["sold", "draft", "ACTIVE", ""])
async def test_a_listing_that_is_not_active_fits_nothing(
    admin: AsyncConnection, seller: UUID, searcher: UUID, status: str
) -> None:
    """What was sold before we looked is told to nobody; neither is what is gone."""
    await save_search(admin, searcher, "My search")
    assert await find(admin, await offer_r34(admin, seller, status=status)) == []
    assert await find(admin, searcher) == []


async def test_a_person_is_found_once_with_the_name_of_their_oldest_search(
    admin: AsyncConnection, seller: UUID, searcher: UUID
) -> None:
    """However many of their searches fit."""
    for name in ("First", "Second", "Third"):
        await save_search(admin, searcher, name, model="R34")
    await save_search(admin, searcher, "Before all, and another", model="R32")
    await admin.execute(
        "update public.saved_searches set created_at = '2020-01-01' where model = 'R32'"
    )
    listing = await offer_r34(admin, seller)
    assert await fetch_rows(
        admin, "select * from gtr_jobs.find_saved_searches(%s, %s, 10)", listing, NOBODY
    ) == [(searcher, "First")]


async def test_people_are_found_page_by_page(admin: AsyncConnection, seller: UUID) -> None:
    """In the order of their ids, so that a page begins after the last of the one before."""
    people = await add_searchers(admin, 5, model="R34")
    listing = await offer_r34(admin, seller)
    assert await find(admin, listing, limit=2) == people[:2]
    assert await find(admin, listing, after=people[1], limit=2) == people[2:4]
    assert await find(admin, listing, after=people[3], limit=2) == people[4:]
    assert await find(admin, listing, after=people[4], limit=2) == []


@pytest.mark.parametrize(
    "text", ["x" * 100_000, "wort " * 20_000, '"' * 3000, "- " * 3000, "a\u0301 😀 " * 2000, "or"]
)
async def test_no_search_is_too_odd_to_be_saved_or_to_be_compared(
    admin: AsyncConnection, seller: UUID, searcher: UUID, text: str
) -> None:
    """The index takes part in the app's own insert, and must never make it fail."""
    for column in ("search_query", "model", "city", "state", "location"):
        await save_search(admin, searcher, text[:200], **{column: text})
    await save_search(admin, searcher, "", condition=[text], transmission=[text])
    listing = await offer_r34(admin, seller, description=text)
    await find(admin, listing)
    assert await fetch_value(admin, "select count(*) from public.saved_searches") == 6


async def test_a_listing_is_read_however_long_its_description_is(
    admin: AsyncConnection, seller: UUID, searcher: UUID
) -> None:
    """Its beginning is; thousands of different words are looked up in one query."""
    await save_search(admin, searcher, "My search", search_query="word1200")
    await save_search(admin, seller, "My search", search_query="word9999")
    words = " ".join(f"word{number}" for number in range(10_000))
    assert await find(admin, await offer_r34(admin, seller, description=words)) == [searcher]
