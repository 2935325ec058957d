"""Somebody likes a post: its author is told, in the words of the app's own notification."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from gtr_jobs.domain.push import Urgency
from gtr_jobs.domain.sources import NOTIFICATIONS, AppNotification, Source
from gtr_jobs.kinds.base import POST, Notice, tell_of


@dataclass(frozen=True, slots=True)
class ForumLike:
    """Told once a like; many likes of one post collapse into the newest."""

    name: ClassVar[str] = "forum_like"
    source: ClassVar[Source[AppNotification]] = NOTIFICATIONS
    time_to_live: ClassVar[timedelta] = timedelta(hours=72)
    urgency: ClassVar[Urgency] = "normal"

    def tell(self, row: AppNotification) -> Notice:
        """Word the notice: the app's texts, and a link to the post."""
        return tell_of(POST, row, kind=self.name, title="Somebody likes your post")
