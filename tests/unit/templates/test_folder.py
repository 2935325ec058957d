"""A folder of templates that is not as it should be is refused when it is read, and not at night."""

from __future__ import annotations

from pathlib import Path

import pytest

from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.templates.catalog import Templates

FINE = {
    "template.toml": '[variables]\nname = "Mia"\n',
    "sms.en.txt": "Hello {{ name }}\n",
    "sms.de.txt": "Hallo {{ name }}\n",
}


def _write(folder: Path, files: dict[str, str | None], kind: str = "greeting") -> Path:
    for name, text in {**FINE, **files}.items():
        if text is not None:
            path = folder / kind / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return folder


def test_an_app_brings_its_own_templates(tmp_path: Path) -> None:
    """They stand beside the package's."""
    templates = Templates.read(_write(tmp_path, {}))

    assert templates.render_text("sms", "greeting", "de-CH", {"name": "Mia"}).text == "Hallo Mia"
    assert "test" in [kind.name for kind in templates.kinds()]


def test_an_app_says_it_in_its_own_words(tmp_path: Path) -> None:
    """A kind of the same name stands in the place of the package's, and has the same variables."""
    ours = {"template.toml": '[variables]\nproject = "a"\n', "sms.en.txt": "{{ project }}!"}
    mail = {"email.en.subject.txt": "{{ project }}!", "email.en.txt": "{{ project }}!"}
    templates = Templates.read(_write(tmp_path, {**ours, "sms.de.txt": None, **mail}, "test"))

    assert templates.render_text("sms", "test", "de", {"project": "garage"}).text == "garage!"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"template.toml": None}, "template greeting/template.toml: not there"),
        ({"template.toml": "[variables"}, "template greeting/template.toml: "),
        ({"template.toml": "[vars]\n"}, "template greeting/template.toml: more than [variables]"),
        (
            {"template.toml": "[variables]\nname = []\n"},
            "template greeting/template.toml: name cannot be a variable",
        ),
        (
            {"template.toml": "[variables]\nname = 2026-01-01\n"},
            "template greeting/template.toml: name cannot be a variable",
        ),
        (
            {"template.toml": '[variables]\nname = "a"\nmore = "b"\n'},
            "template greeting: no text names the variable more",
        ),
        (
            {"sms.en.txt": "Hello {{ nam }}"},
            "template greeting/sms.en.txt: it names nam, which template.toml does not declare",
        ),
        (
            {"sms.en.txt": "{% if name %}{{ now }}{% endif %}"},
            "template greeting/sms.en.txt: it names now, which template.toml does not declare",
        ),
        (
            {"sms.de.txt": "Hallo"},
            "template greeting: sms.de and sms.en do not both name name",
        ),
        ({"sms.en.txt": None}, "template greeting: sms has no en"),
        ({"sms.en.html": "a"}, "template greeting/sms.en.html: no name for a text"),
        ({"sms.EN.txt": "a"}, "template greeting/sms.EN.txt: no name for a text"),
        ({"email.en.txt": "{{ name }}"}, "template greeting: email.en has no subject"),
        ({"sms.en.txt": "\n\nHello {{ name"}, "template greeting/sms.en.txt:3: expected '}}'"),
        ({"sms.en.txt": "{{ name | safe }}"}, "template greeting/sms.en.txt:1: no filter safe"),
        (
            {"sms.en.txt": "{{ name | default: 1 }}"},
            "template greeting/sms.en.txt:1: no filter default",
        ),
        ({"sms.en.txt": "{% assign a = name %}"}, "template greeting/sms.en.txt:1: unexpected tag"),
        ({"sms.en.txt": "{% include 'a' %}"}, "template greeting/sms.en.txt:1: unexpected tag"),
        ({"sms.en.txt": "{% if name %}"}, "template greeting/sms.en.txt"),
        ({"sms.en.txt": "{{ name.first }}"}, "template greeting/sms.en.txt: cannot be filled in"),
        (
            {"sms.en.txt": "{% if name == 'a' %}{{ name }}{% endif %}"},
            "template greeting/sms.en.txt: says nothing (in its example, sms.en)",
        ),
    ],
)
def test_a_file_that_is_wrong_is_named(
    tmp_path: Path, files: dict[str, str | None], message: str
) -> None:
    """With what is wrong in it."""
    with pytest.raises(ConfigurationError) as refused:
        Templates.read(_write(tmp_path, files))

    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("html", "message"),
    [
        ('<a href="{{ name }}">a</a>', "a link holds name, which may be anything"),
        ("<img src='{{name}}'>", "a link holds name, which may be anything"),
        ("<p class={{ name }}>", "an attribute has a variable without quotes"),
    ],
)
def test_a_link_to_anywhere_is_refused(tmp_path: Path, html: str, message: str) -> None:
    """Escaping does not make it safe."""
    mail = {"email.en.subject.txt": "Hello", "email.en.txt": "Hello", "email.en.html": html}
    with pytest.raises(ConfigurationError) as refused:
        Templates.read(_write(tmp_path, dict(mail)))

    assert str(refused.value).startswith(f"template greeting/email.en.html: {message}")


def test_html_that_only_one_locale_has_is_refused(tmp_path: Path) -> None:
    """All locales of a channel have the same parts."""
    mail = {
        f"email.{of}.{part}": "{{ name }}" for of in ("en", "de") for part in ("txt", "subject.txt")
    }
    with pytest.raises(ConfigurationError) as refused:
        Templates.read(_write(tmp_path, {**mail, "email.de.html": "<p>{{ name }}</p>"}))

    assert refused.value.message == (
        "template greeting: email.de and email.en do not both have a part html"
    )


def test_a_kind_in_the_place_of_another_has_its_variables(tmp_path: Path) -> None:
    """Who sends it does not know whose words it has."""
    with pytest.raises(ConfigurationError, match="do not both have the variable name"):
        Templates.read(_write(tmp_path, {}, "test"))


def test_a_kind_in_the_place_of_another_has_its_channels(tmp_path: Path) -> None:
    """A text that is missing is found before it is to be sent."""
    ours = {"template.toml": '[variables]\nproject = "a"\n'}
    texts = {"sms.en.txt": "{{ project }}", "sms.de.txt": "{{ project }}"}
    with pytest.raises(ConfigurationError, match="has texts for email: write them too"):
        Templates.read(_write(tmp_path, {**ours, **texts}, "test"))


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With what it should be."""
    with pytest.raises(ConfigurationError, match=r"nowhere: No such file"):
        Templates.read(tmp_path / "nowhere")


@pytest.mark.parametrize("kind", ["Greeting", "1st", "a-b"])
def test_a_kind_has_a_name_like_every_kind(tmp_path: Path, kind: str) -> None:
    """Small letters, digits and underscores."""
    with pytest.raises(ConfigurationError, match="no kind can have this name"):
        Templates.read(_write(tmp_path, {}, kind))
