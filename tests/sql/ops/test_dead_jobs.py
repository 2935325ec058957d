"""The list of the dead: newest first, together by what they died of, chosen for an act."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from psycopg import AsyncConnection
from support.dead import bury, let_die
from support.jobs import fetch_rows, fetch_value
from support.scans import Reads, reads_of

LIST = "select job_id from gtr_jobs.list_dead_jobs(%s, %s, %s, %s, %s)"
FIND = "select gtr_jobs.find_dead_jobs(%s, %s, %s, %s, false, %s)"
GROUP = """
    select fingerprint, kind, code, error, jobs, first_died_at < last_died_at
    from gtr_jobs.group_dead_jobs(%s, %s, %s)
"""
MANY = 100_000
# Rows that a query of 20 may read of an index: those, and the steps that lead to them.
RARE = 50
FEW = 60


def _ago(minutes: int) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)


async def _ids(admin: AsyncConnection, query: str, *parameters: object) -> list[int]:
    return [row[0] for row in await fetch_rows(admin, query, *parameters)]


async def _bury_many(admin: AsyncConnection) -> None:
    """Bury 100,000 jobs of two kinds, a few of them of a rare one."""
    await bury(admin, MANY * 9 // 10, minutes_ago=500)
    await bury(admin, MANY // 10, kind="listing_favorited", fingerprint="cafe", minutes_ago=300)
    await bury(
        admin,
        RARE,
        kind="rare",
        code="BadTopic",
        error="100% refused",
        fingerprint="a1",
        minutes_ago=400,
    )
    await admin.execute("analyze gtr_jobs.dead_jobs")


async def test_the_newest_come_first_and_the_oldest_are_chosen_first(
    admin: AsyncConnection,
) -> None:
    """Read from the end, act from the beginning."""
    old = await bury(admin, 2, minutes_ago=60)
    new = await bury(admin, 2)
    assert await _ids(admin, LIST, None, None, None, None, 3) == [*new[::-1], old[1]]
    assert await _ids(admin, FIND, None, None, None, None, 3) == [*old, new[0]]


async def test_filters_narrow_the_list_alike(admin: AsyncConnection) -> None:
    """By kind, moment, fingerprint and what code or error contain; all that are given count."""
    (message,) = await bury(admin, minutes_ago=60)
    (rare,) = await bury(admin, kind="rare", code="BadTopic", fingerprint="cafe")
    for query in (LIST, FIND):
        assert await _ids(admin, query, "rare", None, None, None, 9) == [rare]
        assert await _ids(admin, query, None, _ago(30), None, None, 9) == [rare]
        assert await _ids(admin, query, None, None, "f00d", None, 9) == [message]
        assert await _ids(admin, query, None, None, None, "%badt%", 9) == [rare]
        assert await _ids(admin, query, None, None, None, "%every attempt%", 9) != []
        assert await _ids(admin, query, "rare", None, "f00d", None, 9) == []


async def test_jobs_that_died_of_the_same_stand_together(admin: AsyncConnection) -> None:
    """With their number, what the newest said, and from when to when; the newest group first."""
    await bury(admin, 3, minutes_ago=60)
    await bury(admin, 1, error="newest words")
    await bury(admin, 2, kind="rare", code="BadTopic", fingerprint="cafe", minutes_ago=30)
    message = ("f00d", "message", "UNAVAILABLE", "newest words", 4, True)
    rare = ("cafe", "rare", "BadTopic", "fcm failed in every attempt", 2, True)
    assert await fetch_rows(admin, GROUP, None, None, 9) == [message, rare]
    assert await fetch_rows(admin, GROUP, None, None, 1) == [message]
    assert await fetch_rows(admin, GROUP, "rare", None, 9) == [rare]
    assert [row[:5] for row in await fetch_rows(admin, GROUP, None, _ago(10), 9)] == [
        ("f00d", "message", "UNAVAILABLE", "newest words", 1)
    ]


async def test_nobody_dead_is_no_row(admin: AsyncConnection) -> None:
    """Neither in the list nor in groups."""
    assert await fetch_rows(admin, GROUP, None, None, 9) == []
    assert await _ids(admin, LIST, None, None, None, None, 9) == []


async def test_a_preview_says_what_would_be_sent(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """By what they died of: what is open, what may have been sent, what is settled, and who is too old."""
    died = await let_die(
        admin,
        worker,
        ("failed", "retry"),
        ("queued", "retry"),
        ("unknown", "ambiguous"),
        ("sent", "accepted"),
        ("failed", "dead_target"),
    )
    old = await bury(admin, 2, kind="listing_favorited", fingerprint="cafe", age="5 hours")
    lost = await bury(admin, kind="gone", fingerprint="dead")
    rows = await fetch_rows(
        admin,
        "select fingerprint, is_known_kind, jobs, expired, to_send_again, maybe_sent, settled"
        " from gtr_jobs.preview_dead_jobs(%s::bigint[], %s::text[], %s::interval[])",
        [died.job.job_id, *old, *lost],
        ["listing_favorited", "message"],
        [timedelta(hours=4), timedelta(hours=24)],
    )
    assert sorted(rows) == sorted(
        [
            ("cafe", True, 2, 2, 0, 0, 0),
            ("dead", False, 1, 0, 0, 0, 0),
            ("f00d", True, 1, 0, 2, 1, 2),
        ]
    )


async def test_the_list_reads_no_more_than_it_shows(admin: AsyncConnection) -> None:
    """Of 100,000 dead, by an index for every filter."""
    await _bury_many(admin)
    expected = {
        (None, None, None): "gtr_jobs.dead_jobs_died_at",
        ("rare", None, None): "gtr_jobs.dead_jobs_kind",
        ("message", None, None): "gtr_jobs.dead_jobs_kind",
        (None, _ago(310), None): "gtr_jobs.dead_jobs_died_at",
        ("rare", _ago(600), None): "gtr_jobs.dead_jobs_kind",
        ("message", _ago(290), None): "gtr_jobs.dead_jobs_kind",
        (None, None, "a1"): "gtr_jobs.dead_jobs_fingerprint",
        (None, None, "f00d"): "gtr_jobs.dead_jobs_fingerprint",
    }
    for (kind, since, fingerprint), index in expected.items():
        for newest_first in (True, False):
            reads = await reads_of(
                admin,
                "select gtr_jobs.find_dead_jobs(%s, %s, %s, null, %s, 20)",
                kind,
                since,
                fingerprint,
                newest_first,
            )
            case = (kind, since, fingerprint, newest_first, reads)
            assert reads.tables == {}, case
            assert reads.indexes.keys() == {index}, case
            assert reads.indexes[index] <= FEW, case
        reads = await reads_of(
            admin,
            "select * from gtr_jobs.list_dead_jobs(%s, %s, %s, null, 20)",
            kind,
            since,
            fingerprint,
        )
        assert reads.tables == {}
        # By their ids, of which there may be none.
        assert reads.indexes.keys() <= {index, "gtr_jobs.dead_jobs_pkey"}


async def test_an_error_is_looked_for_within_the_other_filters(admin: AsyncConnection) -> None:
    """No index knows words; with a kind or a moment only those are read, in the order of an index."""
    await _bury_many(admin)
    reads = await reads_of(
        admin, "select * from gtr_jobs.list_dead_jobs('rare', null, null, '%%100\\%%%%', 20)"
    )
    assert reads.tables == {}
    # Until enough are found, or all of the kind at once, as the planner's sample has it; then those by id.
    most = {"gtr_jobs.dead_jobs_kind": RARE, "gtr_jobs.dead_jobs_pkey": 20}
    assert reads.indexes.keys() == most.keys()
    assert {index for index, count in reads.indexes.items() if count > most[index]} == set()
    assert len(await _ids(admin, LIST, None, None, None, "%100\\%%", 20)) == 20


async def test_groups_cost_by_their_number(admin: AsyncConnection) -> None:
    """Counting stops at 10,000 of each; nothing reads the table through."""
    await _bury_many(admin)
    reads: Reads = await reads_of(admin, "select * from gtr_jobs.group_dead_jobs(null, null, 20)")
    assert reads.tables == {}
    assert sum(reads.indexes.values()) < 10_000 * 3
    assert (
        await fetch_value(admin, "select max(jobs) from gtr_jobs.group_dead_jobs(null, null, 20)")
        == 10_000
    )
