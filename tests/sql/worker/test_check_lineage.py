"""A database that is another one than it was, or an older one, pauses what is sent."""

from __future__ import annotations

from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import AsyncConnection
from support.databases import ProjectDatabase
from support.jobs import fetch_rows, fetch_value

Looked = tuple[int, bool, list[str]]


async def _look(connection: AsyncConnection, witness: UUID, pulse: int | None = None) -> Looked:
    ((now, paused_since, reasons),) = await fetch_rows(
        connection, "select * from gtr_jobs.check_lineage(%s, %s)", witness, pulse
    )
    return now, paused_since is not None, reasons


async def test_a_server_says_who_it_is_to_whoever_is_no_superuser(admin: AsyncConnection) -> None:
    """Its system identifier, this database, and the timeline that the log is written on."""
    async with await AsyncConnection.connect(admin.info.dsn, password=admin.info.password) as own:
        ((server, oid, timeline),) = await fetch_rows(own, "select * from gtr_jobs.read_server()")
    assert len(server) >= 15
    assert oid == await fetch_value(
        admin, "select oid from pg_database where datname = current_database()"
    )
    assert timeline == 1


async def test_a_pulse_grows_with_every_look_of_its_own_witness(worker: AsyncConnection) -> None:
    """Others count for themselves."""
    one, other = uuid4(), uuid4()
    assert await _look(worker, one) == (1, False, [])
    assert await _look(worker, one, 1) == (2, False, [])
    assert await _look(worker, other) == (1, False, [])
    assert await _look(worker, one, 2) == (3, False, [])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("server = '1'", "server"),
        ("database_oid = 1", "database"),
        ("timeline = 77", "timeline"),
    ],
)
async def test_another_place_pauses_what_is_sent(
    worker: AsyncConnection, admin: AsyncConnection, change: str, reason: str
) -> None:
    """For whoever looks, also for who has seen nothing before."""
    await _look(worker, uuid4())
    await admin.execute(f"update gtr_jobs.lineage set {change} where true".encode())
    assert await _look(worker, uuid4()) == (1, True, [reason])
    assert await _look(worker, uuid4()) == (1, True, [reason])


@pytest.mark.parametrize("change", ["server = ''", "timeline = null"])
async def test_what_a_platform_does_not_tell_is_not_compared(
    worker: AsyncConnection, admin: AsyncConnection, change: str
) -> None:
    """It was not readable when it was written down."""
    await _look(worker, uuid4())
    await admin.execute(f"update gtr_jobs.lineage set {change} where true".encode())
    assert await _look(worker, uuid4()) == (1, False, [])


@pytest.mark.parametrize(
    "rewind",
    [
        "update gtr_jobs.lineage_witnesses set pulse = 3 where true",
        "truncate gtr_jobs.lineage_witnesses",
    ],
)
async def test_a_witness_that_remembers_more_pauses_what_is_sent(
    worker: AsyncConnection, admin: AsyncConnection, rewind: str
) -> None:
    """The ledger went back in time, or to before the witness came; others have looked since, and hide nothing."""
    witness = uuid4()
    for pulse in range(1, 11):
        assert (await _look(worker, witness))[0] == pulse
    await admin.execute(rewind.encode())
    for _ in range(20):
        await _look(worker, uuid4())
    assert (await _look(worker, witness, 10))[1:] == (True, ["ledger"])
    assert (await _look(worker, uuid4()))[1:] == (True, ["ledger"])


async def test_all_that_does_not_fit_is_told(
    worker: AsyncConnection, admin: AsyncConnection
) -> None:
    """Reasons add up, each once, from the first moment on."""
    witness = uuid4()
    await _look(worker, witness)
    await admin.execute("update gtr_jobs.lineage set timeline = 77 where true")
    await _look(worker, witness)
    since = await fetch_value(admin, "select paused_since from gtr_jobs.lineage")
    assert await _look(worker, witness, 99) == (3, True, ["ledger", "timeline"])
    assert await _look(worker, witness, 99) == (4, True, ["ledger", "timeline"])
    assert await fetch_value(admin, "select paused_since from gtr_jobs.lineage") == since


async def test_witnesses_of_last_year_are_forgotten(
    worker: AsyncConnection, admin: AsyncConnection
) -> None:
    """When a new one comes, and by their index."""
    await _look(worker, uuid4())
    await admin.execute("update gtr_jobs.lineage_witnesses set seen_on = seen_on - 400 where true")
    await _look(worker, uuid4())
    assert await fetch_value(admin, "select count(*) from gtr_jobs.lineage_witnesses") == 1


async def test_a_database_that_takes_no_writes_is_no_place_to_look(
    database: ProjectDatabase,
) -> None:
    """A replica fails the look, and with it the connection."""
    async with await database.connect_async("gtr_worker") as connection:
        await connection.execute("set default_transaction_read_only = on")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            await _look(connection, uuid4())
