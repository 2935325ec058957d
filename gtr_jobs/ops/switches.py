"""What operators do with switches: pause, limit, ramp, and take it back."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import get_args

from gtr_jobs.db.audit import Note
from gtr_jobs.db.jobs import Jobs
from gtr_jobs.db.switches import SetSwitch, SwitchKey, SwitchTable
from gtr_jobs.domain.delivery import Channel
from gtr_jobs.domain.errors import StateError, UsageError
from gtr_jobs.domain.switches import ProviderName
from gtr_jobs.ops.names import check_name

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")


class SwitchOperations:
    """The switches, for the command line and whoever else shows them.

    Args:
        table: They.
        jobs: The queues and kinds that there are.
    """

    def __init__(self, table: SwitchTable, jobs: Jobs) -> None:
        self._table = table
        self._jobs = jobs

    async def list_all(self) -> list[SetSwitch]:
        """List what is switched now."""
        return await self._table.list_all()

    async def set_one(
        self, key: SwitchKey, amount: Decimal | None, seconds: float | None, note: Note
    ) -> datetime | None:
        """Set a switch, or set it anew; give the moment at which it expires.

        Raises:
            UsageError: There is nothing of that name.
        """
        await self._check(key)
        return await self._table.set_one(key, amount, seconds, note)

    async def clear_one(self, key: SwitchKey, note: Note) -> None:
        """Take a switch away. What is named may be gone meanwhile: its switch is not.

        Raises:
            StateError: It is not set.
            UsageError: There is nothing of that name, and no switch either.
        """
        if await self._table.clear_one(key, note):
            return
        await self._check(key)
        raise StateError(f"{describe(key)} is not set", "`gtr-jobs switches list` shows what is")

    async def _check(self, key: SwitchKey) -> None:
        if key.key_argument and not _NAME.fullmatch(key.key_argument):
            raise UsageError(
                f"--per {key.key_argument!r} is no argument's name", "letters, digits, underscores"
            )
        known = await self._known(key.scope)
        if known is not None:
            check_name(key.scope, key.name, known)
        elif key.scope == "feature" and not _NAME.fullmatch(key.name):
            raise UsageError(
                f"no feature can be called {key.name!r}",
                "letters, digits and underscores, at most 40, a letter first",
            )

    async def _known(self, scope: str) -> Collection[str] | None:
        match scope:
            case "queue":
                kinds = await self._jobs.read_kinds()
                return {queue for queue in kinds.values() if queue is not None}
            case "kind":
                return await self._jobs.read_kinds()
            case "provider":
                return get_args(ProviderName)
            case "channel":
                return get_args(Channel)
            case _:
                return None


def describe(key: SwitchKey) -> str:
    """Name a switch for people."""
    what = key.lever.replace("_", " ")
    per = f" per {key.key_argument}" if key.key_argument else ""
    return f"{what} {key.name}" if key.scope == "user" else f"{what} {key.scope} {key.name}{per}"
