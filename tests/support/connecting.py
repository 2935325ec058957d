"""The commands that connect to a database, and what they say when they cannot."""

from __future__ import annotations

from dataclasses import dataclass

from support.command_line import Ended, assert_refused, run_command

# What stands as a password in addresses that do not work: no command may show it.
SECRET = "s3cret-never-shown"


@dataclass(frozen=True, slots=True)
class Connecting:
    """A command that connects.

    Args:
        arguments: What stands behind `gtr-jobs`.
        setting: Where it finds its connection string.
    """

    arguments: tuple[str, ...]
    setting: str

    def run(self, dsn: str | None) -> Ended:
        """Run it with a connection string, or without."""
        settings = {"GTR_HTTP_PORT": "0"} | ({self.setting: dsn} if dsn is not None else {})
        return run_command(*self.arguments, settings=settings)

    def assert_refused(self, dsn: str | None, code: int, *said: str) -> None:
        """See that it ends with one line, which names the setting and shows no password."""
        ended = self.run(dsn)
        assert_refused(ended, code, self.setting, *said)
        assert SECRET not in ended.err


MIGRATE = Connecting(("db", "migrate"), "GTR_ADMIN_DATABASE_URL")
WORKER = Connecting(("worker",), "GTR_DATABASE_URL")
