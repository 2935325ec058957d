"""The log: JSON lines for machines, readable lines on a terminal."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Literal, Protocol

import orjson

from gtr_jobs.observe.log_stream import LogStream
from gtr_jobs.observe.redaction import redact_event

if TYPE_CHECKING:
    import structlog

_OURS = logging.getLogger("gtr_jobs")


class Logger(Protocol):
    """What is told to the log: an event of ours, and values by name."""

    def debug(self, event: str, /, **values: Any) -> Any:
        """Tell what is for the curious."""

    def info(self, event: str, /, **values: Any) -> Any:
        """Tell what goes as it should."""

    def warning(self, event: str, /, **values: Any) -> Any:
        """Tell what somebody should look at."""

    def error(self, event: str, /, **values: Any) -> Any:
        """Tell what goes wrong."""


def configure_logs(
    log_format: Literal["auto", "json", "console"],
    level: Literal["debug", "info", "warning", "error"],
    process: int | None = None,
) -> None:
    """Send this process's log, and what libraries log, to standard error, redacted.

    Args:
        log_format: How a record is written.
        level: The least that is logged.
        process: Which of several processes this is: every record says so.
    """
    as_json = log_format == "json" or (log_format == "auto" and not sys.stderr.isatty())
    with _without_rich() if as_json else nullcontext():
        import structlog  # noqa: PLC0415  (no command but those that run on writes a log)
    if process is not None:
        structlog.contextvars.bind_contextvars(process=process)
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.format_exc_info,
        redact_event,
        # Behind it: a time looks like no name of ours, and would be searched for secrets.
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _put_first,
    ]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer(serializer=_write_json)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=28)
    )
    handler = LogStream(sys.stderr.fileno())
    # Every push has its line: our own go straight to the stream, at a third of what the standard library's
    # way costs. That way is for what libraries log.
    structlog.configure(
        processors=[*shared, renderer],
        logger_factory=lambda *_: _StreamLogger(handler),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    _OURS.setLevel(level.upper())
    # procrastinate's INFO lines print all arguments of a job; uvicorn's print every scrape.
    for noisy in ("procrastinate", "uvicorn", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # Its warnings are what strangers sent: as many as they like.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)


@contextmanager
def _without_rich() -> Iterator[None]:
    """Let what is loaded do without rich: structlog takes it along to show faults on a terminal."""
    if "rich" in sys.modules:
        yield
        return
    # As Python has it for what is not to be found.
    sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["rich"]


class _StreamLogger:
    """Hands lines to the stream; what structlog calls for each level."""

    def __init__(self, stream: LogStream) -> None:
        self._stream = stream

    def debug(self, line: str) -> None:
        """Take a line."""
        self._stream.take(line)

    info = warning = msg = debug

    def error(self, line: str) -> None:
        """Take a line, and wait a moment until it is written."""
        self._stream.take(line)
        self._stream.flush()

    critical = exception = fatal = error


def _write_json(event: Any, **_: object) -> str:
    try:
        return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        # A number beyond 64 bits, or half of a surrogate pair.
        return json.dumps(event, default=str)


def _put_first(_: object, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Begin each line with when, how grave and what."""
    first = {name: event[name] for name in ("timestamp", "level", "event") if name in event}
    return {**first, **event}


def count_lost_lines(count: Callable[[int], object]) -> None:
    """Tell somebody how many lines of the log are lost, whenever some are."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, LogStream):
            handler.count_losses(count)


def flush_logs() -> None:
    """Wait until what was logged is written, a second at most."""
    for handler in logging.getLogger().handlers:
        handler.flush()


def get_logger() -> Logger:
    """Give the daemon's logger."""
    import structlog  # noqa: PLC0415  (as above)

    logger: Logger = structlog.get_logger("gtr_jobs")
    return logger


def logs_every_job() -> bool:
    """Whether the log is so fine that each job has its line: to make it for nobody costs more than the job."""
    return _OURS.isEnabledFor(logging.DEBUG)
