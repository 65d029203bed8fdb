"""Presses on a real database: what comes at once, out of date, or while a role can't be given."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.contracts import SYSTEM
from bot.core.errors import Conflict, Denied, NotFound
from bot.core.roles import RoleChange, RoleSource
from cogs.rolemenus.pressing import NEWS_DELAY, Presser
from cogs.rolemenus.rules import chosen
from cogs.rolemenus.wording import outcome_text
from db.engine import Database
from tests.cogs.rolemenus.world import ANN, BLUE, GREEN, GUILD, RED, Mode, World
from tests.fakes import FakeClock


async def test_fifty_at_once_share_ten_places(world: World) -> None:
    menu = await world.make(caps={RED: 10})
    people = range(2000, 2050)

    results = await asyncio.gather(
        *(world.press(menu, RED, one) for one in people), return_exceptions=True
    )
    await world.roles.run_due()

    assert sum(isinstance(one, Conflict) for one in results) == 40
    assert sum(RED in world.discord.roles[one] for one in people) == 10
    assert await world.places(menu, RED) == 10


async def test_two_processes_share_the_places(database: Database, world: World) -> None:
    menu = await world.make(caps={RED: 3})
    other = World(database, world.clock, world.discord)
    await other.start()

    results = await asyncio.gather(
        *((world, other)[one % 2].press(menu, RED, 2000 + one) for one in range(12)),
        return_exceptions=True,
    )

    assert sum(isinstance(one, Conflict) for one in results) == 9
    assert await world.places(menu, RED) == 3


async def test_place_is_free_again_when_its_holder_puts_the_role_off(world: World) -> None:
    menu = await world.make(caps={RED: 1})
    await world.press(menu, RED)
    with pytest.raises(Conflict, match="its only place is taken"):
        await world.press(menu, RED, 2000)

    await world.press(menu, RED)
    await world.press(menu, RED, 2000)
    await world.roles.run_due()

    assert RED in world.discord.roles[2000]
    assert RED not in world.discord.roles[ANN]


async def test_place_is_free_again_when_its_holder_leaves(world: World) -> None:
    menu = await world.make(caps={RED: 1})
    await world.press(menu, RED)
    assert world.presses.has_places(GUILD)

    await world.presses.member_left(GUILD, ANN)

    assert await world.places(menu, RED) == 0


async def test_place_is_free_again_when_staff_take_the_role(world: World) -> None:
    menu = await world.make(caps={RED: 1})
    await world.press(menu, RED)
    # News of before the role was given says nothing.
    await world.presses.member_has(GUILD, ANN, [])
    assert await world.places(menu, RED) == 1

    await world.roles.run_due()
    world.clock.advance(NEWS_DELAY + timedelta(seconds=1))
    await world.presses.member_has(GUILD, ANN, [RED])
    assert await world.places(menu, RED) == 1
    await world.presses.member_has(GUILD, ANN, [])

    assert await world.places(menu, RED) == 0


async def test_place_is_free_again_when_a_command_takes_the_role(world: World) -> None:
    menu = await world.make(caps={RED: 1})
    await world.press(menu, RED)
    await world.roles.run_due()
    world.clock.advance(1)

    async with world.database.write() as session:
        taking = RoleChange(
            guild_id=GUILD, user_id=ANN, role_id=RED, want=False, source=RoleSource.COMMAND
        )
        await world.roles.want(session, [taking])
    await world.roles.run_due()

    assert await world.places(menu, RED) == 0


async def test_unique_switches_however_late_discord_is(world: World) -> None:
    menu = await world.make(mode=Mode.UNIQUE)

    # Each press comes with the roles of before the first one.
    for role_id in (RED, BLUE, GREEN):
        await world.press(menu, role_id, roles=set())
    await world.roles.run_due()

    assert world.discord.roles[ANN] == {GREEN}


async def test_limit_counts_what_is_not_carried_out_yet(world: World) -> None:
    menu = await world.make(most=2)
    await world.press(menu, RED, roles=set())
    await world.press(menu, BLUE, roles=set())
    await world.roles.run_due()

    with pytest.raises(Denied):
        await world.press(menu, GREEN, roles=set())
    world.clock.advance(120)
    # By now Discord knows better: staff have taken one of them.
    await world.press(menu, GREEN, roles={RED})


async def test_quick_presses_end_with_the_last(world: World) -> None:
    menu = await world.make(mode=Mode.UNIQUE)

    await asyncio.gather(*(world.press(menu, one, roles=set()) for one in (RED, BLUE, RED, GREEN)))
    await world.roles.run_due()

    assert world.discord.roles[ANN] == {GREEN}


async def test_role_above_the_bot_is_said_kept_and_given_later(world: World) -> None:
    menu = await world.make()
    world.view.positions[RED] = 99

    outcome = await world.press(menu, RED)
    await world.roles.run_due()

    text = outcome_text(outcome, "en")
    assert "<@&701> has to wait: The role R701 is not below my highest role." in text
    assert "Drag my role above R701" in text
    assert "You have" not in text
    assert await world.problem_causes() == ["roles_parked"]

    world.view.positions[RED] = 2
    world.roles.look_again(GUILD)
    async with asyncio.timeout(30):
        while RED not in world.discord.roles[ANN]:
            await asyncio.sleep(0.01)
            await world.roles.run_due()


async def test_second_press_on_an_add_only_menu_says_that_the_role_still_waits(
    world: World,
) -> None:
    menu = await world.make(mode=Mode.ADD)
    world.view.positions[RED] = 99
    await world.press(menu, RED)
    outcome = await world.press(menu, RED)
    assert outcome_text(outcome, "en").startswith("⏳ <@&701> has to wait: ")

    await world.press(menu, BLUE)
    outcome = await world.press(menu, BLUE)
    assert outcome_text(outcome, "en") == "⏳ <@&702> is still on its way to you."

    await world.roles.run_due()
    with pytest.raises(Denied, match="only gives"):
        await world.press(menu, BLUE)


@pytest.mark.parametrize("taken", [True, False])
async def test_what_staff_want_and_is_yet_to_be_done_is_not_promised_away(
    world: World, taken: bool
) -> None:
    menu = await world.make(mode=Mode.UNIQUE, caps={RED: 1})
    own = set() if taken else {RED}
    async with world.database.write() as session:
        staff = RoleChange(
            guild_id=GUILD, user_id=ANN, role_id=RED, want=not taken, source=RoleSource.COMMAND
        )
        await world.roles.want(session, [staff])

    with pytest.raises(Denied) as refused:
        await world.press(menu, RED if taken else BLUE, roles=own)
    said = "are taking <@&701> from you" if taken else "are giving you <@&701>"
    assert said in refused.value.render("en")
    assert await world.places(menu, RED) == 0
    await world.roles.run_due()
    assert world.discord.roles[ANN] == (set() if taken else {RED})

    # What is done is done, and open to any later wish.
    await world.press(menu, GREEN, roles=own)
    await world.roles.run_due()
    assert world.discord.roles[ANN] == {GREEN}


async def test_what_staff_want_too_is_no_obstacle(world: World) -> None:
    menu = await world.make()
    async with world.database.write() as session:
        staff = RoleChange(
            guild_id=GUILD, user_id=ANN, role_id=RED, want=True, source=RoleSource.COMMAND
        )
        await world.roles.want(session, [staff])
    outcome = await world.press(menu, RED)
    assert outcome_text(outcome, "en") == "✅ You have <@&701> now."


async def test_outcome_is_in_words(world: World) -> None:
    menu = await world.make(mode=Mode.UNIQUE)
    await world.press(menu, RED)

    outcome = await world.press(menu, BLUE)

    assert outcome_text(outcome, "en") == "✅ You have <@&702> now, and no longer <@&701>."
    assert outcome_text(outcome, "es") == "✅ Ahora tienes <@&702> y ya no <@&701>."


async def test_select_leaves_the_roles_of_other_pages_alone(world: World) -> None:
    menu = await world.make()
    held = Presser(GUILD, ANN, frozenset({RED, BLUE}))

    outcome = await world.presses.press(
        held, menu.id, lambda _menu, _own: chosen((BLUE, GREEN), ())
    )

    assert outcome.ruling.removed == (BLUE,)
    assert outcome.held == {RED}


async def test_role_that_has_got_power_is_not_given(world: World) -> None:
    menu = await world.make()
    world.view.rights[RED] = frozenset({"ban_members"})

    with pytest.raises(Denied, match="gives power over this server"):
        await world.press(menu, RED)

    trusted = await world.desk.change(
        menu, lambda one: replace(one, options=tuple(replace(o, trusted=True) for o in one.options))
    )
    await world.press(trusted, RED)


async def test_gone_role_and_gone_menu_are_said(world: World) -> None:
    menu = await world.make()
    del world.view.positions[RED]
    with pytest.raises(NotFound, match="no longer exists"):
        await world.press(menu, RED)
    await world.desk.delete(menu, SYSTEM)
    with pytest.raises(NotFound, match="This menu no longer exists"):
        await world.press(menu, BLUE)


async def test_member_who_has_yet_to_accept_the_rules_waits(world: World) -> None:
    menu = await world.make()
    world.discord.pending.add(ANN)

    outcome = await world.presses.press(
        Presser(GUILD, ANN, frozenset(), pending=True),
        menu.id,
        lambda _menu, _own: chosen((RED,), (RED,)),
    )
    await world.roles.run_due()

    assert "once you have accepted" in outcome_text(outcome, "en")
    assert world.discord.roles[ANN] == set()


async def test_places_survive_a_restart(database: Database, world: World) -> None:
    menu = await world.make(caps={RED: 1})
    await world.press(menu, RED)

    later = World(database, FakeClock(), world.discord)
    await later.start()

    assert later.presses.has_places(GUILD)
    with pytest.raises(Conflict):
        await later.press(menu, RED, 2000)
