"""Holds what is to be filled in against what a template declares: nothing less, nothing more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from gtr_jobs.domain.errors import UsageError
from gtr_jobs.templates.language import URL_ENDING

_LONGEST_TEXT = 10_000
_LONGEST_LIST = 200


class TemplateDataError(UsageError):
    """What is to be filled in does not fit the template; names both, and never a value."""


def check_data(kind: str, example: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    """Compare data with the example that a template declares its variables by.

    Raises:
        TemplateDataError: A variable is missing, superfluous or of another type.
    """
    for what, variable, hint in _mistakes(example, data, ""):
        raise TemplateDataError(f"template {kind}: {what} {variable}", hint)


_Mistake = tuple[str, str, str]


def _mistakes(example: Mapping[str, Any], data: Mapping[str, Any], path: str) -> Iterator[_Mistake]:
    for name in example.keys() - data.keys():
        yield "no value for the variable", f"{path}{name}", "every declared variable needs one"
    for name in data.keys() - example.keys():
        # A key that came from elsewhere may be anything.
        shown = f"{path}{name}" if str(name).isidentifier() and len(name) <= 60 else "given"
        known = ", ".join(sorted(example)) or "none"
        yield "it has no variable", shown, f"there is {known}"
    for name, wanted in example.items():
        yield from _mistakes_of_value(wanted, data[name], f"{path}{name}")


def _mistakes_of_value(wanted: Any, value: Any, path: str) -> Iterator[_Mistake]:
    wrong = "wrong value for the variable"
    match wanted:
        case bool():
            if not isinstance(value, bool):
                yield wrong, path, "it is true or false"
        case int() | float():
            if isinstance(value, bool) or not isinstance(value, int | float):
                yield wrong, path, "it is a number"
        case str():
            yield from _mistakes_of_text(value, path)
        case list():
            yield from _mistakes_of_list(wanted, value, path)
        case _ if isinstance(value, Mapping):
            yield from _mistakes(wanted, value, f"{path}.")
        case _:
            yield wrong, path, "it is an object"


def _mistakes_of_list(wanted: Sequence[Any], value: Any, path: str) -> Iterator[_Mistake]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        yield "wrong value for the variable", path, "it is a list"
    elif len(value) > _LONGEST_LIST:
        yield "too much for the variable", path, f"at most {_LONGEST_LIST} in a list"
    else:
        for one in value:
            yield from _mistakes_of_value(wanted[0], one, f"{path}[]")


def _mistakes_of_text(value: Any, path: str) -> Iterator[_Mistake]:
    if not isinstance(value, str):
        yield "wrong value for the variable", path, "it is a text"
    elif len(value) > _LONGEST_TEXT:
        yield "too much for the variable", path, f"at most {_LONGEST_TEXT} signs"
    elif any(sign < " " and sign not in "\n\t" for sign in value) or not _is_whole(value):
        yield "wrong value for the variable", path, "it holds signs that no text has"
    elif path.endswith(URL_ENDING) and not _is_https(value):
        yield "wrong value for the variable", path, "it is an address that begins with https://"


def _is_whole(value: str) -> bool:
    return not any("\ud800" <= sign <= "\udfff" for sign in value)


def _is_https(value: str) -> bool:
    try:
        url = urlsplit(value)
    except ValueError:
        return False
    return url.scheme == "https" and bool(url.hostname) and not any(map(str.isspace, value))
