"""What somebody had to have when they entered is asked again when they are drawn."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cogs.giveaways.drawing import Drawing
from db.engine import Database
from db.giveaway_entries import add_messages
from db.giveaways import SKIPPED
from db.guilds import GuildMember
from tests.cogs.giveaways.stage import GUILD, Stage, make_stage
from tests.cogs.giveaways.test_giveaway_drawing import check

DAY = timedelta(days=1)


@pytest.fixture
def stage(database: Database) -> Stage:
    return make_stage(database)


async def drawn(stage: Stage, **requirements: Any) -> dict[int, str | None]:
    """Have a giveaway with three entrants be drawn; return why each was passed over."""
    giveaway = await stage.add(requirements=requirements, winner_count=3)
    await stage.fill(giveaway, 3)
    # Person 1 has written enough, person 2 too little, and of 3 nothing is known.
    async with stage.database.write() as session:
        await add_messages(session, {(giveaway, 1): 5, (giveaway, 2): 4})
    await stage.end(giveaway)
    found = await stage.drawn(giveaway)
    assert all((one.state == SKIPPED) is bool(one.reason) for one in found)
    await check(stage, giveaway)
    return {one.user_id or 0: one.reason for one in found}


async def test_messages_are_counted_again(stage: Stage):
    assert await drawn(stage, messages=5) == {1: None, 2: "messages", 3: "messages"}


async def test_messages_that_are_not_written_down_yet_count(sqlite_database: Database):
    stage = make_stage(sqlite_database)
    unwritten = {2: 1}
    stage.drawing = Drawing(
        stage.backstage, stage.winning, unwritten=lambda _giveaway, user: unwritten.get(user, 0)
    )
    stage.drawing.patience = 10.0
    stage.drawing.start()
    assert await drawn(stage, messages=5) == {1: None, 2: None, 3: "messages"}


async def test_level_is_asked_again(stage: Stage):
    async with stage.database.write() as session:
        session.add_all(
            GuildMember(guild_id=GUILD, user_id=user_id, level=level, joined_at=stage.clock.now())
            for user_id, level in ((1, 10), (2, 9))
        )
    assert await drawn(stage, level=10) == {1: None, 2: "level", 3: "level"}


async def test_whoever_left_and_came_back_has_been_there_for_less(stage: Stage):
    now = stage.clock.now()
    stage.members.joined = {1: now - 7 * DAY, 2: now - 6 * DAY}
    # Of the third Discord does not say it.
    found = await drawn(stage, time_in_guild=7 * 86_400)
    assert found == {1: None, 2: "time in the server", 3: None}


async def test_who_needs_nothing_is_asked_nothing(sqlite_database: Database):
    stage = make_stage(sqlite_database)
    stage.members.roles = {3: {50}}
    found = await drawn(stage, level=10, messages=5, bypass_roles=["50"])
    assert found == {1: "level", 2: "level", 3: None}
