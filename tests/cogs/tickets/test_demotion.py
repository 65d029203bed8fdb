"""Roles that are deleted: which tickets' rooms follow, and how often they are looked for."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from sqlalchemy import event

from bot.core.contracts import RoleSummary
from cogs.tickets.demotion import Demotion
from db.engine import Database
from tests.cogs.tickets.stage import GUILD, STAFF_ROLE, Stage, View
from tests.fakes import FakeClock

OTHER_ROLE = STAFF_ROLE + 1


class Shorn(View):
    """The guild with some of its roles deleted."""

    def __init__(self) -> None:
        super().__init__()
        self.gone: set[int] = set()

    def role(self, guild_id: int, role_id: int) -> RoleSummary | None:
        return None if role_id in self.gone else super().role(guild_id, role_id)


async def staged(database: Database) -> tuple[Stage, Shorn]:
    stage = await Stage.make(database, FakeClock())
    stage.view = view = Shorn()
    return stage, view


async def test_rooms_follow_a_role_that_is_deleted(database: Database) -> None:
    stage, view = await staged(database)
    row = await stage.panel(staff_roles=(STAFF_ROLE, OTHER_ROLE))
    ticket = await stage.open(row)
    untouched = await stage.open(await stage.panel(name="Other", staff_roles=(OTHER_ROLE,)))
    await stage.wait(120)
    stage.rooms.calls.clear()

    view.gone.add(STAFF_ROLE)
    await stage.service.demotion.look_for_deleted(GUILD)
    await stage.wait(1)

    assert stage.room_of(ticket).roles == {OTHER_ROLE}
    assert (await stage.get(ticket.id)).room_state["roles"] == [str(OTHER_ROLE)]
    assert {room for _call, room in stage.rooms.calls} == {ticket.channel_id}
    assert stage.room_of(untouched).roles == {OTHER_ROLE}


async def test_what_a_deleted_role_costs_does_not_grow_with_the_tickets(
    database: Database,
) -> None:
    stage, view = await staged(database)
    await stage.set(open_per_member=50)
    row = await stage.panel(staff_roles=(STAFF_ROLE,), per_member=10)
    for _ in range(8):
        await stage.open(row)
    await stage.wait(120)
    read: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("SELECT") and "FROM tickets" in statement:
            read.append(statement)

    view.gone.add(STAFF_ROLE)
    engine = database.engine.sync_engine
    event.listen(engine, "after_cursor_execute", note)
    await stage.service.demotion.look_for_deleted(GUILD)
    event.remove(engine, "after_cursor_execute", note)
    assert len(read) == 2
    await stage.wait(1)
    read.clear()
    event.listen(engine, "after_cursor_execute", note)
    await stage.service.demotion.look_for_deleted(GUILD)
    event.remove(engine, "after_cursor_execute", note)
    assert len(read) == 1


async def test_many_roles_deleted_at_once_are_looked_for_once(sqlite_database: Database) -> None:
    stage, _view = await staged(sqlite_database)
    begun: list[Coroutine[Any, Any, None]] = []
    service = stage.service
    demotion = Demotion(service.office, service.keeper, lambda _name, work: begun.append(work))
    for role_id in range(50):
        demotion.take_deleted_role({"guild_id": str(GUILD), "role_id": str(role_id)})
    assert len(begun) == 1
    await begun.pop()
    demotion.take_deleted_role({"guild_id": str(GUILD), "role_id": "7"})
    assert len(begun) == 1
    await begun.pop()


async def test_while_a_guild_is_unknown_no_role_counts_as_deleted(
    sqlite_database: Database,
) -> None:
    stage, view = await staged(sqlite_database)
    await stage.open(await stage.panel(staff_roles=(STAFF_ROLE,)))
    view.gone.add(STAFF_ROLE)
    view.guild = lambda guild_id: None
    assert stage.service.office.deleted(GUILD, [STAFF_ROLE]) == frozenset()
