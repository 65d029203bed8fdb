"""Lets the tests of one process share what SQLAlchemy has compiled.

Each test opens its own database, and each engine would compile each statement anew: up to half of
the time of a test that does little. A bot has one engine and compiles once, so nothing is hidden.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL, Engine
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import LRUCache

from db import engine as engines

# The statements of all features together are more than one engine keeps by itself.
ROOM = 10_000
_first: dict[str, Engine] = {}


def share_statements() -> None:
    """Have every database opened from now on use the first one's dialect and compiled statements.

    Dialects know nothing of a single database once they have met the server for the first time.
    """
    create = engines._create_engine

    def create_sharing(url: URL, *arguments: Any) -> AsyncEngine:
        engine = create(url, *arguments)
        _share(engine.sync_engine)
        return engine

    engines._create_engine = create_sharing


def _share(engine: Engine) -> None:
    name = engine.dialect.name
    first = _first.get(name)
    if first is None:
        engine._compiled_cache = LRUCache(ROOM)
        # SQLAlchemy's own listener, which has the dialect look at the server, came before.
        event.listen(engine.pool, "connect", lambda *_: _first.setdefault(name, engine), once=True)
        return
    engine.dialect = engine.pool._dialect = first.dialect
    engine._compiled_cache = first._compiled_cache
