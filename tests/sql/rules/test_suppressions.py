"""Whom nothing is sent to: by a keyed hash, each reason by itself."""

from __future__ import annotations

from psycopg import AsyncConnection
from support.jobs import fetch_rows, fetch_value
from support.outgoing import start_texting

PHONE = "+14155550100"
KNOWN = "select reason, source from gtr_jobs.suppressions order by reason"


async def _suppress(worker: AsyncConnection, reason: str, address: str = PHONE) -> bool:
    return bool(
        await fetch_value(
            worker, "select gtr_jobs.suppress_address('sms', %s, %s, 'twilio')", address, reason
        )
    )


async def test_each_reason_stands_and_ends_by_itself(
    admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """START ends a STOP, and makes no mobile of a landline."""
    told = [await _suppress(worker, reason) for reason in ("unsubscribed", "landline", "landline")]
    ended = [
        await fetch_value(
            worker, "select gtr_jobs.unsuppress_address('sms', %s, 'unsubscribed')", PHONE
        )
        for _ in range(2)
    ]
    assert told == [True, True, False]
    assert ended == [1, 0]
    assert await fetch_rows(admin, KNOWN) == [("landline", "twilio")]
    assert (
        await fetch_value(worker, "select gtr_jobs.unsuppress_address('sms', %s, null)", PHONE) == 1
    )


async def test_the_number_is_not_there(admin: AsyncConnection, worker: AsyncConnection) -> None:
    """Only its hash, which is another one in every database and for every channel."""
    await _suppress(worker, "unsubscribed")
    row = await fetch_value(admin, "select s::text from gtr_jobs.suppressions as s")
    assert "4155550100" not in row
    hashes = (
        "select gtr_jobs.hash_address(channel, %s) from unnest(array['sms', 'email']) as channel"
    )
    sms, email = [value for (value,) in await fetch_rows(admin, hashes, PHONE)]
    assert sms != email
    await admin.execute("update gtr_jobs.address_key set key = sha256('another')")
    ((other,), _) = await fetch_rows(admin, hashes, PHONE)
    assert other != sms


async def test_a_link_suppresses_whom_a_delivery_went_to(
    api: AsyncConnection, admin: AsyncConnection, worker: AsyncConnection
) -> None:
    """It names the delivery and no address; one that was never sent went to nobody."""
    texting = await start_texting(api, admin, worker)
    sent = await texting.send()
    waiting, _ = await texting.claim()
    call = "select gtr_jobs.suppress_recipient(%s, 'unsubscribed', 'link')"
    assert [await fetch_value(worker, call, one) for one in (sent, sent, waiting)] == [
        "recorded",
        "repeated",
        "unknown",
    ]
    assert await fetch_rows(admin, KNOWN) == [("unsubscribed", "link")]
