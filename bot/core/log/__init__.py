"""The log: one shape for our records and for those of the libraries, redacted, off the loop.

A record is formatted where it is made, so that it says what was true then, and written by a thread
of its own, so that a slow terminal or disk never holds up the event loop.
"""

from __future__ import annotations

import atexit
import copy
import logging
import logging.handlers
import queue
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TextIO

import structlog
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import (
    ExceptionRenderer,
    JSONRenderer,
    StackInfoRenderer,
    TimeStamper,
)
from structlog.stdlib import ProcessorFormatter
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.core.config.sections import LogConfig
from bot.core.log.redaction import Redactor

LONGEST_QUEUE = 10_000
# What these say below warnings is of use to their authors only.
QUIET_LIBRARIES = ("aiosqlite", "asyncio", "aiohttp.access", "PIL", "alembic", "sqlalchemy")
# discord.py writes whole payloads at debug level, which are other people's messages.
CHATTY_LIBRARIES = ("discord",)
# What we put in ourselves; it comes first in each line and needs no cleaning.
_OURS = ("timestamp", "level", "logger")
_MULTILINE = frozenset({"exception", "stack"})

OnRecord = Callable[[str], None]


@dataclass(slots=True)
class _Running:
    """What `configure_logging` set up, to be taken down again."""

    handler: _Queuer
    listener: _Listener
    redactor: Redactor


_running: _Running | None = None
_plain_redactor = Redactor()


def configure_logging(
    config: LogConfig,
    secrets: Iterable[str] = (),
    *,
    stream: TextIO | None = None,
) -> None:
    """Send every record of the process to the stream (standard error) in the configured format.

    Calling this again replaces what was configured before.
    """
    global _running  # noqa: PLW0603 - the standard library's log is one per process, too
    reset_logging()
    out = stream or sys.stderr
    redactor = Redactor(secrets)
    lines: queue.Queue[Any] = queue.Queue(LONGEST_QUEUE)
    handler = _Queuer(lines)
    handler.setFormatter(_formatter(config, redactor, out))
    listener = _Listener(lines, _Writer(out, handler))
    _set_levels(config.level.upper())
    logging.getLogger().addHandler(handler)
    logging.captureWarnings(True)
    _configure_structlog()
    listener.start()
    atexit.register(reset_logging)
    _running = _Running(handler, listener, redactor)


def reset_logging() -> None:
    """Write what is queued and undo `configure_logging`; does nothing without it."""
    global _running  # noqa: PLW0603
    if _running is None:
        return
    logging.getLogger().removeHandler(_running.handler)
    logging.captureWarnings(False)
    _running.listener.stop()
    atexit.unregister(reset_logging)
    _running.handler.close()
    _running = None
    for name in ("", *QUIET_LIBRARIES, *CHATTY_LIBRARIES):
        logging.getLogger(name).setLevel(logging.NOTSET if name else logging.WARNING)
    structlog.reset_defaults()


def watch_records(on_record: OnRecord) -> None:
    """Call `on_record` with the level's name ("info") for each record, in the thread that logs.

    It lasts as long as the present configuration; without one it does nothing.
    """
    if _running is not None:
        _running.handler.on_record = on_record


def redact(text: str) -> str:
    """Return the text without the secrets of the running configuration and without their shapes."""
    return (_running.redactor if _running else _plain_redactor)(text)


def _set_levels(level: str) -> None:
    logging.getLogger().setLevel(level)
    for name in QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in CHATTY_LIBRARIES:
        logging.getLogger(name).setLevel(max(logging.INFO, logging.getLevelName(level)))


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        TimeStamper(fmt="iso", utc=True),
        StackInfoRenderer(),
    ]


def _configure_structlog() -> None:
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_shared_processors(),
            ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        # Loggers are made at import, before this runs, and outlive a reset.
        cache_logger_on_first_use=False,
    )


def _formatter(config: LogConfig, redactor: Redactor, out: TextIO) -> ProcessorFormatter:
    terminal = out.isatty()
    if config.format == "json" or (config.format == "auto" and not terminal):
        ending: list[Processor] = [
            ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            _redacting(redactor),
            JSONRenderer(),
        ]
    else:
        ending = [
            ExceptionRenderer(),
            _redacting(redactor),
            escape_control_characters,
            ConsoleRenderer(colors=terminal, exception_formatter=plain_traceback),
        ]
    return ProcessorFormatter(
        foreign_pre_chain=_shared_processors(),
        processors=[ProcessorFormatter.remove_processors_meta, *ending],
    )


def _redacting(redactor: Redactor) -> Processor:
    """Clean every value of a record, after exceptions became text and before it becomes one line.

    Doing it on the finished line could cut a JSON text in two.
    """

    def clean(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        ours = {key: event.pop(key) for key in _OURS if key in event}
        return ours | redactor.clean({"event": event.pop("event", ""), **event})

    return clean


# Line ends and terminal commands, and the marks that turn the direction of writing around.
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
)


def escape_control_characters(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Make names that people chose harmless on a terminal: one record stays one line.

    Tracebacks keep their line ends, but each of their lines is indented.
    """
    return {key: _escape(value, key in _MULTILINE) for key, value in event.items()}


def _escape(value: Any, multiline: bool) -> Any:
    if isinstance(value, list | dict):
        value = str(value)
    if not isinstance(value, str):
        return value
    if multiline:
        return "\n".join("    " + _escape(line, False) for line in value.split("\n"))
    return _CONTROL.sub(_spell_out, value)


def _spell_out(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


class _Queuer(logging.handlers.QueueHandler):
    """Formats records at once and queues them; when the queue is full, drops and counts."""

    def __init__(self, lines: queue.Queue[Any]) -> None:
        super().__init__(lines)
        self.on_record: OnRecord | None = None
        self._dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count the record, format it and queue it."""
        if self.on_record is not None:
            self.on_record(record.levelname.lower())
        super().emit(record)

    def enqueue(self, record: logging.LogRecord) -> None:
        """Queue a formatted record without ever waiting."""
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            self._dropped += 1

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Log that a record could not be formatted; its content could hold anything."""
        error = sys.exc_info()[0]
        text = f"A record could not be logged: {error.__name__ if error else 'unknown'}"
        place = (record.pathname, record.lineno)
        lost = logging.LogRecord(record.name, record.levelno, *place, text, (), None)
        self.enqueue(self.prepare(lost))

    def take_dropped(self) -> int:
        """Return how many records were lost since the last call."""
        dropped, self._dropped = self._dropped, 0
        return dropped


class _Writer(logging.StreamHandler[TextIO]):
    """The thread's side: writes lines, and says how many are missing between them."""

    def __init__(self, out: TextIO, source: _Queuer) -> None:
        super().__init__(out)
        self._source = source

    def emit(self, record: logging.LogRecord) -> None:
        """Write one formatted record."""
        if missing := self._source.take_dropped():
            lost = copy.copy(record)
            lost.msg = f"... {missing} log records dropped: the output is too slow ..."
            super().emit(lost)
        super().emit(record)


class _Listener(logging.handlers.QueueListener):
    """Ends only after everything queued is written, however full the queue is."""

    def __init__(self, lines: queue.Queue[Any], writer: logging.Handler) -> None:
        super().__init__(lines, writer)
        self._lines = lines

    def enqueue_sentinel(self) -> None:
        """Wait for a free place; the standard library raises when there is none."""
        self._lines.put(None)
