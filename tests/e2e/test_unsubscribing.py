"""An e-mail brings a link, one click on it works, and nothing more is sent."""

from __future__ import annotations

import psycopg
import pytest
from support.http_process import WEBHOOK_ENVIRONMENT
from support.people import create_person
from support.reporting import post_to, serve_http
from support.texting import email_settings, notify_email
from support.way import Way
from support.webhooks import PUBLIC_URL, email_request

pytestmark = pytest.mark.timeout(60)


async def _send_email(way: Way) -> tuple[str, str]:
    """Have an e-mail sent; give where its one click goes, and its message id."""
    mia = await create_person(way.connection, "mia", "Mia Rossi")
    links = {
        name: WEBHOOK_ENVIRONMENT[name] for name in ("GTR_PUBLIC_URL", "GTR_UNSUBSCRIBE_SECRET")
    }
    worker = await way.start_worker(**(email_settings(way) | links))
    await notify_email(way.connection, mia)
    await way.providers.ledger.wait_for(1)
    await way.wait_until_settled()
    await worker.stop()
    (entry,) = way.providers.ledger.entries()
    assert entry.headers["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    return entry.headers["list-unsubscribe"].strip("<>"), entry.headers["message-id"]


async def _assert_refused(way: Way) -> None:
    """Nothing more may be asked to be written to the person."""
    ((mia,),) = await way.fetch("select id from auth.users where email = 'mia@example.test'")
    with pytest.raises(psycopg.DatabaseError, match="nothing is sent to this number or address"):
        await notify_email(way.connection, mia, key="another")


async def test_one_click_in_an_email_ends_them(way: Way) -> None:
    """As the mail program sends it, to the address that stands in the e-mail."""
    link, _ = await _send_email(way)
    assert link.startswith(f"{PUBLIC_URL}/unsubscribe?d=")
    async with serve_http(way) as process:
        answer = await post_to(
            process,
            {
                "url": link.removeprefix(PUBLIC_URL),
                "content": "List-Unsubscribe=One-Click",
                "headers": {"content-type": "application/x-www-form-urlencoded"},
            },
        )

    assert answer.status_code == 200
    await _assert_refused(way)


async def test_a_bounce_of_an_email_ends_them(way: Way) -> None:
    """By its message id alone; its delivery is undelivered."""
    _, message_id = await _send_email(way)
    bounce = {"type": "bounce", "permanent": True, "code": "5.1.1", "message_id": message_id}
    async with serve_http(way) as process:
        answer = await post_to(process, email_request(bounce))

    assert answer.status_code == 204
    assert (await way.deliveries())[0][:2] == ("smtp", "undelivered")
    await _assert_refused(way)
