"""How a favourite is worded."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from gtr_jobs.domain.sources import AppNotification
from gtr_jobs.kinds.base import Notice
from gtr_jobs.kinds.listing_favorited import ListingFavorited

_ROW = UUID("11111111-1111-4111-8111-111111111111")
_MIA = UUID("22222222-2222-4222-8222-222222222222")
_LISTING = "33333333-3333-4333-8333-333333333333"


def _notification(data: dict[str, Any]) -> AppNotification:
    return AppNotification(_ROW, _MIA, "listing_favorited", "Favourited", "Leo likes it", data)


def test_a_favourite_leads_to_its_listing_and_collapses_by_it() -> None:
    """Many favourites of one listing are one notification."""
    assert ListingFavorited().tell(_notification({"listing_id": _LISTING})) == Notice(
        title="Favourited",
        body="Leo likes it",
        path=f"listings/{_LISTING}",
        thread_id=f"listing-{_LISTING}",
        collapse_id=f"listing_favorited-{_LISTING}",
        data={"notification_id": str(_ROW), "listing_id": _LISTING},
    )


@pytest.mark.parametrize(
    "data", [{}, {"listing_id": None}, {"listing_id": "javascript:alert(1)"}, {"listing_id": 7}]
)
def test_without_a_listing_it_leads_to_the_notifications(data: dict[str, Any]) -> None:
    """What is no id reaches no link, and the notification stands alone."""
    assert ListingFavorited().tell(_notification(data)) == Notice(
        title="Favourited",
        body="Leo likes it",
        path="notifications",
        thread_id=f"listing-{_ROW}",
        collapse_id=f"listing_favorited-{_ROW}",
        data={"notification_id": str(_ROW)},
    )
