"""gtr_jobs.find_saved_searches(): one indexed query, which never misses what a look at every search would find."""

from __future__ import annotations

import random
import re
from typing import Any
from uuid import UUID

import pytest
from psycopg import AsyncConnection
from support.jobs import fetch_rows, fetch_value
from support.people import create_person
from support.scans import reads_of
from support.searches import NOBODY, find, offer_r34

INDEX = "gtr_jobs_saved_searches_match"
SEARCHES = 100_000

# Signs and words of which odd searches are made: some are operators, some are in the listing.
PARTS = [
    *"--\"\"()!&|:*\\'<>.,/@#_ \t\n",
    *("or", "OR", "and", "the", "skyline", "Skyline's", "gt-r", "v-spec", "r34", "blue", "bayside"),
    *("rust", "owners", "supra", "1999", "2.6", "no", "x@y.zz", "http://a.bc/d", "<b>", "GT--R", "é", "ß", "日本"),
]  # fmt: skip

BRUTE_FORCE = """
    select s.id
    from public.saved_searches as s
    cross join public.listings as l
    where
        l.id = %s
        and (
            btrim(s.search_query) = ''
            or to_tsvector('english', concat_ws(' ', l.title, l.model, l.description)) @@ websearch_to_tsquery(
                'english', regexp_replace(substr(s.search_query, 1, 500), '-[-[:space:]!&|()]*-', '-', 'g')
            )
        )
"""


@pytest.fixture
async def seller(admin: AsyncConnection) -> UUID:
    """Who offers cars."""
    return await create_person(admin, "nismo", "Nis Mo")


async def _add_people(admin: AsyncConnection, count: int) -> None:
    await admin.execute(
        """
        insert into auth.users (id, aud, role, email, created_at, updated_at)
        select gen_random_uuid(), 'authenticated', 'authenticated', 'u' || number || '@example.test', now(), now()
        from generate_series(1, %s) as number
        """,
        (count,),
    )


@pytest.mark.parametrize("seed", range(4))
async def test_the_index_misses_no_text_that_a_look_at_every_search_would_find(
    admin: AsyncConnection, seller: UUID, seed: int
) -> None:
    """Whatever people type: operators, quotes, addresses, half a phrase. And nothing they type is an error."""
    chance = random.Random(seed)
    texts = [
        "".join(
            chance.choice(PARTS) + chance.choice(("", " ")) for _ in range(chance.randint(1, 8))
        )
        for _ in range(3000)
    ]
    await _add_people(admin, len(texts))
    # A person a text, so that people stand for searches.
    await admin.execute(
        """
        insert into public.saved_searches (user_id, search_query)
        select people.id, texts.text
        from unnest(%s::text[]) with ordinality as texts (text, n)
        join (
            select id, row_number() over () as n from auth.users where id <> %s
        ) as people on people.n = texts.n
        """,
        (texts, seller),
    )
    listing = await offer_r34(admin, seller)
    fitting = await fetch_rows(admin, BRUTE_FORCE, listing)
    owners = await fetch_rows(
        admin,
        "select user_id from public.saved_searches where id = any(%s)",
        [search for (search,) in fitting],
    )
    found = await find(admin, listing, limit=10_000)
    assert 100 < len(found) < len(texts)
    assert set(found) == {owner for (owner,) in owners}


async def _save_many_searches(admin: AsyncConnection) -> None:
    """As people look for cars: by model mostly, many with bounds, some with a state, a city or words."""
    await _add_people(admin, 10_000)
    await admin.execute("select setseed(0.34)")
    await admin.execute(
        """
        insert into public.saved_searches (
            user_id, search_query, model, min_price, max_price, min_year, max_year, condition, city, state, location,
            transmission, is_active
        )
        select
            people.id,
            case when random() < 0.4 then (array[
                'v-spec', 'nismo', 'midnight purple', 'bayside blue', 'twin turbo', 'low mileage', 'manual coupe', 'import',
                'skyline', 'track', '"two previous owners"', 'skyline -rusty', 'r33 or supra'
            ])[1 + floor(random() * 13)] end,
            case when random() < 0.8 then (array['R32', 'R33', 'R34', 'R35', 'Stagea', 'Pulsar', 'S15', 'Z34'])
                [1 + floor(random() * 8)] end,
            case when random() < 0.5 then floor(random() * 120000) end,
            case when random() < 0.7 then 20000 + floor(random() * 150000) end,
            case when random() < 0.5 then 1989 + floor(random() * 20) end,
            case when random() < 0.4 then 1995 + floor(random() * 24) end,
            case when random() < 0.2 then array['excellent', 'good'] end,
            case when random() < 0.1 then 'City ' || floor(random() * 200) end,
            case when random() < 0.5 then 'State ' || floor(random() * 50) end,
            case when random() < 0.05 then 'Town ' || floor(random() * 50) end,
            case when random() < 0.2 then array['manual'] end,
            random() < 0.9
        from generate_series(1, %s) as number
        join (select id, row_number() over () as n from auth.users) as people on people.n = 1 + number %% 10000
        """,
        (SEARCHES,),
    )


async def _explain(admin: AsyncConnection, listing: UUID) -> dict[str, Any]:
    """Explain the statement that the function consists of, and run it."""
    source = await fetch_value(
        admin, "select prosrc from pg_proc where proname = 'find_saved_searches'"
    )
    (statement,) = re.findall(r"return query(.*?);\s*end\s*$", source, re.DOTALL)
    for name, value in (
        ("p_listing_id", f"'{listing}'::uuid"),
        ("p_after", f"'{NOBODY}'::uuid"),
        ("p_limit", "5000"),
    ):
        statement = statement.replace(name, value)
    (plan,) = await fetch_value(admin, f"explain (analyze, format json) {statement}")
    root: dict[str, Any] = plan["Plan"]
    return root


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in _nodes(child))]


# It takes some seconds to write so many.
@pytest.mark.timeout(60)
async def test_a_hundred_thousand_saved_searches_cost_one_indexed_query(
    admin: AsyncConnection, seller: UUID
) -> None:
    """The index gives hardly a search that does not fit, before the first statistics as well as after."""
    await _save_many_searches(admin)
    listing = await offer_r34(admin, seller, city="City 5", state="State 7", location="Town 3")
    for statement in ("select 1", "analyze public.saved_searches"):
        await admin.execute(statement.encode())
        nodes = _nodes(await _explain(admin, listing))
        reads = await reads_of(
            admin, "select gtr_jobs.find_saved_searches(%s, %s, 5000)", listing, NOBODY
        )

        on_searches = [node for node in nodes if node.get("Relation Name") == "saved_searches"]
        assert [node["Node Type"] for node in on_searches] in (["Index Scan"], ["Bitmap Heap Scan"])
        assert {node["Index Name"] for node in nodes if "Index Name" in node} >= {INDEX}
        (fetched,) = on_searches
        # Of 100,000: those that the index gives are those that fit, and a few more.
        fitting = fetched["Actual Rows"]
        visited = fitting + fetched["Rows Removed by Filter"]
        assert 500 < fitting <= visited < fitting * 1.25 < SEARCHES / 20
        assert "public.saved_searches" not in reads.tables
        assert reads.indexes[f"public.{INDEX}"] == visited


async def test_a_listing_that_nobody_looks_for_reads_next_to_nothing(
    admin: AsyncConnection, seller: UUID
) -> None:
    """What is paid is what fits, not what is saved."""
    await admin.execute(
        "insert into public.saved_searches (user_id, model, max_price)"
        " select %s, 'R32', n from generate_series(1, 20000) as n",
        (await create_person(admin, "ken", "Ken Block"),),
    )
    await admin.execute("analyze public.saved_searches")
    listing = await offer_r34(admin, seller)
    reads = await reads_of(
        admin, "select gtr_jobs.find_saved_searches(%s, %s, 5000)", listing, NOBODY
    )
    assert "public.saved_searches" not in reads.tables
    assert reads.indexes[f"public.{INDEX}"] == 0
