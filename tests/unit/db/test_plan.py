"""What an installation consists of, and what of it a database still needs."""

from __future__ import annotations

import pytest

from gtr_jobs import __version__
from gtr_jobs.db.plan import OURS, Plan, Step, make_plan
from gtr_jobs.domain.version import Version
from gtr_jobs.engine.schema import COMPONENT, engine_steps

OLDEST = Version(0, 1, 0)


def _step(component: str, version: str, *, is_snapshot: bool = False) -> Step:
    return Step(component, version, f"step {version}", f"-- {version}", OLDEST, is_snapshot)


# Our first makes the books; the engine's whole schema holds its steps up to 03, as of this release.
BOOKS, TABLES, LEDGER = (_step(OURS, version) for version in ("0001", "0002", "0003"))
SNAPSHOT = _step("engine", "03", is_snapshot=True)
SECOND, THIRD = _step("engine", "02"), _step("engine", "03")
PLAN = Plan(OLDEST, (BOOKS, SNAPSHOT, SECOND, THIRD, TABLES, LEDGER), ())


@pytest.mark.parametrize(
    ("recorded", "pending"),
    [
        # Nothing is installed: the snapshot stands for all that it contains.
        ([], [BOOKS, SNAPSHOT, TABLES, LEDGER]),
        # Interrupted after the first, and after the engine's.
        ([BOOKS.key], [SNAPSHOT, TABLES, LEDGER]),
        ([BOOKS.key, SNAPSHOT.key], [TABLES, LEDGER]),
        # All is there.
        ([BOOKS.key, SNAPSHOT.key, TABLES.key, LEDGER.key], []),
        # An older release installed its own snapshot: the later steps follow it, one by one.
        ([BOOKS.key, ("engine", "01"), TABLES.key], [SECOND, THIRD, LEDGER]),
        ([BOOKS.key, ("engine", "02"), TABLES.key, LEDGER.key], [THIRD]),
        ([BOOKS.key, ("engine", "01"), SECOND.key, TABLES.key, LEDGER.key], [THIRD]),
        # A newer release was here.
        ([BOOKS.key, ("engine", "04"), TABLES.key, LEDGER.key, (OURS, "0004")], []),
        # One of ours was left out: it is still wanted.
        ([BOOKS.key, SNAPSHOT.key, LEDGER.key], [TABLES]),
    ],
)
def test_what_is_not_recorded_is_pending(
    recorded: list[tuple[str, str]], pending: list[Step]
) -> None:
    """In order; a component's whole state or its single steps, never both."""
    assert list(PLAN.pending_steps(recorded)) == pending


def test_a_plan_knows_its_newest() -> None:
    """What is said to whoever has an older one."""
    assert (PLAN.newest_version(OURS), PLAN.newest_version("engine")) == ("0003", "03")


@pytest.mark.parametrize(
    ("component", "version", "is_ahead"),
    [
        (OURS, "0004", True),
        (OURS, "0003", False),
        ("engine", "01", False),
        ("engine", "04", True),
        ("another", "1", True),
    ],
)
def test_a_plan_knows_what_is_ahead_of_it(component: str, version: str, is_ahead: bool) -> None:
    """Steps of a release to come; older ones that a snapshot contains are none."""
    assert PLAN.is_ahead(component, version) is is_ahead


@pytest.mark.parametrize(
    ("step", "name", "sha256", "is_changed"),
    [
        (LEDGER, LEDGER.name, LEDGER.sha256, False),
        (LEDGER, LEDGER.name, "0" * 64, True),
        (LEDGER, "another name", LEDGER.sha256, False),
        (SNAPSHOT, SNAPSHOT.name, "0" * 64, False),
        (SECOND, SECOND.name, "0" * 64, True),
        (SECOND, "whole schema", "0" * 64, False),
    ],
)
def test_a_step_that_was_edited_after_its_release_is_noticed(
    step: Step, name: str, sha256: str, is_changed: bool
) -> None:
    """By its text; a snapshot grows with every release, and stands under the key of a step."""
    assert PLAN.is_changed(step, name, sha256) is is_changed


def test_the_packages_own_plan_begins_with_the_books() -> None:
    """Then the engine's tables, because ours stand on them; ours are in the order of their numbers."""
    plan = make_plan(Version.parse(__version__), engine_steps())
    first, second, *rest = plan.steps
    assert (first.component, first.version, first.name) == (OURS, "0001", "create schema")
    assert (second.component, second.is_snapshot) == (COMPONENT, True)
    ours = [step for step in plan.steps if step.component == OURS]
    numbers = [step.version for step in ours]
    assert numbers == sorted(set(numbers))
    assert {step.component for step in rest if not step.is_snapshot} <= {OURS, COMPONENT}
    assert len({step.key for step in plan.steps if not step.is_snapshot}) == len(
        [step for step in plan.steps if not step.is_snapshot]
    )


def test_no_step_needs_a_worker_newer_than_the_package() -> None:
    """A release that refuses its own database is none."""
    plan = make_plan(Version.parse(__version__), engine_steps())
    assert [step for step in plan.steps if step.oldest_worker > plan.version] == []


def test_every_step_waits_for_locks_shortly() -> None:
    """The app's statements never queue behind a migration for long."""
    plan = make_plan(Version.parse(__version__), engine_steps())
    for step in plan.steps:
        statements = [
            line for line in step.sql.splitlines() if line.strip() and not line.startswith("--")
        ]
        assert statements[0] == "set lock_timeout = '3s';", str(step)
