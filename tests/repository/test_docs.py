"""What is documented is what there is: commands, settings, metrics, events and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from support.rpc_answers import REFUSED_IN_A_STORY, WRONG_CALLS
from support.rpc_calls import RIGHT
from typer.core import TyperGroup

from gtr_jobs.cli.main import app
from gtr_jobs.credential_settings import AppCredentials
from gtr_jobs.db.sqlfiles import read_folder
from gtr_jobs.observe.events import ALL_EVENTS
from gtr_jobs.observe.metrics import Metrics
from gtr_jobs.observe.processes import ProcessMetrics
from gtr_jobs.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
RPC = re.MULTILINE | re.DOTALL
# An app's own settings stand under a name of its own choice.
SETTINGS = {
    f"GTR_{name.upper()}": field for name, field in Settings.model_fields.items() if name != "apps"
} | {
    f"GTR_APPS__NAME__{name.upper()}": field for name, field in AppCredentials.model_fields.items()
}
# Two screens of a terminal that is as high as a laptop's.
README_LINES = 110


def _commands(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            if command.invoke_without_command:
                yield f"{path} {name}", command
            yield from _commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


COMMANDS = dict(_commands(typer.main.get_command(app), "gtr-jobs"))


def _sections(page: str) -> dict[str, str]:
    """Cut a page at its second-level headings."""
    parts = re.split(r"^## `(.+)`$", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_command_and_option_is_documented() -> None:
    """The page of commands has a section for each, and a row for each of its options; and no more."""
    sections = _sections((REFERENCE / "commands.md").read_text())
    documented = {
        name: set(re.findall(r"^\| `(--[a-z-]+)` \|", text, re.MULTILINE))
        for name, text in sections.items()
    }

    assert documented == {
        name: {
            option
            for parameter in command.params
            for option in parameter.opts
            if option.startswith("--") and option != "--help"
        }
        for name, command in COMMANDS.items()
    }


def test_every_command_has_help() -> None:
    """Each says in its first line what it does."""
    assert [name for name, command in COMMANDS.items() if not command.help] == []


def test_every_setting_is_documented_in_its_own_words() -> None:
    """The page of settings has a row for each, with the description that error messages give too."""
    rows = dict(
        re.findall(
            r"^\| `(GTR_\w+)` \| .*? \| (.*) \|$",
            (REFERENCE / "settings.md").read_text(),
            re.MULTILINE,
        )
    )

    assert rows == {name: field.description for name, field in SETTINGS.items()}


def test_the_example_environment_has_every_setting_and_no_other() -> None:
    """.env.example names each setting once; those that are commented out show their default or an example."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    named = [match[1] for line in lines if (match := re.match(r"(?:# )?(GTR_\w+)=", line))]

    assert sorted(named) == sorted(SETTINGS)


def test_the_example_environment_shows_the_defaults() -> None:
    """What stands behind a setting that has a default is that default."""
    text = (ROOT / ".env.example").read_text()
    shown = dict(re.findall(r"^(?:# )?(GTR_\w+)=(.*)$", text, re.MULTILINE))

    for name, field in SETTINGS.items():
        if field.default is not None:
            value = field.default
            expected = (
                str(value).lower() if isinstance(value, bool) else f"{value}".removesuffix(".0")
            )
            assert shown[name] == expected, name


def test_every_metric_is_documented_with_its_labels() -> None:
    """The page of metrics has a row for each, with labels and meaning."""
    rows = set(
        re.findall(
            r"^\| `(gtr_\w+)` \| (\w+) \| (.+?) \| (.+) \|$",
            (REFERENCE / "metrics.md").read_text(),
            re.MULTILINE,
        )
    )
    metrics = vars(Metrics("0")) | vars(ProcessMetrics())

    assert rows == {
        (
            metric._name + ("_total" if metric._type == "counter" else ""),
            metric._type,
            ", ".join(f"`{label}`" for label in metric._labelnames) or "none",
            metric._documentation,
        )
        for name, metric in metrics.items()
        if name != "registry"
    }


def _documented_rpcs() -> dict[str, tuple[list[tuple[str, str]], set[tuple[str, str]]]]:
    """Read of each RPC its arguments with their defaults, and its errors with their statuses."""
    return {
        name: (
            re.findall(r"^\| `(p_\w+)` \| (.*?) ?\|", text, re.MULTILINE),
            set(re.findall(r"^\| (\d{3}) \| `(\w+)` \|", text, re.MULTILINE)),
        )
        for name, text in _sections((REFERENCE / "rpcs.md").read_text()).items()
    }


def test_every_rpc_is_documented_with_its_arguments() -> None:
    """The page of RPCs has a section for each file, with every argument and its default, in order; and no more."""
    declared = {}
    for file in read_folder("rpc"):
        found = re.findall(r"^create or replace function public\.(\w+)\((.*?)\)\n", file.sql, RPC)
        ((name, arguments),) = found
        assert file.stem == f"rpc/{name}"
        declared[name] = [
            (argument, default and f"`{default}`")
            for argument, default in re.findall(
                r"(p_\w+) [a-z\[\]]+(?: default (\w+))?(?:,|$)", arguments.strip()
            )
        ]

    assert {name: arguments for name, (arguments, _) in _documented_rpcs().items()} == declared


def test_every_error_of_an_rpc_is_documented() -> None:
    """Each that its file raises, and each of the functions that it calls; and no more."""
    sources = {file.stem: file.sql for folder in ("rpc", "rules") for file in read_folder(folder)}
    raised = {}
    for name in _documented_rpcs():
        calls, waiting = set(), [sources[f"rpc/{name}"]]
        while waiting:
            code = waiting.pop()
            calls |= set(re.findall(r"gtr_jobs\.refuse\(\s*(\d{3}), '(\w+)'", code))
            waiting += [
                sources[required]
                for required in re.findall(
                    r"^-- requires: ((?:rules|rpc)/\w+)$", code, re.MULTILINE
                )
            ]
        raised[name] = calls

    assert {name: errors for name, (_, errors) in _documented_rpcs().items()} == raised


def test_every_error_of_an_rpc_is_met_by_the_real_client() -> None:
    """Each that is documented is among the answers that supabase-js is expected to get; and no more."""
    met: dict[str, set[tuple[str, str]]] = {name: set() for name in RIGHT}
    answers = [(call.rpc, call.answer) for call in WRONG_CALLS] + [
        (name, answer) for name, refusals in REFUSED_IN_A_STORY.items() for answer in refusals
    ]
    for name, answer in answers:
        if answer.name is not None and answer.code == f"PT{answer.status}":
            met[name].add((str(answer.status), answer.name))

    assert {name: errors for name, (_, errors) in _documented_rpcs().items()} == met


def test_every_log_event_is_documented() -> None:
    """The page of events has a row for each, and for no other."""
    page = (REFERENCE / "log-events.md").read_text()

    assert set(re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \|", page, re.MULTILINE)) == ALL_EVENTS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """A relative link names a file that is there."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    """Whoever follows links from the README comes to every page."""
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop().resolve()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        links = re.findall(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)", page.read_text())
        waiting += [page.parent / link for link in links]

    assert [page for page in PAGES if page not in seen] == []


def test_the_readme_is_two_screens_long() -> None:
    """What does not fit belongs on a page of its own."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= README_LINES
