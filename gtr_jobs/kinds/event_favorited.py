"""Somebody favourited an event: its organiser is told, in the words of the app's own notification."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from gtr_jobs.domain.push import Urgency
from gtr_jobs.domain.sources import NOTIFICATIONS, AppNotification, Source
from gtr_jobs.kinds.base import EVENT, Notice, tell_of


@dataclass(frozen=True, slots=True)
class EventFavorited:
    """Told once a favourite; many favourites of one event collapse into the newest."""

    name: ClassVar[str] = "event_favorited"
    source: ClassVar[Source[AppNotification]] = NOTIFICATIONS
    time_to_live: ClassVar[timedelta] = timedelta(hours=72)
    urgency: ClassVar[Urgency] = "normal"

    def tell(self, row: AppNotification) -> Notice:
        """Word the notice: the app's texts, and a link to the event."""
        return tell_of(EVENT, row, kind=self.name, title="Your event was favourited")
