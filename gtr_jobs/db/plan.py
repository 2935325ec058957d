"""What an installation consists of: durable steps, in order, and re-runnable files."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from gtr_jobs.db.sqlfiles import SqlFile, read_folder, read_rerunnable_files
from gtr_jobs.domain.version import Version

OURS = "gtr_jobs"


@dataclass(frozen=True)
class Step:
    """One change of durable state; applied once, in order, and frozen once released.

    Args:
        component: Whose state it is: `gtr_jobs`, or the engine's.
        version: Sorts among the steps of its component.
        name: Says what it does.
        sql: Its statements; runs in one transaction with its own record.
        oldest_worker: The oldest version of the worker that can live with it.
        is_snapshot: It is the component's whole state up to its version, for a database that has
            none of it; one that has some takes the later steps instead.
    """

    component: str
    version: str
    name: str
    sql: str
    oldest_worker: Version
    is_snapshot: bool = False

    @cached_property
    def sha256(self) -> str:
        """Hash of the statements: a step that changed after it was applied is refused."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def key(self) -> tuple[str, str]:
        """What the step is recorded under."""
        return (self.component, self.version)

    def __str__(self) -> str:
        return f"{self.component} {self.version} {self.name}"


@dataclass(frozen=True)
class Plan:
    """Everything that this version of the package installs.

    Args:
        version: The package's version.
        steps: Durable state, in the order in which it is applied.
        files: Re-runnable files, in the order in which they are installed.
    """

    version: Version
    steps: tuple[Step, ...]
    files: tuple[SqlFile, ...]

    def pending_steps(self, recorded: Collection[tuple[str, str]]) -> tuple[Step, ...]:
        """List the steps that a database with these records still needs, in order."""
        newest: dict[str, str] = {}
        for component, version in recorded:
            newest[component] = max(version, newest.get(component, ""))
        return tuple(
            step
            for step in self.steps
            if step.key not in recorded and self._is_wanted(step, newest.get(step.component))
        )

    def _is_wanted(self, step: Step, newest: str | None) -> bool:
        snapshot = self._snapshot_of(step.component)
        if snapshot is None:
            return True
        if newest is None:
            return step is snapshot or step.version > snapshot.version
        # What a snapshot contains is not recorded one by one.
        return step is not snapshot and step.version > newest

    def _snapshot_of(self, component: str) -> Step | None:
        return next(
            (step for step in self.steps if step.component == component and step.is_snapshot), None
        )

    def is_changed(self, step: Step, name: str, sha256: str) -> bool:
        """Whether a step is not the one that was recorded under its key with this name and hash.

        A snapshot stands under the newest step that it contains, and grows with every release.
        """
        if self._snapshot_of(step.component) is not None and (
            step.is_snapshot or name != step.name
        ):
            return False
        return sha256 != step.sha256

    def is_ahead(self, component: str, version: str) -> bool:
        """Whether a database that has this step is ahead of the plan."""
        known = [step.version for step in self.steps if step.component == component]
        return version > max(known, default="")

    def newest_version(self, component: str) -> str:
        """Give the newest version of one component that the plan knows."""
        return max(step.version for step in self.steps if step.component == component)


def make_plan(version: Version, engine_steps: tuple[Step, ...]) -> Plan:
    """Put the package's SQL and the engine's into one order.

    Our first migration makes the books that every other step is recorded in; the engine's tables
    come next, because ours stand on them.
    """
    ours = tuple(_step_of(file) for file in read_folder("migrations"))
    return Plan(version, (ours[0], *engine_steps, *ours[1:]), read_rerunnable_files())


def _step_of(file: SqlFile) -> Step:
    version, _, name = file.stem.removeprefix("migrations/").partition("_")
    (oldest_worker,) = file.header("oldest-worker")
    return Step(OURS, version, name.replace("_", " "), file.sql, Version.parse(oldest_worker))
