"""Staff who lose their roles let go of what they saw to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.core.contracts import MemberFacts
from cogs.tickets.letting_go import LettingGo
from db import ticket_panels
from db.engine import Database
from tests.cogs.tickets.stage import GUILD, OPENER, OTHER, STAFF, STAFF_ROLE, Stage
from tests.fakes import FakeClock


@dataclass
class Town:
    """The guild's members; `managers` may manage all of it. Nobody has a grant."""

    managers: set[int] = field(default_factory=set)
    asked: list[int] = field(default_factory=list)
    roles: dict[int, set[int]] = field(default_factory=dict)

    async def look_up(self, guild_id: int, user_id: int) -> MemberFacts | None:
        self.asked.append(user_id)
        may = frozenset({"manage_guild"} if user_id in self.managers else ())
        roles = frozenset(self.roles.get(user_id, ()))
        return MemberFacts(user_id, guild_id, "", permissions=may, role_ids=roles)

    async def has(self, _guild_id: int, _user_id: int, _feature: str) -> bool:
        return False


def changed(user_id: int, *roles: int) -> dict[str, Any]:
    return {"guild_id": str(GUILD), "user": {"id": str(user_id)}, "roles": [*map(str, roles)]}


def letting_go_of(stage: Stage, town: Town, began: list[Any]) -> LettingGo:
    permissions: Any = town
    made = LettingGo(
        stage.service.office,
        town,
        permissions,
        let_go=stage.service.losses.let_go,
        spawn=lambda _name, work: began.append(work),
    )
    stage.service.capture.noted.append(made.note)
    stage.service.losses.looking.append(made.look_at_all)
    stage.service.keeper.staff_left.append(made.take_staff_change)
    return made


async def test_who_lost_the_role_while_the_bot_was_away_lets_go_at_its_next_session(
    database: Database,
) -> None:
    stage, town = await Stage.make(database, FakeClock()), Town(managers={OTHER})
    letting_go_of(stage, town, [])
    panel = await stage.panel(staff_roles=[str(STAFF_ROLE)], per_member=2)
    mine, theirs = await stage.open(panel), await stage.open(panel)
    await stage.service.life.claim(mine.id, STAFF)
    await stage.service.life.claim(theirs.id, OTHER)
    await stage.service.losses.begin_session([GUILD])
    await stage.wait(1)
    claimers = [(await stage.get(one.id)).claimed_by for one in (mine, theirs)]
    assert claimers == [None, OTHER]


async def test_who_loses_the_role_leaves_the_ticket_that_they_saw_to(database: Database) -> None:
    stage, town, began = await Stage.make(database, FakeClock()), Town(), list[Any]()
    letting_go = letting_go_of(stage, town, began)
    panel = await stage.panel(staff_roles=[str(STAFF_ROLE)], per_member=2)
    mine, theirs = await stage.open(panel), await stage.open(panel)
    await stage.service.life.claim(mine.id, STAFF)
    await stage.service.life.claim(theirs.id, OTHER)
    await stage.wait(1)
    assert stage.room_of(mine).viewers == {OPENER, STAFF}

    letting_go.take_update(changed(OPENER))
    letting_go.take_update(changed(STAFF, STAFF_ROLE))
    town.managers = {OTHER}
    letting_go.take_update(changed(OTHER))
    # Whoever sees to nothing is not looked at.
    assert len(began) == 2
    for one in began:
        await one
    assert (await stage.get(mine.id)).claimed_by == STAFF
    assert town.asked == [OTHER]

    letting_go.take_update(changed(STAFF))
    await began[-1]
    await stage.wait(1)
    assert (await stage.get(mine.id)).claimed_by is None
    assert stage.room_of(mine).viewers == {OPENER}
    assert (await stage.get(theirs.id)).claimed_by == OTHER
    # It is said whose it was, and calls nobody: that would let them into a thread again.
    (line,) = (
        one.payload
        for one in stage.courier.delivered
        if one.payload.get("content") == f"Pegasus took this ticket from <@{STAFF}>."
    )
    assert line["allowed_mentions"]["users"] == []
    # Once that is known, others of their changes cost nothing.
    letting_go.take_update(changed(STAFF))
    await began[-1]
    letting_go.take_update(changed(STAFF))
    assert len(began) == 4


@pytest.mark.parametrize("way", ["moved", "panel"])
async def test_who_is_not_of_the_new_staff_lets_go(database: Database, way: str) -> None:
    stage, began = await Stage.make(database, FakeClock()), list[Any]()
    town = Town(roles={STAFF: {STAFF_ROLE}, OTHER: {STAFF_ROLE, 71}})
    letting_go_of(stage, town, began)
    panel = await stage.panel(staff_roles=[str(STAFF_ROLE)], per_member=2)
    other = await stage.panel("Other", staff_roles=["71"], per_member=2)
    mine, theirs = await stage.open(panel), await stage.open(panel)
    await stage.service.life.claim(mine.id, STAFF)
    await stage.service.life.claim(theirs.id, OTHER)
    await stage.wait(1)
    assert began == []
    if way == "moved":
        for ticket in (mine, theirs):
            await stage.service.life.move(ticket.id, STAFF, other)
    else:
        async with stage.database.write() as session:
            found = await ticket_panels.get_panel(session, GUILD, panel.id)
            assert found is not None
            found.config = {**found.config, "staff_roles": ["71"]}
        await stage.service.following.follow(GUILD)
    await stage.wait(1)
    for one in began:
        await one
    await stage.wait(1)
    claimers = [(await stage.get(one.id)).claimed_by for one in (mine, theirs)]
    assert claimers == [None, OTHER]
    assert stage.room_of(mine).viewers == {OPENER}
    assert stage.room_of(theirs).viewers == {OPENER, OTHER}
