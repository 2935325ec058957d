"""gtr_jobs.is_in_ramp(): who gets it, and that Python says the same."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from psycopg import AsyncConnection
from support.jobs import fetch_rows, fetch_value
from support.switches import clear_switch, set_switch

from gtr_jobs.domain.switches import Switches, SwitchRow, make_switches, ramp_place

PEOPLE = [UUID(int=n * 2**64 + n) for n in range(1, 2001)]


async def _in_ramp(admin: AsyncConnection, scope: str, name: str) -> set[UUID]:
    rows = await fetch_rows(
        admin,
        "select u from unnest(%s::uuid[]) as u where gtr_jobs.is_in_ramp(%s, %s, u)",
        PEOPLE,
        scope,
        name,
    )
    return {row[0] for row in rows}


async def _switches(admin: AsyncConnection) -> Switches:
    rows = await fetch_rows(
        admin,
        "select lever, scope, name, key_argument, amount, queue from gtr_jobs.read_switches()",
    )
    return make_switches(SwitchRow(*row) for row in rows)


async def test_python_counts_the_same_places(admin: AsyncConnection) -> None:
    """For any name and any person."""
    people = PEOPLE[:500] + [uuid4() for _ in range(500)]
    for scope, name in (("kind", "message"), ("feature", "new_search")):
        rows = await fetch_rows(
            admin,
            "select gtr_jobs.ramp_place(%s, %s, u)"
            " from unnest(%s::uuid[]) with ordinality as people (u, n) order by n",
            scope,
            name,
            people,
        )
        assert [row[0] for row in rows] == [
            ramp_place("kind" if scope == "kind" else "feature", name, one) for one in people
        ]


@pytest.mark.parametrize("percent", [0, 0.25, 5, 50, 100])
async def test_the_database_and_python_answer_the_same(
    admin: AsyncConnection, percent: float
) -> None:
    """About everybody, test users among them, and nobody in particular."""
    await set_switch(admin, "ramp", "kind", "message", percent)
    await set_switch(admin, "ramp", "feature", "new_search", percent)
    for user_id in PEOPLE[:3]:
        await set_switch(admin, "test_user", "user", str(user_id))
    switches = await _switches(admin)
    for name in ("message", "forum_like"):
        said = {one for one in PEOPLE if switches.is_in_ramp("kind", name, one)}
        assert said == await _in_ramp(admin, "kind", name)
        assert switches.is_in_ramp("kind", name, None) is await fetch_value(
            admin, "select gtr_jobs.is_in_ramp('kind', %s, null)", name
        )
    for name in ("new_search", "unheard_of"):
        said = {one for one in PEOPLE if switches.is_feature_on(name, one)}
        assert said == await _in_ramp(admin, "feature", name)
        assert switches.is_feature_on(name, None) is await fetch_value(
            admin, "select gtr_jobs.is_feature_on(%s, null)", name
        )


async def test_a_ramp_that_grows_keeps_everybody_it_had(admin: AsyncConnection) -> None:
    """And has about as many as it says; two ramps have different people."""
    before: set[UUID] = set()
    for percent in (1, 5, 20, 60, 100):
        await set_switch(admin, "ramp", "kind", "message", percent)
        now = await _in_ramp(admin, "kind", "message")
        assert before <= now
        assert abs(len(now) / len(PEOPLE) * 100 - percent) < 4
        before = now
    await set_switch(admin, "ramp", "kind", "message", 20)
    await set_switch(admin, "ramp", "kind", "forum_like", 20)
    assert await _in_ramp(admin, "kind", "message") != await _in_ramp(admin, "kind", "forum_like")


async def test_test_users_are_in_every_ramp(admin: AsyncConnection) -> None:
    """Also in one of nobody else, and not where there is no ramp."""
    await set_switch(admin, "test_user", "user", str(PEOPLE[7]))
    await set_switch(admin, "ramp", "kind", "message", 0)
    await set_switch(admin, "ramp", "feature", "new_search", 0)
    assert await _in_ramp(admin, "kind", "message") == {PEOPLE[7]}
    assert await _in_ramp(admin, "feature", "new_search") == {PEOPLE[7]}
    assert await _in_ramp(admin, "feature", "another") == set()


async def test_without_a_ramp_a_kind_is_for_everybody_and_a_feature_for_nobody(
    admin: AsyncConnection,
) -> None:
    """Also after it was taken away, or has expired."""
    await set_switch(admin, "ramp", "kind", "message", 0)
    await set_switch(admin, "ramp", "feature", "new_search", 100, seconds=60)
    await clear_switch(admin, "ramp", "kind", "message")
    await admin.execute("update gtr_jobs.switches set expires_at = now()")
    assert len(await _in_ramp(admin, "kind", "message")) == len(PEOPLE)
    assert await _in_ramp(admin, "feature", "new_search") == set()
