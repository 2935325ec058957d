"""The language of texts: Liquid, with less of it than there is, and nothing that is passed over in silence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from liquid import BoundTemplate, Environment, Mode, StrictUndefined
from liquid.exceptions import LiquidError

from gtr_jobs.domain.errors import ConfigurationError

# What a text needs to count and to choose. Nothing that sets, includes or counts on its own.
TAGS = frozenset({"if", "unless", "for", "comment", "#"})
# What liquid's own parser makes of the text between tags.
_INNER_TAGS = frozenset({"content", "output", "illegal"})
# `safe` would undo the escaping, `default` would hide what is missing, `date` reads clocks.
FILTERS = frozenset({"size", "join", "upcase", "downcase", "capitalize", "truncate"})

_ATTRIBUTE = re.compile(r"""\b(?:href|src|action)\s*=\s*["']?\s*\{\{-?\s*([\w.]*)""", re.IGNORECASE)
_UNQUOTED = re.compile(r"=\s*\{\{")
URL_ENDING = "url"


class _Language(Environment):
    """Liquid with limits: a list that is too long costs a message, not the worker."""

    loop_iteration_limit: ClassVar[int | None] = 1_000
    output_stream_limit: ClassVar[int | None] = 200_000


def _make_language(*, is_html: bool) -> Environment:
    language = _Language(
        undefined=StrictUndefined,
        strict_filters=True,
        tolerance=Mode.STRICT,
        autoescape=is_html,
    )
    for tag in set(language.tags) - TAGS - _INNER_TAGS:
        del language.tags[tag]
    for name in set(language.filters) - FILTERS:
        del language.filters[name]
    return language


class Text:
    """One text that was looked over.

    Args:
        source: As the file has it.
        place: The file, as errors name it.
        is_html: Whether what is filled in is escaped for HTML.

    Raises:
        ConfigurationError: It is no text of this language; names the file and the line.
    """

    _languages: ClassVar[Mapping[bool, Environment]] = {
        is_html: _make_language(is_html=is_html) for is_html in (False, True)
    }

    def __init__(self, source: str, place: str, *, is_html: bool) -> None:
        self.place = place
        try:
            self._template: BoundTemplate = self._languages[is_html].from_string(source)
            found = self._template.analyze()
        except LiquidError as error:
            # The first line of what it says; the others show the file.
            said = str(error.message or type(error).__name__).splitlines()[0]
            start = error.token.start_index if error.token is not None else 0
            raise ConfigurationError(f"{place}:{_line(source, start)}: {said}", _HINT) from None
        for name, spans in found.filters.items():
            if name not in FILTERS:
                raise ConfigurationError(
                    f"{place}:{_line(source, spans[0].index)}: no filter {name}", _HINT
                )
        self.variables = frozenset(found.globals)
        if is_html:
            _check_attributes(source, place)

    def render(self, data: Mapping[str, Any]) -> str:
        """Fill it in.

        Raises:
            LiquidError: Something that it names is not in the data. Its text may hold what is.
        """
        return self._template.render(data)


_HINT = (
    f"texts know {{{{ variable }}}}, the tags {', '.join(sorted(TAGS - {'#'}))}, "
    f"and the filters {', '.join(sorted(FILTERS))}"
)


def _line(source: str, start: int) -> int:
    return source.count("\n", 0, start) + 1


def _check_attributes(source: str, place: str) -> None:
    """Refuse what escaping alone does not make safe: a link to anywhere, an attribute without quotes."""
    for match in _ATTRIBUTE.finditer(source):
        if not match[1].endswith(URL_ENDING):
            raise ConfigurationError(
                f"{place}: a link holds {match[1]}, which may be anything",
                f"name a variable that ends with {URL_ENDING}: it is checked to be an https address",
            )
    if _UNQUOTED.search(source):
        raise ConfigurationError(
            f"{place}: an attribute has a variable without quotes",
            'write attribute="{{ variable }}"',
        )
