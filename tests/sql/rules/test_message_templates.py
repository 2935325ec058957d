"""What server code may send is what there are texts for, filled in with what they name."""

from __future__ import annotations

from typing import Any

from support.databases import ProjectDatabase

from gtr_jobs.templates.catalog import Templates

# Sent by commands, and as answers; server code has no business with them.
_OURS = {"test", "reply_stop", "reply_start", "reply_help"}


def _type_of(value: Any) -> str:
    """Name a type as the database checks it."""
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def test_the_database_knows_every_template_and_its_variables(database: ProjectDatabase) -> None:
    """With the types of their examples: what it lets through can be filled in."""
    with database.connect() as connection:
        rows = connection.execute(
            "select template, channel, keys from gtr_jobs.message_templates"
        ).fetchall()

    assert {(template, channel): keys for template, channel, keys in rows} == {
        (kind.name, channel): {
            name: {"type": _type_of(value), "required": True}
            for name, value in kind.example.items()
        }
        for kind in Templates.read().kinds()
        if kind.name not in _OURS
        for channel in kind.texts
    }
