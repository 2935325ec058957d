"""TypeScript types of our RPCs: what `supabase gen types` writes of a database, cut down to them.

`make types` writes them into docs/reference/database.types.ts.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
import tempfile
from pathlib import Path
from uuid import uuid4

from support.databases import DatabaseMaker, ProjectDatabase
from support.servers import share_server
from support.supabase_cli import make_project

from gtr_jobs.db.sqlfiles import read_folder

TYPES_FILE = Path(__file__).resolve().parents[2] / "docs/reference/database.types.ts"

_SCRIPT = Path(__file__).resolve().parents[1] / "node/rpc_types.mjs"
_PATIENCE_SECONDS = 15
_HEADER = "// Types of the RPCs of gtr_jobs, made by `make types`. Those of your own database have them too.\n\n"


def generate_rpc_types(database: ProjectDatabase, folder: Path) -> str:
    """Write the types of the RPCs as a database has them.

    Args:
        database: It has gtr_jobs installed.
        folder: An empty folder, for the command line's project.
    """
    names = [file.stem.removeprefix("rpc/") for file in read_folder("rpc")]
    done = subprocess.run(
        [shutil.which("node") or "node", _SCRIPT, *names],
        input=make_project(folder).generate_types(database.dsn),
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return _HEADER + done.stdout


def main() -> None:
    """Write the file anew."""
    run = uuid4().hex[:8]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "project").mkdir()
        with share_server(folder / "server", run) as server:
            maker = DatabaseMaker(server, folder / "server", run, map(str, itertools.count()))
            with maker.make("installed", "new") as database:
                types = generate_rpc_types(database, folder / "project")
    TYPES_FILE.write_text(types, encoding="utf-8")


if __name__ == "__main__":
    main()
