"""`gtr-jobs init`, and what the commands say of an app that is not as it should be."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.apps import make_app_tables
from support.command_line import assert_refused, run_command
from support.databases import ProjectDatabase
from support.installed import ENVIRONMENT, PROJECT

from gtr_jobs.dev.scaffold import TEMPLATES, write_repository
from gtr_jobs.domain.errors import UsageError


def test_init_writes_every_template_under_the_name_it_is_given(tmp_path: Path) -> None:
    """Nothing of the template's own name is left, hidden files have their dot, and no file is forgotten."""
    written = write_repository(tmp_path / "shop", "car_wash")
    names = {path.relative_to(tmp_path / "shop").as_posix() for path in written}
    templates = {
        path.relative_to(TEMPLATES).as_posix()
        for path in TEMPLATES.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == {
        name.replace("garage/", "car_wash/").replace("dot_", ".") for name in templates
    }
    assert {"pyproject.toml", ".env.example", ".gitignore", "Procfile", "README.md"} <= names
    texts = {path.name: path.read_text() for path in written}
    assert [name for name, text in texts.items() if "garage" in text.lower()] == []
    assert "GTR_APP=car_wash.jobs:app\n" in texts[".env.example"]
    assert "create or replace trigger car_wash_bookings_insert" in texts["bookings_insert.sql"]
    # A scheme of links has no underscore.
    assert "GTR_DEEP_LINK_SCHEME=car-wash-app\n" in texts[".env.example"]


def test_init_leaves_a_folder_with_something_in_it_alone(tmp_path: Path) -> None:
    """It writes nothing, and says so."""
    (tmp_path / "kept").write_text("x")
    assert_refused(run_command("init", str(tmp_path), "--name", "shop"), 2, "is not empty")
    with pytest.raises(UsageError, match="is not empty"):
        write_repository(tmp_path / "kept", "shop")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


@pytest.mark.parametrize(
    "name", ["gtr_jobs", "json", "class", "auth", "Shop", "9lives", "a-b", "", "a" * 41, "tests"]
)
def test_init_takes_no_name_that_cannot_work(tmp_path: Path, name: str) -> None:
    """A module of Python's, a schema of Supabase's, a word of the language, or no name at all."""
    with pytest.raises(UsageError, match="an app cannot have this name"):
        write_repository(tmp_path / "shop", name)
    assert list(tmp_path.iterdir()) == []


def test_init_asks_for_a_name_where_the_folders_will_not_do(tmp_path: Path) -> None:
    """An app is called as its folder is, unless something else is called so already."""
    assert_refused(run_command("init", str(tmp_path / "json")), 2, "--name json", "give it another")


@pytest.mark.parametrize("command", [("db", "migrate"), ("worker",)])
def test_every_command_that_needs_the_app_says_what_is_wrong_with_it(
    command: tuple[str, ...],
) -> None:
    """One line and exit 78, whatever else is set, before anything is connected to."""
    settings = {
        "GTR_APP": "gtr_nowhere.jobs:app",
        "GTR_ADMIN_DATABASE_URL": "postgresql://postgres@127.0.0.1:1/x",
        "GTR_DATABASE_URL": "postgresql://gtr_worker@127.0.0.1:1/x",
    }
    assert_refused(
        run_command(*command, settings=settings), 78, "GTR_APP: there is no module gtr_nowhere"
    )


def test_a_worker_whose_kind_reads_what_is_not_there_is_refused(
    database: ProjectDatabase, tmp_path: Path
) -> None:
    """Before it claims a job that it could not do; so is a queue that the app does not have."""
    make_app_tables(database)
    write_repository(tmp_path / "shop", "shop")
    reader = tmp_path / "shop" / "sql" / "worker" / "read_bookings.sql"
    reader.write_text(reader.read_text().replace("grant execute", "-- grant execute"))
    settings = {
        "GTR_APP": "shop.jobs:app",
        "PYTHONPATH": str(tmp_path / "shop"),
        "GTR_ADMIN_DATABASE_URL": database.dsn,
        "GTR_DATABASE_URL": database.worker_dsn,
        "GTR_PROJECT": PROJECT,
        "GTR_ENVIRONMENT": ENVIRONMENT,
        "GTR_HTTP_PORT": "0",
        "GTR_LOG_FORMAT": "json",
    }
    migrated = run_command("db", "migrate", settings=settings)
    assert migrated.code == 0, migrated.err
    assert_refused(
        run_command("worker", settings=settings),
        78,
        "GTR_APP: a kind's rows cannot be read with shop.read_bookings: permission denied",
    )
    assert_refused(
        run_command("worker", "--queues", "push,slip", settings=settings),
        78,
        "GTR_QUEUES (--queues): no queue slip: there is push, match, receipts, maintenance, sms, email, slips",
    )
