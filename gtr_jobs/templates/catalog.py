"""Every template that there is, and what it says to somebody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from liquid.exceptions import LiquidError

from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.templates.data import TemplateDataError, check_data
from gtr_jobs.templates.folder import (
    LAST_LOCALE,
    Channel,
    Part,
    Parts,
    TemplateKind,
    read_folder,
)

OURS = Path(__file__).resolve().parent / "texts"
_LONGEST_SUBJECT = 200


@dataclass(frozen=True, slots=True)
class RenderedText:
    """What one person is told.

    Args:
        locale: In which of the template's locales it is.
        text: What an SMS says, or an e-mail's plain text.
        subject: One line; None for an SMS.
        html: The same with HTML; None for an SMS, and for an e-mail that has none.
    """

    locale: str
    text: str = field(repr=False)
    subject: str | None = field(default=None, repr=False)
    html: str | None = field(default=None, repr=False)


class Templates:
    """All templates of a worker, read and looked over once.

    Args:
        kinds: By name.
    """

    def __init__(self, kinds: Mapping[str, TemplateKind]) -> None:
        self._kinds = kinds

    @classmethod
    def read(cls, *folders: Path) -> Self:
        """Read the package's own and those of more folders, of which the last to have a kind is heard.

        Raises:
            ConfigurationError: A file is not as it should be, or a kind takes the place of another
                and has other variables; names it.
        """
        kinds = read_folder(OURS)
        for folder in folders:
            for name, kind in read_folder(folder).items():
                _check_replacement(kinds.get(name), kind)
                kinds[name] = kind
        templates = cls(kinds)
        templates._try_all()
        return templates

    def kinds(self) -> tuple[TemplateKind, ...]:
        """Give all kinds, by name."""
        return tuple(self._kinds[name] for name in sorted(self._kinds))

    def render_text(
        self, channel: Channel, kind: str, locale: str | None, data: Mapping[str, Any]
    ) -> RenderedText:
        """Say what somebody is told.

        Args:
            channel: How.
            kind: Which template.
            locale: What the person reads, as in `de-AT`: otherwise de, otherwise en.
            data: A value for each variable of the template, and no other.

        Raises:
            TemplateDataError: There is no such template, or the data does not fit it.
        """
        template = self.find(channel, kind)
        check_data(kind, template.example, data)
        found = choose_locale(locale, template.texts[channel])
        parts = template.texts[channel][found]
        rendered = {part: _render(kind, parts, part, data) for part in parts}
        return RenderedText(found, rendered["text"], rendered.get("subject"), rendered.get("html"))

    def find(self, channel: Channel, kind: str) -> TemplateKind:
        """Give a kind that has texts for a channel.

        Raises:
            TemplateDataError: There is none of that name.
        """
        template = self._kinds.get(kind)
        if template is None or channel not in template.texts:
            known = [one.name for one in self.kinds() if channel in one.texts]
            raise TemplateDataError(
                f"no template of that name for {channel}", f"there is {', '.join(known)}"
            )
        return template

    def _try_all(self) -> None:
        """Render everything with its example: what a branch names is seen here and not at night."""
        for kind in self._kinds.values():
            for channel, locales in kind.texts.items():
                for locale in locales:
                    try:
                        self.render_text(channel, kind.name, locale, kind.example)
                    except TemplateDataError as error:
                        raise ConfigurationError(
                            f"{error.message} (in its example, {channel}.{locale})", error.hint
                        ) from None


def choose_locale(wanted: str | None, known: Mapping[str, object]) -> str:
    """Choose what is nearest to what somebody reads: de-AT, otherwise de, otherwise en."""
    by_name = {name.lower(): name for name in known}
    tag = (wanted or "").strip().replace("_", "-").lower()
    while tag:
        if tag in by_name:
            return by_name[tag]
        tag = tag.rpartition("-")[0]
    return LAST_LOCALE


def _render(kind: str, parts: Parts, part: Part, data: Mapping[str, Any]) -> str:
    try:
        text = parts[part].render(data)
    except LiquidError as error:
        # What it says may hold a value; its type does not.
        raise TemplateDataError(
            f"{parts[part].place}: cannot be filled in ({type(error).__name__})",
            "a text names what the data has not, or has too much of it",
        ) from None
    if not text.strip():
        raise TemplateDataError(
            f"{parts[part].place}: says nothing", "some of it must always be there"
        )
    if part == "subject" and (len(text) > _LONGEST_SUBJECT or not text.isprintable()):
        raise TemplateDataError(
            f"template {kind}: the subject is no line",
            f"no line breaks or other signs that cannot be printed, and at most {_LONGEST_SUBJECT}",
        )
    return text


def _check_replacement(before: TemplateKind | None, kind: TemplateKind) -> None:
    if before is None:
        return
    for name in sorted(before.example.keys() ^ kind.example.keys()):
        raise ConfigurationError(
            f"template {kind.name}: it and the one in whose place it stands do not both have the "
            f"variable {name}",
            "who sends it fills in the same",
        )
    for channel in sorted(before.texts.keys() - kind.texts.keys()):
        raise ConfigurationError(
            f"template {kind.name}: the one in whose place it stands has texts for {channel}",
            "write them too",
        )
