"""What every template says, in every locale, and how a locale is chosen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gtr_jobs.domain.segments import Segments, count_segments
from gtr_jobs.templates.catalog import OURS, RenderedText, Templates, choose_locale
from gtr_jobs.templates.data import TemplateDataError
from gtr_jobs.templates.folder import Channel

GOLDEN = Path(__file__).parent / "golden"
TEMPLATES = Templates.read()


def _texts() -> Iterator[tuple[str, Channel, str]]:
    for kind in TEMPLATES.kinds():
        for channel, locales in kind.texts.items():
            for locale in locales:
                yield kind.name, channel, locale


def _render(kind: str, channel: Channel, locale: str) -> RenderedText:
    return TEMPLATES.render_text(channel, kind, locale, TEMPLATES.find(channel, kind).example)


def _parts(rendered: RenderedText) -> dict[str, str]:
    """Give what there is of a text, a line each, as a golden file has it."""
    parts = {"text": rendered.text, "subject": rendered.subject, "html": rendered.html}
    return {name: text for name, text in parts.items() if text is not None}


@pytest.mark.parametrize(("kind", "channel", "locale"), list(_texts()))
def test_each_text_says_what_its_file_says(kind: str, channel: Channel, locale: str) -> None:
    """Whole, filled in with its example: a text that changes on purpose changes its file too."""
    golden = json.loads((GOLDEN / f"{kind}.json").read_text(encoding="utf-8"))

    assert _parts(_render(kind, channel, locale)) == golden[f"{channel}.{locale}"]


def test_there_is_a_file_for_each_kind_and_no_other() -> None:
    """With each of its texts."""
    there = {
        (path.stem, name)
        for path in GOLDEN.glob("*.json")
        for name in json.loads(path.read_text(encoding="utf-8"))
    }

    assert there == {(kind, f"{channel}.{locale}") for kind, channel, locale in _texts()}


def test_every_kind_is_there_in_two_locales() -> None:
    """English, and one more that proves that there can be."""
    assert {
        (kind.name, channel, *sorted(locales))
        for kind in TEMPLATES.kinds()
        for channel, locales in kind.texts.items()
    } == {
        ("event_reminder", "sms", "de", "en"),
        ("event_reminder", "email", "de", "en"),
        ("new_listings", "email", "de", "en"),
        ("reply_help", "sms", "de", "en"),
        ("reply_start", "sms", "de", "en"),
        ("reply_stop", "sms", "de", "en"),
        ("test", "sms", "de", "en"),
        ("test", "email", "de", "en"),
    }


@pytest.mark.parametrize(
    ("wanted", "known", "chosen"),
    [
        ("de-AT", "de en", "de"),
        ("de-AT", "de de-AT en", "de-AT"),
        ("de_at", "de de-AT en", "de-AT"),
        ("DE", "de en", "de"),
        ("zh-Hant-TW", "zh-Hant zh en", "zh-Hant"),
        ("fr-CA", "de en", "en"),
        ("deu", "de en", "en"),
        (None, "de en", "en"),
        ("", "de en", "en"),
        ("-", "de en", "en"),
        ("de\n", "de en", "de"),
        ("../../etc", "de en", "en"),
    ],
)
def test_a_locale_falls_back_to_its_language_and_then_to_english(
    wanted: str | None, known: str, chosen: str
) -> None:
    """Whatever stands in somebody's profile."""
    assert choose_locale(wanted, dict.fromkeys(known.split())) == chosen


def test_an_sms_with_its_example_is_one_segment() -> None:
    """In every locale: a text that grew, or has a sign that is not in the telephone's alphabet, is seen here."""
    counted = {
        f"{kind}.{locale}": count_segments(_render(kind, channel, locale).text)
        for kind, channel, locale in _texts()
        if channel == "sms"
    }

    assert counted == {
        "event_reminder.de": Segments("gsm7", 1),
        "event_reminder.en": Segments("gsm7", 1),
        "reply_help.de": Segments("gsm7", 1),
        "reply_help.en": Segments("gsm7", 1),
        "reply_start.de": Segments("gsm7", 1),
        "reply_start.en": Segments("gsm7", 1),
        "reply_stop.de": Segments("gsm7", 1),
        "reply_stop.en": Segments("gsm7", 1),
        "test.de": Segments("gsm7", 1),
        "test.en": Segments("gsm7", 1),
    }


def test_what_is_filled_in_is_escaped_in_html_and_nowhere_else() -> None:
    """Somebody's title is no markup, and an SMS no HTML."""
    data = dict(TEMPLATES.find("email", "event_reminder").example)
    data |= {
        "event_title": '<img src=x onerror="a()">\'&',
        "event_url": 'https://a.example/?a="b"&c',
    }
    rendered = TEMPLATES.render_text("email", "event_reminder", "en", data)

    assert rendered.subject == '<img src=x onerror="a()">\'& begins at 19:30'
    assert rendered.html is not None
    assert "<strong>&lt;img src=x onerror=&#34;a()&#34;&gt;&#39;&amp;</strong>" in rendered.html
    assert 'href="https://a.example/?a=&#34;b&#34;&amp;c"' in rendered.html


def test_nothing_of_what_is_filled_in_shows_in_a_representation() -> None:
    """It ends in logs and tracebacks."""
    assert repr(_render("test", "email", "en")) == "RenderedText(locale='en')"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"place": None}, "wrong value for the variable place: it is a text"),
        ({"place": 5}, "wrong value for the variable place: it is a text"),
        (
            {"place": "a\x00b"},
            "wrong value for the variable place: it holds signs that no text has",
        ),
        (
            {"place": "a\ud800b"},
            "wrong value for the variable place: it holds signs that no text has",
        ),
        ({"place": "x" * 10_001}, "too much for the variable place: at most 10000 signs"),
        (
            {"Call +4930": 1},
            "it has no variable given: there is event_title, event_url, place, starts",
        ),
        ({"more": 1}, "it has no variable more: there is event_title, event_url, place, starts"),
        (
            {"event_url": "javascript:alert(1)"},
            "wrong value for the variable event_url: it is an address that begins with https://",
        ),
    ],
)
def test_data_that_does_not_fit_is_refused(change: dict[str, object], message: str) -> None:
    """By the template's name and the variable's, and never by what it holds."""
    data = {**TEMPLATES.find("sms", "event_reminder").example, **change}
    with pytest.raises(TemplateDataError) as refused:
        TEMPLATES.render_text("sms", "event_reminder", "en", data)

    assert str(refused.value) == f"template event_reminder: {message}"


def test_a_variable_without_a_value_is_refused() -> None:
    """Every declared one needs one, whether this text names it or not."""
    with pytest.raises(TemplateDataError) as refused:
        TEMPLATES.render_text("sms", "test", "en", {})

    assert str(refused.value) == (
        "template test: no value for the variable project: every declared variable needs one"
    )


@pytest.mark.parametrize(
    ("listings", "message"),
    [
        ("R34", "wrong value for the variable listings: it is a list"),
        ([{}], "no value for the variable listings[]."),
        ([5], "wrong value for the variable listings[]: it is an object"),
        (
            [{"title": "R34", "price": "1", "url": "http://a.example"}],
            "wrong value for the variable listings[].url: it is an address that begins with https://",
        ),
        ([{}] * 201, "too much for the variable listings: at most 200 in a list"),
    ],
)
def test_what_is_in_a_list_is_held_to_it_too(listings: object, message: str) -> None:
    """To the first thing in the example's."""
    data = {**TEMPLATES.find("email", "new_listings").example, "listings": listings}
    with pytest.raises(TemplateDataError) as refused:
        TEMPLATES.render_text("email", "new_listings", "en", data)

    assert str(refused.value).startswith(f"template new_listings: {message}")


@pytest.mark.parametrize("sign", ["\n", "\r", "\u2028", "\x85", "\u202e"])
def test_a_subject_is_one_line(sign: str) -> None:
    """What would begin another header, or turn the line round, is refused."""
    data = {**TEMPLATES.find("email", "test").example, "project": f"a{sign}Bcc: b"}
    with pytest.raises(TemplateDataError, match=r"^template test: "):
        TEMPLATES.render_text("email", "test", "en", data)


@pytest.mark.parametrize(("channel", "kind"), [("sms", "new_listings"), ("email", "nope")])
def test_a_template_that_is_not_there_is_refused(channel: Channel, kind: str) -> None:
    """And not by the name that was asked for, which may be anything."""
    with pytest.raises(
        TemplateDataError, match=f"^no template of that name for {channel}: there is "
    ):
        TEMPLATES.render_text(channel, kind, "en", {})


def test_the_packages_own_texts_lie_in_it() -> None:
    """Beside the code that reads them."""
    assert OURS.parent.name == "templates"
