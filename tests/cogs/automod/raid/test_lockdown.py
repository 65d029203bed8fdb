"""Lockdowns: all is as before afterwards, and what people changed by hand stays theirs."""

from __future__ import annotations

import asyncio
import copy
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.cases.outcomes import Delayed, NotPermitted
from bot.core.contracts import Actor
from bot.core.errors import Conflict, Denied, InvalidInput, NotFound
from cogs.automod.raid.lockdown import LockdownOrder
from cogs.automod.raid.overwrites import BITS, Bits, Change, close, reopen
from tests.cogs.automod.raid.raidworld import (
    BOT,
    GUILD,
    MEMBER_ROLE,
    SEND,
    STAFF_ROLE,
    VIEW,
    World,
    overwrite,
)

STAFF = Actor(5, "command", "Grace")


def order(**options: object) -> LockdownOrder:
    return LockdownOrder(guild_id=GUILD, actor=STAFF, **options)  # type: ignore[arg-type]


bits = st.integers(0, (1 << 41) - 1)
lockable = st.sampled_from(sorted(BITS.values()))
masks = st.sets(lockable).map(sum)


@st.composite
def overwrites(draw: st.DrawFn) -> Bits:
    allow = draw(bits)
    return Bits(allow, draw(bits) & ~allow)


@st.composite
def changes(draw: st.DrawFn) -> Change:
    original = draw(st.none() | overwrites())
    first, second, third = draw(masks), draw(masks), draw(masks)
    old = original or Bits()
    return Change(
        1,
        2,
        0,
        original,
        allowed=first & ~old.allow,
        denied=second & ~first & ~old.deny,
        cleared=third & ~first & ~second & (old.allow | old.deny),
    )


@given(changes())
def test_reopening_a_closed_overwrite_is_exact(change: Change) -> None:
    closed = close(change, change.original)
    if closed != (change.original or Bits()):
        assert reopen(change, closed) == change.original


@given(changes())
def test_closing_twice_is_closing_once(change: Change) -> None:
    closed = close(change, change.original)
    assert close(change, closed) == closed


@given(changes(), overwrites())
def test_reopening_leaves_bits_that_were_not_ours(change: Change, by_hand: Bits) -> None:
    after = reopen(change, by_hand) or Bits()
    ours = change.allowed | change.denied | change.cleared
    assert after.allow & ~ours == by_hand.allow & ~ours
    assert after.deny & ~ours == by_hand.deny & ~ours
    assert after.allow & after.deny == 0


async def test_lockdown_closes_public_channels_and_opens_them_exactly(world: World) -> None:
    before = copy.deepcopy(world.guild.channels)
    await world.lockdowns.begin(order())
    await world.pass_time()
    closed = world.guild.overwrites()

    for channel in (600, 601, 602, 604):
        assert closed[channel][GUILD].deny & SEND
    assert closed[602][MEMBER_ROLE] == Bits(VIEW, 0)
    assert closed[604][STAFF_ROLE].allow & SEND
    assert closed[600][BOT].allow & SEND
    assert closed[603] == {GUILD: Bits(0, VIEW)}
    assert closed[605] == {}
    await world.lockdowns.end(GUILD)
    await world.pass_time()

    assert world.guild.channels == before
    assert await world.lockdowns.current(GUILD) is None


async def test_lockdown_ends_by_itself(world: World) -> None:
    before = copy.deepcopy(world.guild.channels)
    await world.lockdowns.begin(order(duration=timedelta(minutes=10)))
    await world.pass_time()
    assert world.guild.channels != before
    await world.pass_time(601)

    assert world.guild.channels == before


async def test_changes_by_hand_are_respected(world: World) -> None:
    await world.lockdowns.begin(order())
    await world.pass_time()
    channels = world.guild.channels
    closed = int(channels[600][1][GUILD]["deny"])
    channels[600][1][GUILD] = overwrite(GUILD, allow=SEND, deny=(closed & ~SEND) | 1 << 13)
    del channels[601][1][GUILD]
    del channels[604]
    channels[602][1][STAFF_ROLE] = overwrite(STAFF_ROLE, allow=1 << 14)
    await world.lockdowns.end(GUILD)
    await world.pass_time()
    after = world.guild.overwrites()

    assert after[600] == {GUILD: Bits(SEND, 1 << 13)}
    assert after[601] == {}
    assert after[602] == {MEMBER_ROLE: Bits(SEND | VIEW), STAFF_ROLE: Bits(1 << 14)}
    assert await world.lockdowns.current(GUILD) is None


async def test_one_lockdown_at_a_time_whoever_begins_it(world: World) -> None:
    other = World(world.database, world.clock, world.guild)
    await other.start()
    outcomes = await asyncio.gather(
        world.lockdowns.begin(order()), other.lockdowns.begin(order()), return_exceptions=True
    )

    assert sorted(type(one).__name__ for one in outcomes) == ["Conflict", "Lockdown"]
    with pytest.raises(Conflict):
        await world.lockdowns.begin(order())


async def test_ended_while_it_closes_all_is_as_before(world: World) -> None:
    before = copy.deepcopy(world.guild.channels)
    real = world.guild.set_overwrite
    calls = 0

    async def set_overwrite(*args: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            await world.lockdowns.end(GUILD)
        await real(*args)  # type: ignore[arg-type]

    world.guild.set_overwrite = set_overwrite  # type: ignore[method-assign]
    await world.lockdowns.begin(order())
    await world.pass_time()

    assert calls > 2
    assert world.guild.channels == before


async def test_refused_channel_is_told_once_and_the_rest_goes_on(world: World) -> None:
    before = copy.deepcopy(world.guild.channels)
    world.guild.failing[601] = NotPermitted("missing_access")
    await world.lockdowns.begin(order())
    await world.pass_time()

    assert world.guild.overwrites()[602][GUILD].deny & SEND
    assert await world.causes() == ["lockdown_refused"]
    await world.lockdowns.end(GUILD)
    await world.pass_time()
    await world.pass_time(400)

    assert world.guild.channels == before


async def test_channel_that_can_not_be_opened_is_tried_again_until_it_can(world: World) -> None:
    before = copy.deepcopy(world.guild.channels)
    await world.lockdowns.begin(order())
    await world.pass_time()
    world.guild.failing[600] = NotPermitted("missing_access")
    await world.lockdowns.end(GUILD)
    await world.pass_time()
    assert await world.causes() == ["lockdown_refused"]
    assert world.guild.channels != before
    world.guild.failing.clear()
    await world.pass_time(400)

    assert world.guild.channels == before
    assert await world.causes() == []


async def test_discord_out_of_order_delays_and_loses_nothing(world: World) -> None:
    before = copy.deepcopy(world.guild.channels)
    world.guild.failing[601] = Delayed("discord_error", after=timedelta(seconds=30))
    await world.lockdowns.begin(order())
    await world.pass_time()
    world.guild.failing.clear()
    await world.pass_time(60)
    assert world.guild.overwrites()[602][GUILD].deny & SEND
    await world.lockdowns.end(GUILD)
    await world.pass_time()

    assert world.guild.channels == before


async def test_chosen_channels_only_and_refusals_in_words(world: World) -> None:
    with pytest.raises(NotFound):
        await world.lockdowns.end(GUILD)
    with pytest.raises(InvalidInput):
        await world.lockdowns.begin(order(channel_ids=frozenset({605})))
    world.state.permissions = frozenset({"send_messages"})
    with pytest.raises(Denied):
        await world.lockdowns.begin(order())
    world.state.permissions = type(world.state).permissions
    await world.lockdowns.begin(order(channel_ids=frozenset({603})))
    await world.pass_time()

    assert {one[1] for one in world.guild.calls} == {603}


async def test_lockdown_has_one_message_that_is_edited(world: World) -> None:
    await world.set_log()
    await world.lockdowns.begin(order(reason="*raid*"))
    await world.pass_time()
    await world.lockdowns.end(GUILD)
    await world.pass_time()

    kinds = [row.kind for row in await world.queued()]
    assert kinds == ["message.send", "message.edit", "message.edit"]


async def test_lockdown_lets_staff_write_on_and_nobody_else(world: World) -> None:
    friend, channels = 1005, world.guild.channels
    channels[600][1][friend] = overwrite(friend, allow=SEND, kind=1)
    before = copy.deepcopy(channels)
    await world.lockdowns.begin(order())
    await world.pass_time()
    closed = world.guild.overwrites()

    # Staff who had nothing of their own, also where a role for members let them write.
    assert closed[600][STAFF_ROLE].allow & SEND
    assert closed[602][STAFF_ROLE].allow & SEND
    assert not closed[600].get(friend, Bits()).allow & SEND
    await world.lockdowns.end(GUILD)
    await world.pass_time()

    assert channels == before
