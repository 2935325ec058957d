"""A listing fits somebody's saved search: they are told, in the words of the notification that the match wrote."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar

from gtr_jobs.domain.push import Urgency
from gtr_jobs.domain.sources import NOTIFICATIONS, AppNotification, Source
from gtr_jobs.kinds.base import LISTING, Notice, tell_of


@dataclass(frozen=True, slots=True)
class SavedSearchMatch:
    """Told once a listing; soon, because good cars are gone in days."""

    name: ClassVar[str] = "saved_search_match"
    source: ClassVar[Source[AppNotification]] = NOTIFICATIONS
    time_to_live: ClassVar[timedelta] = timedelta(hours=48)
    urgency: ClassVar[Urgency] = "high"
    # One listing can fit thousands of searches.
    is_bulk: ClassVar[bool] = True

    def tell(self, row: AppNotification) -> Notice:
        """Word the notice: the app's texts, and a link to the listing."""
        notice = tell_of(LISTING, row, kind=self.name, title="New listing for your saved search")
        # Matches stand together, apart from what the owner of a listing hears of it.
        return replace(notice, thread_id="saved-searches")
