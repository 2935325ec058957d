"""What the API answers to every wrong call of an RPC, exactly: status, code, name, message and hint."""

from __future__ import annotations

from support.rpc_answers_devices import CALLS_ABOUT_DELIVERIES, CALLS_ABOUT_DEVICES
from support.rpc_answers_messages import (
    NO_ADDRESS,
    NO_CONSENT,
    SUPPRESSED,
    calls_about_messages,
)
from support.rpc_answers_notices import CALLS_ABOUT_RECIPIENTS, calls_about_notices
from support.rpc_calls import RIGHT, Call, Caller, refuse, unknown_function, wrong
from support.supabase_js import Answer


def _calls_of_the_wrong_people(rpc: str) -> list[Call]:
    caller, given = RIGHT[rpc]
    others: dict[Caller, Answer] = {
        "late": Answer(401, None, "PGRST303", None, "JWT expired"),
        "forger": Answer(
            401,
            None,
            "PGRST301",
            "None of the keys was able to decode the JWT",
            "No suitable key or wrong key type",
        ),
        "anybody": Answer(401, None, "42501", None, f"permission denied for function {rpc}"),
    }
    if caller == "member":
        others["nobody"] = refuse(401, "not_signed_in", "nobody is signed in", "Sign in first.")
    stranger: Caller = "server" if caller == "member" else "member"
    others[stranger] = Answer(403, None, "42501", None, f"permission denied for function {rpc}")
    return [
        Call(f"called by {other}", other, rpc, given, answer) for other, answer in others.items()
    ]


_CALLS_WITH_AN_UNKNOWN_ARGUMENT = [
    *(
        wrong(rpc, "an unknown argument", unknown_function(rpc, *given, "p_token"), p_token="x")
        for rpc, (_, given) in RIGHT.items()
    ),
    # No RPC sends at another time than now, whatever time that is.
    *(
        wrong(
            rpc,
            f"for {time}",
            unknown_function(rpc, *RIGHT[rpc][1], "p_scheduled_at"),
            p_scheduled_at=time,
        )
        for rpc in ("notify_user", "notify_users")
        for time in ("1970-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "2030-01-01T00:00:00")
    ),
]

WRONG_CALLS: list[Call] = [
    *(call for rpc in RIGHT for call in _calls_of_the_wrong_people(rpc)),
    *_CALLS_WITH_AN_UNKNOWN_ARGUMENT,
    *CALLS_ABOUT_DEVICES,
    *CALLS_ABOUT_DELIVERIES,
    *calls_about_notices("notify_user"),
    *calls_about_notices("notify_users"),
    *CALLS_ABOUT_RECIPIENTS,
    *calls_about_messages("notify_sms"),
    *calls_about_messages("notify_email"),
]

# What it takes a story to come to.
OTHER_INSTALLATION = refuse(
    409,
    "other_installation",
    "the device is another account's, under another installation id",
    "Give the installation id with which the device was registered, or sign out there first.",
)
TOO_MANY_OWNERS = refuse(
    429,
    "too_many_owners",
    "this device has changed accounts too often today",
    "Try again tomorrow (UTC).",
)
IDEMPOTENCY_MISMATCH = refuse(
    409,
    "idempotency_mismatch",
    "the idempotency key was used with another request",
    "Take a new key for a new request.",
)

# Where those are met, so that none is forgotten.
REFUSED_IN_A_STORY: dict[str, tuple[Answer, ...]] = {
    "register_app_device": (OTHER_INSTALLATION, TOO_MANY_OWNERS),
    "register_device_token": (OTHER_INSTALLATION, TOO_MANY_OWNERS),
    "notify_user": (IDEMPOTENCY_MISMATCH,),
    "notify_users": (IDEMPOTENCY_MISMATCH,),
    "notify_sms": (IDEMPOTENCY_MISMATCH, NO_ADDRESS, NO_CONSENT, SUPPRESSED),
    "notify_email": (IDEMPOTENCY_MISMATCH, NO_ADDRESS, NO_CONSENT, SUPPRESSED),
}
