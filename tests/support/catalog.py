"""What a database holds of an installation, read from the catalog so that two can be compared."""

from __future__ import annotations

from typing import Any

import psycopg

Catalog = dict[str, list[tuple[Any, ...]]]

_SCHEMAS = "('gtr_jobs', 'procrastinate', 'public')"

# Everything by name, never by oid. Access lists are sets: the order in which rights were given does not count.
_ASKED = {
    "schemas": """
        select n.nspname, r.rolname, array(select a::text from unnest(n.nspacl) as a order by 1)
        from pg_namespace as n join pg_roles as r on r.oid = n.nspowner
        where n.nspname in {schemas}
    """,
    "relations": """
        select n.nspname, c.relname, c.relkind, c.relpersistence, c.relrowsecurity, r.rolname,
            c.reloptions, array(select a::text from unnest(c.relacl) as a order by 1),
            pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid),
            case when c.relkind = 'v' then pg_get_viewdef(c.oid) end
        from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
        join pg_roles as r on r.oid = c.relowner
        where n.nspname in {schemas}
    """,
    "columns": """
        select c.oid::regclass::text, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod),
            a.attnotnull, a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid)
        from pg_attribute as a join pg_class as c on c.oid = a.attrelid
        join pg_namespace as n on n.oid = c.relnamespace
        left join pg_attrdef as d on d.adrelid = c.oid and d.adnum = a.attnum
        where n.nspname in {schemas} and a.attnum > 0 and not a.attisdropped
    """,
    "constraints": """
        select conrelid::regclass::text, conname, contype, pg_get_constraintdef(k.oid)
        from pg_constraint as k join pg_namespace as n on n.oid = k.connamespace
        where n.nspname in {schemas}
    """,
    "indexes": """
        select indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisvalid
        from pg_index as i join pg_class as c on c.oid = i.indexrelid
        join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname in {schemas}
    """,
    "functions": """
        select p.oid::regprocedure::text, p.prosrc, p.proconfig, p.prosecdef, p.provolatile, l.lanname,
            pg_get_function_result(p.oid), pg_get_function_arguments(p.oid), r.rolname,
            array(select a::text from unnest(p.proacl) as a order by 1)
        from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
        join pg_language as l on l.oid = p.prolang join pg_roles as r on r.oid = p.proowner
        where n.nspname in {schemas}
    """,
    "triggers": """
        select tgrelid::regclass::text, tgname, tgenabled, pg_get_triggerdef(t.oid)
        from pg_trigger as t join pg_class as c on c.oid = t.tgrelid
        join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname in {schemas} and not tgisinternal
    """,
    "types": """
        select n.nspname, y.typname, y.typtype, array(
            select e.enumlabel::text from pg_enum as e where e.enumtypid = y.oid order by e.enumsortorder
        )
        from pg_type as y join pg_namespace as n on n.oid = y.typnamespace
        where n.nspname in {schemas}
    """,
    "default rights": """
        select n.nspname, r.rolname, d.defaclobjtype, array(select a::text from unnest(d.defaclacl) as a order by 1)
        from pg_default_acl as d join pg_roles as r on r.oid = d.defaclrole
        left join pg_namespace as n on n.oid = d.defaclnamespace
    """,
    "comments": """
        select d.objoid::regclass::text, d.objsubid, d.description
        from pg_description as d join pg_class as c on c.oid = d.objoid and d.classoid = 'pg_class'::regclass
        join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname in {schemas}
    """,
}
_ASKED_OF_BOOKS = {
    "steps": "select component, version, name, sha256, oldest_worker from gtr_jobs.schema_migrations",
    "files": "select path, sha256, undo, installed_by from gtr_jobs.installed_files",
    "installation": "select project, environment, strict_enqueue from gtr_jobs.installation",
    "kinds": "select kind, queue, produced_by, priority, max_attempts from gtr_jobs.job_kinds",
}


def read_catalog(connection: psycopg.Connection) -> Catalog:
    """Read everything in our schemas and in public, and what our books say; in an order of its own."""
    # With an empty search path every name is shown with its schema.
    with connection.transaction():
        connection.execute("set local search_path = pg_catalog")
        asked = {
            name: query.format(schemas=_SCHEMAS).encode() for name, query in _ASKED.items()
        } | {name: query.encode() for name, query in _ASKED_OF_BOOKS.items()}
        return {
            name: sorted(connection.execute(query).fetchall(), key=repr)
            for name, query in asked.items()
        }
