"""Whatever is ordered, whoever dies: nothing is lost or doubled, and the last word holds.

Staff order, lift, edit and undo; members leave and come back; Discord loses answers; processes die
before a call and after it. In the end Discord does to each member what was wanted last.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from bot.core.cases import CaseKind, CaseState, Delayed, NotPermitted, SanctionKind, Target
from bot.core.cases.rules import HOLDS, LIFTS
from bot.core.errors import Conflict, Denied, InvalidInput, NotFound
from db import schema
from db.engine import Database
from db.jobs import claim_due_jobs
from tests.bot.core.cases.world import GUILD, MOD, MUTED, FakeDiscord, World
from tests.fakes import FakeClock

PEOPLE = (Target(1001, "ann"), Target(1002, "bob"))
people = st.sampled_from(PEOPLE)
spans = st.integers(20, 2_000)
fates = st.sampled_from(["ok", "ok", "ok", "busy", "lost answer", "dies before", "dies after"])
kinds = st.sampled_from([*HOLDS, *LIFTS, CaseKind.KICK, CaseKind.WARN])
actions = st.one_of(
    st.tuples(st.just("order"), people, kinds, spans, fates | st.just("forbidden")),
    st.tuples(st.just("repeat"), fates),
    st.tuples(st.just("undo"), st.integers(0, 30), fates | st.just("forbidden")),
    st.tuples(st.just("edit"), st.integers(0, 30), spans),
    st.tuples(st.just("delete"), st.integers(0, 30)),
    st.tuples(st.just("leave"), people),
    st.tuples(st.just("come_back"), people),
    st.tuples(st.just("pass_time"), st.integers(0, 1_500), fates),
    st.tuples(st.just("die_with_jobs"), st.integers(1, 3)),
)
TEMPORARY = {CaseKind.TIMEOUT, CaseKind.TEMPBAN}


class Death(BaseException):
    """The process is killed: nothing that would come afterwards happens."""


@dataclass
class Play:
    """Plays a script, and keeps in mind what staff wanted last of each member."""

    database: Database
    clock: FakeClock = field(default_factory=FakeClock)
    # By member and kind of sanction: the case that holds and its end.
    wanted: dict[tuple[int, SanctionKind], tuple[int, datetime | None]] = field(
        default_factory=dict
    )
    count: int = 0
    kicks: int = 0
    last: tuple[Any, ...] | None = None

    async def play(self, script: list[tuple[Any, ...]]) -> None:
        self.discord = FakeDiscord(self.clock)
        await self.begin_process()
        for name, *arguments in script:
            await getattr(self, name)(*arguments)
        await self.come_to_rest()
        await self.check()

    async def begin_process(self) -> None:
        self.world = await World(self.database, self.clock, self.discord).start(log=False)

    async def under(self, fate: str, doing: Any) -> Any:
        """Do something while the next call to Discord has that fate."""
        self.discord.before, self.discord.after = [], []
        match fate:
            case "busy":
                self.discord.before = [Delayed("discord_error")]
            case "lost answer":
                self.discord.after = [Delayed("connection")]
            case "forbidden":
                self.discord.before = [NotPermitted("missing_permissions")]
            case "dies before":
                self.discord.before = [Death()]
            case "dies after":
                self.discord.after = [Death()]
        try:
            return await doing
        except Death:
            await self.begin_process()
        finally:
            self.discord.before, self.discord.after = [], []

    # --- what may happen ---------------------------------------------------------------------

    async def order(self, target: Target, kind: CaseKind, seconds: int, fate: str) -> None:
        permanent = kind not in TEMPORARY and (kind not in HOLDS or seconds % 2)
        duration = None if permanent else timedelta(seconds=seconds)
        self.last = (kind, target, f"key:{self.count}", duration)
        await self.carry_out(fate)

    async def repeat(self, fate: str) -> None:
        if self.last is not None:
            await self.carry_out(fate)

    async def carry_out(self, fate: str) -> None:
        assert self.last is not None
        kind, target, key, duration = self.last
        known = len(await self.cases())
        failed = False
        try:
            ordered = self.world.order(kind, target, key, duration=duration)
            await self.under(fate, ordered)
        except (Denied, NotFound):
            failed = True
        is_new = len(await self.cases()) > known
        self.count += is_new
        if is_new and not failed:
            self.want(kind, target, duration)
            self.kicks += kind is CaseKind.KICK

    def want(self, kind: CaseKind, target: Target, duration: timedelta | None) -> None:
        if (held := HOLDS.get(kind)) is not None:
            ends_at = self.clock.now() + duration if duration else None
            self.wanted[target.id, held] = (self.count, ends_at)
        elif (lifted := LIFTS.get(kind)) is not None:
            self.wanted.pop((target.id, lifted), None)

    async def undo(self, number: int, fate: str) -> None:
        with suppress(Denied, Conflict, NotFound):
            case = await self.under(fate, self.world.cases.undo(GUILD, number, MOD))
            if case is None:
                case = await self.world.cases.get(GUILD, number)
            if case.state is CaseState.UNDONE:
                self.forget(number)

    def forget(self, number: int) -> None:
        self.wanted = {key: one for key, one in self.wanted.items() if one[0] != number}

    async def edit(self, number: int, seconds: int) -> None:
        with suppress(InvalidInput, Conflict, NotFound):
            duration = timedelta(seconds=seconds)
            case = await self.world.cases.edit(GUILD, number, actor=MOD, duration=duration)
            for key, (holding, _) in self.wanted.items():
                if holding == number:
                    self.wanted[key] = (number, case.expires_at)

    async def delete(self, number: int) -> None:
        with suppress(NotFound):
            await self.world.cases.delete(GUILD, number, MOD)

    async def leave(self, target: Target) -> None:
        self.discord.leave(target.id)

    async def come_back(self, target: Target) -> None:
        if target.id not in self.discord.bans and target.id not in self.discord.members:
            self.discord.join(target.id)
            await self.world.cases.on_member_joined(GUILD, target.id)

    async def pass_time(self, seconds: int, fate: str) -> None:
        self.clock.advance(seconds)
        await self.under(fate, self.world.jobs.run_due())

    async def die_with_jobs(self, limit: int) -> None:
        async with self.database.write() as session:
            await claim_due_jobs(
                session,
                now=self.clock.now(),
                owner="dead",
                lease=timedelta(seconds=60),
                limit=limit,
            )
        await self.begin_process()

    # --- what must be so ---------------------------------------------------------------------

    async def cases(self) -> Any:
        return await self.world.cases.list(GUILD, limit=1000, include_deleted=True)

    async def come_to_rest(self) -> None:
        for _ in range(4):
            await self.pass_time(100, "ok")
            await self.world.jobs.resume_parked()
            for target in PEOPLE:
                await self.come_back(target)
        await self.pass_time(0, "ok")

    async def check(self) -> None:
        now, cases = self.clock.now(), await self.cases()
        self.wanted = {
            key: (number, end)
            for key, (number, end) in self.wanted.items()
            if end is None or end > now
        }
        assert [case.number for case in reversed(cases)] == list(range(1, self.count + 1))
        assert CaseState.PLANNED not in {case.state for case in cases}
        held = {
            (one.user_id, SanctionKind(one.kind)): (one.case_id, one.ends_at)
            for one in await self.world.sanctions()
            if one.state == "holding"
        }
        ids = {case.number: case.id for case in cases}
        assert held == {
            key: (ids[number], ends_at) for key, (number, ends_at) in self.wanted.items()
        }
        for target in PEOPLE:
            self.check_member(target)
        # Some were overtaken by the member's leaving; none was made twice.
        assert self.discord.kicked <= self.kicks

    def check_member(self, target: Target) -> None:
        wanted = {kind for user_id, kind in self.wanted if user_id == target.id}
        assert (target.id in self.discord.bans) == (SanctionKind.BAN in wanted)
        if target.id in self.discord.members:
            muted = MUTED in self.discord.roles[target.id]
            assert muted == (SanctionKind.MUTE in wanted)
            timed_out = self.discord.is_timed_out(target.id)
            assert timed_out == (SanctionKind.TIMEOUT in wanted)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(script=st.lists(actions, max_size=14))
@example(
    script=[
        ("order", PEOPLE[1], CaseKind.KICK, 55, "lost answer"),
        ("come_back", PEOPLE[1]),
        ("repeat", "ok"),
        ("pass_time", 183, "ok"),
    ]
)
@example(
    script=[
        ("order", PEOPLE[0], CaseKind.TEMPBAN, 20, "dies after"),
        ("order", PEOPLE[0], CaseKind.BAN, 21, "dies before"),
        ("pass_time", 1_000, "ok"),
    ]
)
@example(
    script=[
        ("order", PEOPLE[0], CaseKind.TEMPBAN, 20, "ok"),
        ("pass_time", 20, "dies after"),
        ("order", PEOPLE[0], CaseKind.BAN, 21, "dies after"),
        ("pass_time", 1_000, "dies before"),
    ]
)
def test_last_word_holds_whoever_dies(database_url: str, script: list[tuple[Any, ...]]):
    async def run() -> None:
        database = Database(database_url)
        try:
            await empty(database)
            await Play(database).play(script)
        finally:
            await database.close()

    asyncio.run(run())


async def empty(database: Database) -> None:
    async with database.write() as session:
        for table in reversed(schema.metadata().sorted_tables):
            await session.execute(delete(table))
