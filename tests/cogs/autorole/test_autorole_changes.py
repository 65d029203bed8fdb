"""What changed while the bot was away, and what is not to be given any more."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta

import pytest

from cogs.autorole import keeping
from cogs.autorole.rules import Newcomer
from cogs.autorole.settings import JoinRole
from db import autorole as table
from tests.bot.core.roles.world import ANN, BLUE, BOB, GREEN, GUILD, RED, change
from tests.cogs.autorole.world import MUTED, STAFF, AutoroleWorld

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


async def test_what_changed_while_away_is_noted_when_a_session_begins(
    world: AutoroleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "PAGE", 1)
    await world.set(sticky_enabled=True)
    await world.join(ANN)
    await world.join(BOB)
    await world.get(RED, user_id=ANN)
    await world.get(RED, user_id=BOB)
    # Nobody listens: Ann gets another role, Bob leaves.
    world.discord.roles[ANN] = {BLUE}
    world.discord.members.discard(BOB)
    await world.keeping.begin_session([GUILD])
    for _page in range(4):
        await world.work(1)

    assert (await known(world, ANN), await known(world, BOB)) == ({BLUE}, {RED})
    assert (await is_kept(world, ANN), await is_kept(world, BOB)) == (False, True)


async def test_who_came_back_while_away_gets_kept_and_join_roles(world: AutoroleWorld) -> None:
    await world.set(JoinRole(role_id=BLUE), sticky_enabled=True)
    await world.join(ANN)
    await world.work()
    await world.get(GREEN)
    await world.leave(ANN)
    # Nobody listens: Ann is back, with what onboarding gave her.
    world.discord.members.add(ANN)
    world.discord.roles[ANN] = {RED}

    await world.keeping.begin_session([GUILD])
    await world.work(1)
    await world.work(1)

    assert roles_of(world) == {RED, BLUE, GREEN}
    assert await known(world) == {RED, BLUE, GREEN}
    assert not await is_kept(world, ANN)

    # Once: what staff take from her later stays taken.
    world.discord.roles[ANN] = {RED}
    await world.hear(ANN)
    await world.keeping.begin_session([GUILD])
    await world.work(1)
    assert roles_of(world) == {RED}


async def test_news_during_the_reading_of_members_are_newer(
    world: AutoroleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.set(sticky_enabled=True)
    await world.join(ANN)
    await world.get(RED)
    read = world.lister.list_members

    async def read_slowly(guild_id: int, *, after: int, limit: int) -> Sequence[Newcomer]:
        page = await read(guild_id, after=after, limit=limit)
        await world.get(BLUE)
        return page

    monkeypatch.setattr(world.lister, "list_members", read_slowly)
    await world.keeping.begin_session([GUILD])
    await world.work()

    assert await known(world, ANN) == {RED, BLUE}


# --- what is not to be given any more -------------------------------------------------------------


async def test_role_that_is_removed_is_not_given_to_those_who_wait_for_it(
    world: AutoroleWorld,
) -> None:
    late, later = JoinRole(role_id=RED, delay=HOUR), JoinRole(role_id=BLUE, delay=HOUR)
    await world.set(late, later, JoinRole(role_id=STAFF, after_role_id=GREEN, trusted=True))
    await world.join()
    # What others want stays, also where it is the same.
    async with world.database.write() as session:
        won = change(BOB, RED, not_before=world.clock.now() + HOUR)
        await world.roles.want(session, [won, change(ANN, MUTED, not_before=won.not_before)])
    assert await world.service.count_coming(GUILD, RED) == 1
    assert await world.service.count_coming(GUILD, STAFF) == 1

    await world.set(later)

    await world.get(GREEN)
    await world.work(HOUR)
    assert (roles_of(world, ANN), roles_of(world, BOB)) == ({BLUE, GREEN, MUTED}, {RED})
    assert await world.service.count_coming(GUILD, STAFF) == 0


async def test_nothing_is_given_any_more_once_it_is_switched_off(world: AutoroleWorld) -> None:
    late = JoinRole(role_id=RED, delay=2 * DAY)
    await world.set(late)
    await world.join()
    await world.begin(late)
    await world.work()
    assert len(await world.wishes()) == 2

    await world.set(late, enabled=False)

    await world.work(2 * DAY)
    assert world.discord.calls == []


async def test_member_whom_the_database_refuses_keeps_nobody_else_waiting(
    world: AutoroleWorld,
) -> None:
    await world.set(SAILOR, sticky_enabled=True)
    others = list(range(5001, 5008))
    world.discord.members |= {ANN, *others}
    for one in (*others[:4], 1 << 70, *others[4:]):
        world.service.member_joined(world.lister.member(one, role_ids=frozenset()))
    world.service.member_changed(world.lister.member(ANN, role_ids=frozenset({BLUE})))
    world.service.member_left(GUILD, 1 << 71)
    await world.rest()
    assert [one for one in others if roles_of(world, one) == {RED}] == others
    assert await known(world, ANN) == {BLUE}
