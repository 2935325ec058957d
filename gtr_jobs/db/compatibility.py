"""Whether a version of the package and a database can live with each other."""

from __future__ import annotations

from gtr_jobs.db.installed import FileRecord, Installed
from gtr_jobs.db.plan import OURS, Plan
from gtr_jobs.db.sqlfiles import SqlFile
from gtr_jobs.domain.errors import ConfigurationError

MIGRATE = "gtr-jobs db migrate"


def refuse_newer_database(plan: Plan, installed: Installed) -> None:
    """Refuse a database that this version of the package is too old for.

    Raises:
        ConfigurationError: A step of the database needs a newer worker; names both versions.
    """
    too_new = [step for step in installed.steps.values() if step.oldest_worker > plan.version]
    if too_new:
        needed = max(too_new, key=lambda step: step.oldest_worker)
        raise ConfigurationError(
            f"gtr-jobs {plan.version} is too old for this database: its schema ({needed}) needs "
            f"{needed.oldest_worker} or newer",
            f'run pip install "gtr-jobs>={needed.oldest_worker}"',
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
        raise ConfigurationError(
            f"the database is at schema {installed.newest_version(OURS)}, "
            f"gtr-jobs {plan.version} needs {plan.newest_version(OURS)} ({pending[0]} is missing)",
            f"run {MIGRATE}",
        )
    stale = [
        file.path for file in plan.files if _is_stale(file, installed.files.get(file.path), plan)
    ]
    if stale:
        versions = [installed.files[path].installed_by for path in stale if path in installed.files]
        found = f"has functions of gtr-jobs {min(versions)}" if versions else "lacks functions"
        more = f" and {len(stale) - 1} more" if len(stale) > 1 else ""
        raise ConfigurationError(
            f"the database {found}, this worker is {plan.version} ({stale[0]}{more})",
            f"run {MIGRATE}",
        )
    return describe_newer_database(plan, installed)


def describe_newer_database(plan: Plan, installed: Installed) -> tuple[str, ...]:
    """Say in a sentence that a database is newer than the package and lives with it; nothing where it is not."""
    ahead = sorted(str(step) for key, step in installed.steps.items() if plan.is_ahead(*key))
    newest = max((file.installed_by for file in installed.files.values()), default=plan.version)
    if not ahead and newest <= plan.version:
        return ()
    return (
        f"the database is newer than gtr-jobs {plan.version} (functions of {newest}"
        + (f", schema with {ahead[-1]}" if ahead else "")
        + ") and still compatible",
    )


def _is_stale(file: SqlFile, record: FileRecord | None, plan: Plan) -> bool:
    if record is None:
        # Left out because the app lacks its table, unless it asks for none.
        return not file.tables
    return record.sha256 != file.sha256 and record.installed_by <= plan.version


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
