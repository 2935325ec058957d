"""A text message and an e-mail, as values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from gtr_jobs.domain.email import EmailMessage
from gtr_jobs.domain.sms import SmsMessage

_NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
_ID = UUID("6f2c6c0e-52f4-4a53-9b1e-4f0f5a9d2f11")


def _sms(left: timedelta) -> SmsMessage:
    return SmsMessage(_ID, "+14155550123", "Your code is 123456", _NOW + left)


@pytest.mark.parametrize(
    ("left", "seconds"),
    [
        (timedelta(seconds=300), 300),
        (timedelta(seconds=0.2), 1),
        (timedelta(0), 0),
        (timedelta(seconds=-3), -3),
        (timedelta(days=2), 36_000),
    ],
)
def test_what_is_left_of_a_life_is_whole_seconds(left: timedelta, seconds: int) -> None:
    """Between one second and ten hours while there is anything left."""
    assert _sms(left).seconds_left(_NOW) == seconds


def test_no_address_or_text_is_in_what_a_message_shows_of_itself() -> None:
    """A message may end in a traceback; the person and the text may not."""
    email = EmailMessage(
        delivery_id=_ID,
        to="ada@example.com",
        subject="Your order",
        text="Dear Ada",
        html="<p>Dear Ada</p>",
        unsubscribe_url="https://example.com/u/secret",
        valid_until=_NOW,
    )
    shown = repr((_sms(timedelta(0)), email))
    assert [
        secret
        for secret in ("415555", "123456", "ada@", "order", "Ada", "secret")
        if secret in shown
    ] == []
    assert str(_ID) in shown


@pytest.mark.parametrize(
    ("status_callback", "callback_url"),
    [
        (None, None),
        ("https://example.com/webhooks/twilio/status", f"status?d={_ID}"),
        ("https://example.com/webhooks/twilio/status?x=1", f"status?x=1&d={_ID}"),
    ],
)
def test_a_report_comes_back_with_the_deliverys_id(
    status_callback: str | None, callback_url: str | None
) -> None:
    """And with nothing of the person."""
    message = SmsMessage(_ID, "+14155550123", "Hi", _NOW, status_callback)
    found = message.callback_url
    assert found is None if callback_url is None else str(found).endswith(callback_url)
