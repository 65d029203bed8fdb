"""Locks: exact restore, crashes in between, changes by hand; on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.audit import AuditLog
from bot.core.config import Config
from bot.core.contracts import Actor
from bot.core.errors import Conflict, Denied, NotFound
from bot.core.events import EventBus
from bot.core.i18n import _
from bot.core.jobs import JobService
from bot.core.overwrites import (
    ADD_REACTIONS,
    SEND_MESSAGES,
    TALKING,
    Change,
    Overwrite,
    dump,
    load,
    plan_lock,
    restore,
)
from bot.core.supervisor import TaskSupervisor
from cogs.moderation.locks import ChannelGone, Lock, LockService
from db.engine import Database
from tests.fakes import FakeClock

EVERYONE, BOT, STAFF, FAN, FRIEND = 100, 101, 102, 103, 104
GUILD, CHANNEL = EVERYONE, 7
MOD = Actor(9, "command", "mod")
EMBEDS = 1 << 14

BEFORE = (
    Overwrite(EVERYONE, is_member=False, allow=EMBEDS, deny=ADD_REACTIONS),
    Overwrite(STAFF, is_member=False, allow=SEND_MESSAGES),
    Overwrite(FAN, is_member=False, allow=SEND_MESSAGES | EMBEDS),
    Overwrite(FRIEND, is_member=True, allow=SEND_MESSAGES),
)


class KilledError(BaseException):
    """Stands for the end of the process."""


class FakeDoors:
    """A channel's overwrites; `kill_after` writes the process ends."""

    def __init__(self, overwrites: Sequence[Overwrite]) -> None:
        self.overwrites = {one.id: one for one in overwrites}
        self.kill_after: int | None = None
        self.forbids_after: int | None = None
        self.gone = False
        self.writes = 0

    async def read(self, channel_id: int) -> list[Overwrite]:
        assert channel_id == CHANNEL
        if self.gone:
            raise ChannelGone
        return list(self.overwrites.values())

    async def write(self, channel_id: int, overwrite: Overwrite, *, reason: str) -> None:
        assert channel_id == CHANNEL
        assert reason
        if self.gone:
            raise ChannelGone
        if self.kill_after == self.writes:
            self.kill_after = None
            raise KilledError
        if self.forbids_after == self.writes:
            self.forbids_after = None
            raise Denied(_("I may not change the permissions of that channel."))
        self.writes += 1
        if overwrite.is_empty:
            self.overwrites.pop(overwrite.id, None)
        else:
            self.overwrites[overwrite.id] = overwrite


class Process:
    """One run of the bot over the database."""

    def __init__(self, database: Database, clock: FakeClock, doors: FakeDoors) -> None:
        bus, supervisor = EventBus(), TaskSupervisor()
        self.jobs = JobService(database, clock, Config().jobs, supervisor, bus=bus)
        audit = AuditLog(clock, bus, supervisor)
        self.locks = LockService(database, clock, self.jobs, audit, doors)
        self.locks.start()
        self.clock, self.doors = clock, doors

    async def lock(self, **values: object) -> None:
        await self.locks.lock(Lock(GUILD, CHANNEL, **values), planned(), MOD)  # pyright: ignore[reportArgumentType]

    async def pass_time(self, span: timedelta) -> None:
        self.clock.advance(span)
        await self.jobs.run_due()


def planned() -> tuple[Change, ...]:
    return plan_lock(
        BEFORE,
        everyone_id=EVERYONE,
        bot_id=BOT,
        staff={STAFF: SEND_MESSAGES | ADD_REACTIONS},
        bits=TALKING,
        bot_bits=SEND_MESSAGES | ADD_REACTIONS,
    )


@pytest.fixture
def doors() -> FakeDoors:
    return FakeDoors(BEFORE)


@pytest.fixture
async def process(database: Database, clock: FakeClock, doors: FakeDoors) -> Process:
    return Process(database, clock, doors)


def original(doors: FakeDoors) -> bool:
    return doors.overwrites == {one.id: one for one in BEFORE}


async def test_lock_denies_everyone_but_staff_and_the_bot(process: Process) -> None:
    await process.lock()

    now = process.doors.overwrites
    assert now[EVERYONE].deny & TALKING == TALKING
    assert now[EVERYONE].allow == EMBEDS
    # Reactions were denied to all before, so staff are not given them now.
    assert now[STAFF] == BEFORE[1]
    assert now[FAN].allow == EMBEDS
    assert FRIEND not in now
    assert now[BOT].allow == SEND_MESSAGES | ADD_REACTIONS


async def test_unlock_restores_exactly_also_in_a_later_process(
    process: Process, database: Database
) -> None:
    await process.lock()
    later = Process(database, process.clock, process.doors)

    await later.locks.unlock(GUILD, CHANNEL, MOD)

    assert original(process.doors)
    with pytest.raises(NotFound):
        await later.locks.unlock(GUILD, CHANNEL, MOD)


async def test_lock_of_a_locked_channel_keeps_the_first_originals(process: Process) -> None:
    await process.lock()

    with pytest.raises(Conflict):
        await process.lock()
    await process.locks.unlock(GUILD, CHANNEL, MOD)

    assert original(process.doors)


async def test_lock_ends_by_itself(process: Process) -> None:
    await process.lock(ends_at=process.clock.now() + timedelta(hours=1))
    await process.pass_time(timedelta(minutes=59))
    assert not original(process.doors)

    await process.pass_time(timedelta(minutes=1))

    assert original(process.doors)
    assert not await process.locks.is_locked(CHANNEL)


@pytest.mark.parametrize("step", range(4))
async def test_lock_that_was_cut_off_is_completed_and_can_be_taken_back(
    process: Process, database: Database, step: int
) -> None:
    process.doors.kill_after = step
    with pytest.raises(KilledError):
        await process.lock(ends_at=process.clock.now() + timedelta(hours=1))
    later = Process(database, process.clock, process.doors)

    await later.pass_time(timedelta(minutes=1))
    assert process.doors.overwrites[EVERYONE].deny & TALKING == TALKING
    assert FRIEND not in process.doors.overwrites
    await later.pass_time(timedelta(hours=1))

    assert original(process.doors)


@pytest.mark.parametrize("step", range(4))
async def test_unlock_that_was_cut_off_is_completed(
    process: Process, database: Database, step: int
) -> None:
    await process.lock()
    process.doors.kill_after = process.doors.writes + step
    with pytest.raises(KilledError):
        await process.locks.unlock(GUILD, CHANNEL, MOD)
    later = Process(database, process.clock, process.doors)

    await later.pass_time(timedelta(minutes=1))

    assert original(process.doors)


@pytest.mark.parametrize("step", range(4))
async def test_lock_that_discord_refuses_half_way_is_taken_back(
    process: Process, step: int
) -> None:
    process.doors.forbids_after = step

    with pytest.raises(Denied):
        await process.lock()

    assert original(process.doors)
    assert not await process.locks.is_locked(CHANNEL)


async def test_unlock_leaves_what_was_changed_by_hand(process: Process) -> None:
    await process.lock()
    by_hand = Overwrite(EVERYONE, is_member=False, allow=EMBEDS | ADD_REACTIONS, deny=SEND_MESSAGES)
    process.doors.overwrites[EVERYONE] = by_hand

    await process.locks.unlock(GUILD, CHANNEL, MOD)

    now = process.doors.overwrites[EVERYONE]
    assert now.allow == EMBEDS | ADD_REACTIONS
    assert not now.deny & SEND_MESSAGES


async def test_unlock_of_a_channel_that_is_gone_forgets_it(process: Process) -> None:
    await process.lock()
    process.doors.gone = True

    await process.locks.unlock(GUILD, CHANNEL, MOD)

    assert not await process.locks.is_locked(CHANNEL)


# --- rules ------------------------------------------------------------------------------------

BITS = st.integers(min_value=0, max_value=(1 << 50) - 1)


@st.composite
def overwrites(draw: st.DrawFn) -> list[Overwrite]:
    ids = draw(st.lists(st.sampled_from([EVERYONE, BOT, STAFF, FAN, FRIEND]), unique=True))
    found = []
    for one in ids:
        allow = draw(BITS)
        found.append(Overwrite(one, one in (BOT, FRIEND), allow, draw(BITS) & ~allow))
    # Discord keeps overwrites that say nothing; what is put back may be without them.
    return [one for one in found if not one.is_empty]


@given(overwrites(), BITS, BITS, BITS)
def test_restore_gives_back_exactly_what_was_there(
    before: list[Overwrite], bits: int, bot_bits: int, rights: int
) -> None:
    changes = load(
        dump(
            plan_lock(
                before,
                everyone_id=EVERYONE,
                bot_id=BOT,
                staff={STAFF: SEND_MESSAGES | ADD_REACTIONS},
                bits=bits,
                bot_bits=bot_bits,
            )
        )
    )
    now = {one.id: one for one in before}
    now |= {one.target_id: one.after for one in changes}
    now = {key: one for key, one in now.items() if not one.is_empty}

    for change in reversed(changes):
        now[change.target_id] = restore(change, now.get(change.target_id))

    assert {key: one for key, one in now.items() if not one.is_empty} == {
        one.id: one for one in before
    }


def test_lock_gives_staff_nothing_that_they_could_not_do_before() -> None:
    changes = plan_lock(
        [Overwrite(EVERYONE, is_member=False, deny=SEND_MESSAGES)],
        everyone_id=EVERYONE,
        bot_id=BOT,
        staff={STAFF: TALKING},
        bits=TALKING,
        bot_bits=TALKING,
    )

    (staff,) = (one.after for one in changes if one.target_id == STAFF)
    assert not staff.allow & SEND_MESSAGES
    assert staff.allow & ADD_REACTIONS


def test_staff_write_on_where_a_role_for_members_let_them() -> None:
    gated = [
        Overwrite(EVERYONE, is_member=False, deny=SEND_MESSAGES),
        Overwrite(FAN, is_member=False, allow=SEND_MESSAGES),
    ]
    administrators = STAFF + 1000
    changes = plan_lock(
        gated,
        everyone_id=EVERYONE,
        bot_id=BOT,
        staff={STAFF: SEND_MESSAGES, administrators: 0},
        bits=SEND_MESSAGES,
        bot_bits=SEND_MESSAGES,
    )
    after = {one.target_id: one.after.allow for one in changes}
    assert after == {BOT: SEND_MESSAGES, FAN: 0, STAFF: SEND_MESSAGES}
