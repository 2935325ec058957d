"""Somebody favourited a listing: its owner is told, in the words of the app's own notification."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from gtr_jobs.domain.push import Urgency
from gtr_jobs.domain.sources import AppNotification, SourceName
from gtr_jobs.kinds.base import Notice


@dataclass(frozen=True, slots=True)
class ListingFavorited:
    """Told once a favourite; many favourites of one listing collapse into the newest."""

    name: ClassVar[str] = "listing_favorited"
    source: ClassVar[SourceName] = "notifications"
    time_to_live: ClassVar[timedelta] = timedelta(hours=72)
    urgency: ClassVar[Urgency] = "normal"

    def tell(self, row: AppNotification) -> Notice:
        """Word the notice: the app's texts, and a link to the listing."""
        listing_id = _uuid_or_none(row.data.get("listing_id"))
        if listing_id is None:
            path, group = "notifications", str(row.row_id)
        else:
            path, group = f"listings/{listing_id}", str(listing_id)
        return Notice(
            title=row.title or "Your listing was favourited",
            body=row.body,
            path=path,
            thread_id=f"listing-{group}",
            collapse_id=f"listing_favorited-{group}",
            data={
                "notification_id": str(row.row_id),
                **({"listing_id": str(listing_id)} if listing_id else {}),
            },
        )


def _uuid_or_none(value: object) -> UUID | None:
    """Read an id from a row's JSON, which holds whatever its writer put there."""
    try:
        return UUID(str(value))
    except ValueError:
        return None
