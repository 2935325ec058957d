"""The statements that install, record and take away: the same for `db migrate` and for `db sql`."""

from __future__ import annotations

from textwrap import indent

from psycopg import sql

from gtr_jobs.db.plan import Plan, Step, component_of
from gtr_jobs.db.sqlfiles import SqlFile, TableStatement

_RECORD_STEP = """
insert into gtr_jobs.schema_migrations (component, version, name, sha256, oldest_worker)
values ({component}, {version}, {name}, {sha256}, {oldest_worker})
"""
# The engine's own migrations undo what our engine files did to its tables and functions. That those
# have to be installed again is part of the step's own transaction: an interruption cannot lose it.
_OUTDATE_ENGINE_FILES = """
update gtr_jobs.installed_files set sha256 = '' where path like 'engine/%'
"""
_RECORD_FILE = """
insert into gtr_jobs.installed_files (path, sha256, undo, installed_by)
values ({path}, {sha256}, {undo}::text[], {installed_by})
on conflict (path) do update
    set
        sha256 = excluded.sha256,
        undo = excluded.undo,
        installed_by = excluded.installed_by,
        installed_at = now()
"""
_FORGET_FILE = "delete from gtr_jobs.installed_files where path = {path}"
_DROP_LEFTOVERS = """
do $gtr$
declare
    v_statement text;
begin
    for v_statement in
        select undo.statement
        from gtr_jobs.installed_files as f
        cross join unnest(f.undo) with ordinality as undo (statement, place)
        where f.path = {path} and undo.statement <> all ({kept}::text[])
        order by undo.place
    loop
        execute v_statement;
    end loop;
end
$gtr$
"""
_IF_TABLE = """do $gtr$
begin
    if {lacking} then
        raise notice 'gtr_jobs: {tables} is not there, {path} is left out';
        return;
    end if;{unless}
{statement}
end
$gtr$;"""
_UNLESS_INDEX = """
    -- The app may have the same index under a name of its own.
    if exists (
        select from pg_catalog.pg_index as i
        where
            i.indrelid = to_regclass('{table}')
            and i.indisvalid
            and {found}
                = {wanted}
    ) then
        return;
    end if;"""
# An index of the catalogue as `Index.definition` writes it.
INDEX_DEFINITION = (
    r"btrim(regexp_replace(replace(lower(pg_get_indexdef({index})), ' using btree', ''),"
    r""" '(\mindex ("[^"]+"|\S+) on |[()\s])+', ' ', 'g'))"""
)


def record_step_statement(step: Step) -> sql.Composed:
    """Write the statements that record a step."""
    record = sql.SQL(_RECORD_STEP).format(
        component=step.component,
        version=step.version,
        name=step.name,
        sha256=step.sha256,
        oldest_worker=str(step.oldest_worker),
    )
    if not step.is_of_engine:
        return record
    return sql.SQL(";").join([record, sql.SQL(_OUTDATE_ENGINE_FILES)])


def record_file_statement(plan: Plan, file: SqlFile) -> sql.Composed:
    """Write the statement that records a file as installed."""
    return sql.SQL(_RECORD_FILE).format(
        path=file.path,
        sha256=file.sha256,
        undo=list(file.undo),
        installed_by=str(plan.version_of(component_of(file.path))),
    )


def forget_file_statement(path: str) -> sql.Composed:
    """Write the statement that takes a file out of the books."""
    return sql.SQL(_FORGET_FILE).format(path=path)


def drop_leftovers_statement(plan: Plan, path: str) -> sql.Composed:
    """Write the statement that drops what a file once made and no file of the plan makes now.

    What has moved to another file stays: that file made it anew.
    """
    kept = sorted({statement for file in plan.files for statement in file.undo})
    return sql.SQL(_DROP_LEFTOVERS).format(path=path, kept=kept)


def install_text(file: SqlFile) -> str:
    """Write the text that installs a file, whichever of the app's tables and indexes are there.

    A trigger or an index of a file whose tables the app lacks is left out with a notice. An index that the app
    has already, under whatever name, is not made a second time.
    """
    text = file.sql
    for statement in file.table_statements:
        text = text.replace(statement.sql, _if_table(file, statement))
    return text


def _if_table(file: SqlFile, statement: TableStatement) -> str:
    unless = ""
    if statement.index is not None:
        unless = _UNLESS_INDEX.format(
            table=statement.table,
            found=INDEX_DEFINITION.format(index="i.indexrelid"),
            wanted=sql.Literal(statement.index.definition).as_string(),
        )
    return _IF_TABLE.format(
        lacking=" or ".join(f"to_regclass('{table}') is null" for table in file.tables),
        tables=" or ".join(file.tables),
        path=file.path,
        unless=unless,
        statement=indent(statement.sql, "    "),
    )
