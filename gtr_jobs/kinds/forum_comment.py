"""Somebody commented on a post: its author is told, in the words of the app's own notification."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from gtr_jobs.domain.push import Urgency
from gtr_jobs.domain.sources import NOTIFICATIONS, AppNotification, Source
from gtr_jobs.kinds.base import POST, Notice, tell_of


@dataclass(frozen=True, slots=True)
class ForumComment:
    """Told for every comment, one notification a comment, grouped by post."""

    name: ClassVar[str] = "forum_comment"
    source: ClassVar[Source[AppNotification]] = NOTIFICATIONS
    time_to_live: ClassVar[timedelta] = timedelta(hours=72)
    urgency: ClassVar[Urgency] = "high"

    def tell(self, row: AppNotification) -> Notice:
        """Word the notice: the app's texts, and a link to the post."""
        return tell_of(
            POST,
            row,
            kind=self.name,
            title="New comment on your post",
            ids=("comment_id",),
            one_per="comment_id",
        )
