"""Calls of RPCs, right ones and wrong ones, and what PostgREST and gtr_jobs say to a wrong one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from support.supabase_js import Answer

# member: signed in. anybody: the app's public key alone. server: the secret key. late: a token that has expired.
# forger: a token that somebody else signed. nobody: a token without a person. gone: one whose account is no more.
Caller = Literal["member", "anybody", "server", "late", "forger", "nobody", "gone"]

LISTING = "11111111-2222-4333-8444-555555555555"
GONE = "99999999-2222-4333-8444-555555555555"
APNS_TOKEN = "a0" * 32

_DEVICE = {"p_device_token": APNS_TOKEN, "p_platform": "ios"}
_NOTICE: dict[str, Any] = {"p_kind": "listing_favorited", "p_data": {"listing_id": LISTING}}
_MESSAGE: dict[str, Any] = {
    "p_template": "event_reminder",
    "p_data": {
        "event_title": "Daikoku meet",
        "starts": "19:30",
        "place": "Daikoku PA",
        "event_url": "https://marketplace.example/events/5b0c",
    },
}
# A right call of each; who may make it comes with it.
RIGHT: Mapping[str, tuple[Caller, dict[str, Any]]] = {
    "register_app_device": ("member", _DEVICE | {"p_app": "dealer"}),
    "register_device_token": ("member", _DEVICE),
    "unregister_device_token": ("member", {"p_device_token": APNS_TOKEN}),
    "my_deliveries": ("member", {}),
    "notify_user": ("server", {"p_user_id": GONE, **_NOTICE}),
    "notify_users": ("server", {"p_user_ids": [GONE], **_NOTICE}),
    "notify_sms": ("server", {"p_user_id": GONE, **_MESSAGE}),
    "notify_email": ("server", {"p_user_id": GONE, **_MESSAGE}),
}


@dataclass(frozen=True, slots=True)
class Call:
    """A wrong call and its answer.

    Args:
        title: What is wrong with it.
        caller: Who calls.
        rpc: What.
        given: The arguments.
        answer: What the API says.
        get: Called as what only reads.
    """

    title: str
    caller: Caller
    rpc: str
    given: Mapping[str, Any] = field(repr=False)
    answer: Answer
    get: bool = False

    def __str__(self) -> str:
        """Name it in the report of a test."""
        return f"{self.rpc}: {self.title}"


def refuse(status: int, name: str, message: str, hint: str) -> Answer:
    """Make the answer that gtr_jobs.refuse makes."""
    return Answer(status, None, f"PT{status}", name, message, hint)


def unknown_function(rpc: str, *names: str) -> Answer:
    """PostgREST finds a function by the names of the arguments: one too many or too few is another function."""
    given = ", ".join(sorted(names))
    parameters = f"parameter{'s' if len(names) > 1 else ''} {given}"
    return Answer(
        404,
        None,
        "PGRST202",
        f"Searched for the function public.{rpc} with {parameters} or with a single unnamed"
        " json/jsonb parameter, but no matches were found in the schema cache.",
        f"Could not find the function public.{rpc}({given}) in the schema cache",
    )


def wrong(rpc: str, title: str, answer: Answer, **changes: Any) -> Call:
    """Make a right call wrong in what is named."""
    caller, given = RIGHT[rpc]
    return Call(title, caller, rpc, {**given, **changes}, answer)
