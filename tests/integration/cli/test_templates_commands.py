"""Texts can be looked at without a database, and a file that is wrong is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command_line import assert_refused, run_command

_APP = """
from pathlib import Path
from gtr_jobs.extend import App
app = App(name="garage", version="0.1.0", templates=Path(__file__).parent / "texts")
"""


def test_every_template_is_listed() -> None:
    """With its locales, its variables and what its SMS comes to."""
    ended = run_command("templates", "list", "--json")

    assert ended.code == 0
    listed = {(row["name"], row["channel"]): row for row in json.loads(ended.out)}
    assert listed["event_reminder", "sms"] == {
        "name": "event_reminder",
        "channel": "sms",
        "locales": ["de", "en"],
        "variables": ["event_title", "event_url", "place", "starts"],
        "segments": 1,
    }
    assert listed["new_listings", "email"]["segments"] is None


def test_a_text_is_shown_as_somebody_would_read_it() -> None:
    """In the nearest of its locales, with its example, and with what it costs."""
    ended = run_command("templates", "preview", "test", "--locale", "de-AT")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        "Test von marketplace: SMS kommen unter dieser Nummer an.\n\n1 segment of gsm7, locale de\n"
    )


def test_an_email_is_shown_with_what_it_was_given() -> None:
    """Its data may come from standard input, which stands in no list of processes."""
    ended = run_command(
        "templates",
        "preview",
        "test",
        "--channel",
        "email",
        "--data",
        "-",
        "--json",
        given=b'{"project": "<b>"}',
    )

    shown = json.loads(ended.out)
    assert (shown["locale"], shown["subject"]) == ("en", "Test of <b>")
    assert "Test of &lt;b&gt;" not in shown["text"]
    assert "test of &lt;b&gt;" in shown["html"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "no template of that name for sms: there is event_reminder, "),
        (["test", "--channel", "fax"], "--channel: no such channel: there is sms, email"),
        (["test", "--data", "{"], "--data: no JSON"),
        (["test", "--data", "[]"], "--data: no object"),
        (["test", "--data", "{}"], "template test: no value for the variable project"),
        (
            ["test", "--data", '{"project": "a", "secret-canary": 1}'],
            "template test: it has no variable given",
        ),
    ],
)
def test_what_cannot_be_shown_is_refused(arguments: list[str], message: str) -> None:
    """Exit 2, by the template's name and the variable's."""
    assert_refused(run_command("templates", "preview", *arguments), 2, message)


def test_an_apps_texts_stand_beside_the_packages(tmp_path: Path) -> None:
    """And one that is wrong is refused wherever texts are read."""
    (tmp_path / "garage_texts.py").write_text(_APP)
    texts = tmp_path / "texts" / "ready"
    texts.mkdir(parents=True)
    (texts / "template.toml").write_text('[variables]\ncar = "R34"\n')
    (texts / "sms.en.txt").write_text("Your {{ car }} is ready.\n")
    settings = {"GTR_APP": "garage_texts:app", "PYTHONPATH": str(tmp_path)}
    shown = run_command("templates", "preview", "ready", settings=settings)
    (texts / "sms.en.txt").write_text("Your {{ carr }} is ready.\n")
    broken = run_command("templates", "list", settings=settings)

    assert shown.out.splitlines()[0] == "Your R34 is ready."
    assert_refused(
        broken, 78, "template ready/sms.en.txt: it names carr, which template.toml does not declare"
    )
