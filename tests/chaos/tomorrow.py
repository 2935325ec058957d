"""The next version of the app: it knows a kind that today's workers do not (`GTR_APP=chaos.tomorrow:app`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from gtr_jobs.extend import (
    EVENT,
    NOTIFICATIONS,
    App,
    AppNotification,
    Notice,
    Source,
    Urgency,
    tell_of,
)


@dataclass(frozen=True, slots=True)
class OfTomorrow:
    """A kind of notification that was added today."""

    name: ClassVar[str] = "of_tomorrow"
    source: ClassVar[Source[AppNotification]] = NOTIFICATIONS
    time_to_live: ClassVar[timedelta] = timedelta(hours=1)
    urgency: ClassVar[Urgency] = "normal"

    def tell(self, row: AppNotification) -> Notice:
        """Word the notice."""
        return tell_of(EVENT, row, kind=self.name, title="New")


app = App(name="tomorrow", version="0.1.0", kinds=(OfTomorrow(),))
