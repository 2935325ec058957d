"""The RPCs' TypeScript types are those of the database, and a client that is written with them compiles."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.databases import ProjectDatabase
from support.rpc_types import TYPES_FILE, generate_rpc_types

NODE = Path(__file__).resolve().parents[1] / "node"
COMPILER = NODE / "node_modules/typescript/bin/tsc"


def test_the_types_are_those_of_the_database(database: ProjectDatabase, tmp_path: Path) -> None:
    """An RPC that is changed is written anew: `make types`."""
    assert TYPES_FILE.read_text(encoding="utf-8") == generate_rpc_types(database, tmp_path)


# The compiler reads all that supabase-js declares.
@pytest.mark.timeout(60)
def test_a_client_compiles_and_its_mistakes_do_not() -> None:
    """tests/node/typed_client.ts calls every RPC; a mistake in it that did compile would be an error too."""
    if not COMPILER.exists():
        pytest.skip("no TypeScript: run `npm ci` in tests/node")
    done = subprocess.run(
        [
            *("node", str(COMPILER), "typed_client.ts", "--noEmit", "--strict", "--skipLibCheck"),
            *("--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler"),
            *("--types", "node"),
        ],
        cwd=NODE,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
