"""`gtr-jobs db sql` writes the installation as files, and later what is new."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.command_line import assert_refused, run_command
from support.plans import NEXT, PLAN, read_file, with_file, with_step, without_file

from gtr_jobs.db.export import export_sql
from gtr_jobs.db.plan import Plan
from gtr_jobs.db.sqlfiles import sql_root
from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.engine.schema import COMPONENT

_NOW = datetime(2026, 3, 1, 12, 0, 0, 700_000, tzinfo=UTC)
_FUNCTION = """
create or replace function gtr_jobs.answer() returns integer
language sql
set search_path = ''
as 'select {}';
"""


def _export(plan: Plan, folder: Path, now: datetime = _NOW) -> list[str]:
    """Export; give the titles of the files written, without their numbers."""
    return [
        path.name.removesuffix(".sql").split("_gtr_jobs_", 1)[1]
        for path in export_sql(plan, folder, now)
    ]


def test_the_files_are_numbered_in_the_order_of_the_installation(tmp_path: Path) -> None:
    """State comes first, functions in one file, then what hangs on a table of the app; a second run writes nothing."""
    folder = tmp_path / "supabase" / "migrations"
    ended = run_command("db", "sql", "--out", str(folder))
    assert (ended.code, ended.err) == (0, "")
    paths = ended.out.split()
    assert paths == sorted(str(path) for path in folder.iterdir())
    names = [Path(path).name for path in paths]
    assert [name for name in names if not re.fullmatch(r"\d{14}_gtr_jobs_\w+\.sql", name)] == []
    assert [name[24:-4] for name in names] == [
        "0001_create_schema",
        "procrastinate_030400_50_whole_schema",
        *(
            f"{step.version}_{step.name.replace(' ', '_')}"
            for step in PLAN.steps
            if step.component != COMPONENT and step.version > "0001"
        ),
        "functions",
        *(file.stem.replace("/", "_") for file in PLAN.files if file.tables),
    ]
    again = run_command("db", "sql", "--out", str(folder))
    assert (again.code, again.out) == (0, "")
    assert again.err == "Nothing to write: the folder has it all.\n"
    assert len(list(folder.iterdir())) == len(paths)


def test_files_come_after_all_that_the_folder_has(tmp_path: Path) -> None:
    """The command line applies in the order of the numbers: ours are later than the app's, whatever the clock says."""
    later = _NOW + timedelta(days=2)
    for name in (
        "0001_init.sql",
        f"{later:%Y%m%d%H%M%S}_of_the_app.sql",
        "99999999999999_no_date.sql",
    ):
        (tmp_path / name).write_bytes(b"select '\xff';")
    first, second, *_ = export_sql(PLAN, tmp_path, _NOW)
    assert first.name.startswith(f"{later + timedelta(seconds=1):%Y%m%d%H%M%S}_")
    assert second.name.startswith(f"{later + timedelta(seconds=2):%Y%m%d%H%M%S}_")


def test_only_the_difference_is_written_after_a_change(tmp_path: Path) -> None:
    """A changed trigger, a changed function and a new step are three files, and no other is written again."""
    plan = with_file(PLAN, "ops/answer.sql", _FUNCTION.format(1))
    _export(plan, tmp_path)
    changed = with_step(
        with_file(plan, "ops/answer.sql", _FUNCTION.format(2)), "make later", "select 1"
    )
    trigger = read_file(PLAN, "on/messages_insert.sql")
    changed = with_file(changed, trigger.path, f"{trigger.sql}\n-- changed\n")
    assert _export(changed, tmp_path) == ["9001_make_later", "functions", "on_messages_insert"]
    written = max(tmp_path.glob("*_functions.sql")).read_text(encoding="utf-8")
    assert re.findall(r"^-- gtr_jobs \S+: file (\S+)", written, re.MULTILINE) == ["ops/answer.sql"]
    assert _export(changed, tmp_path) == []


def test_a_file_that_is_changed_back_is_written_once_more(tmp_path: Path) -> None:
    """What counts is what was written last, not whether it was ever written."""
    plans = [with_file(PLAN, "ops/answer.sql", _FUNCTION.format(answer)) for answer in (1, 2)]
    _export(plans[0], tmp_path)
    assert _export(plans[1], tmp_path) == ["functions"]
    assert _export(plans[0], tmp_path) == ["functions"]
    assert _export(plans[0], tmp_path) == []


def test_a_file_that_is_gone_is_written_as_its_removal_once(tmp_path: Path) -> None:
    """Its objects leave by a file of their own; if it comes back it is written again."""
    _export(PLAN, tmp_path)
    less = without_file(PLAN, "on/messages_insert.sql")
    assert _export(less, tmp_path) == ["remove_on_messages_insert"]
    assert _export(less, tmp_path) == []
    assert _export(PLAN, tmp_path) == ["on_messages_insert"]


def test_an_upgrade_of_the_engine_writes_our_engine_files_again(tmp_path: Path) -> None:
    """Its migration undoes what they did to its functions."""
    _export(PLAN, tmp_path)
    upgraded = with_step(
        PLAN, "post upgrade", "select 1", version="99.01.00_50", component=COMPONENT
    )
    assert _export(upgraded, tmp_path) == ["procrastinate_990100_50_post_upgrade", "functions"]
    written = max(tmp_path.glob("*_functions.sql")).read_text(encoding="utf-8")
    assert re.findall(r"^-- gtr_jobs \S+: file (\S+)", written, re.MULTILINE) == [
        file.path for file in PLAN.files if file.path.startswith("engine/")
    ]


def test_a_folder_that_a_newer_package_wrote_is_refused(tmp_path: Path) -> None:
    """An older package would take the newer one's work away; the line has both versions."""
    _export(replace(PLAN, version=NEXT), tmp_path)
    before = sorted(tmp_path.iterdir())
    refused = run_command("db", "sql", "--out", str(tmp_path))
    said = (str(tmp_path), str(NEXT), str(PLAN.version), f'pip install "gtr-jobs>={NEXT}"')
    assert_refused(refused, 78, *said)
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_whose_migrations_are_others_is_refused(tmp_path: Path) -> None:
    """A migration that was edited after it was written is named."""
    _export(with_step(PLAN, "make later", "select 1"), tmp_path)
    with pytest.raises(ConfigurationError, match="gtr_jobs 9001 make later is not the one"):
        _export(with_step(PLAN, "make later", "select 2"), tmp_path)


def test_a_folder_that_cannot_be_one_is_wrong_usage(tmp_path: Path) -> None:
    """A file where the folder should be: one line, exit 2."""
    file = tmp_path / "file"
    file.touch()
    assert_refused(run_command("db", "sql", "--out", str(file)), 2, f"--out {file}")


def test_an_optional_file_is_printed_as_it_is() -> None:
    """What is printed can be redirected into the app's migrations."""
    ended = run_command("db", "sql", "--optional", "close_notification_hole")
    file = sql_root() / "optional" / "close_notification_hole.sql"
    assert (ended.code, ended.out, ended.err) == (0, file.read_text(encoding="utf-8"), "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--optional", "nope"], "close_notification_hole"),
        ([], "either --out DIR or --optional NAME"),
        (
            ["--out", "x", "--optional", "close_notification_hole"],
            "either --out DIR or --optional NAME",
        ),
    ],
    ids=["unknown", "neither", "both"],
)
def test_wrong_usage_says_what_is_right(arguments: list[str], said: str) -> None:
    """An unknown name lists the known ones; one of both options is wanted."""
    assert_refused(run_command("db", "sql", *arguments), 2, said)
