"""Finds the app that GTR_APP names, and looks it over before anything is done with it."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

from gtr_jobs.db.app_files import read_app_part
from gtr_jobs.db.functions import FUNCTION_NAME
from gtr_jobs.db.job_kinds import JobKind
from gtr_jobs.db.plan import OURS, AppPart
from gtr_jobs.db.sqlfiles import RERUNNABLE_FOLDERS
from gtr_jobs.domain.cron import Cron, find_mistake
from gtr_jobs.domain.errors import ConfigurationError, GtrError
from gtr_jobs.domain.push import Urgency
from gtr_jobs.domain.sources import NOTIFICATIONS, Source
from gtr_jobs.domain.version import Version
from gtr_jobs.engine.schema import COMPONENT as ENGINE
from gtr_jobs.extend import DEFAULT_ATTEMPTS, App, Handler, Queue, Tools
from gtr_jobs.kinds import KINDS
from gtr_jobs.kinds.base import Kind
from gtr_jobs.observe.faults import places_of
from gtr_jobs.settings import Settings
from gtr_jobs.tasks.maintenance import MaintenanceTask
from gtr_jobs.tasks.match import MatchTask
from gtr_jobs.tasks.message_items import MESSAGE_KINDS, RECORDS_KIND
from gtr_jobs.tasks.push import PushTask
from gtr_jobs.tasks.receipts import ReceiptsTask
from gtr_jobs.worker.cron_table import CRON

OUR_QUEUES = (
    PushTask.queue,
    MatchTask.queue,
    ReceiptsTask.queue,
    MaintenanceTask.queue,
    *MESSAGE_KINDS,
)
OUR_KINDS = frozenset(
    {kind.name for kind in KINDS}
    | MatchTask.kinds
    | ReceiptsTask.kinds
    | MaintenanceTask.kinds
    | {*MESSAGE_KINDS.values(), RECORDS_KIND}
)

_REFERENCE = re.compile(r"(?P<module>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):(?P<attribute>[A-Za-z_]\w*)")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_NAME_HINT = "small letters, digits and underscores, at most 40, a letter first"
# What the books and a project's schemas already call something else.
RESERVED_NAMES = frozenset(
    {*RERUNNABLE_FOLDERS, OURS, ENGINE, "migrations", "generated", "public", "auth"}
    | {"storage", "realtime", "extensions", "graphql", "vault", "supabase_migrations"}
)
_LONGEST_LIFE = timedelta(days=28)


def load_app(settings: Settings) -> App | None:
    """Give the app that GTR_APP names; None where it names none.

    Its module is looked for in the working directory first, and then among what is installed.

    Raises:
        ConfigurationError: It is not there, or not as it should be; says what to do.
    """
    if settings.app is None:
        return None
    match = _REFERENCE.fullmatch(settings.app.strip())
    if match is None:
        raise ConfigurationError(
            "GTR_APP: is no module and attribute", "write it as in garage.jobs:app"
        )
    module = _import(match["module"])
    app = getattr(module, match["attribute"], None)
    if not isinstance(app, App):
        what = "has no" if app is None else "has another thing under the name"
        raise ConfigurationError(
            f"GTR_APP: {match['module']} {what} {match['attribute']}",
            f"write `{match['attribute']} = App(...)` there, with App from gtr_jobs.extend",
        )
    for mistake in _mistakes(app):
        raise ConfigurationError(f"GTR_APP: {mistake[0]}", mistake[1])
    return app


def read_app(app: App) -> AppPart:
    """Read what an app installs; see `db.app_files.read_app_part`."""
    pushed = tuple(
        JobKind(
            kind.name,
            PushTask.queue,
            DEFAULT_ATTEMPTS,
            # What the package's own trigger on public.notifications enqueues by its type.
            ("notifications_insert",) if kind.source == NOTIFICATIONS else (),
        )
        for kind in app.kinds
    )
    done = tuple(
        JobKind(
            name,
            queue.name,
            queue.max_attempts,
            ("cron",) if any(cron.kind == name for cron in app.cron) else (),
        )
        for queue in app.queues
        for name in queue.kinds
    )
    return read_app_part(app.name, Version.parse(app.version), app.sql, (*pushed, *done))


def make_handler(queue: Queue, tools: Tools) -> Handler:
    """Make the handler of an app's queue.

    Raises:
        ConfigurationError: It could not be made.
    """
    try:
        handler = queue.make(tools)
    except GtrError:
        raise
    except Exception as error:  # noqa: BLE001  (another team's code may fail in any way)
        raise ConfigurationError(
            f"GTR_APP: the handler of the queue {queue.name} cannot be made "
            f"({type(error).__name__} in {_place_of(error)})",
            "`make` of the queue is called once a worker, with its tools",
        ) from None
    if not callable(handler):
        raise ConfigurationError(
            f"GTR_APP: `make` of the queue {queue.name} gives no handler",
            "let it return what one_by_one(...) gives, or a coroutine function of jobs and finish",
        )
    return handler


def _import(name: str) -> Any:
    folder = str(Path.cwd())
    if folder not in sys.path:
        # A command that was installed does not look where it is called.
        sys.path.insert(0, folder)
    try:
        return importlib.import_module(name)
    except GtrError:
        raise
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise ConfigurationError(
                f"GTR_APP: there is no module {error.name}",
                "run the command in the folder that holds it, or install its package",
            ) from None
        raise _broken(name, error) from None
    except Exception as error:  # noqa: BLE001  (another team's code may fail in any way)
        raise _broken(name, error) from None


def _broken(name: str, error: Exception) -> ConfigurationError:
    # Its text may hold whatever the code was working on.
    if isinstance(error, SyntaxError):
        where = f"{Path(error.filename or name).name}:{error.lineno}"
    else:
        where = _place_of(error)
    return ConfigurationError(
        f"GTR_APP: {name} cannot be imported ({type(error).__name__} in {where})",
        f"`python -c 'import {name}'` shows the whole of it",
    )


def _place_of(error: Exception) -> str:
    return places_of(error)[0].partition(" ")[0]


_Mistake = tuple[str, str]


def _mistakes(app: App) -> Iterator[_Mistake]:
    """Name what is wrong with an app, the first things first; each stands on those before it."""
    if not _is_name(app.name) or app.name in RESERVED_NAMES or app.name.startswith("pg_"):
        yield "an app cannot have this name", f"take another: {_NAME_HINT}, and no schema's"
    try:
        Version.parse(app.version)
    except (ValueError, AttributeError):
        yield f"the app {app.name} has no version", 'write it as in version="0.1.0"'
    yield from _mistakes_of_types(app)
    taken = dict.fromkeys(OUR_KINDS, "gtr_jobs' own")
    for kind in app.kinds:
        yield from _mistakes_of_kind(kind)
        yield from _claim(taken, kind.name, "a kind of notification")
    queues = dict.fromkeys(OUR_QUEUES, "gtr_jobs' own")
    for queue in app.queues:
        yield from _mistakes_of_queue(queue)
        if queue.name in queues:
            yield f"there is a queue {queue.name} already, {queues[queue.name]}", "rename this one"
        queues[queue.name] = "another of the app's"
        for name in queue.kinds:
            yield from _claim(taken, name, f"a kind of the queue {queue.name}")
    yield from _mistakes_of_cron(app)


def _mistakes_of_types(app: App) -> Iterator[_Mistake]:
    for what, values in (("kinds", app.kinds), ("queues", app.queues), ("cron", app.cron)):
        if not isinstance(values, tuple):
            yield f"{what} of the app {app.name} are no tuple", f"write {what}=(..., )"
    for name, value in (("sql", app.sql), ("templates", app.templates)):
        if not (value is None or isinstance(value, Path)):
            yield f"{name} of the app {app.name} is no path", f"write {name}=Path(...)"


def _mistakes_of_cron(app: App) -> Iterator[_Mistake]:
    names = {cron.name for cron in CRON}
    kinds = sorted(name for queue in app.queues for name in queue.kinds)
    for cron in app.cron:
        if not isinstance(cron, Cron):
            yield f"cron has a {type(cron).__name__}", "write Cron(...), from gtr_jobs.extend"
        mistake = find_mistake(cron)
        if mistake is not None:
            yield f"the cron line {cron.name!r} is wrong", mistake
        if cron.name in names:
            yield f"there are two cron lines {cron.name}", "rename one of them"
        names.add(cron.name)
        if cron.kind not in kinds:
            yield (
                f"the cron line {cron.name} names {cron.kind!r}, no kind of the app's queues",
                f"there is {', '.join(kinds) or 'none: add a queue'}",
            )


def _claim(taken: dict[str, str], name: str, whose: str) -> Iterator[_Mistake]:
    if name in taken:
        yield f"two kinds are called {name}: {taken[name]} and {whose}", "rename one of them"
    taken[name] = whose


def _mistakes_of_kind(kind: Kind[Any]) -> Iterator[_Mistake]:
    name = kind.__name__ if isinstance(kind, type) else type(kind).__name__
    if isinstance(kind, type):
        yield f"kinds has the class {name}", f"make one of it: {name}()"
    wanted: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
        ("name", _is_name, _NAME_HINT),
        ("source", _is_source, 'Source("schema.function", Row)'),
        ("time_to_live", _is_life, "a timedelta of at most 28 days"),
        ("urgency", lambda value: value in get_args(Urgency), '"high" or "normal"'),
        ("tell", callable, "a method that takes a row and gives a Notice"),
    )
    for attribute, is_fine, hint in wanted:
        if not is_fine(getattr(kind, attribute, None)):
            yield f"the kind {name} has no {attribute}, or a wrong one", f"it wants {hint}"


def _mistakes_of_queue(queue: Queue) -> Iterator[_Mistake]:
    if not isinstance(queue, Queue):
        yield f"queues has a {type(queue).__name__}", "write Queue(...), from gtr_jobs.extend"
    if not _is_name(queue.name):
        yield "a queue cannot have this name", f"take another: {_NAME_HINT}"
    # Brackets alone make no tuple of a name.
    kinds: object = queue.kinds
    if not isinstance(kinds, tuple) or not kinds or not all(map(_is_name, kinds)):
        yield f"the queue {queue.name} names no kinds", 'write kinds=("NAME",): ' + _NAME_HINT
    if not (1 <= queue.most_jobs <= 10_000 and 1 <= queue.max_attempts <= 100):
        yield (
            f"the queue {queue.name} has limits that make no sense",
            "most_jobs is 1 to 10000, max_attempts 1 to 100",
        )


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _is_source(value: object) -> bool:
    if not isinstance(value, Source) or FUNCTION_NAME.fullmatch(value.function) is None:
        return False
    # Its columns, or its fields, begin with what every row has.
    fields = getattr(value.row, "__dataclass_fields__", {})
    return {"row_id", "recipient_id"} <= set(fields)


def _is_life(value: object) -> bool:
    return isinstance(value, timedelta) and timedelta(0) < value <= _LONGEST_LIFE
