"""A row in public.bookings becomes a push on the customer's phone and a slip on the wall."""

from __future__ import annotations

from datetime import UTC, datetime

from gtr_jobs.dev.testing import Bench, Shown


async def test_a_booking_is_told_and_gets_a_slip(bench: Bench) -> None:
    """From the insert to the phone: trigger, queue, worker and provider are real but for the provider's name."""
    customer = await bench.add_person("apns")
    await bench.start_worker(GTR_DEEP_LINK_SCHEME="garage-app")

    booking = await bench.insert(
        "public.bookings",
        customer_id=customer,
        workshop="Omori Factory",
        starts_at=datetime(2030, 5, 17, 9, 30, tzinfo=UTC),
    )

    assert await bench.wait_for_pushes(1) == [
        Shown(
            title="Omori Factory",
            body="Your booking on 17 May at 09:30 is confirmed",
            badge=0,
            thread="bookings",
            collapse_id=f"booking-{booking}",
            url=f"garage-app://bookings/{booking}",
        )
    ]
    await bench.wait_until_settled()
    assert await bench.fetch("select booking_id, number from garage.slips") == [(booking, 1)]
    assert await bench.fetch("select * from gtr_jobs.enqueue_errors") == []


async def test_a_booking_that_is_gone_is_not_told(bench: Bench) -> None:
    """Cancelled before its push went out: rows are read when it is sent, so nobody hears of it."""
    customer = await bench.add_person("apns")
    booking = await bench.insert(
        "public.bookings", customer_id=customer, workshop="Omori", starts_at=datetime.now(UTC)
    )
    await bench.connection.execute("delete from public.bookings where id = %s", [booking])

    await bench.start_worker()
    await bench.wait_until_settled()

    assert bench.providers.ledger.entries() == []
    assert await bench.fetch("select state::text, code from gtr_jobs.deliveries") == [
        ("skipped", "row_gone")
    ]
