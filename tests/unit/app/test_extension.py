"""GTR_APP: every mistake in it is one line that names the setting and says what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest

from gtr_jobs.app.database import plan_of
from gtr_jobs.app.extension import load_app, make_handler, read_app
from gtr_jobs.domain.errors import ConfigurationError
from gtr_jobs.domain.sources import NOTIFICATIONS, AppNotification, Source
from gtr_jobs.extend import App, Cron, Handler, Kind, Notice, Queue, Tools
from gtr_jobs.settings import Settings

MODULE = "gtr_tried_app"


class Told:
    """A kind of somebody's own, about a notification of the app's."""

    name = "price_drop"
    source: Source[Any] = NOTIFICATIONS
    time_to_live = timedelta(hours=1)
    urgency = "high"

    def tell(self, row: AppNotification) -> Notice:
        """Word it."""
        return Notice(row.title, row.body, "x", "x", "x")


def _kind(**changed: object) -> Kind[Any]:
    kind = Told()
    for name, value in changed.items():
        setattr(kind, name, value)
    return cast("Kind[Any]", kind)


def _make(_: Tools) -> Handler:
    raise NotImplementedError


QUEUE = Queue("slips", ("write_slip",), _make)
APP = App("garage", "0.1.0", (_kind(),), (QUEUE,))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with nothing in it; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        del sys.modules[name]


def _load(app: str | None) -> App | None:
    return load_app(Settings(_env_file=None, app=app))


def _refusal(app: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        _load(app)
    assert refused.value.exit_code == 78
    assert refused.value.hint
    return str(refused.value)


def test_without_the_setting_there_is_no_app(folder: Path) -> None:
    """Nothing is imported and nothing is installed beside the package's own."""
    assert _load(None) is None
    assert plan_of(Settings(_env_file=None)).app is None


def test_an_app_is_found_in_the_working_directory(folder: Path) -> None:
    """A command that was installed looks where it is called."""
    (folder / "one.py").write_text("from gtr_jobs.extend import App\napp = App('one', '1.2.3')\n")
    assert _load("one:app") == App("one", "1.2.3")
    part = plan_of(Settings(_env_file=None, app="one:app")).app
    assert part is not None
    assert (part.name, str(part.version), part.steps) == ("one", "1.2.3", ())


@pytest.mark.parametrize("text", ["garage", "garage.jobs", "garage:", ":app", "a b:c", "../x:y"])
def test_what_is_no_module_and_attribute_is_refused(folder: Path, text: str) -> None:
    """With the form that it should have."""
    assert _refusal(text) == "GTR_APP: is no module and attribute: write it as in garage.jobs:app"


@pytest.mark.parametrize("text", [f"{MODULE}:app", f"{MODULE}.jobs:app"])
def test_a_module_that_is_not_there_is_named(folder: Path, text: str) -> None:
    """With where it is looked for."""
    assert _refusal(text) == (
        f"GTR_APP: there is no module {MODULE}: run the command in the folder that holds it, or "
        "install its package"
    )


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import gtr_nothing_of_the_kind\n", f"(ModuleNotFoundError in {MODULE}.py:1)"),
        ("x = 1\nraise ValueError('canary')\n", f"(ValueError in {MODULE}.py:2)"),
        ("app = (\n", f"(SyntaxError in {MODULE}.py:1)"),
        ("from gtr_jobs.extend import Nothing\n", f"(ImportError in {MODULE}.py:1)"),
    ],
)
def test_a_module_that_cannot_be_imported_is_told_by_its_place(
    folder: Path, code: str, said: str
) -> None:
    """Kind and place of the error, never its text; and how to see the whole of it."""
    (folder / f"{MODULE}.py").write_text(code)
    refusal = _refusal(f"{MODULE}:app")
    assert refusal.startswith(f"GTR_APP: {MODULE} cannot be imported {said}: ")
    assert "canary" not in refusal


@pytest.mark.parametrize(
    ("code", "said"),
    [("", "has no app"), ("app = 'canary'\n", "has another thing under the name app")],
)
def test_what_is_no_app_is_refused(folder: Path, code: str, said: str) -> None:
    """With what should stand there."""
    (folder / f"{MODULE}.py").write_text(code)
    assert _refusal(f"{MODULE}:app") == (
        f"GTR_APP: {MODULE} {said}: write `app = App(...)` there, with App from gtr_jobs.extend"
    )


def _with_queue(**changed: Any) -> App:
    return replace(APP, queues=(replace(QUEUE, **changed),))


@pytest.mark.parametrize(
    ("app", "said"),
    [
        (replace(APP, name="Garage"), "an app cannot have this name"),
        (replace(APP, name="gtr_jobs"), "an app cannot have this name"),
        # A folder of ours: its files would be taken for the package's.
        (replace(APP, name="engine"), "an app cannot have this name"),
        (replace(APP, name="pg_garage"), "an app cannot have this name"),
        (replace(APP, version="soon"), "the app garage has no version"),
        (replace(APP, kinds=cast("Any", [_kind()])), "kinds of the app garage are no tuple"),
        (replace(APP, queues=cast("Any", QUEUE)), "queues of the app garage are no tuple"),
        (replace(APP, sql=cast("Any", "sql")), "sql of the app garage is no path"),
        (replace(APP, kinds=(cast("Any", Told),)), "kinds has the class Told"),
        (replace(APP, kinds=(_kind(name=""),)), "the kind Told has no name"),
        (replace(APP, kinds=(_kind(source="messages"),)), "the kind Told has no source"),
        (replace(APP, kinds=(_kind(source=Source("f", AppNotification)),)), "has no source"),
        (replace(APP, kinds=(_kind(source=Source("a.f", cast("Any", int))),)), "has no source"),
        (replace(APP, kinds=(_kind(time_to_live=60),)), "the kind Told has no time_to_live"),
        (replace(APP, kinds=(_kind(time_to_live=timedelta(days=29)),)), "has no time_to_live"),
        (replace(APP, kinds=(_kind(urgency="soon"),)), "the kind Told has no urgency"),
        (replace(APP, kinds=(_kind(tell=None),)), "the kind Told has no tell"),
        (
            replace(APP, kinds=(_kind(name="message"),)),
            "two kinds are called message: gtr_jobs' own and a kind of notification",
        ),
        (
            replace(APP, kinds=(_kind(), _kind())),
            "two kinds are called price_drop: a kind of notification and a kind of notification",
        ),
        (
            _with_queue(kinds=("price_drop",)),
            "two kinds are called price_drop: a kind of notification and a kind of the queue slips",
        ),
        (_with_queue(kinds=("match_saved_searches",)), "two kinds are called match_saved_searches"),
        (_with_queue(name="push"), "there is a queue push already, gtr_jobs' own"),
        (
            replace(APP, queues=(QUEUE, replace(QUEUE, kinds=("other",)))),
            "there is a queue slips already, another of the app's",
        ),
        (_with_queue(name="Slips"), "a queue cannot have this name"),
        (_with_queue(kinds=()), "the queue slips names no kinds"),
        (_with_queue(kinds="write_slip"), "the queue slips names no kinds"),
        (_with_queue(most_jobs=0), "the queue slips has limits that make no sense"),
        (_with_queue(max_attempts=101), "the queue slips has limits that make no sense"),
        (replace(APP, queues=(cast("Any", "slips"),)), "queues has a str"),
    ],
)
def test_what_an_app_says_is_looked_over(
    folder: Path, app: App, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names, versions, kinds and queues: the first thing that is wrong is named, with what to do."""
    module = ModuleType(MODULE)
    monkeypatch.setattr(module, "app", app, raising=False)
    monkeypatch.setitem(sys.modules, MODULE, module)
    assert said in _refusal(f"{MODULE}:app")


def test_a_kind_about_the_apps_notifications_is_enqueued_by_the_packages_own_trigger() -> None:
    """It needs no file of the app's; what is of another table does."""
    app = replace(APP, queues=())
    (listed,) = read_app(app).files
    assert "('price_drop', 'push', 'garage notifications_insert', 8)" in listed.sql
    other = Source("garage.read_bookings", AppNotification)
    with pytest.raises(ConfigurationError) as refused:
        read_app(replace(app, kinds=(_kind(source=other),)))
    assert str(refused.value) == (
        "GTR_APP: no file of the app garage enqueues its kind 'price_drop': write "
        "sql/on/TABLE_insert.sql with `-- enqueues: price_drop` in its head"
    )


def test_a_handler_that_cannot_be_made_is_told_by_its_queue() -> None:
    """And so is what is none; the error's text is not shown."""
    tools = cast("Tools", None)

    def fail(_: Tools) -> Handler:
        raise ValueError("canary")

    with pytest.raises(ConfigurationError) as failed:
        make_handler(replace(QUEUE, make=fail), tools)
    said = str(failed.value)
    assert said.startswith("GTR_APP: the handler of the queue slips cannot be made (ValueError in ")
    assert "canary" not in said
    with pytest.raises(ConfigurationError, match="`make` of the queue slips gives no handler"):
        make_handler(replace(QUEUE, make=cast("Any", lambda _: None)), tools)


CRON = Cron("nightly", "0 3 * * *", "write_slip", zone="Europe/Berlin")


@pytest.mark.parametrize(
    ("lines", "says", "hint"),
    [
        ([CRON], "cron of the app garage are no tuple", "write cron=(..., )"),
        ((CRON.name,), "cron has a str", "write Cron(...)"),
        ((CRON, CRON), "there are two cron lines nightly", "rename"),
        ((replace(CRON, name="maintenance"),), "there are two cron lines maintenance", "rename"),
        ((replace(CRON, schedule="3 o'clock"),), "the cron line 'nightly' is wrong", "five fields"),
        ((replace(CRON, zone="Berlin"),), "the cron line 'nightly' is wrong", "no time zone"),
        ((replace(CRON, kind="price_drop"),), "no kind of the app's queues", "there is write_slip"),
    ],
)
def test_a_mistake_in_a_cron_line_is_named(
    monkeypatch: pytest.MonkeyPatch, lines: Any, says: str, hint: str
) -> None:
    """Which line, what is wrong with it, and what it wants; a notification has no row to be about."""
    module = ModuleType(MODULE)
    vars(module)["app"] = replace(APP, cron=lines)
    monkeypatch.setitem(sys.modules, MODULE, module)
    refusal = _refusal(f"{MODULE}:app")
    assert says in refusal
    assert hint in refusal


def test_what_a_cron_line_enqueues_needs_no_file() -> None:
    """The kind says that it is cron that produces it."""
    part = read_app(replace(APP, cron=(CRON,)))
    (listed,) = [file for file in part.files if file.path.endswith("job_kinds.sql")]
    assert "'write_slip', 'slips', 'garage cron'" in listed.sql
