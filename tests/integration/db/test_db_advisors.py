"""The lints of the Supabase dashboard find nothing wrong with what is ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.databases import ProjectDatabase
from support.supabase_cli import make_project

from gtr_jobs.dev.supabase import DefaultGrants

_OUR_SCHEMAS = ("gtr_jobs", "procrastinate")


def _is_ours(advice: dict[str, Any]) -> bool:
    """Whether a finding is about our schemas, or about an object of ours among the app's."""
    about = advice["metadata"]
    return (
        about.get("schema") in _OUR_SCHEMAS or "gtr_" in repr(about) or "gtr_" in advice["detail"]
    )


def _exposed_schemas(database: ProjectDatabase) -> list[str]:
    with database.connect() as connection:
        row = connection.execute("select current_setting('pgrst.db_schemas')").fetchone()
    assert row is not None
    return [name.strip() for name in row[0].split(",")]


@pytest.mark.parametrize("default_grants", ["old", "new"])
def test_nothing_of_ours_is_a_warning_or_an_error(
    database: ProjectDatabase, default_grants: DefaultGrants, tmp_path: Path
) -> None:
    """The lints know which schemas the API exposes, find something of the app's, and nothing of ours."""
    assert "public" in _exposed_schemas(database)
    advice = make_project(tmp_path).find_advice(database.dsn)
    assert [one["detail"] for one in advice if _is_ours(one)] == []
    assert "rls_policy_always_true" in {one["name"] for one in advice}, "the app's own is found"


def test_what_is_planted_in_our_schemas_is_reported(
    database: ProjectDatabase, tmp_path: Path
) -> None:
    """A function without a search path, an index made twice, a definer view and an open table of ours are all found."""
    with database.connect() as connection:
        connection.execute(
            """
            create function gtr_jobs.planted() returns integer language sql as 'select 1';
            create index gtr_jobs_planted on public.messages (recipient_id) where not is_read;
            create view public.gtr_planted_view as select job_id from gtr_jobs.dead_jobs;
            grant select on public.gtr_planted_view to anon;
            create table public.gtr_planted_table (id bigint primary key);
            grant all on public.gtr_planted_table to anon;
            """
        )
    advice = make_project(tmp_path).find_advice(database.dsn)
    assert {(one["level"], one["name"]) for one in advice if _is_ours(one)} == {
        ("WARN", "function_search_path_mutable"),
        ("WARN", "duplicate_index"),
        ("ERROR", "security_definer_view"),
        ("ERROR", "rls_disabled_in_public"),
    }
