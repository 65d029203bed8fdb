"""Who writes to the bot in private is told once where help is, and bots are told nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import pytest
from sqlalchemy import select

from bot.core.outbox import OutboxService
from bot.core.supervisor import TaskSupervisor
from cogs.general import directs
from cogs.general.directs import DirectHint, hint_text
from db.engine import Database
from db.outbox import OutboxMessage
from tests.fakes import FakeClock


class Place:
    """What the hint needs of the kernel, on a real database."""

    def __init__(self, database: Database, clock: FakeClock) -> None:
        self.database, self.clock, self.supervisor = database, clock, TaskSupervisor()
        self.outbox = OutboxService(database, clock, self.supervisor)
        self.hint = self.another()

    def another(self) -> DirectHint:
        """Return the hint of one more process."""
        return DirectHint(cast("Any", self))

    async def told(self) -> list[Any]:
        """Return who is answered, when all is done."""
        await self.supervisor.stop(5)
        async with self.database.read() as session:
            return sorted(await session.scalars(select(OutboxMessage.user_id)))


@pytest.fixture
def place(database: Database, clock: FakeClock) -> Place:
    return Place(database, clock)


def by(user_id: int) -> dict[str, Any]:
    return {"author": {"id": str(user_id)}, "content": "hello?", "type": 0}


def test_hint_is_in_both_languages() -> None:
    text = hint_text()
    assert text.startswith("Hello!")
    assert "/help" in text
    assert "/ayuda" in text
    assert len(text) < 2000


async def test_person_is_answered_once_a_day(place: Place) -> None:
    for _ in range(5):
        assert place.hint.take(by(1))
    assert place.hint.take(by(2))
    assert await place.told() == [1, 2]
    place.clock.advance(timedelta(hours=23))
    place.hint.take(by(1))
    assert await place.told() == [1, 2]
    place.clock.advance(timedelta(hours=2))
    place.hint.take(by(1))
    assert await place.told() == [1, 1, 2]


async def test_other_process_does_not_answer_again(place: Place) -> None:
    place.hint.take(by(1))
    place.another().take(by(1))
    assert await place.told() == [1]


async def test_memory_and_work_are_bounded(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directs, "_MOST_REMEMBERED", 3)
    monkeypatch.setattr(directs, "_MOST_AT_ONCE", 5)
    for user_id in range(1, 9):
        place.hint.take(by(user_id))
    assert len(await place.told()) == 5
    assert len(place.hint._answered) == 3
