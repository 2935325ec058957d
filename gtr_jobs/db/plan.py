"""What an installation consists of: durable steps, in order, and re-runnable files."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from gtr_jobs.db.sqlfiles import SqlFile, read_folder, read_rerunnable_files
from gtr_jobs.domain.version import Version

# Whose the package's own files and steps are; those of another team's app have the app's name.
OURS = "gtr_jobs"


@dataclass(frozen=True)
class Step:
    """One change of durable state; applied once, in order, and frozen once released.

    Args:
        component: Whose state it is: `gtr_jobs`, the engine's, or another team's app's.
        version: Sorts among the steps of its component.
        name: Says what it does.
        sql: Its statements; runs in one transaction with its own record.
        oldest_worker: The oldest version of the worker that can live with it.
        is_snapshot: It is the component's whole state up to its version, for a database that has
            none of it; one that has some takes the later steps instead.
        is_of_app: It is another team's.
    """

    component: str
    version: str
    name: str
    sql: str
    oldest_worker: Version
    is_snapshot: bool = False
    is_of_app: bool = False

    @cached_property
    def sha256(self) -> str:
        """Hash of the statements: a step that changed after it was applied is refused."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def key(self) -> tuple[str, str]:
        """What the step is recorded under."""
        return (self.component, self.version)

    @property
    def is_of_engine(self) -> bool:
        """Whether it is the engine's state."""
        return self.component != OURS and not self.is_of_app

    def __str__(self) -> str:
        return f"{self.component} {self.version} {self.name}"


@dataclass(frozen=True)
class AppPart:
    """What another team's app installs, after all of ours.

    Args:
        name: Its name: its files and steps stand in the books under it.
        version: Its own version, which is compared as the package's is.
        steps: Durable state, in order.
        files: Re-runnable files, in order.
    """

    name: str
    version: Version
    steps: tuple[Step, ...]
    files: tuple[SqlFile, ...]


@dataclass(frozen=True)
class Plan:
    """Everything that this version of the package installs, and the app that it is installed with.

    Args:
        version: The package's version.
        steps: Durable state, in the order in which it is applied.
        files: Re-runnable files, in the order in which they are installed.
        app: The app whose steps and files stand at the end of both, if there is one.
    """

    version: Version
    steps: tuple[Step, ...]
    files: tuple[SqlFile, ...]
    app: AppPart | None = None

    def version_of(self, component: str) -> Version | None:
        """Give the version by which a component is compared; None for an app that is not this plan's."""
        if self.app is not None and component == self.app.name:
            return self.app.version
        is_known = component == OURS or any(step.component == component for step in self.steps)
        return self.version if is_known else None

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
        """Give the newest version of one component that the plan has steps of."""
        return max(step.version for step in self.steps if step.component == component)


def make_plan(version: Version, engine_steps: tuple[Step, ...], app: AppPart | None = None) -> Plan:
    """Put the package's SQL, the engine's and an app's into one order.

    Our first migration makes the books that every other step is recorded in; the engine's tables
    come next, because ours stand on them. What is the app's comes last, because it stands on ours.
    """
    ours = tuple(step_of(file, OURS) for file in read_folder("migrations"))
    steps = (ours[0], *engine_steps, *ours[1:])
    files = read_rerunnable_files()
    if app is None:
        return Plan(version, steps, files)
    return Plan(version, (*steps, *app.steps), (*files, *app.files), app)


def component_of(path: str) -> str:
    """Say whose a file is, from its path in the books."""
    first, *rest = path.split("/")
    return first if len(rest) > 1 else OURS


def step_of(file: SqlFile, component: str) -> Step:
    """Make a step of a file in migrations/.

    Raises:
        ValueError: Its head does not name the oldest worker that can live with it.
    """
    version, _, name = file.stem.removeprefix("migrations/").partition("_")
    (oldest_worker,) = file.header("oldest-worker")
    return Step(
        component,
        version,
        name.replace("_", " "),
        file.sql,
        Version.parse(oldest_worker),
        is_of_app=component != OURS,
    )
