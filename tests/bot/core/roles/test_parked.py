"""What the bot may not do waits with one problem, and goes on once that is put right."""

from __future__ import annotations

from bot.core.roles import RoleSource
from db.role_wishes import park_wishes
from tests.bot.core.roles.world import ANN, BLUE, BOB, GREEN, GUILD, RED, World, change

PEOPLE = range(3000, 3030)


async def test_role_above_the_bot_is_one_problem_and_all_goes_on_after_it(world: World):
    world.discord.members |= set(PEOPLE)
    world.view.positions[RED] = 20
    await world.want(*(change(one, RED) for one in PEOPLE), change(ANN, BLUE))
    await world.pass_time()

    # Known before a call: Discord counts refused ones.
    assert world.discord.calls == [("add", ANN, BLUE)]
    assert await world.open_problems() == [f"roles_parked bot_hierarchy:{RED}"]
    [problem] = await world.problems.list(GUILD)
    assert f"R{RED}" in problem.problem.fix.render("en")
    snapshot = await world.roles.snapshot()
    assert (snapshot.waiting, snapshot.parked) == (0, len(PEOPLE))

    world.roles.look_again(GUILD)
    await world.settle()
    assert len(world.discord.calls) == 1

    world.view.positions[RED] = 2
    world.roles.look_again(GUILD)
    await world.settle()
    assert {user_id for _, user_id, _ in world.discord.calls} == {ANN, *PEOPLE}
    assert await world.open_problems() == []
    assert await world.wishes() == []


async def test_later_wishes_join_the_problem(world: World):
    world.view.positions[RED] = 20
    await world.want(change(ANN))
    await world.pass_time()
    await world.want(change(BOB), change(ANN, want=False, source=RoleSource.COMMAND))
    await world.pass_time()

    assert len(await world.open_problems()) == 1
    assert [wish.state for wish in await world.wishes()] == ["parked", "parked"]


async def test_missing_permission_is_one_problem_for_all_roles(world: World):
    world.view.permissions = frozenset()
    await world.want(change(ANN, RED), change(ANN, BLUE), change(BOB, GREEN))
    await world.pass_time()
    assert await world.open_problems() == ["roles_parked bot_permission:"]
    assert world.discord.calls == []

    world.view.permissions = frozenset({"manage_roles"})
    world.view.positions[RED] = 20
    world.roles.look_again(GUILD)
    await world.settle()
    # What is still in the way is told as what it is.
    assert await world.open_problems() == [f"roles_parked bot_hierarchy:{RED}"]
    assert world.discord.roles == {ANN: {BLUE}, BOB: {GREEN}}


async def test_refusal_that_nothing_explains_waits_for_a_change(world: World):
    world.discord.members |= set(PEOPLE)
    world.discord.forbidden.add(RED)
    await world.want(*(change(one, RED) for one in PEOPLE), change(ANN, BLUE))
    await world.pass_time()
    # It was tried once, for one member.
    assert len([call for call in world.discord.calls if call[2] == RED]) == 1
    assert world.discord.roles[ANN] == {BLUE}
    assert await world.open_problems() == [f"roles_parked refused:{RED}"]

    world.discord.forbidden.clear()
    world.roles.look_again(GUILD)
    await world.settle()
    assert len(world.events) == len(PEOPLE) + 1
    assert await world.open_problems() == []


async def test_cause_that_went_while_it_was_noted_keeps_nothing_waiting(world: World):
    world.view.positions[RED] = 20
    await world.want(change())
    expect = world.roles._parked.expect

    def move(guild_id: int) -> None:
        # The role is moved, and the event comes, between the look and the note.
        expect(guild_id)
        world.view.positions[RED] = 2

    world.roles._parked.expect = move
    await world.pass_time()

    assert world.discord.calls == [("add", ANN, RED)]
    assert await world.open_problems() == []


async def test_restarted_process_goes_on_with_what_is_parked(world: World):
    world.view.positions[RED] = 20
    await world.want(change())
    await world.pass_time()
    restarted = World(world.database, world.clock, world.discord)
    await restarted.roles.start()
    restarted.roles.look_again(GUILD)
    await restarted.settle()

    assert world.discord.calls == [("add", ANN, RED)]
    assert await restarted.open_problems() == []


async def test_problem_that_a_dead_process_did_not_report_is_reported(world: World):
    world.view.positions[RED] = 20
    await world.want(change())
    [batch] = await world.roles._runner.claim(1)
    async with world.database.write() as session:
        now = world.clock.now()
        await park_wishes(session, GUILD, RED, "bot_hierarchy", now=now, claim=batch.claim)
    restarted = World(world.database, world.clock, world.discord)
    restarted.view.positions[RED] = 20
    await restarted.roles.start()
    restarted.roles.look_again(GUILD)
    await restarted.settle()

    assert await restarted.open_problems() == [f"roles_parked bot_hierarchy:{RED}"]


async def test_withdrawn_wishes_take_their_problem_with_them(world: World):
    world.view.positions[RED] = 20
    await world.want(change())
    await world.pass_time()
    async with world.database.write() as session:
        await world.roles.forget(session, GUILD, role_id=RED)
    world.roles.look_again(GUILD)
    await world.settle()

    assert await world.open_problems() == []
