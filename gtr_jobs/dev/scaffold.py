"""Writes a small repository that uses the package: the templates, under a name of one's own."""

from __future__ import annotations

import json
import keyword
import re
import sys
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from gtr_jobs import __version__
from gtr_jobs.app.extension import RESERVED_NAMES
from gtr_jobs.domain.errors import UsageError

# Whole files that run as they stand, so that they can be linted and tested where they are.
TEMPLATES = Path(__file__).resolve().parent / "templates" / "app"
TEMPLATE_NAME = "garage"

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
# What the templates import, or have beside the package.
_TAKEN = RESERVED_NAMES | {"tests", "sql", "pytest", "pytest_asyncio", "psycopg"}
# Files that would mean something where the templates lie.
_DOT = "dot_"
_VERSION = "gtr-jobs>=0.1.0"
_SKIPPED = {"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache"}


def write_repository(folder: Path, name: str) -> tuple[Path, ...]:
    """Write a repository into a folder that is empty or not there.

    Args:
        folder: Where.
        name: The app's: of its Python package, its schema and what stands in the database's books.

    Returns:
        The files written.

    Raises:
        UsageError: The folder is not empty or cannot be written to, or the name will not do.
    """
    _check_name(name)
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(f"{folder} is not empty", "name a folder that is not there yet")
        return tuple(_write(folder, name))
    except OSError as error:
        raise UsageError(
            f"{folder}: {error.strerror}", "name a folder that you can write to"
        ) from None


def find_own_source() -> Path | None:
    """Find the checkout or the wheel that this package was installed from; None if it came from an index."""
    origin = distribution("gtr-jobs").read_text("direct_url.json")
    url = urlsplit(json.loads(origin)["url"]) if origin else None
    return Path(url2pathname(url.path)) if url and url.scheme == "file" else None


def _check_name(name: str) -> None:
    is_python = name in sys.stdlib_module_names or keyword.iskeyword(name)
    if _NAME.fullmatch(name) is None or name in _TAKEN or name.startswith("pg_") or is_python:
        raise UsageError(
            f"--name {name}: an app cannot have this name",
            "small letters, digits and underscores, at most 40, a letter first; no schema of "
            "Supabase's, no module of Python's",
        )


def _write(folder: Path, name: str) -> list[Path]:
    written = []
    for template in sorted(TEMPLATES.rglob("*")):
        place = template.relative_to(TEMPLATES)
        if template.is_dir() or not _SKIPPED.isdisjoint(place.parts):
            continue
        parts = [name if part == TEMPLATE_NAME else part for part in place.parts]
        parts[-1] = re.sub(f"^{_DOT}", ".", parts[-1])
        target = folder.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_fill(template.read_text(encoding="utf-8"), name), encoding="utf-8")
        written.append(target)
    return written


def _fill(text: str, name: str) -> str:
    # A link's scheme and a bundle's id know no underscore.
    text = text.replace(f"{TEMPLATE_NAME}-app", f"{name.replace('_', '-')}-app")
    # A part of a longer name too, as in garage_bookings_insert.
    named = re.sub(rf"(?<![A-Za-z0-9]){TEMPLATE_NAME}(?![a-z0-9])", name, text)
    return named.replace(_VERSION, f"gtr-jobs>={__version__}")
