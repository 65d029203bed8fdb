"""Wishes: one per member and role, the weightier wins, each is done once and told once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from bot.core.cases import Delayed, Gone
from bot.core.i18n import _
from bot.core.roles import PRIORITIES, RoleSource, purge_wishes
from bot.core.roles.applying import CALL_SECONDS, LEASE
from bot.core.roles.runner import BATCH
from db.engine import Database
from tests.bot.core.roles.world import ANN, BLUE, BOB, GREEN, GUILD, OTHER_GUILD, RED, World, change
from tests.fakes import FakeClock

S = RoleSource
A_WHILE = timedelta(hours=1)


async def test_wishes_are_done_told_and_forgotten(world: World):
    await world.want(
        change(ANN, RED, reason="welcome"), change(BOB, BLUE, want=False, source=S.COMMAND)
    )
    await world.pass_time()

    assert world.discord.calls == [("remove", BOB, BLUE), ("add", ANN, RED)]
    assert world.discord.reasons == ["", "welcome"]
    assert [(one.user_id, one.role_id, one.given, one.source) for one in world.events] == [
        (BOB, BLUE, False, S.COMMAND),
        (ANN, RED, True, S.AUTOMATIC),
    ]
    assert await world.wishes() == []


async def test_wish_that_is_not_committed_is_none(world: World):
    async with world.database.write() as session:
        await world.roles.want(session, [change()])
        await session.rollback()
    await world.pass_time()

    assert world.discord.calls == []


async def test_reason_is_in_the_guilds_language_and_short_enough(world: World):
    await world.want(
        change(role_id=RED, reason=_("You can't do that to yourself.")),
        change(role_id=BLUE, reason="a\nb " + "x" * 1000),
    )
    await world.pass_time()

    assert world.discord.reasons[0] == "You can't do that to yourself."
    assert world.discord.reasons[1].startswith("a b xxx")
    assert len(world.discord.reasons[1]) == 512


@pytest.mark.parametrize("earlier", [one for one in S if one is not S.MUTE])
@pytest.mark.parametrize("newer", [one for one in S if one is not S.MUTE])
async def test_newer_wish_wins_unless_it_weighs_less(
    sqlite_database: Database, clock: FakeClock, earlier: RoleSource, newer: RoleSource
):
    world = World(sqlite_database, clock)
    await world.want(change(want=True, source=earlier))
    await world.want(change(want=False, source=newer))
    await world.pass_time()

    newer_wins = PRIORITIES[newer] >= PRIORITIES[earlier]
    assert world.discord.calls == [("remove" if newer_wins else "add", ANN, RED)]
    assert await world.wishes() == []


async def test_last_of_equal_wishes_in_one_call_wins(world: World):
    await world.want(change(want=True), change(want=False), change(want=True), change(want=False))
    await world.pass_time()

    assert world.discord.calls == [("remove", ANN, RED)]


async def test_weightier_wishes_are_done_first(world: World):
    wishes = [change(2000 + number, RED) for number in range(BATCH)]
    world.discord.members |= {wish.user_id for wish in wishes}
    await world.want(*wishes, change(ANN, RED), change(BOB, BLUE, source=S.STICKY))
    await world.want(change(ANN, GREEN, source=S.COMMAND))
    await world.pass_time()

    # A member comes with all that is due of them.
    assert world.discord.calls[:3] == [
        ("add", ANN, GREEN),
        ("add", ANN, RED),
        ("add", BOB, BLUE),
    ]
    assert len(world.events) == BATCH + 3


async def test_wish_for_later_waits(world: World):
    later = world.clock.now() + A_WHILE
    await world.want(change(not_before=later), change(role_id=BLUE))
    await world.pass_time()
    assert world.discord.calls == [("add", ANN, BLUE)]

    await world.pass_time(A_WHILE)
    assert world.discord.calls == [("add", ANN, BLUE), ("add", ANN, RED)]


async def test_withdrawn_wishes_are_not_done(world: World):
    await world.want(
        change(ANN, RED),
        change(ANN, BLUE, source=S.STICKY),
        change(BOB, RED),
        change(guild_id=OTHER_GUILD),
    )
    async with world.database.write() as session:
        assert await world.roles.forget(session, GUILD, user_id=ANN, source=S.STICKY) == 1
        assert await world.roles.forget(session, OTHER_GUILD) == 1
    await world.pass_time()

    assert sorted(world.discord.calls) == [("add", ANN, RED), ("add", BOB, RED)]


async def test_mute_is_no_source_for_features(world: World):
    with pytest.raises(ValueError, match="case"):
        await world.want(change(source=S.MUTE))


# --- what Discord answers ------------------------------------------------------------------------


async def test_who_is_gone_is_wanted_nothing_of(world: World):
    world.discord.members.discard(ANN)
    later = world.clock.now() + A_WHILE
    await world.want(
        change(ANN, RED), change(ANN, BLUE), change(ANN, GREEN, not_before=later), change(BOB, RED)
    )
    await world.pass_time()

    assert world.discord.roles == {BOB: {RED}}
    assert [wish.role_id for wish in await world.wishes()] == [GREEN]
    assert len([call for call in world.discord.calls if call[1] == ANN]) == 1


async def test_what_was_done_before_they_left_is_told(world: World):
    await world.want(change(ANN, RED), change(ANN, BLUE))
    world.discord.before = [None, Gone("member_gone")]
    await world.pass_time()

    assert [one.role_id for one in world.events] == [RED]
    assert await world.wishes() == []


async def test_deleted_role_is_told_once_and_asked_for_once(world: World):
    people = range(3000, 3005)
    world.discord.members |= set(people)
    world.discord.gone_roles.add(RED)
    await world.want(*(change(one, RED) for one in people), change(ANN, BLUE))
    await world.pass_time()

    assert len([call for call in world.discord.calls if call[2] == RED]) == 1
    assert world.discord.roles[ANN] == {BLUE}
    assert await world.wishes() == []
    assert await world.open_problems() == [f"role_gone {RED}"]

    # Nobody can bring the role back, so that the problem goes by itself.
    world.clock.advance(timedelta(days=2))
    await world.roles._parked.solve(GUILD)
    assert await world.open_problems() == []


async def test_guild_that_is_gone_is_forgotten(world: World):
    await world.want(change(ANN), change(BOB))
    world.discord.before = [Gone("guild_gone")]
    await world.pass_time()

    assert len(world.discord.calls) == 1
    assert await world.wishes() == []


@pytest.mark.parametrize("lost", ["before", "after"])
async def test_call_that_fails_is_repeated_later_and_told_once(world: World, lost: str):
    await world.want(change(ANN, RED), change(BOB, RED))
    setattr(world.discord, lost, [Delayed("rate_limited", after=timedelta(seconds=400))])
    await world.pass_time()

    # The whole guild waits: the next call would meet the same.
    assert world.discord.calls == [("add", ANN, RED)]
    await world.pass_time(300)
    assert len(world.discord.calls) == 1
    await world.pass_time(200)
    assert world.discord.roles == {ANN: {RED}, BOB: {RED}}
    assert sorted(one.user_id for one in world.events) == [ANN, BOB]


async def test_other_guilds_go_on_meanwhile(world: World):
    await world.want(change(ANN), change(BOB, guild_id=OTHER_GUILD))
    world.discord.before = [Delayed("discord_error")]
    await world.pass_time()

    assert len(world.discord.calls) == 2
    assert [one.guild_id for one in await world.wishes()] in ([GUILD], [OTHER_GUILD])


async def test_call_without_an_answer_is_repeated(world: World, monkeypatch: pytest.MonkeyPatch):
    assert (LEASE - LEASE / 3).total_seconds() > CALL_SECONDS
    monkeypatch.setattr("bot.core.roles.applying.CALL_SECONDS", 0.01)
    world.discord.gate = asyncio.Event()
    await world.want(change())
    await world.pass_time()
    assert len(await world.wishes()) == 1

    world.discord.gate = None
    await world.pass_time(60)
    assert world.discord.roles[ANN] == {RED}


async def test_mistake_of_ours_does_not_turn_in_circles(world: World):
    await world.want(change())
    world.discord.before = [LookupError("a mistake")] * 2
    await world.pass_time()
    assert len(world.discord.calls) == 1
    await world.pass_time(60)
    await world.pass_time(60)

    assert len(world.discord.calls) == 3
    assert len(world.events) == 1


async def test_mistake_about_one_member_keeps_no_other_waiting(world: World):
    world.discord.broken.add(ANN)
    await world.want(change(ANN, RED, source=S.COMMAND), change(BOB, RED))
    await world.pass_time()
    await world.pass_time(4)

    assert world.discord.roles == {BOB: {RED}}
    assert [wish.user_id for wish in await world.wishes()] == [ANN]


async def test_nothing_is_done_without_discord(world: World):
    world.roles.leave(world.discord)
    await world.want(change())
    await world.pass_time()
    assert world.discord.calls == []

    world.roles.use(world.discord)
    await world.pass_time()
    assert world.discord.calls == [("add", ANN, RED)]


# --- races ---------------------------------------------------------------------------------------


async def test_newer_wish_of_a_role_in_hand_is_done_after_it(world: World):
    world.discord.gate = asyncio.Event()
    await world.want(change(want=True))
    running = asyncio.create_task(world.roles.run_due())
    await world.until(lambda: world.discord.calls)
    await world.want(change(want=False))
    other = World(world.database, world.clock, world.discord)
    await other.roles.run_due()
    assert world.discord.calls == [("add", ANN, RED)]
    world.discord.gate.set()
    await running

    assert world.discord.calls == [("add", ANN, RED), ("remove", ANN, RED)]
    assert [one.given for one in world.events] == [False]
    assert await world.wishes() == []


async def test_two_processes_do_nothing_twice(world: World):
    people = range(3000, 3040)
    world.discord.members |= set(people)
    await world.want(*(change(one) for one in people))
    other = World(world.database, world.clock, world.discord)
    await asyncio.gather(world.roles.run_due(), other.roles.run_due())

    assert sorted(call[1] for call in world.discord.calls) == list(people)
    told = [one.user_id for one in world.events + other.events]
    assert sorted(told) == list(people)


async def test_what_a_dead_process_held_is_taken_over(world: World):
    await world.want(change())
    dead = World(world.database, world.clock, world.discord)
    assert await dead.roles._runner.claim(1)
    await world.want(change(role_id=BLUE))
    await world.roles._runner.claim(8)
    await world.pass_time(LEASE)

    assert sorted(world.discord.calls) == [("add", ANN, RED), ("add", ANN, BLUE)]
    assert len(world.events) == 2


async def test_stop_gives_back_what_is_in_hand(world: World):
    world.discord.gate = asyncio.Event()
    await world.want(change())
    running = asyncio.create_task(world.roles.run())
    await world.until(lambda: world.discord.calls)
    await world.roles.stop(grace=0.01)
    await running
    world.discord.gate.set()

    other = World(world.database, world.clock, world.discord)
    await other.roles.run_due()
    assert len(other.events) == 1
    assert await world.wishes() == []


# --- numbers -------------------------------------------------------------------------------------


async def test_ten_thousand_wishes_take_few_statements(world: World):
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    engine = world.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    await world.want_all(change(user_id, RED) for user_id in range(5_000, 15_000))
    # Wanted again, they are the same rows.
    await world.want_all(change(user_id, RED, want=False) for user_id in range(5_000, 15_000))
    assert len(statements) < 60
    assert (await world.roles.snapshot()).waiting == 10_000

    statements.clear()
    [batch] = await world.roles._runner.claim(8)
    assert len(batch.members) == BATCH
    assert len(statements) < 6
    event.remove(engine, "before_cursor_execute", note)


async def test_snapshot_counts_by_guild_and_source(world: World):
    later = world.clock.now() + A_WHILE
    await world.want(
        change(ANN, RED),
        change(ANN, BLUE, source=S.STICKY),
        change(ANN, GREEN, not_before=later),
        change(guild_id=OTHER_GUILD),
    )
    world.clock.advance(30)

    everywhere = await world.roles.snapshot()
    assert (everywhere.waiting, everywhere.oldest_overdue) == (4, 30.0)
    assert (await world.roles.snapshot(GUILD, S.AUTOMATIC)).waiting == 2
    await world.pass_time()
    assert (await world.roles.snapshot()).outcomes == {
        ("automatic", "applied"): 2,
        ("sticky", "applied"): 1,
    }


async def test_what_waits_for_people_for_ever_is_forgotten(world: World):
    world.view.place = 1
    later = world.clock.now() + timedelta(days=200)
    await world.want(change(ANN), change(BOB, BLUE, not_before=later))
    await world.pass_time()
    world.clock.advance(timedelta(days=100))
    async with world.database.write() as session:
        await purge_wishes(session, world.clock.now())

    assert [wish.user_id for wish in await world.wishes()] == [BOB]


async def test_snapshot_tells_what_waits_for_its_turn_from_what_waits_for_its_time(
    world: World,
) -> None:
    later = world.clock.now() + timedelta(hours=1)
    await world.want(change(role_id=RED), change(role_id=BLUE, not_before=later))
    snapshot = await world.roles.snapshot(GUILD)
    assert (snapshot.waiting, snapshot.due) == (2, 1)
    world.clock.advance(timedelta(hours=1))
    assert (await world.roles.snapshot(GUILD)).due == 2
