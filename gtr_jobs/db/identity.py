"""Whether the database still says that it is the project and environment that the worker is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

from gtr_jobs.observe import events
from gtr_jobs.observe.logs import Logger
from gtr_jobs.observe.metrics import Metrics

_READ = "select project, environment from gtr_jobs.read_installation()"


class Identity:
    """What a worker's settings say of its database, held against what the database says of itself.

    It is compared with every new connection and every heartbeat: another database may come to stand
    behind the same address, and a copy may be told what it is after a worker began on it.

    Args:
        project: As GTR_PROJECT says; None compares nothing.
        environment: As GTR_ENVIRONMENT says; None compares nothing.
        log: Is told when the two differ, and when they agree again.
        metrics: The same as a gauge.
        tell: Is given what to tell an operator; None when there is nothing.
    """

    def __init__(
        self,
        project: str | None,
        environment: str | None,
        log: Logger,
        metrics: Metrics,
        tell: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        self._settings = {"GTR_PROJECT": project, "GTR_ENVIRONMENT": environment}
        self._log = log
        self._metrics = metrics
        self._tell = tell
        self._difference: str | None = None

    @property
    def is_foreign(self) -> bool:
        """Whether the database says that it is another one: nothing may be done on it."""
        return self._difference is not None

    async def check(self, connection: psycopg.AsyncConnection[Any]) -> bool:
        """Compare; whether the database is the worker's own."""
        cursor = await connection.execute(_READ)
        said = await cursor.fetchone() or (None, None)
        self._note(
            next(
                (
                    f"{setting} is {ours!r}, but the database says that it is {theirs!r}"
                    for (setting, ours), theirs in zip(self._settings.items(), said, strict=True)
                    if ours and theirs and ours != theirs
                ),
                None,
            )
        )
        return not self.is_foreign

    def _note(self, difference: str | None) -> None:
        before, self._difference = self._difference, difference
        if before == difference:
            return
        self._metrics.database_foreign.set(self.is_foreign)
        self._tell(difference and f"nothing is done: {difference}")
        if difference is None:
            self._log.warning(events.DATABASE_OWN_AGAIN)
        else:
            self._log.error(
                events.DATABASE_FOREIGN,
                why=difference,
                hint="point the worker at its own database, or see gtr-jobs db migrate --change-identity",
            )
