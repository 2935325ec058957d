"""What people are told: one notification kind a file, and every kind in one tuple."""

from __future__ import annotations

from typing import Any

from gtr_jobs.kinds.base import Kind
from gtr_jobs.kinds.listing_favorited import ListingFavorited
from gtr_jobs.kinds.new_message import NewMessage

KINDS: tuple[Kind[Any], ...] = (
    NewMessage(),
    ListingFavorited(),
)
