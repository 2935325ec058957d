"""What the API answers to server code that notifies people wrongly."""

from __future__ import annotations

from typing import Any

from support.rpc_calls import GONE, LISTING, Call, refuse, wrong
from support.supabase_js import Answer

_KINDS = (
    "event_favorited, event_rsvp, forum_comment, forum_like, forum_reply, listing_favorited,"
    " saved_search_match"
)
_KEYS = "It takes: body, favorite_id, listing_id, title, user_id."
_NO_OBJECT = refuse(
    422, "data_format", "the data is no JSON object", "Give an object, {} at least."
)


def _misfit(what: str) -> Answer:
    return refuse(422, "data_format", f"the data does not fit the kind: {what}", _KEYS)


def _nest(depth: int) -> Any:
    return LISTING if depth == 0 else {"listing_id": _nest(depth - 1)}


def calls_about_notices(rpc: str) -> list[Call]:
    """List what is wrong with a notice, whoever is to get it."""
    unknown_kind = refuse(
        422,
        "unknown_kind",
        "the kind is none that server code can send",
        f"Give one of: {_KINDS}. A message is sent by writing it to public.messages.",
    )
    key = refuse(
        422, "idempotency_key", "the idempotency key is empty or too long", "Give 1 to 255 signs."
    )
    data_too_large = refuse(
        413, "data_too_large", "the data is over 8 KB", "Pass ids; the app reads the rest."
    )
    data: dict[str, tuple[Any, Answer]] = {
        "null": (None, _NO_OBJECT),
        "an array": ([], _NO_OBJECT),
        "a number": (7, _NO_OBJECT),
        "empty": ({}, _misfit("listing_id is missing")),
        # As which a client writes NaN, too.
        "with null in it": ({"listing_id": None}, _misfit("listing_id is no string")),
        "with no UUID": ({"listing_id": "7"}, _misfit("listing_id is no UUID")),
        "with a key of its own": (
            {"listing_id": LISTING, "url": "x"},
            _misfit("url is no key of this kind"),
        ),
        "200 levels deep": (_nest(200), _misfit("listing_id is no string")),
        "of 9 KB": ({"listing_id": LISTING, "body": "x" * 9000}, data_too_large),
    }
    return [
        *(wrong(rpc, f"kind {kind!r}", unknown_kind, p_kind=kind) for kind in ("", "message")),
        *(
            wrong(rpc, f"data {title}", answer, p_data=value)
            for title, (value, answer) in data.items()
        ),
        wrong(rpc, "an empty key", key, p_idempotency_key=""),
        wrong(rpc, "a long key", key, p_idempotency_key="k" * 256),
    ]


_NO_UUID = Answer(400, None, "22P02", None, 'invalid input syntax for type uuid: "me"')
CALLS_ABOUT_RECIPIENTS = [
    wrong("notify_user", "to what is no id", _NO_UUID, p_user_id="me"),
    *(
        wrong(
            "notify_user",
            f"to {title}",
            refuse(404, "unknown_user", "there is no such person", "Give the id of an account."),
            p_user_id=person,
        )
        for title, person in {"null": None, "nobody": GONE}.items()
    ),
    wrong("notify_users", "to what is no id", _NO_UUID, p_user_ids=["me"]),
    wrong(
        "notify_users",
        "to no array",
        Answer(
            400,
            None,
            "22P02",
            'Array value must start with "{" or dimension information.',
            'malformed array literal: "me"',
        ),
        p_user_ids="me",
    ),
    *(
        wrong(
            "notify_users",
            f"to {people}",
            refuse(422, "user_ids", "a person is null", "Give an array of account ids."),
            p_user_ids=people,
        )
        for people in ([None], [GONE, None], None)
    ),
    wrong(
        "notify_users",
        "to 10,001",
        refuse(
            413,
            "too_many_users",
            "more than 10,000 people were named",
            "Call once for each 10,000.",
        ),
        p_user_ids=[GONE] * 10_001,
    ),
]
