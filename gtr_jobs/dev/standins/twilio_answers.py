"""Twilio's answers, in the shape of its REST API of 2010."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

from gtr_jobs.dev.standins.exchange import Respond, respond_json

API = "2010-04-01"

# What Twilio says with a code, where it is more than the code's name.
MESSAGES: Mapping[int, str] = {
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    21211: "The 'To' number is not a valid phone number.",
    21408: "Permission to send an SMS has not been enabled for the region indicated by the 'To' number.",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21606: "The 'From' phone number provided is not a valid message-capable Twilio phone number.",
    21609: "Invalid 'StatusCallback' URL.",
    21610: "Attempt to send to unsubscribed recipient",
    21611: "This 'From' number has exceeded the maximum number of queued messages",
    21614: "'To' number is not a valid mobile number",
    21617: "The concatenated message body exceeds the 1600 character limit",
    21635: "'To' number cannot be a Landline",
    21703: "The Messaging Service does not have a phone number available to send a message.",
}


def refused(status: int, code: int, headers: Mapping[str, str] | None = None) -> Respond:
    """Refuse a request."""
    return respond_json(
        status,
        {
            "code": code,
            "message": MESSAGES.get(code, f"Error {code}"),
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": status,
        },
        headers,
    )


def write_time(moment: datetime | None) -> str | None:
    """Write a moment as Twilio does."""
    return None if moment is None else format_datetime(moment)


def page_of(
    base: str, query: Mapping[str, str], records: Sequence[Mapping[str, Any]], number: int
) -> Respond:
    """Give one page of a list.

    Args:
        base: The list's path.
        query: What was asked for, without the page.
        records: All that there is.
        number: Which page, from 0.
    """
    size = int(query["PageSize"])

    def uri(page: int) -> str:
        token = {"Page": str(page), "PageToken": f"PA{page:032x}"} if page else {"Page": "0"}
        return f"{base}?{urlencode({**query, **token})}"

    start = number * size
    shown = records[start : start + size]
    has_more = len(records) > start + size
    return respond_json(
        200,
        {
            "first_page_uri": uri(0),
            "end": start + max(len(shown) - 1, 0),
            "previous_page_uri": uri(number - 1) if number else None,
            "messages": list(shown),
            "uri": uri(number),
            "page_size": size,
            "start": start,
            "next_page_uri": uri(number + 1) if has_more else None,
            "page": number,
        },
    )
