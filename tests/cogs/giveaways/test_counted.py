"""How many have entered is counted once: while people enter, and not for as long as it is kept."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import event

from db.engine import Database
from db.giveaway_hosting import count_entries_of
from tests.cogs.giveaways.rows import add_drawn, make_entry, make_giveaway

DRAWN, ACTIVE, EMPTY = (uuid.UUID(int=one) for one in (1, 2, 3))


async def test_entries_of_what_was_drawn_are_not_counted_again(database: Database) -> None:
    drawn = make_giveaway(id=DRAWN)
    active = make_giveaway(id=ACTIVE, number=2, status="active")
    async with database.write() as session:
        await add_drawn(session, drawn, dict.fromkeys(range(1, 6), 2))
        session.add_all([active, make_entry(active, 1), make_entry(active, 2)])
        session.add(make_giveaway(id=EMPTY, number=3, status="cancelled"))
    counted: list[Any] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if "giveaway_entries" in statement:
            counted.append(parameters)

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    async with database.read() as session:
        assert await count_entries_of(session, [DRAWN, ACTIVE, EMPTY]) == {DRAWN: 5, ACTIVE: 2}
        [parameters] = counted
        assert len(parameters) == 2
        assert await count_entries_of(session, [DRAWN]) == {DRAWN: 5}
        assert await count_entries_of(session, []) == {}
    event.remove(engine, "before_cursor_execute", note)
    assert len(counted) == 1
