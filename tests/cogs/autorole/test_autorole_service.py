"""Join roles and kept roles, stored and given on each database."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from cogs.autorole import service
from cogs.autorole.problems import find_autorole_problems
from cogs.autorole.service import KEY, WAITED_FOR, purge_autorole
from cogs.autorole.settings import JoinRole
from db import autorole as table
from tests.bot.core.roles.world import ANN, BLUE, BOB, GREEN, GUILD, RED
from tests.cogs.autorole.world import BOTS_OWN, MUTED, STAFF, AutoroleWorld

SAILOR = JoinRole(role_id=RED)
USERS = itertools.count(7000)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def roles_of(world: AutoroleWorld, user_id: int = ANN) -> set[int]:
    return world.discord.roles[user_id]


async def known(world: AutoroleWorld, user_id: int = ANN) -> set[int] | None:
    async with world.database.read() as session:
        rows = await table.list_known(session, [(GUILD, user_id)])
    return {int(one) for one in rows[0].role_ids} if rows else None


async def is_kept(world: AutoroleWorld, user_id: int) -> bool:
    """Return whether roles are kept for somebody who is away."""
    async with world.database.read() as session:
        rows = await table.list_known(session, [(GUILD, user_id)])
    return bool(rows) and rows[0].kept_until is not None


# --- joining ------------------------------------------------------------------------------------


async def test_newcomer_gets_the_role(world: AutoroleWorld) -> None:
    await world.set(SAILOR)
    await world.join()
    assert roles_of(world) == {RED}
    assert world.discord.reasons == ["Join role"]


async def test_newcomer_gets_nothing_where_it_is_off(world: AutoroleWorld) -> None:
    await world.set(SAILOR, enabled=False)
    await world.join()
    await world.work(DAY)
    assert roles_of(world) == set()


async def test_role_with_a_delay_is_given_after_it(world: AutoroleWorld) -> None:
    await world.set(JoinRole(role_id=RED, delay=HOUR), JoinRole(role_id=BLUE))
    await world.join()
    assert roles_of(world) == {BLUE}
    await world.work(HOUR)
    assert roles_of(world) == {BLUE, RED}


async def test_role_for_old_accounts_is_given_when_the_account_is_old(world: AutoroleWorld) -> None:
    await world.set(JoinRole(role_id=RED, account_age=DAY))
    await world.join(created_at=world.clock.now() - 23 * HOUR)
    assert roles_of(world) == set()
    await world.work(HOUR)
    assert roles_of(world) == {RED}


async def test_bots_and_people_get_their_own_roles(world: AutoroleWorld) -> None:
    await world.set(SAILOR, JoinRole(role_id=BLUE, recipients="bots"))
    await world.join(ANN)
    await world.join(BOB, is_bot=True)
    assert (roles_of(world, ANN), roles_of(world, BOB)) == ({RED}, {BLUE})


async def test_member_in_screening_gets_the_role_after_it(world: AutoroleWorld) -> None:
    await world.set(SAILOR, JoinRole(role_id=BLUE, after_screening=False))
    await world.join(pending=True)
    assert roles_of(world) == {BLUE}
    world.discord.pending.clear()
    world.roles.member_passed(GUILD, ANN)
    await world.settle()
    assert roles_of(world) == {RED, BLUE}


async def test_verification_level_is_waited_for(world: AutoroleWorld) -> None:
    world.view.level = 3
    await world.set(SAILOR)
    await world.join()
    await world.work(timedelta(minutes=9))
    assert roles_of(world) == set()
    await world.work(timedelta(minutes=1))
    assert roles_of(world) == {RED}


async def test_role_that_is_gone_is_not_wanted(world: AutoroleWorld) -> None:
    await world.set(SAILOR, JoinRole(role_id=BLUE))
    del world.view.positions[RED]
    await world.join()
    assert world.discord.calls == [("add", ANN, BLUE)]


async def test_role_of_staff_is_given_only_with_an_agreement(world: AutoroleWorld) -> None:
    await world.set(SAILOR, JoinRole(role_id=STAFF), JoinRole(role_id=GREEN, after_role_id=BLUE))
    await world.join()
    await world.join(BOB)
    world.view.rights[GREEN] = frozenset({"administrator"})
    await world.get(BLUE, user_id=BOB)
    assert (roles_of(world), roles_of(world, BOB)) == ({RED}, {RED, BLUE})
    state = await world.settings.get(GUILD, KEY)
    told = find_autorole_problems(state, world.view, GUILD)
    assert [one.subject for one in told] == [f"join_roles:{STAFF}", f"join_roles:{GREEN}"]

    await world.set(JoinRole(role_id=STAFF, trusted=True))
    await world.join(9001)
    assert roles_of(world, 9001) == {STAFF}
    state = await world.settings.get(GUILD, KEY)
    assert find_autorole_problems(state, world.view, GUILD) == []


async def test_role_above_the_bot_is_told_once_and_given_to_all_when_it_is_moved(
    world: AutoroleWorld,
) -> None:
    await world.set(SAILOR)
    world.view.place = 1
    await world.join(ANN)
    await world.join(BOB)
    assert await world.open_problems() == [f"roles_parked bot_hierarchy:{RED}"]
    world.view.place = 10
    world.roles.look_again(GUILD)
    await world.settle()
    assert (roles_of(world, ANN), roles_of(world, BOB)) == ({RED}, {RED})
    assert await world.open_problems() == []


async def test_raid_is_stored_in_few_transactions(
    world: AutoroleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.set(SAILOR)
    writes, write = [], world.database.write
    monkeypatch.setattr(world.database, "write", lambda: writes.append(1) or write())
    for one in range(300):
        world.service.member_joined(
            world.lister.member(5000 + one, joined_at=world.clock.now(), role_ids=frozenset())
        )
    assert await world.service.flush()
    assert len(writes) <= 2
    assert len(await world.wishes()) == 300


async def test_flood_of_changes_costs_no_join_and_is_told(
    world: AutoroleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_NOTES", 3)
    monkeypatch.setattr(service, "MOST_CHANGES", 2)
    await world.set(SAILOR, sticky_enabled=True)
    world.discord.members |= {ANN, BOB}
    newcomers = [world.lister.member(one, joined_at=world.clock.now()) for one in (ANN, BOB)]
    with capture_logs() as logs:
        for user_id in (7000, 7001, 7002):
            world.service.member_changed(world.lister.member(user_id))
        for one in newcomers:
            world.service.member_joined(one)
        await world.rest()
    assert (roles_of(world, ANN), roles_of(world, BOB)) == ({RED}, set())
    (told,) = (one for one in logs if one["event"] == "autorole_news_dropped")
    assert (told["changes"], told["joins"], told["log_level"]) == (1, 1, "error")


async def test_join_is_kept_while_the_database_is_away(
    world: AutoroleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.set(SAILOR)
    await world.service.flush()

    def away() -> Any:
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr(world.database, "write", away)
        world.service.member_joined(world.lister.member(ANN))
        assert not await world.service.flush()
        world.service.member_left(GUILD, BOB)
        assert not await world.service.flush()
    await world.rest()
    assert roles_of(world) == {RED}


async def test_two_processes_that_hear_of_a_join_give_the_role_once(world: AutoroleWorld) -> None:
    await world.set(SAILOR, sticky_enabled=True)
    other = AutoroleWorld(world.database, world.clock, world.discord)
    newcomer = world.lister.member(ANN, joined_at=world.clock.now())
    for one in (world, other):
        await one.settings.get(GUILD, "autorole")
        one.service.member_joined(newcomer)
    await asyncio.gather(world.service.flush(), other.service.flush())
    await world.settle()
    assert world.discord.calls == [("add", ANN, RED)]


# --- waiting for a role -------------------------------------------------------------------------


async def test_role_after_another_is_given_once_the_member_has_that(world: AutoroleWorld) -> None:
    await world.set(JoinRole(role_id=RED, after_role_id=GREEN, delay=HOUR))
    await world.join()
    await world.work(HOUR)
    await world.get(BLUE)
    assert roles_of(world) == {BLUE}
    await world.get(GREEN)
    assert roles_of(world) == {BLUE, GREEN, RED}

    # What staff takes afterwards is not given again.
    world.discord.roles[ANN].discard(RED)
    await world.hear()
    assert roles_of(world) == {BLUE, GREEN}


async def test_two_processes_that_hear_of_the_role_give_once(world: AutoroleWorld) -> None:
    await world.set(JoinRole(role_id=RED, after_role_id=GREEN))
    await world.join()
    other = AutoroleWorld(world.database, world.clock, world.discord)
    await other.settings.get(GUILD, "autorole")
    world.discord.roles[ANN].add(GREEN)
    for one in (world, other):
        one.service.member_changed(world.lister.member(ANN))
    await asyncio.gather(world.service.flush(), other.service.flush())
    async with world.database.read() as session:
        assert await table.list_waiting(session, [(GUILD, ANN)]) == []
    await world.settle()
    assert world.discord.calls == [("add", ANN, RED)]


async def test_who_leaves_waits_no_more(world: AutoroleWorld) -> None:
    await world.set(JoinRole(role_id=RED, after_role_id=GREEN))
    await world.join()
    await world.leave()
    async with world.database.read() as session:
        assert await table.list_waiting(session, [(GUILD, ANN)]) == []


# --- coming back --------------------------------------------------------------------------------


async def test_who_comes_back_gets_harmless_roles_back(world: AutoroleWorld) -> None:
    await world.set(sticky_enabled=True, sticky_denied=[str(GREEN)])
    await world.join()
    await world.get(RED, BLUE, GREEN, MUTED, STAFF, BOTS_OWN)
    await world.leave()
    await world.work(DAY)
    await world.join()
    assert roles_of(world) == {RED, BLUE}


async def test_role_of_staff_is_given_back_where_it_is_allowed(world: AutoroleWorld) -> None:
    await world.set(sticky_enabled=True, sticky_allowed=[str(STAFF)])
    await world.join()
    await world.get(STAFF)
    await world.leave()
    await world.join()
    assert roles_of(world) == {STAFF}


async def test_who_stays_away_for_too_long_comes_back_without_roles(world: AutoroleWorld) -> None:
    await world.set(sticky_enabled=True, sticky_for=timedelta(days=2))
    await world.join()
    await world.get(RED)
    await world.leave()
    await world.work(timedelta(days=2, seconds=1))
    await world.join()
    assert roles_of(world) == set()

    # Nor do they get back later what they had in a stay before the last.
    await world.leave()
    await world.join()
    assert roles_of(world) == set()


async def test_last_change_before_leaving_counts_though_it_was_not_stored_yet(
    world: AutoroleWorld,
) -> None:
    await world.set(sticky_enabled=True)
    await world.join()
    await world.get(RED)
    world.service.member_changed(world.lister.member(ANN, role_ids=frozenset({BLUE})))
    world.service.member_left(GUILD, ANN)
    await world.rest()
    assert await known(world) == {BLUE}


async def test_change_departure_and_return_in_a_moment(world: AutoroleWorld) -> None:
    await world.set(sticky_enabled=True)
    await world.join()
    world.service.member_changed(world.lister.member(ANN, role_ids=frozenset({BLUE})))
    world.service.member_left(GUILD, ANN)
    await world.join()
    assert roles_of(world) == {BLUE}


@pytest.mark.parametrize("away", [False, True])
async def test_what_happens_in_a_moment_is_stored_in_its_order(
    world: AutoroleWorld, monkeypatch: pytest.MonkeyPatch, away: bool
) -> None:
    """Every order of what can happen to a member ends as if each had been stored at once."""

    def fail() -> Any:
        raise ConnectionRefusedError

    await world.set(sticky_enabled=True)
    for steps in itertools.product(("get", "leave", "join"), repeat=4):
        endings = []
        for at_once in (True, False):
            user_id, number, is_there = next(USERS), 0, True
            for step in steps:
                if (step == "join") is is_there:
                    continue
                is_there = step != "leave"
                if step == "get":
                    number += 1
                    had = frozenset({RED + number % 3})
                    world.service.member_changed(world.lister.member(user_id, role_ids=had))
                elif step == "leave":
                    world.service.member_left(GUILD, user_id)
                else:
                    world.service.member_joined(world.lister.member(user_id))
                if at_once:
                    assert await world.service.flush()
                elif away:
                    with monkeypatch.context() as patch:
                        patch.setattr(world.database, "write", fail)
                        assert not await world.service.flush()
            assert await world.service.flush()
            endings.append((await known(world, user_id), await is_kept(world, user_id)))
        assert endings[0] == endings[1], steps


async def test_who_leaves_before_all_is_given_back_loses_nothing(world: AutoroleWorld) -> None:
    await world.set(sticky_enabled=True)
    await world.join()
    await world.get(RED, BLUE)
    await world.leave()
    # They come back into screening, are heard of with no role, and leave again.
    await world.join(pending=True)
    await world.hear()
    assert await known(world) == {RED, BLUE}
    await world.leave()
    world.discord.pending.clear()
    await world.work(timedelta(minutes=5))
    await world.join()
    assert roles_of(world) == {RED, BLUE}


async def test_what_outweighs_kept_roles_stands(world: AutoroleWorld) -> None:
    await world.set(JoinRole(role_id=RED, delay=DAY), sticky_enabled=True)
    await world.join()
    await world.get(RED)
    await world.leave()
    await world.join()
    assert roles_of(world) == {RED}


async def test_keeping_begins_with_the_roles_that_members_have(world: AutoroleWorld) -> None:
    world.discord.roles[ANN] = {RED}
    await world.set(sticky_enabled=True)
    await world.work()
    assert await known(world) == {RED}
    assert await known(world, BOB) is None

    await world.set(sticky_enabled=False)
    assert await known(world) is None


async def test_look_at_members_does_not_undo_what_was_heard_meanwhile(world: AutoroleWorld) -> None:
    world.discord.roles[ANN] = {RED}
    await world.set(sticky_enabled=True)
    await world.get(BLUE)
    world.discord.roles[ANN] = {GREEN}
    await world.work()
    assert await known(world) == {RED, BLUE}


async def test_nothing_is_stored_of_members_without_roles(world: AutoroleWorld) -> None:
    await world.set(sticky_enabled=True)
    await world.join()
    await world.get(RED)
    world.discord.roles[ANN].clear()
    await world.hear()
    assert await known(world) is None


async def test_nothing_is_kept_where_it_is_off(world: AutoroleWorld) -> None:
    await world.set(SAILOR)
    await world.join()
    await world.get(BLUE)
    assert await known(world) is None


async def test_nightly_cleaning(world: AutoroleWorld) -> None:
    await world.set(JoinRole(role_id=RED, after_role_id=GREEN), sticky_enabled=True)
    await world.join(ANN)
    await world.join(BOB)
    await world.get(BLUE, user_id=ANN)
    await world.get(BLUE, user_id=BOB)
    await world.leave(BOB)
    later = world.clock.now() + WAITED_FOR + DAY
    async with world.database.write() as session:
        await purge_autorole(session, later)
    assert await known(world, ANN) == {BLUE}
    assert await known(world, BOB) is None
    async with world.database.read() as session:
        assert await table.list_waiting(session, [(GUILD, ANN)]) == []
