"""Registration with Discord on both databases: only what differs, what is refused, and limits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.contracts import SYSTEM
from bot.core.jobs import Retry
from cogs.customcommand.sync import (
    CREATIONS_PER_DAY,
    DailyLimit,
    NoAccess,
    NotNow,
    Refused,
)
from db import custom_commands as table
from tests.cogs.customcommand.world import GUILD, ROOT, World, draft


async def test_added_changed_and_removed_commands_reach_discord(world: World) -> None:
    rules = await world.book.add(GUILD, draft("rules", aliases=("law",)), ROOT)
    hug = await world.book.add(GUILD, draft("hug", "hugs {1}", description="Hug"), ROOT)
    await world.jobs.run_due()
    assert world.register.changes() == [("put", "hug"), ("put", "law"), ("put", "rules")]
    body = world.register.shelf["hug"][1]
    assert (body["description"], body["options"][0]["name"]) == ("Hug", "text")
    assert body["options"][0]["name_localizations"] == {"es-ES": "texto", "es-419": "texto"}
    assert "options" not in world.register.shelf["rules"][1]

    await world.book.change(rules, draft("rules", "Be brave."), ROOT)
    await world.jobs.run_due()
    assert world.register.changes() == [("delete", "law")]

    await world.book.change(hug, draft("hug", "hugs", description="Hug"), ROOT)
    await world.jobs.run_due()
    assert world.register.changes() == [("put", "hug")]

    [hug] = [one for one in await world.book.commands(GUILD) if one.draft.name == "hug"]
    await world.book.remove(hug, ROOT)
    await world.jobs.run_due()
    assert world.register.changes() == [("delete", "hug")]


async def test_restart_asks_nothing_where_nothing_differs(world: World) -> None:
    await world.book.add(GUILD, draft(), ROOT)
    await world.jobs.run_due()
    world.register.calls.clear()

    after = World(world.database, world.clock, world.register)
    await after.sync.look([GUILD, GUILD + 1])
    await after.jobs.run_due()
    assert world.register.calls == []

    after.builtin |= {"rules"}
    await after.sync.look([GUILD])
    await after.jobs.run_due()
    assert world.register.changes() == [("delete", "rules")]


async def test_other_process_answers_as_its_guild_was_changed_elsewhere(world: World) -> None:
    serving = World(world.database, world.clock, world.register)
    assert await serving.book.commands(GUILD) == ()
    added = await world.book.add(GUILD, draft(), ROOT)
    # The process that serves the guild takes its jobs.
    await serving.jobs.run_due()
    assert await serving.book.commands(GUILD) == (added,)


async def test_change_that_a_dead_process_left_is_made_up_for(world: World) -> None:
    await world.book.add(GUILD, draft(), ROOT)
    world.register.errors = [NotNow(timedelta(seconds=30))]
    await world.jobs.run_due()
    assert world.register.shelf == {}
    world.clock.advance(timedelta(seconds=31))
    await World(world.database, world.clock, world.register).jobs.run_due()
    assert list(world.register.shelf) == ["rules"]


async def test_switched_off_feature_and_command_are_not_shown(world: World) -> None:
    await world.book.add(GUILD, draft(), ROOT)
    await world.book.add(GUILD, draft("hidden", enabled=False), ROOT)
    await world.jobs.run_due()
    assert list(world.register.shelf) == ["rules"]
    await world.switch(enabled=False)
    await world.sync.look([GUILD])
    await world.jobs.run_due()
    assert world.register.shelf == {}
    await world.switch()
    await world.sync.look([GUILD])
    await world.jobs.run_due()
    assert list(world.register.shelf) == ["rules"]


async def test_guilds_language_is_registered(world: World) -> None:
    await world.book.add(GUILD, draft(), ROOT)
    await world.jobs.run_due()
    await world.settings.change(GUILD, "general", {"language": "es"}, actor=SYSTEM)
    await world.sync.look([GUILD])
    await world.jobs.run_due()
    assert world.register.shelf["rules"][1]["description"] == "Un comando de este servidor"


async def test_guild_that_adds_the_bot_again_gets_its_commands_again(world: World) -> None:
    await world.book.add(GUILD, draft(), ROOT)
    await world.jobs.run_due()
    world.register.shelf.clear()
    await world.sync.begin_anew(GUILD)
    await world.jobs.run_due()
    assert list(world.register.shelf) == ["rules"]


async def test_guild_that_is_not_seen_is_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.book.add(GUILD, draft(), ROOT)
    monkeypatch.setattr(world.view, "guild", lambda _guild_id: None)
    await world.sync.sync(GUILD)
    assert world.register.calls == []


async def test_refused_command_is_a_problem_and_the_others_are_there(world: World) -> None:
    bad = await world.book.add(GUILD, draft("bad"), ROOT)
    await world.book.add(GUILD, draft("good"), ROOT)
    world.register.errors = [Refused("offensive")]
    await world.jobs.run_due()
    assert list(world.register.shelf) == ["good"]
    assert await world.causes() == [("command_refused", "bad")]
    [problem] = await world.problems.list(GUILD)
    assert "offensive" in str(problem.problem.message)

    await world.book.change(bad, draft("better"), ROOT)
    await world.jobs.run_due()
    assert sorted(world.register.shelf) == ["better", "good"]
    assert await world.causes() == []


async def test_command_limited_to_what_is_gone_is_a_problem_until_it_is_changed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited = await world.book.add(GUILD, draft(role_ids=(70, 71)), ROOT)
    await world.book.add(GUILD, draft("free"), ROOT)
    await world.jobs.run_due()
    assert await world.causes() == []

    role = world.view.role
    monkeypatch.setattr(
        world.view, "role", lambda guild, one: None if one in (70, 71) else role(guild, one)
    )
    await world.sync.note_gone(GUILD, 99)
    await world.jobs.run_due()
    assert await world.causes() == []
    await world.sync.note_gone(GUILD, 71)
    await world.jobs.run_due()
    assert await world.causes() == [("command_unusable", "rules")]

    await world.switch(enabled=False)
    await world.sync.look([GUILD])
    await world.jobs.run_due()
    assert await world.causes() == []
    await world.switch()
    await world.sync.look([GUILD])
    await world.jobs.run_due()
    assert await world.causes() == [("command_unusable", "rules")]

    await world.book.change(limited, draft(role_ids=(70, 72)), ROOT)
    await world.jobs.run_due()
    assert await world.causes() == []


@pytest.mark.parametrize(
    ("error", "cause"), [(NoAccess(), "no_access"), (DailyLimit(), "daily_limit")]
)
async def test_closed_door_is_a_problem_until_it_opens(
    world: World, error: Exception, cause: str
) -> None:
    await world.book.add(GUILD, draft(), ROOT)
    world.register.errors = [error]
    await world.jobs.run_due()
    assert await world.causes() == [(cause, "")]
    world.clock.advance(timedelta(hours=1, seconds=1))
    await world.jobs.run_due()
    assert await world.causes() == []
    assert list(world.register.shelf) == ["rules"]


async def test_no_more_is_created_than_discord_allows_in_a_day(world: World) -> None:
    await world.book.add(GUILD, draft(), ROOT)
    now = world.clock.now()
    async with world.database.write() as session:
        for _number in range(CREATIONS_PER_DAY - 1):
            assert await table.claim_creation(
                session,
                GUILD,
                now=now,
                window_start=now - timedelta(days=1),
                limit=CREATIONS_PER_DAY,
            )
    await world.book.add(GUILD, draft("two"), ROOT)
    with pytest.raises(Retry):
        await world.sync.sync(GUILD)
    # What is there may be changed, and what was created is not created again.
    assert world.register.changes() == [("put", "rules")]
    world.clock.advance(timedelta(days=1))
    await world.sync.sync(GUILD)
    assert world.register.changes() == [("put", "two")]
