"""Connection strings, of one host or several, as they are read and shown."""

from __future__ import annotations

import pytest

from gtr_jobs.db.connect import Database, bound_parameters
from gtr_jobs.domain.errors import ConfigurationError


def _database(rest: str) -> Database:
    return Database(f"postgresql://ann:s3cret@{rest}", "GTR_DATABASE_URL")


@pytest.mark.parametrize(
    ("rest", "shown"),
    [
        ("db.example.test:5433/app", "ann@db.example.test:5433/app"),
        ("db.example.test/app", "ann@db.example.test:5432/app"),
        ("one:5432,two:5433/app?target_session_attrs=read-write", "ann@one:5432,two:5433/app"),
        ("one,two/app", "ann@one:5432,two:5432/app"),
        ("one,two:5433/app", "ann@one:5432,two:5433/app"),
        ("[::1]:5433,two/app", "ann@::1:5433,two:5432/app"),
        ("/app?host=/run/postgresql", "ann@/run/postgresql:5432/app"),
        ("/app", "ann@the local socket:5432/app"),
    ],
)
def test_where_a_database_is_can_be_shown(rest: str, shown: str) -> None:
    """Every host with its port, and no password."""
    assert _database(rest).describe() == shown


def test_hosts_and_ports_that_do_not_go_together_are_refused() -> None:
    """The line says how many there are of each, and how to write them."""
    database = Database("host=one,two,three port=1,2 user=ann", "GTR_DATABASE_URL")
    with pytest.raises(ConfigurationError) as refused:
        database.hosts()
    assert str(refused.value) == (
        "GTR_DATABASE_URL has 3 hosts and 2 ports: write them as host1:5432,host2:5432"
    )


@pytest.mark.parametrize(
    ("rest", "is_so"),
    [("one:6543/app", True), ("one:5432,two:6543/app", True), ("one:5432/app", False)],
)
def test_the_transaction_poolers_port_is_known(rest: str, is_so: bool) -> None:
    """Among several hosts too."""
    assert _database(rest).has_transaction_port() is is_so


@pytest.mark.parametrize(
    ("rest", "seconds"),
    [
        ("one/app", "10"),
        ("one,two/app", "3"),
        ("one,two/app?connect_timeout=7", "7"),
    ],
)
def test_connecting_has_a_limit(rest: str, seconds: str) -> None:
    """Shorter where another host may be asked; the connection string's own comes first."""
    parameters = bound_parameters(_database(rest))
    assert parameters["connect_timeout"] == seconds
    assert parameters["keepalives_idle"] == "10"
