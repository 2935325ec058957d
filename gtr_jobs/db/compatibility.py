"""Whether a version of the package and a database can live with each other."""

from __future__ import annotations

from collections.abc import Sequence

from gtr_jobs.db.installed import FileRecord, Installed
from gtr_jobs.db.plan import OURS, Plan, Step, component_of
from gtr_jobs.db.sqlfiles import SqlFile
from gtr_jobs.domain.errors import ConfigurationError

MIGRATE = "gtr-jobs db migrate"
_PACKAGE = "gtr-jobs"


def is_newer(plan: Plan, record: FileRecord) -> bool:
    """Whether a newer version than the plan's installed a file; a file of another app is not compared."""
    version = plan.version_of(component_of(record.path))
    return version is not None and record.installed_by > version


def refuse_newer_database(plan: Plan, installed: Installed) -> None:
    """Refuse a database that this version of the package is too old for.

    Raises:
        ConfigurationError: A step of the database needs a newer worker; names both versions.
    """
    too_new = [
        step
        for step in installed.steps.values()
        if step.oldest_worker > (plan.version_of(step.component) or step.oldest_worker)
    ]
    if too_new:
        needed = max(too_new, key=lambda step: step.oldest_worker)
        name, oldest = _name_of(plan, needed.component), needed.oldest_worker
        raise ConfigurationError(
            f"{name} {plan.version_of(needed.component)} is too old for this database: "
            f"its schema ({needed}) needs {oldest} or newer",
            f'run pip install "gtr-jobs>={oldest}"'
            if name == _PACKAGE
            else f"install {name} {oldest} or newer, which GTR_APP names",
        )


def refuse_changed_steps(plan: Plan, installed: Installed) -> None:
    """Refuse a package whose migrations are not the ones that were applied.

    Raises:
        ConfigurationError: A released migration was edited; names it.
    """
    for step in plan.steps:
        record = installed.steps.get(step.key)
        if record is not None and plan.is_changed(step, record.name, record.sha256):
            raise ConfigurationError(
                f"migration {step} is not the one that was applied to this database",
                "restore the released file; a change is a new migration",
            )


def check_worker(plan: Plan, installed: Installed) -> tuple[str, ...]:
    """Decide whether a worker of this version may work on a database.

    Returns:
        Warnings for a database that is newer, and still compatible.

    Raises:
        ConfigurationError: One is too old for the other; names both versions and the command.
    """
    if not installed.steps:
        raise ConfigurationError(
            f"gtr_jobs is not installed in this database (this worker is {plan.version})",
            f"run {MIGRATE}",
        )
    refuse_newer_database(plan, installed)
    pending = plan.pending_steps(installed.steps.keys())
    if pending:
        component = _component_that_lacks(plan, pending)
        raise ConfigurationError(
            f"the database is at schema {installed.newest_version(component) or 'none'}, "
            f"{_name_of(plan, component)} {plan.version_of(component)} needs "
            f"{plan.newest_version(component)} ({pending[0]} is missing)",
            f"run {MIGRATE}",
        )
    stale = [
        file.path for file in plan.files if _is_stale(file, installed.files.get(file.path), plan)
    ]
    if stale:
        component = component_of(stale[0])
        name = _name_of(plan, component)
        versions = [
            installed.files[path].installed_by
            for path in stale
            if path in installed.files and component_of(path) == component
        ]
        found = f"has functions of {name} {min(versions)}" if versions else "lacks functions"
        this = "this worker" if component == OURS else f"this worker's {name}"
        more = f" and {len(stale) - 1} more" if len(stale) > 1 else ""
        raise ConfigurationError(
            f"the database {found}, {this} is {plan.version_of(component)} ({stale[0]}{more})",
            f"run {MIGRATE}",
        )
    return (*describe_newer_database(plan, installed), *describe_other_apps(plan, installed))


def describe_newer_database(plan: Plan, installed: Installed) -> tuple[str, ...]:
    """Say in a sentence that a database is newer than the package and lives with it; nothing where it is not."""
    return tuple(
        said
        for component in dict.fromkeys((OURS, plan.app.name if plan.app is not None else OURS))
        if (said := _describe_newer(plan, installed, component)) is not None
    )


def _describe_newer(plan: Plan, installed: Installed, component: str) -> str | None:
    """Compare one component; the engine's steps are the package's."""
    version = plan.version_of(component) or plan.version
    app = plan.app.name if plan.app is not None else None
    ahead = sorted(
        str(step)
        for key, step in installed.steps.items()
        if plan.version_of(step.component) is not None
        and (step.component == app) == (component == app)
        and plan.is_ahead(*key)
    )
    newest = max(
        (
            file.installed_by
            for file in installed.files.values()
            if component_of(file.path) == component
        ),
        default=version,
    )
    if not ahead and newest <= version:
        return None
    return (
        f"the database is newer than {_name_of(plan, component)} {version} (functions of {newest}"
        + (f", schema with {ahead[-1]}" if ahead else "")
        + ") and still compatible"
    )


def describe_other_apps(plan: Plan, installed: Installed) -> tuple[str, ...]:
    """Name the apps that a database has something of and the plan has not, a sentence each."""
    components = {component_of(path) for path in installed.files}
    components |= {component for component, _ in installed.steps}
    return tuple(
        f"the database has the app {component}, which GTR_APP does not name"
        for component in sorted(components)
        if plan.version_of(component) is None
    )


def _name_of(plan: Plan, component: str) -> str:
    is_app = plan.app is not None and plan.app.name == component
    return component if is_app else _PACKAGE


def _component_that_lacks(plan: Plan, pending: Sequence[Step]) -> str:
    """Say whose schema is behind; the engine's is the package's."""
    is_ours = any(not step.is_of_app for step in pending)
    return OURS if is_ours or plan.app is None else plan.app.name


def _is_stale(file: SqlFile, record: FileRecord | None, plan: Plan) -> bool:
    if record is None:
        # Left out because the app lacks its table, unless it asks for none.
        return not file.tables
    return record.sha256 != file.sha256 and not is_newer(plan, record)


def check_identity(
    installed: Installed, project: str | None, environment: str | None
) -> tuple[str, ...]:
    """Refuse a database that says it is another project or environment than the settings say.

    Returns:
        A warning where one side says nothing and so nothing can be compared.

    Raises:
        ConfigurationError: The two differ: a copy of production must not reach real people.
    """
    for setting, ours, theirs in (
        ("GTR_PROJECT", project, installed.project),
        ("GTR_ENVIRONMENT", environment, installed.environment),
    ):
        if ours and theirs and ours != theirs:
            raise ConfigurationError(
                f"{setting} is {ours!r}, but the database says that it is {theirs!r}",
                "point the worker at its own database, or tell a restored copy what it is with "
                f"`gtr-jobs db migrate --{setting.removeprefix('GTR_').lower()} {ours} "
                "--change-identity`",
            )
    if not (environment and installed.environment):
        return (
            (
                "nothing guards this database against a worker of another environment: set "
                "GTR_PROJECT and GTR_ENVIRONMENT for the worker and for `gtr-jobs db migrate`"
            ),
        )
    return ()
