"""JSON as providers take it: written and read for every push, so by a library that is quick at both."""

from __future__ import annotations

import json
from typing import Any

import orjson


def write_json(value: Any) -> bytes:
    """Write a value as JSON in UTF-8, without spaces and with its keys in order.

    Raises:
        UnicodeEncodeError: A text holds half of a surrogate pair.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        # It does not tell a text that is none from what else it cannot write.
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        return text.encode()


def read_json(body: bytes) -> Any:
    """Read JSON.

    Raises:
        ValueError: It is none, or not in UTF-8.
        RecursionError: It is nested too deeply.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        # Numbers that are none, and halves of surrogate pairs, which are not ours to refuse.
        return json.loads(body)
