"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gtr_jobs.db.sqlfiles import SqlFile, read_folder, read_rerunnable_files
from gtr_jobs.kinds import KINDS
from gtr_jobs.observe import events

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "gtr_jobs"
SQL = ROOT / "sql"
MAX_LINES = 300
EVENT_FILES = read_folder("on")


def _files(*folders: Path, suffixes: tuple[str, ...]) -> list[Path]:
    return sorted(
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix in suffixes and "node_modules" not in path.parts
    )


def _names(paths: Iterator[Path] | list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def test_no_file_is_over_300_lines() -> None:
    """What is longer is two subjects."""
    code = _files(PACKAGE, SQL, ROOT / "tests", suffixes=(".py", ".sql", ".js", ".mjs", ".ts"))
    assert code
    assert _names([p for p in code if len(p.read_text().splitlines()) > MAX_LINES]) == []


def test_every_sql_file_says_what_it_does() -> None:
    """In its first line, and to whoever lists what is installed; what a project has already says it in words."""
    files = [path for path in _files(SQL, suffixes=(".sql",)) if path.parent.name != "dev"]
    assert files
    silent = [path for path in files if not path.read_text().startswith("-- does: ")]
    assert _names(silent) == []


@pytest.mark.parametrize("file", EVENT_FILES, ids=lambda file: file.path)
def test_an_event_file_is_what_its_name_says(file: SqlFile) -> None:
    """on/<table>_<event>.sql attaches gtr_jobs_<table>_<event> to the table, and says what it enqueues or keeps."""
    stem = file.stem.removeprefix("on/")
    # The first is its own; the others are what else it needs.
    table, *_ = file.header("table")
    assert len(file.header("does")) == 1
    assert file.header("enqueues") + file.header("keeps") != ()
    assert file.trigger is not None
    assert (file.trigger.name, file.trigger.table) == (f"gtr_jobs_{stem}", table)
    event = stem.removeprefix(table.removeprefix("public.") + "_")
    assert re.search(rf"\b(?:after|before) {event} on {re.escape(table)}\b", file.trigger.statement)


def test_every_event_file_makes_a_function_and_a_trigger_and_nothing_else() -> None:
    """What happens when a row is written is read from one short file."""
    for file in EVENT_FILES:
        stem = file.stem.removeprefix("on/")
        assert re.findall(r"^create (?:or replace )?\w+ \S+", file.sql, re.MULTILINE) == [
            f"create or replace function gtr_jobs.on_{stem}()",
            f"create or replace trigger gtr_jobs_{stem}",
        ]


def test_every_file_comes_after_those_that_it_requires() -> None:
    """In the order in which they are installed, whichever folder they are in."""
    installed: list[str] = []
    for file in read_rerunnable_files():
        assert set(file.header("requires")) <= set(installed), file.path
        installed.append(file.stem)


def test_every_event_of_the_log_is_said_somewhere() -> None:
    """A constant that nobody uses is one that operators wait for in vain."""
    code = "".join(
        path.read_text() for path in _files(PACKAGE, suffixes=(".py",)) if path.name != "events.py"
    )
    names = [name for name in vars(events) if name.isupper() and name != "ALL_EVENTS"]
    assert names
    assert [name for name in names if f"events.{name}" not in code] == []


def test_no_event_of_the_log_is_said_twice() -> None:
    """Two constants with one text cannot be told apart in a log."""
    values = [getattr(events, name) for name in vars(events) if name.isupper()]
    texts = [value for value in values if isinstance(value, str)]
    assert len(texts) == len(set(texts)) == len(events.ALL_EVENTS)


def test_the_log_is_written_with_declared_events_only() -> None:
    """No logger is handed a text that is not a constant of observe/events.py."""
    strays = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in _files(PACKAGE, suffixes=(".py",))
        for call in _log_calls(path)
        if not ast.unparse(call.args[0]).startswith("events.")
    ]
    assert strays == []


def test_the_engine_is_named_in_two_folders_only() -> None:
    """Nothing but sql/engine and gtr_jobs/engine knows procrastinate; the log only silences it."""
    files = set(_files(PACKAGE, SQL, suffixes=(".py", ".sql"))) - {PACKAGE / "observe" / "logs.py"}
    naming = {path.parent for path in files if "procrastinate" in _code_of(path)}
    assert naming == {SQL / "engine", PACKAGE / "engine"}


def test_the_environment_is_read_in_one_place() -> None:
    """settings.py reads it for all; what runs on a developer's machine only may look for its tools."""
    files = _files(PACKAGE, suffixes=(".py",))
    readers = [path for path in files if {"environ", "environb", "getenv"} & set(_names_in(path))]
    assert _names([path for path in readers if PACKAGE / "dev" not in path.parents]) == []


def test_every_kind_is_listed() -> None:
    """A file in kinds/ that is not in KINDS tells nobody anything."""
    files = {path.stem for path in (PACKAGE / "kinds").glob("*.py")} - {"__init__", "base"}
    assert {type(kind).__module__.rpartition(".")[2] for kind in KINDS} == files
    assert len({kind.name for kind in KINDS}) == len(KINDS)


def test_every_kind_is_kept_apart_from_the_others() -> None:
    """The contract that keeps kinds from importing each other names each of them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    (modules,) = (
        contract["modules"]
        for contract in contracts
        if contract["name"] == "kinds do not import each other"
    )
    assert sorted(modules) == sorted(type(kind).__module__ for kind in KINDS)


def _code_of(path: Path) -> str:
    """Read a file without its comments and docstrings."""
    if path.suffix == ".sql":
        return re.sub(r"--.*", "", path.read_text())
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return ast.unparse(tree)


def _names_in(path: Path) -> Iterator[str]:
    """List the names that a Python file uses and imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Attribute(attr=name) | ast.Name(id=name) | ast.alias(name=name):
                yield name
            case _:
                continue


def _log_calls(path: Path) -> Iterator[ast.Call]:
    """List the calls that write to a log."""
    levels = {"debug", "info", "warning", "error", "exception", "critical"}
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(func=ast.Attribute(attr=level, value=logger)) if level in levels:
                if re.search(r"\blog(?:ger)?$", ast.unparse(logger)):
                    yield node
            case _:
                continue
