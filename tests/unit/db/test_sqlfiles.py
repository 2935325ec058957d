"""SQL files are found, read and put in order."""

from __future__ import annotations

import hashlib
from graphlib import CycleError
from pathlib import Path

import pytest

from gtr_jobs.db.sqlfiles import (
    RERUNNABLE_FOLDERS,
    SqlFile,
    Trigger,
    read_folder,
    read_rerunnable_files,
)

TEXT = """\
-- does: queues a wash: now
-- requires: engine/enqueue
-- requires: worker/read
-- table: public.garage
-- table: public.cars
-- enqueues: wash
-- note: nobody asks for this one

create index if not exists gtr_jobs_garage_owner on public.garage (owner_id) where not is_gone;
create unique index if not exists gtr_jobs_own on gtr_jobs.own (id);

create or replace function gtr_jobs.on_garage_insert()
returns trigger
language plpgsql
as $$
begin
    -- does: nothing
    perform 'create or replace function gtr_jobs.fake(';
    return null;
end
$$;

create or replace view gtr_jobs.washes as select 1 as one;

create or replace trigger gtr_jobs_garage_insert
    after insert or update on public.garage
    referencing new table as new_rows
    for each statement
    execute function gtr_jobs.on_garage_insert();
"""
FILE = SqlFile("on/garage_insert.sql", TEXT)


def test_a_file_is_known_by_folder_stem_and_content() -> None:
    """How others name it, and how what is installed is compared with it."""
    assert FILE.stem == "on/garage_insert"
    assert FILE.sha256 == hashlib.sha256(TEXT.encode()).hexdigest()
    assert SqlFile(FILE.path, TEXT + " ").sha256 != FILE.sha256


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("does", ("queues a wash: now",)),
        ("requires", ("engine/enqueue", "worker/read")),
        ("table", ("public.garage", "public.cars")),
        ("enqueues", ("wash",)),
        ("oldest-worker", ()),
        ("note", ()),
    ],
)
def test_headers_are_read_in_their_order(name: str, values: tuple[str, ...]) -> None:
    """Whole lines that begin with the name; what is indented or unknown is a comment."""
    assert FILE.header(name) == values


def test_a_file_knows_its_trigger() -> None:
    """Name, table and the statement whole, though it names events with `or`."""
    statement = TEXT[TEXT.index("create or replace trigger") :].rstrip()
    assert FILE.trigger == Trigger(
        "gtr_jobs_garage_insert", "public.garage", statement, ("public.garage", "public.cars")
    )
    assert SqlFile("engine/a.sql", "create or replace view gtr_jobs.a as select 1;").trigger is None


def test_a_file_knows_which_statements_need_the_apps_tables() -> None:
    """Its trigger and its indexes on tables that it names in its head; others are its own."""
    index, trigger = FILE.table_statements
    assert (index.table, trigger.table) == ("public.garage", "public.garage")
    assert index.sql.startswith("create index if not exists gtr_jobs_garage_owner")
    assert index.sql.endswith("where not is_gone;")
    assert trigger.sql == FILE.trigger.statement if FILE.trigger else False
    assert [made.name for made in FILE.indexes] == ["gtr_jobs_garage_owner"]


def test_a_file_knows_how_it_is_taken_away() -> None:
    """What stands on others goes first; nothing durable is among it."""
    assert FILE.undo == (
        "drop trigger if exists gtr_jobs_garage_insert on public.garage",
        "drop view if exists gtr_jobs.washes",
        "drop function if exists gtr_jobs.on_garage_insert",
        "drop index if exists public.gtr_jobs_garage_owner",
        "drop index if exists gtr_jobs.gtr_jobs_own",
    )


def _write(root: Path, stem: str, *requires: str) -> None:
    file = root / f"{stem}.sql"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"-- requires: {other}\n" for other in requires) + "select 1;\n")


def test_files_come_after_those_that_they_require(tmp_path: Path) -> None:
    """Folder by folder, and within a folder whatever their names are."""
    _write(tmp_path, "on/a", "engine/m")
    _write(tmp_path, "ops/a")
    _write(tmp_path, "engine/a", "engine/z")
    _write(tmp_path, "engine/z", "engine/m")
    _write(tmp_path, "engine/m")
    _write(tmp_path, "worker/b", "engine/z", "worker/c")
    _write(tmp_path, "worker/c")
    _write(tmp_path, "migrations/0001_a")
    _write(tmp_path, "dev/a")
    assert [file.stem for file in read_rerunnable_files(tmp_path)] == [
        "engine/m",
        "engine/z",
        "engine/a",
        "worker/c",
        "worker/b",
        "ops/a",
        "on/a",
    ]


def test_files_that_require_each_other_are_refused(tmp_path: Path) -> None:
    """A ring has no order."""
    _write(tmp_path, "engine/a", "engine/b")
    _write(tmp_path, "engine/b", "engine/a")
    with pytest.raises(CycleError):
        read_rerunnable_files(tmp_path)


def test_a_file_that_requires_what_is_not_there_is_refused(tmp_path: Path) -> None:
    """By the name that it gives."""
    _write(tmp_path, "engine/a", "engine/gone")
    with pytest.raises(KeyError, match="engine/gone"):
        read_rerunnable_files(tmp_path)


def test_a_file_that_requires_one_of_a_later_folder_is_refused(tmp_path: Path) -> None:
    """The order of folders is the way of a row, and no file turns it round."""
    _write(tmp_path, "engine/a", "on/b")
    _write(tmp_path, "on/b")
    with pytest.raises(ValueError, match="engine/a requires on/b, whose folder comes later"):
        read_rerunnable_files(tmp_path)


def test_a_folder_is_read_by_name_and_may_be_missing(tmp_path: Path) -> None:
    """Other files in it do not count."""
    _write(tmp_path, "rpc/b")
    _write(tmp_path, "rpc/a")
    (tmp_path / "rpc" / "README.md").write_text("no SQL")
    assert [file.path for file in read_folder("rpc", tmp_path)] == ["rpc/a.sql", "rpc/b.sql"]
    assert read_folder("policy", tmp_path) == ()


def test_the_packages_own_files_are_found() -> None:
    """Beside the package in a checkout, inside it where it is installed."""
    folders = {file.path.partition("/")[0] for file in read_rerunnable_files()}
    assert folders <= set(RERUNNABLE_FOLDERS)
    assert {"engine", "worker", "ops", "on"} <= folders
    assert next(file.stem for file in read_folder("migrations")) == "migrations/0001_create_schema"
