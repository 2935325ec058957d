"""What the API answers to server code that sends texts and e-mails wrongly."""

from __future__ import annotations

from typing import Any

from support.rpc_calls import GONE, RIGHT, Call, refuse, wrong
from support.supabase_js import Answer

_DATA: dict[str, Any] = RIGHT["notify_sms"][1]["p_data"]
_TEMPLATES = {"notify_sms": "event_reminder", "notify_email": "event_reminder, new_listings"}
_NO_OBJECT = refuse(
    422, "data_format", "the data is no JSON object", "Give an object, {} at least."
)
_UNKNOWN_USER = refuse(404, "unknown_user", "there is no such person", "Give the id of an account.")

# What it takes a person to come to.
NO_ADDRESS = refuse(
    422,
    "no_address",
    "the person has proved no number or address to be theirs",
    "Have them verify it in the app first.",
)
NO_CONSENT = refuse(
    403,
    "no_consent",
    "the person does not want this",
    "Send nothing until they change their preferences.",
)
SUPPRESSED = refuse(
    403,
    "suppressed",
    "nothing is sent to this number or address: unsubscribed",
    "See gtr-jobs suppress list.",
)


def _misfit(what: str) -> Answer:
    return refuse(
        422,
        "data_format",
        f"the data does not fit the template: {what}",
        "It takes: event_title, event_url, place, starts.",
    )


def calls_about_messages(rpc: str) -> list[Call]:
    """List what is wrong with a text or an e-mail."""
    unknown_template = refuse(
        422,
        "unknown_template",
        "there is no such template for this channel",
        f"Give one of: {_TEMPLATES[rpc]}.",
    )
    key = refuse(
        422, "idempotency_key", "the idempotency key is empty or too long", "Give 1 to 255 signs."
    )
    data_too_large = refuse(
        413, "data_too_large", "the data is over 8 KB", "Pass what the template shows."
    )
    without_place = {name: value for name, value in _DATA.items() if name != "place"}
    data: dict[str, tuple[Any, Answer]] = {
        "null": (None, _NO_OBJECT),
        "an array": ([], _NO_OBJECT),
        "without a key": (without_place, _misfit("place is missing")),
        "with null in it": (_DATA | {"place": None}, _misfit("place is no string")),
        "with a number for a text": (_DATA | {"place": 7}, _misfit("place is no string")),
        "with a key of its own": (
            _DATA | {"code": "1"},
            _misfit("code is no key of this template"),
        ),
        "of 9 KB": (_DATA | {"place": "x" * 9000}, data_too_large),
    }
    return [
        *(
            wrong(rpc, f"template {name!r}", unknown_template, p_template=name)
            for name in ("", "test")
        ),
        *(
            wrong(rpc, f"data {title}", answer, p_data=value)
            for title, (value, answer) in data.items()
        ),
        wrong(rpc, "an empty key", key, p_idempotency_key=""),
        wrong(rpc, "a long key", key, p_idempotency_key="k" * 256),
        wrong(rpc, "to nobody", _UNKNOWN_USER, p_user_id=GONE),
        wrong(rpc, "to null", _UNKNOWN_USER, p_user_id=None),
    ]
