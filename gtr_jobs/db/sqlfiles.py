"""The SQL that ships with the package: found, read and put in order.

Each file says in its head what it does and what it stands on:

    -- does: queues a push to the recipient when a chat message is written
    -- requires: engine/jobs_table      another file, by folder and stem, that comes first
    -- table: public.messages           left out where the app has no such table
    -- enqueues: message                the kinds of job that a file in on/ can cause
    -- keeps: gtr_jobs.devices          the table of ours that a file in on/ writes instead
    -- oldest-worker: 0.1.0             in migrations: the oldest worker that can live with it
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path

# The order of the folders is the way a row takes, backwards: what is called comes before its caller.
RERUNNABLE_FOLDERS = ("engine", "rules", "worker", "ops", "rpc", "on", "policy")

_PACKAGE = Path(__file__).resolve().parent.parent
_HEADER = re.compile(
    r"-- (?P<name>does|requires|table|enqueues|keeps|oldest-worker): (?P<value>.+)"
)
_FUNCTION = re.compile(r"^create or replace function (?P<name>[a-z0-9_.]+)\(", re.MULTILINE)
_VIEW = re.compile(r"^create or replace view (?P<name>[a-z0-9_.]+)", re.MULTILINE)
_INDEX = re.compile(
    r"^create (?:unique )?index if not exists (?P<name>[a-z0-9_]+)\s+on (?P<table>[a-z0-9_.]+)[^;]*;",
    re.MULTILINE,
)
_TRIGGER = re.compile(
    r"^create or replace trigger (?P<name>[a-z0-9_]+)\s.*?\son (?P<table>[a-z0-9_.]+)\s.*?;",
    re.MULTILINE | re.DOTALL,
)


def sql_root() -> Path:
    """Find the folder of SQL files: inside the installed package, or beside it in a checkout."""
    inside = _PACKAGE / "sql"
    return inside if inside.is_dir() else _PACKAGE.parent / "sql"


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger that a file attaches to one of the app's tables.

    Args:
        name: What we call it.
        table: Its table.
        statement: What attaches it.
        needs: The tables without which it is left out.
    """

    name: str
    table: str
    statement: str
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """An index that a file makes.

    Args:
        name: What we call it.
        table: Its table.
        definition: What it is, without its name: brackets and spaces do not count.
    """

    name: str
    table: str
    definition: str


@dataclass(frozen=True, slots=True)
class TableStatement:
    """A statement that needs one of the app's tables; it makes an index where one is given, else a trigger."""

    table: str
    sql: str
    index: Index | None = None


@dataclass(frozen=True)
class SqlFile:
    """One file of SQL.

    Args:
        path: Folder and name below the root, as in `on/messages_insert.sql`; in front of it, for a
            file of another team's app, the app's name.
        sql: Its whole text.
        undo_rows: Statements that take away rows that it writes.
    """

    path: str
    sql: str
    undo_rows: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """Folder and stem, as other files name it."""
        return self.path.removesuffix(".sql")

    @cached_property
    def sha256(self) -> str:
        """Hash of the text: what is installed is compared by it."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    def header(self, name: str) -> tuple[str, ...]:
        """Read the values of one header, in the order in which they stand; empty where it is not there."""
        return tuple(
            match["value"].strip()
            for line in self.sql.splitlines()
            if (match := _HEADER.fullmatch(line)) and match["name"] == name
        )

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """The app's tables without which the file is left out."""
        return self.header("table")

    @cached_property
    def trigger(self) -> Trigger | None:
        """The trigger that the file attaches, if it is one of on/."""
        match = _TRIGGER.search(self.sql)
        return match and Trigger(match["name"], match["table"], match[0], self.tables)

    @cached_property
    def table_statements(self) -> tuple[TableStatement, ...]:
        """The statements that fail where the app lacks a table: its triggers and indexes."""
        triggers = (
            TableStatement(match["table"], match[0]) for match in _TRIGGER.finditer(self.sql)
        )
        return tuple(
            statement
            for statement in (*self.index_statements, *triggers)
            if statement.table in self.tables
        )

    @cached_property
    def index_statements(self) -> tuple[TableStatement, ...]:
        """The statements that make indexes, on the app's tables and on others."""
        return tuple(
            TableStatement(match["table"], match[0], _index_of(match))
            for match in _INDEX.finditer(self.sql)
        )

    @property
    def indexes(self) -> tuple[Index, ...]:
        """The indexes that the file makes on the app's tables."""
        return tuple(
            statement.index for statement in self.table_statements if statement.index is not None
        )

    @cached_property
    def undo(self) -> tuple[str, ...]:
        """The statements that take away what the file makes; nothing durable is among them."""
        statements = [
            f"drop trigger if exists {m['name']} on {m['table']}"
            for m in _TRIGGER.finditer(self.sql)
        ]
        statements += [f"drop view if exists {m['name']}" for m in _VIEW.finditer(self.sql)]
        statements += [f"drop function if exists {m['name']}" for m in _FUNCTION.finditer(self.sql)]
        statements += [
            f"drop index if exists {m['table'].split('.')[0]}.{m['name']}"
            for m in _INDEX.finditer(self.sql)
        ]
        return (*statements, *self.undo_rows)


def _index_of(match: re.Match[str]) -> Index:
    definition = re.sub(
        r"\bindex if not exists \S+\s+on |[()\s]+", " ", match[0].rstrip(";").lower()
    )
    return Index(match["name"], match["table"], re.sub(" +", " ", definition).strip())


def read_folder(folder: str, root: Path | None = None) -> tuple[SqlFile, ...]:
    """Read the files of one folder, by name; a folder that is not there is empty."""
    root = root or sql_root()
    return tuple(
        SqlFile(f"{folder}/{path.name}", path.read_text(encoding="utf-8"))
        for path in sorted((root / folder).glob("*.sql"))
    )


def read_rerunnable_files(root: Path | None = None) -> tuple[SqlFile, ...]:
    """Read every re-runnable file, each after those it requires.

    Raises:
        KeyError: A file requires one that is not there.
        graphlib.CycleError: Files require each other in a ring.
        ValueError: A file requires one of a folder that comes after its own.
    """
    files = {file.stem: file for folder in RERUNNABLE_FOLDERS for file in read_folder(folder, root)}
    order: TopologicalSorter[str] = TopologicalSorter()
    for stem, file in files.items():
        order.add(stem, *file.header("requires"))
    ranked = {stem: rank for rank, stem in enumerate(order.static_order())}
    folder_rank = {folder: rank for rank, folder in enumerate(RERUNNABLE_FOLDERS)}
    ordered = sorted(
        (files[stem] for stem in ranked),
        key=lambda file: (folder_rank[file.path.split("/")[0]], ranked[file.stem]),
    )
    seen: set[str] = set()
    for file in ordered:
        for required in file.header("requires"):
            if required not in seen:
                raise ValueError(f"{file.stem} requires {required}, whose folder comes later")
        seen.add(file.stem)
    return tuple(ordered)
