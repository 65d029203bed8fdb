"""Places whose holders left or lost the role without a word of it."""

from __future__ import annotations

import pytest

from bot.core.errors import Conflict
from bot.core.outbox.deliveries import Delayed
from cogs.rolemenus.holders import PAUSE, Holders
from cogs.rolemenus.pressing import Full
from tests.cogs.rolemenus.world import ANN, BOB, GUILD, RED, World


class Members:
    """Knows the roles of those who are members, and counts how often it is asked."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.asked: list[int] = []
        self.is_silent = False

    async def roles_of(self, guild_id: int, user_id: int) -> frozenset[int] | None:
        assert guild_id == GUILD
        self.asked.append(user_id)
        if self.is_silent:
            raise Delayed("discord_error")
        if user_id not in self._world.discord.members:
            return None
        return frozenset(self._world.discord.roles[user_id])


async def test_full_role_is_looked_at_and_freed(world: World) -> None:
    menu = await world.make(caps={RED: 3})
    for user_id in (ANN, BOB, 2000):
        await world.press(menu, RED, user_id)
    await world.roles.run_due()
    world.clock.advance(PAUSE)
    world.discord.roles[ANN].clear()
    world.discord.members.discard(BOB)

    with pytest.raises(Conflict):
        await world.press(menu, RED, 2001)
    (full,) = world.full
    assert full == Full(GUILD, menu.id, RED)
    members = Members(world)
    holders = Holders(world.database, world.clock, world.presses, members)
    await holders.look(full)

    assert sorted(members.asked) == [ANN, BOB, 2000]
    assert await world.places(menu, RED) == 1
    # Not again so soon, however many want it.
    await holders.look(full)
    assert len(members.asked) == 3


async def test_no_answer_frees_nothing(world: World) -> None:
    menu = await world.make(caps={RED: 2})
    await world.press(menu, RED)
    await world.press(menu, RED, BOB)
    members = Members(world)
    members.is_silent = True
    holders = Holders(world.database, world.clock, world.presses, members)

    await holders.look(Full(GUILD, menu.id, RED))

    assert len(members.asked) == 1
    assert await world.places(menu, RED) == 2
