"""`gtr-jobs templates`: what SMS and e-mails say."""

from __future__ import annotations

import json as json_text
import sys
from collections.abc import Mapping
from typing import Annotated, Any, cast, get_args

import typer

from gtr_jobs.cli.listing import show_json, show_rows
from gtr_jobs.cli.options import AsJson
from gtr_jobs.domain.errors import UsageError
from gtr_jobs.domain.segments import count_segments
from gtr_jobs.settings import read_settings
from gtr_jobs.templates.catalog import RenderedText, Templates
from gtr_jobs.templates.folder import CHANNELS, Channel

_MOST_DATA = 100_000

app = typer.Typer(no_args_is_help=True, help="See what SMS and e-mails say.")


@app.callback()
def _templates() -> None:
    """See what SMS and e-mails say."""


@app.command("list")
def list_templates(json: AsJson = False) -> None:
    """List every template, with its locales, its variables and what its SMS comes to.

    Reads all files, and refuses what is wrong in one. Needs no database.
    """
    rows = [
        {
            "name": kind.name,
            "channel": channel,
            "locales": sorted(locales),
            "variables": sorted(kind.example),
            "segments": _most_segments(templates, kind.name, sorted(locales), kind.example)
            if channel == "sms"
            else None,
        }
        for templates in [_read()]
        for kind in templates.kinds()
        for channel, locales in kind.texts.items()
    ]
    if json:
        show_json(rows)
        return
    show_rows(
        ["name", "channel", "locales", "variables", "segments"],
        [
            (
                row["name"],
                row["channel"],
                " ".join(cast("list[str]", row["locales"])),
                " ".join(cast("list[str]", row["variables"])),
                row["segments"],
            )
            for row in rows
        ],
    )


@app.command("preview")
def preview(
    name: Annotated[str, typer.Argument(help="Which template.")],
    channel: Annotated[str, typer.Option(help="sms or email.")] = "sms",
    locale: Annotated[str, typer.Option(help="What the person reads, as in de-AT.")] = "en",
    data: Annotated[
        str | None,
        typer.Option(
            help="What is filled in, as JSON; - reads it from standard input; unless given: the "
            "template's example.",
            show_default=False,
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """Show what somebody would be told. Sends nothing and needs no database."""
    if channel not in get_args(Channel):
        raise UsageError("--channel: no such channel", f"there is {', '.join(CHANNELS)}")
    asked = cast("Channel", channel)
    templates = _read()
    example = templates.find(asked, name).example
    rendered = templates.render_text(
        asked, name, locale, example if data is None else _read_data(data)
    )
    if json:
        show_json(_record(rendered))
        return
    if rendered.subject is not None:
        print(f"subject: {rendered.subject}\n")
    print(rendered.text)
    if rendered.html is not None:
        print(f"\n{rendered.html}")
    if asked == "sms":
        print(f"\n{_say_segments(rendered.text)}, locale {rendered.locale}")


def _read() -> Templates:
    # What an app may bring is most of what there is to load.
    from gtr_jobs.app.templates import templates_of  # noqa: PLC0415

    return templates_of(read_settings())


def _read_data(given: str) -> Mapping[str, Any]:
    text = sys.stdin.read(_MOST_DATA) if given == "-" else given
    try:
        data = json_text.loads(text)
    except ValueError:
        raise UsageError("--data: no JSON", 'write it as in {"project": "marketplace"}') from None
    if not isinstance(data, dict):
        raise UsageError("--data: no object", 'write it as in {"project": "marketplace"}')
    return data


def _say_segments(text: str) -> str:
    segments = count_segments(text)
    return f"{segments.count} segment{'s' if segments.count > 1 else ''} of {segments.encoding}"


def _record(rendered: RenderedText) -> dict[str, object]:
    return {
        "locale": rendered.locale,
        "subject": rendered.subject,
        "text": rendered.text,
        "html": rendered.html,
    }


def _most_segments(
    templates: Templates, name: str, locales: list[str], example: Mapping[str, Any]
) -> int:
    texts = (templates.render_text("sms", name, locale, example).text for locale in locales)
    return max(count_segments(text).count for text in texts)
