"""A job's arguments, as far as they may be shown."""

from __future__ import annotations

from gtr_jobs.ops.arguments import show_arguments


def test_only_ids_are_shown() -> None:
    """Arguments should hold nothing else; where one does, it is told what it is and not what it says."""
    row = "6f1c3f5a-5d0e-4c53-9d0b-8b7f2c2a1e67"
    assert show_arguments(
        {
            "id": row,
            "title": "Hello",
            "code": 123456,
            "share": 0.5,
            "people": [row],
            "data": {"a": 1, "b": 2},
            "urgent": True,
            "note": None,
            "braced": f"{{{row}}}",
        }
    ) == {
        "id": row,
        "title": "(5 characters, not shown)",
        "code": "(a number, not shown)",
        "share": "(a number, not shown)",
        "people": "(1 values, not shown)",
        "data": "(2 entries, not shown)",
        "urgent": "true",
        "note": "null",
        "braced": "(38 characters, not shown)",
    }
