"""Scripted answers as JSON, for those who script a stand-in from another process.

{"answer": "fail", "status": 503, "reason": "UNAVAILABLE", "headers": {"retry-after": "30"}}
{"answer": "after_accepting", "then": {"answer": "disconnect"}}
{"answer": "slow", "seconds": 0.5}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gtr_jobs.dev.standins.exchange import Disconnect, GoAway, Reset, Respond, Stall
from gtr_jobs.dev.standins.script import (
    ACCEPT,
    Accept,
    AfterAccepting,
    Fail,
    ScriptedAnswer,
    Slow,
)


def read_answer(value: Mapping[str, Any]) -> ScriptedAnswer:
    """Read one answer.

    Raises:
        ValueError: When it is none that exists, or lacks something.
    """
    name = value.get("answer") if isinstance(value, dict) else None
    reader = _READERS.get(str(name))
    if reader is None:
        raise ValueError(f"unknown answer {name!r}; known are {', '.join(_READERS)}")
    try:
        return reader(value)
    except KeyError as error:
        raise ValueError(f"the answer {name!r} needs {error.args[0]!r}") from None


def _read_fail(value: Mapping[str, Any]) -> Fail:
    return Fail(
        int(value["status"]),
        str(value["reason"]),
        headers=dict(value.get("headers", {})),
        details=dict(value.get("details", {})),
    )


def _read_respond(value: Mapping[str, Any]) -> Respond:
    body = str(value.get("body", "")).encode()
    return Respond(int(value["status"]), body, dict(value.get("headers", {})))


def _read_slow(value: Mapping[str, Any]) -> Slow:
    then = read_answer(value["then"]) if "then" in value else ACCEPT
    return Slow(float(value["seconds"]), then)


def _read_go_away(value: Mapping[str, Any]) -> GoAway:
    last = value.get("last_stream_id", "previous")
    return GoAway(last if last in {"previous", "this"} else int(last), int(value.get("code", 0)))


_READERS: Mapping[str, Callable[[Mapping[str, Any]], ScriptedAnswer]] = {
    "accept": lambda _: Accept(),
    "fail": _read_fail,
    "respond": _read_respond,
    "after_accepting": lambda value: AfterAccepting(read_answer(value["then"])),
    "slow": _read_slow,
    "reset": lambda value: Reset(int(value["code"])) if "code" in value else Reset(),
    "disconnect": lambda _: Disconnect(),
    "go_away": _read_go_away,
    "stall": lambda _: Stall(),
}
