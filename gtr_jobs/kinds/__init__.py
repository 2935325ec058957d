"""What people are told: one notification kind a file, and every kind in one tuple."""

from __future__ import annotations

from typing import Any

from gtr_jobs.kinds.base import Kind
from gtr_jobs.kinds.event_favorited import EventFavorited
from gtr_jobs.kinds.event_rsvp import EventRsvp
from gtr_jobs.kinds.forum_comment import ForumComment
from gtr_jobs.kinds.forum_like import ForumLike
from gtr_jobs.kinds.forum_reply import ForumReply
from gtr_jobs.kinds.listing_favorited import ListingFavorited
from gtr_jobs.kinds.new_message import NewMessage
from gtr_jobs.kinds.saved_search_match import SavedSearchMatch

KINDS: tuple[Kind[Any], ...] = (
    NewMessage(),
    ListingFavorited(),
    EventFavorited(),
    EventRsvp(),
    ForumComment(),
    ForumReply(),
    ForumLike(),
    SavedSearchMatch(),
)
