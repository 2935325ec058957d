"""A booking was written: the customer is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from gtr_jobs.extend import Notice, Source, Urgency


@dataclass(frozen=True, slots=True)
class Booking:
    """A row of `public.bookings`, as sql/worker/read_bookings.sql hands it out.

    The fields are the function's columns. `row_id` and `recipient_id` are always there.
    """

    row_id: UUID
    recipient_id: UUID
    # Texts are left out where a log or an error shows the row.
    workshop: str = field(repr=False)
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class BookingConfirmed:
    """Told once a booking, and of no use when it has long begun."""

    name: ClassVar[str] = "booking_confirmed"
    # The job carries the booking's id alone: the row is read when the push is sent.
    source: ClassVar[Source[Booking]] = Source("garage.read_bookings", Booking)
    time_to_live: ClassVar[timedelta] = timedelta(hours=24)
    urgency: ClassVar[Urgency] = "high"

    def tell(self, row: Booking) -> Notice:
        """Word the notice; it is cut to what every platform takes."""
        return Notice(
            title=row.workshop,
            body=f"Your booking on {row.starts_at:%d %B at %H:%M} is confirmed",
            # Behind the scheme of GTR_DEEP_LINK_SCHEME.
            path=f"bookings/{row.row_id}",
            thread_id="bookings",
            # Sent again, it takes its own place on the screen.
            collapse_id=f"booking-{row.row_id}",
            data={"booking_id": str(row.row_id)},
        )
