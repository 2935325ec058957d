"""Another team's app for tests: what `gtr-jobs init` writes, as it lies in the package."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from support.databases import ProjectDatabase

from gtr_jobs.app.database import installation_plan
from gtr_jobs.db.app_files import read_app_part
from gtr_jobs.db.job_kinds import JobKind
from gtr_jobs.db.plan import Plan
from gtr_jobs.dev.scaffold import TEMPLATES
from gtr_jobs.domain.version import Version

APP = "garage"
OLD, NEW = Version(0, 1, 0), Version(0, 2, 0)
KINDS = (JobKind("booking_confirmed", "push", 8), JobKind("write_slip", "slips", 3))


class AppFolder:
    """An app's SQL in a folder that may be changed.

    Args:
        folder: Where it is copied to.
    """

    def __init__(self, folder: Path) -> None:
        self.sql = folder / "sql"
        shutil.copytree(TEMPLATES / "sql", self.sql)

    def plan(self, version: Version = OLD, kinds: Sequence[JobKind] = KINDS) -> Plan:
        """Give the plan of the package with the app as it is now."""
        return installation_plan(read_app_part(APP, version, self.sql, kinds))

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        (self.sql / path).write_text(text)

    def read(self, path: str) -> str:
        """Read a file."""
        return (self.sql / path).read_text()

    def remove(self, path: str) -> None:
        """Take a file away."""
        (self.sql / path).unlink()


def make_app_tables(database: ProjectDatabase) -> None:
    """Make what the app has without us, but for the table of devices, which is there."""
    text = (TEMPLATES / "tests" / "app_tables.sql").read_text()
    with database.connect() as connection:
        connection.execute(text[text.index("create table public.bookings") :].encode())
