"""Measures database statements through SQLAlchemy's events, without looking at their values."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Connection, ExceptionContext, event

from bot.core.metrics import OTHER, Metrics
from db.engine import Database

_OPERATIONS = frozenset({"select", "insert", "update", "delete"})
_STARTED = "pegasus_started"


def operation_of(statement: str) -> str:
    """Return which of the four kinds a statement is, else `other`."""
    word = statement.lstrip(" \n(").split(None, 1)[:1]
    name = word[0].lower() if word else OTHER
    return name if name in _OPERATIONS else OTHER


def watch_queries(database: Database, metrics: Metrics) -> None:
    """Time every statement of the database and count those that fail."""
    engine = database.engine.sync_engine

    def before(conn: Connection, **_others: Any) -> None:
        conn.info[_STARTED] = time.perf_counter()

    def after(conn: Connection, statement: str, **_others: Any) -> None:
        started = conn.info.pop(_STARTED, None)
        if started is not None:
            metrics.query_finished(operation_of(statement), time.perf_counter() - started)

    def failed(exception_context: ExceptionContext) -> None:
        metrics.query_failed(exception_context.original_exception)

    event.listen(engine, "before_cursor_execute", before, named=True)
    event.listen(engine, "after_cursor_execute", after, named=True)
    event.listen(engine, "handle_error", failed)
