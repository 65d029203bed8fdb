"""What becomes of a guild's role changes while the bot is out of it."""

from __future__ import annotations

from datetime import timedelta

from bot.core.cases import Gone
from bot.core.roles import RoleSource
from db.guilds import SeenGuild, mark_guilds_left, save_guilds
from db.role_wishes import delete_of_left_guilds
from tests.bot.core.roles.world import ANN, BLUE, BOB, GUILD, OTHER_GUILD, RED, World, change

COMMAND = RoleSource.COMMAND


async def leave(world: World) -> None:
    async with world.database.write() as session:
        await world.roles.suspend(session, GUILD)


async def come_back(world: World) -> None:
    async with world.database.write() as session:
        await world.roles.take_up(session, GUILD)


async def test_role_whose_time_is_over_is_taken_once_the_bot_is_back(world: World) -> None:
    world.discord.roles[ANN] = {RED}
    # The bot lacks the permission, so that somebody takes it out and adds it again with it.
    world.view.permissions = frozenset()
    await world.want(change(ANN, want=False, source=COMMAND), change(BOB))
    await world.pass_time()
    assert [wish.state for wish in await world.wishes()] == ["parked", "parked"]

    await leave(world)
    await world.pass_time(3600)
    assert [(wish.user_id, wish.state) for wish in await world.wishes()] == [(ANN, "suspended")]
    assert (await world.roles.snapshot()).parked == 0
    world.view.permissions = frozenset({"manage_roles"})
    await come_back(world)
    await world.pass_time()
    assert world.discord.roles[ANN] == set()
    assert await world.wishes() == []


async def test_what_is_for_later_keeps_its_time(world: World) -> None:
    later = world.clock.now() + timedelta(hours=2)
    await world.want(change(source=COMMAND, not_before=later))
    await leave(world)
    await come_back(world)
    await world.pass_time(3600)
    assert world.discord.calls == []
    await world.pass_time(3600)
    assert world.discord.roles[ANN] == {RED}


async def test_what_staff_have_said_outlasts_a_departure_that_discord_tells_of_first(
    world: World,
) -> None:
    await world.want(
        change(ANN, RED, source=COMMAND), change(ANN, BLUE), change(BOB, source=COMMAND)
    )
    world.discord.before = [Gone("guild_gone")]
    await world.pass_time()
    assert len(world.discord.calls) == 1
    assert [(one.user_id, one.role_id) for one in await world.wishes()] == [(ANN, RED), (BOB, RED)]

    # It was back before its departure was noted.
    await world.pass_time(3600)
    assert world.discord.roles == {ANN: {RED}, BOB: {RED}}


async def test_what_waits_for_a_guild_is_given_up_with_it(world: World) -> None:
    now = world.clock.now()
    async with world.database.write() as session:
        await save_guilds(session, [SeenGuild(one, "Pond", now) for one in (GUILD, OTHER_GUILD)])
        await mark_guilds_left(session, {GUILD: now})
    await world.want(change(source=COMMAND), change(source=COMMAND, guild_id=OTHER_GUILD))
    await leave(world)
    async with world.database.write() as session:
        assert await delete_of_left_guilds(session, now) == 0
        assert await delete_of_left_guilds(session, now + timedelta(seconds=1)) == 1
    assert [wish.guild_id for wish in await world.wishes()] == [OTHER_GUILD]
