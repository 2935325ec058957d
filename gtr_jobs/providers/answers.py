"""What is the same in the answers of all providers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, assert_never

from gtr_jobs.domain.outcome import Ambiguous, Misconfigured, Outcome, Rejected, Retry
from gtr_jobs.providers.exchange import Broken, NotSent
from gtr_jobs.providers.json_text import read_json

# What a provider's own code may look like. Anything else could be content, and goes no further.
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")

NOT_TEXT = Rejected("text_invalid", "a text holds half of a surrogate pair")


def read_json_object(body: bytes) -> Mapping[str, Any]:
    """Read a body as a JSON object; empty for anything else."""
    try:
        value = read_json(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def mapping_at(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Give the object under a key; empty where there is none."""
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def objects_at(value: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Give the objects of the list under a key; empty where there is none."""
    found = value.get(key)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def text_at(value: Mapping[str, Any], key: str) -> str:
    """Give the text under a key; empty where there is none."""
    found = value.get(key)
    return found if isinstance(found, str) else ""


def clean_code(code: Any, otherwise: str) -> str:
    """Give a provider's code where it looks like one, so that nothing else gets into logs."""
    return code if isinstance(code, str) and _CODE.fullmatch(code) else otherwise


def outcome_without_answer(result: NotSent | Broken) -> Outcome:
    """Say how an attempt ended to which the provider gave no answer."""
    match result:
        case NotSent(code="request_invalid"):
            return Rejected("request_invalid", "an id or a token cannot be sent over HTTP")
        case NotSent(code="tls_untrusted"):
            return Misconfigured(
                "tls_untrusted", "the server's certificate is not trusted; see GTR_CA_FILE"
            )
        case NotSent(code="proxy_login_refused"):
            return Misconfigured(
                "proxy_login_refused", "the proxy refuses our name and password; see GTR_PROXY"
            )
        case NotSent(code=code):
            return Retry(code)
        case Broken(code=code):
            return Ambiguous(code)
        case _:
            assert_never(result)
