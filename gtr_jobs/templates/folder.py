"""Reads a folder of templates, and looks all of it over before any is used.

FOLDER/KIND/template.toml             what the texts may name, each with an example
FOLDER/KIND/sms.LOCALE.txt            what an SMS says
FOLDER/KIND/email.LOCALE.subject.txt  one line
FOLDER/KIND/email.LOCALE.txt          the plain text
FOLDER/KIND/email.LOCALE.html         the same with HTML; may be left out in all locales
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.templates.language import Text

Channel = Literal["sms", "email"]
Part = Literal["text", "subject", "html"]

CHANNELS: tuple[Channel, ...] = get_args(Channel)
# What everybody is told who reads none of the other locales.
LAST_LOCALE = "en"

_KIND = re.compile(r"[a-z][a-z0-9_]{0,39}")
_VARIABLE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_FILE = re.compile(
    r"(?P<channel>sms|email)\.(?P<locale>[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-[A-Z]{2})?)"
    r"\.(?P<part>subject\.txt|txt|html)"
)
_PARTS: Mapping[str, Part] = {"txt": "text", "subject.txt": "subject", "html": "html"}
_NEEDED: Mapping[Channel, frozenset[Part]] = {
    "sms": frozenset({"text"}),
    "email": frozenset({"text", "subject"}),
}
_ALLOWED: Mapping[Channel, frozenset[Part]] = {
    "sms": _NEEDED["sms"],
    "email": _NEEDED["email"] | {"html"},
}
_DECLARATION = "template.toml"
_LARGEST_FILE = 100_000

Parts = Mapping[Part, Text]


@dataclass(frozen=True, slots=True)
class TemplateKind:
    """All that is said of one kind.

    Args:
        name: The kind's.
        example: Its variables, each with a value that it may have.
        texts: The parts of each channel, by locale.
    """

    name: str
    example: Mapping[str, Any]
    texts: Mapping[Channel, Mapping[str, Parts]]


def read_folder(folder: Path) -> dict[str, TemplateKind]:
    """Read every kind of a folder.

    Raises:
        ConfigurationError: A file is not as it should be; names it.
    """
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise ConfigurationError(
            f"templates {folder}: {error.strerror}", "name a folder that holds a folder a kind"
        ) from None
    kinds = [entry for entry in entries if entry.is_dir() and not entry.name.startswith(("_", "."))]
    return {kind.name: _read_kind(kind) for kind in kinds}


def _read_kind(folder: Path) -> TemplateKind:
    if _KIND.fullmatch(folder.name) is None:
        raise ConfigurationError(
            f"templates {folder.name}: no kind can have this name",
            "small letters, digits and underscores, at most 40, a letter first",
        )
    example = _read_declaration(folder)
    texts: dict[Channel, dict[str, dict[Part, Text]]] = {}
    for path in sorted(folder.iterdir()):
        if path.name == _DECLARATION or path.name.startswith("."):
            continue
        match = _FILE.fullmatch(path.name)
        part = _PARTS[match["part"]] if match is not None else None
        if match is None or part not in _ALLOWED[_channel(match)]:
            raise ConfigurationError(
                f"template {folder.name}/{path.name}: no name for a text",
                "sms.LOCALE.txt, or email.LOCALE with .subject.txt, .txt and .html",
            )
        text = Text(_read(path), f"template {folder.name}/{path.name}", is_html=part == "html")
        texts.setdefault(_channel(match), {}).setdefault(match["locale"], {})[part] = text
    kind = TemplateKind(folder.name, example, texts)
    for mistake in _mistakes(kind):
        raise ConfigurationError(*mistake)
    return kind


def _channel(match: re.Match[str]) -> Channel:
    return cast("Channel", match["channel"])


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
        if len(content) > _LARGEST_FILE:
            raise ConfigurationError(
                f"template {path.parent.name}/{path.name}: too large",
                f"{_LARGEST_FILE} bytes at most",
            )
        return content.decode("utf-8").replace("\r\n", "\n").rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"template {path.parent.name}/{path.name}: cannot be read ({type(error).__name__})",
            "it is a file of text in UTF-8",
        ) from None


def _read_declaration(folder: Path) -> Mapping[str, Any]:
    place = f"template {folder.name}/{_DECLARATION}"
    if not (folder / _DECLARATION).is_file():
        raise ConfigurationError(
            f"{place}: not there", "it declares the variables, each with an example: [variables]"
        )
    try:
        declared = tomllib.loads(_read(folder / _DECLARATION))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{place}: {error}", "it is TOML") from None
    example = declared.get("variables", {})
    if set(declared) - {"variables"} or not isinstance(example, dict):
        raise ConfigurationError(f"{place}: more than [variables]", "it declares them and no more")
    for path, value in _walk(example, ""):
        if value is None or _VARIABLE.fullmatch(path.rpartition(".")[2].removesuffix("[]")) is None:
            raise ConfigurationError(
                f"{place}: {path} cannot be a variable",
                "a name of small letters, digits and underscores, and an example that is a text, "
                "a number, true, false, a table, or a list with one thing in it at least",
            )
    return example


def _walk(value: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    """Go through an example; None stands for what none can be."""
    for name, inner in value.items():
        yield from _walk_value(inner, f"{path}{name}")


def _walk_value(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    match value:
        case str() | bool() | int() | float():
            yield path, value
        case [first, *_]:
            yield from _walk_value(first, f"{path}[]")
        case dict():
            yield path, value
            yield from _walk(value, f"{path}.")
        case _:
            yield path, None


_Mistake = tuple[str, str]


def _mistakes(kind: TemplateKind) -> Iterator[_Mistake]:
    if not kind.texts:
        yield (
            f"template {kind.name}: it has no text",
            "write sms.en.txt, or email.en.txt and its subject",
        )
    for channel, locales in kind.texts.items():
        for locale, parts in locales.items():
            for part in _NEEDED[channel] - parts.keys():
                yield f"template {kind.name}: {channel}.{locale} has no {part}", "write its file"
            yield from _mistakes_of_variables(kind, parts)
        if LAST_LOCALE not in locales:
            yield (
                f"template {kind.name}: {channel} has no {LAST_LOCALE}",
                "it is what people get whose own language is not there",
            )
        yield from _differences(kind, channel, locales)
    used = {
        name
        for locales in kind.texts.values()
        for parts in locales.values()
        for name in _used(parts)
    }
    for name in sorted(kind.example.keys() - used):
        yield (
            f"template {kind.name}: no text names the variable {name}",
            f"take it out of {_DECLARATION}",
        )


def _mistakes_of_variables(kind: TemplateKind, parts: Parts) -> Iterator[_Mistake]:
    for text in parts.values():
        for name in sorted(text.variables - kind.example.keys()):
            yield (
                f"{text.place}: it names {name}, which {_DECLARATION} does not declare",
                f"there is {', '.join(sorted(kind.example)) or 'none'}",
            )


def _differences(
    kind: TemplateKind, channel: Channel, locales: Mapping[str, Parts]
) -> Iterator[_Mistake]:
    first = locales.get(LAST_LOCALE, {})
    for locale, parts in locales.items():
        both = f"template {kind.name}: {channel}.{locale} and {channel}.{LAST_LOCALE} do not both"
        for part in sorted(first.keys() ^ parts.keys()):
            yield (
                f"{both} have a part {part}",
                "all locales of a channel have the same parts",
            )
        for name in sorted(_used(first) ^ _used(parts)):
            yield (
                f"{both} name {name}",
                "all locales of a channel say the same",
            )


def _used(parts: Parts) -> frozenset[str]:
    return frozenset(name for text in parts.values() for name in text.variables)
