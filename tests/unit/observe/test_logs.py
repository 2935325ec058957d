"""The log is JSON for machines and text on a terminal, and says nothing of people."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

_SAY = """
import logging, sys
from gtr_jobs.observe.logs import configure_logs, get_logger
configure_logs(sys.argv[1], "info")
log = get_logger()
log.debug("test.too_quiet")
log.info("test.happened", job_id=7, note="mail mia@example.test\\n{}", seconds=0.5)
logging.getLogger("procrastinate.worker").info("Starting job send(phone='+15550100')")
logging.getLogger("procrastinate.worker").error("broken for +1 555 010 0000")
logging.getLogger("uvicorn.access").info("GET /metrics")
try:
    raise ValueError("token ExponentPushToken[abc]")
except ValueError:
    log.exception("test.failed")
"""


def _say(log_format: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", _SAY, log_format], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    return done.stderr.splitlines()


def _without_time(line: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(line)
    assert next(iter(record)) == "timestamp"
    record.pop("timestamp")
    return record


@pytest.mark.parametrize("log_format", ["json", "auto"])
def test_a_record_is_one_line_of_json_without_people(log_format: str) -> None:
    """Ours and what libraries log come in one form; procrastinate's arguments are not logged at all."""
    *records, failed = [_without_time(line) for line in _say(log_format)]

    assert records == [
        {
            "level": "info",
            "event": "test.happened",
            "job_id": 7,
            "note": "mail [e-mail]\\u000a{}",
            "seconds": 0.5,
        },
        {"level": "error", "event": "broken for [phone]"},
    ]
    assert (failed["level"], failed["event"]) == ("error", "test.failed")
    assert failed["exception"].endswith("ValueError: token [push token]")


def test_on_a_terminal_a_record_is_a_readable_line() -> None:
    """Level and event come first, values behind them."""
    first = _say("console")[0]

    assert "info" in first
    assert "test.happened" in first
    assert "job_id=7" in first
    assert not first.startswith("{")
