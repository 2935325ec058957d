"""The kinds of job that another team's app brings, as a file of its installation.

They are declared once, in Python, beside what does them; which file enqueues a kind stands in that
file's head. The rows of `gtr_jobs.job_kinds` are written from both, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from gtr_jobs.db.sqlfiles import SqlFile

_FILE = """\
-- does: lists the kinds of job of the app {name}; written by gtr-jobs from what GTR_APP names

do $gtr$
declare
    v_taken text;
begin
    select pg_catalog.string_agg(k.kind, ', ' order by k.kind) into v_taken
    from gtr_jobs.job_kinds as k
    where k.kind = any({kinds}::text[]) and pg_catalog.split_part(k.produced_by, ' ', 1) <> {name_literal};
    if v_taken is not null then
        raise exception 'kinds of job that are not those of the app {name}: %', v_taken;
    end if;
end
$gtr$;
"""
# A priority is an operator's to change.
_ROWS = """
insert into gtr_jobs.job_kinds (kind, queue, produced_by, max_attempts)
values
    {rows}
on conflict (kind) do update
    set
        queue = excluded.queue,
        produced_by = excluded.produced_by,
        max_attempts = excluded.max_attempts;
"""
_ROW = "({kind}, {queue}, {produced_by}, {max_attempts})"
_UNDO = """delete from gtr_jobs.job_kinds where kind = {kind} and produced_by = {produced_by}"""


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of job, as the database knows it.

    Args:
        name: The kind.
        queue: Where its jobs wait.
        max_attempts: After so many a job is dead.
        enqueued_by: What enqueues it without a file of the app's saying so.
    """

    name: str
    queue: str
    max_attempts: int
    enqueued_by: tuple[str, ...] = ()


def write_kinds_file(app: str, kinds: Sequence[JobKind], files: Sequence[SqlFile]) -> SqlFile:
    """Write the file that lists an app's kinds of job.

    Args:
        app: Its name, with which what produces a kind begins: that tells its rows from others'.
        kinds: What there is to list.
        files: Its files, whose heads say what they enqueue.
    """
    produced_by = {
        kind.name: " ".join(
            (
                app,
                *kind.enqueued_by,
                *(
                    file.stem.rpartition("/")[2]
                    for file in files
                    if kind.name in file.header("enqueues")
                ),
            )
        )
        for kind in kinds
    }
    text = _FILE.format(
        name=app,
        name_literal=_literal(app),
        kinds=_literal([kind.name for kind in kinds]),
    )
    if kinds:
        rows = [
            _ROW.format(
                kind=_literal(kind.name),
                queue=_literal(kind.queue),
                produced_by=_literal(produced_by[kind.name]),
                max_attempts=kind.max_attempts,
            )
            for kind in kinds
        ]
        text += _ROWS.format(rows=",\n    ".join(rows))
    undo = tuple(
        # Without its producer it would be the row of whoever has the kind by then.
        _UNDO.format(kind=_literal(kind.name), produced_by=_literal(produced_by[kind.name]))
        for kind in kinds
    )
    return SqlFile(f"{app}/generated/job_kinds.sql", text, undo)


def _literal(value: object) -> str:
    return sql.Literal(value).as_string()
