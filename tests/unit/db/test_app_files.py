"""Another team's SQL is read as the package's own is, and every mistake in it is named with its file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from gtr_jobs.db.app_files import read_app_part
from gtr_jobs.db.job_kinds import JobKind
from gtr_jobs.db.plan import AppPart
from gtr_jobs.dev.scaffold import TEMPLATES
from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.domain.version import Version

VERSION = Version(1, 2, 3)
KINDS = (JobKind("booking_confirmed", "push", 8), JobKind("write_slip", "slips", 3))
FILES = {
    path.relative_to(TEMPLATES / "sql").as_posix(): path.read_text()
    for path in (TEMPLATES / "sql").rglob("*.sql")
}
EVENT = "on/bookings_insert.sql"
READER = "worker/read_bookings.sql"
STEP = "migrations/0001_create_schema.sql"


def _read(folder: Path, files: Mapping[str, str]) -> AppPart:
    root = folder / "sql"
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return read_app_part("garage", VERSION, root, KINDS)


def test_everything_stands_under_the_apps_name(tmp_path: Path) -> None:
    """Steps under its component, files behind its name, the list of its kinds first."""
    part = _read(tmp_path, FILES)
    assert (part.name, part.version) == ("garage", VERSION)
    assert [(step.key, step.name, step.is_of_engine) for step in part.steps] == [
        (("garage", "0001"), "create schema", False)
    ]
    assert [file.path for file in part.files] == [
        "garage/generated/job_kinds.sql",
        "garage/worker/read_bookings.sql",
        "garage/worker/write_slip.sql",
        "garage/on/bookings_insert.sql",
    ]


def test_what_produces_a_kind_is_read_from_the_heads_of_files(tmp_path: Path) -> None:
    """Behind the app's name, which tells its rows from others'; its end takes its own rows only."""
    files = {**FILES, "rpc/book.sql": "-- does: books\n-- enqueues: write_slip\n"}
    listed = _read(tmp_path, files).files[0]
    assert "('booking_confirmed', 'push', 'garage bookings_insert', 8)" in listed.sql
    assert "('write_slip', 'slips', 'garage book bookings_insert', 3)" in listed.sql
    delete = "delete from gtr_jobs.job_kinds where kind = '{}' and produced_by = 'garage {}'"
    assert listed.undo == (
        delete.format("booking_confirmed", "bookings_insert"),
        delete.format("write_slip", "book bookings_insert"),
    )


def test_an_app_without_sql_takes_everything_away() -> None:
    """What it had is gone from the plan, and so from the database by the next migration."""
    part = read_app_part("garage", VERSION, None, ())
    assert part.steps == ()
    assert [(file.path, file.undo) for file in part.files] == [
        ("garage/generated/job_kinds.sql", ())
    ]


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("engine/claim.sql", "-- does: x\n", "engine/claim.sql: stands in no folder"),
        ("policy/x.sql", "-- does: x\n", "policy/x.sql: stands in no folder"),
        ("x.sql", "-- does: x\n", "x.sql: stands in no folder"),
        ("on/deep/x.sql", "-- does: x\n", "on/deep/x.sql: stands in no folder"),
        ("migrations/first.sql", FILES[STEP], "migrations/first.sql: has no number"),
        (
            STEP,
            "-- does: x\n",
            f"{STEP}: does not name the oldest worker that can live with it",
        ),
        ("migrations/0001_again.sql", FILES[STEP], "is the second with the number 0001"),
        (READER, "-- requires: worker/none\n", "a file requires 'worker/none', which is not there"),
        (READER, "-- requires: worker/read_bookings\n", "files require each other"),
        (READER, "-- requires: on/bookings_insert\n", "whose folder comes later"),
        (
            READER,
            "-- does: x\n\ncreate table garage.x ();\n",
            f"{READER} line 3: 'create table garage.x ();' cannot be taken away again",
        ),
        # What cannot be found again in the text cannot be taken away.
        (READER, "CREATE OR REPLACE FUNCTION garage.x() ...", f"{READER} line 1: "),
        (READER, "create or replace function x() ...", f"{READER} line 1: "),
        (READER, "create function garage.x() ...", f"{READER} line 1: "),
        (
            READER,
            "create or replace function gtr_jobs.enqueue(x int) ...",
            f"{READER}: makes gtr_jobs.enqueue, which is gtr_jobs' own",
        ),
        (EVENT, "-- does: x\n", f"{EVENT}: attaches no trigger"),
        (
            EVENT,
            FILES[EVENT].replace("-- table: public.bookings\n", ""),
            f"{EVENT}: does not name public.bookings in its head",
        ),
        (
            EVENT,
            FILES[EVENT].replace("-- enqueues", "-- note"),
            f"{EVENT}: does not say what it is for",
        ),
        (
            EVENT,
            FILES[EVENT].replace("-- enqueues: write_slip", "-- enqueues: wash"),
            f"{EVENT}: enqueues 'wash', which is no kind of the app",
        ),
        (
            EVENT,
            FILES[EVENT].replace("-- enqueues: write_slip\n", ""),
            "no file of the app garage enqueues its kind 'write_slip'",
        ),
    ],
)
def test_a_file_that_is_not_what_its_folder_asks_for_is_refused(
    tmp_path: Path, path: str, text: str, said: str
) -> None:
    """By its name, with what to do, before anything is connected to."""
    with pytest.raises(ConfigurationError) as refused:
        _read(tmp_path, {**FILES, path: text})
    assert str(refused.value).startswith("GTR_APP: ")
    assert said in str(refused.value)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A package that was built without its SQL would take everything away."""
    with pytest.raises(ConfigurationError, match=r"GTR_APP: .* there is no such folder"):
        read_app_part("garage", VERSION, tmp_path / "sql", KINDS)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """Whoever saved it in another encoding is told so."""
    _read(tmp_path, FILES)
    (tmp_path / "sql" / READER).write_bytes(b"-- does: \xff\n")
    with pytest.raises(ConfigurationError, match="no text in UTF-8"):
        _read(tmp_path, {})
