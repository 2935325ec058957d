"""The file of GTR_STATE_FILE: made, kept, and refused in a line where it cannot be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command_line import assert_refused, run_command
from support.databases import ProjectDatabase
from support.installed import ENVIRONMENT, PROJECT

from gtr_jobs.dev.worker_process import WorkerProcess


def _settings(database: ProjectDatabase, file: Path) -> dict[str, str]:
    return {
        "GTR_DATABASE_URL": database.worker_dsn,
        "GTR_PROJECT": PROJECT,
        "GTR_ENVIRONMENT": ENVIRONMENT,
        "GTR_HTTP_PORT": "0",
        "GTR_STATE_FILE": str(file),
    }


def _list(folder: Path) -> list[str]:
    return [found.name for found in folder.iterdir()]


async def test_a_worker_goes_on_counting_where_it_left_off(
    database: ProjectDatabase, tmp_path: Path
) -> None:
    """The same witness, and a pulse that only grows; nothing else is left beside the file."""
    file = tmp_path / "state.json"
    kept = []
    for _ in range(2):
        async with WorkerProcess(_settings(database, file)) as worker:
            assert await worker.stop() == 0
            assert not [r for r in worker.records if r["event"] == "database.sending_paused"]
        kept.append(json.loads(file.read_text()))
    assert kept[0]["witness"] == kept[1]["witness"]
    assert 0 < kept[0]["pulse"] < kept[1]["pulse"]
    assert _list(tmp_path) == [file.name]


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"witness": "ann", "pulse": 1}'])
def test_a_file_that_is_another_one_is_refused(
    database: ProjectDatabase, tmp_path: Path, text: str
) -> None:
    """It is not overwritten."""
    file = tmp_path / "state.json"
    file.write_text(text)
    refused = run_command("worker", settings=_settings(database, file))
    assert_refused(refused, 78, "GTR_STATE_FILE", "is no state of a worker")
    assert file.read_text() == text


def test_a_file_that_cannot_be_written_is_refused(
    database: ProjectDatabase, tmp_path: Path
) -> None:
    """Its folder is not there."""
    file = tmp_path / "nowhere" / "state.json"
    refused = run_command("worker", settings=_settings(database, file))
    assert_refused(refused, 78, "GTR_STATE_FILE", "No such file", "may write to")
