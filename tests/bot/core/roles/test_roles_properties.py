"""Whatever is wanted, whatever Discord answers and whoever dies: the last word by weight holds.

Members leave and come back, mutes begin and end, the bot's place changes, processes die with what
they had claimed, before their calls or after them. No wish is told of twice.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from bot.core.cases import Delayed, NotPermitted
from bot.core.roles import PRIORITIES, RoleSource
from bot.core.roles.rules import aim
from db.engine import Database
from db.role_wishes import RoleWish
from db.sanctions import Sanction
from tests.bot.core.roles.world import ANN, BLUE, GUILD, RED, FakeDiscord, World, change
from tests.fakes import FakeClock

ROLES = (RED, BLUE)
roles = st.sampled_from(ROLES)
sources = st.sampled_from([one for one in RoleSource if one is not RoleSource.MUTE])
moods = st.lists(st.sampled_from(["ok", "busy", "lost answer", "forbidden", "mistake"]), max_size=4)
actions = st.one_of(
    st.tuples(st.just("want"), roles, st.booleans(), sources, st.sampled_from([0, 0, 100])),
    st.tuples(st.just("run"), st.integers(0, 400), moods),
    st.tuples(st.just("die"), st.booleans()),
    st.tuples(st.just("leave")),
    st.tuples(st.just("come_back")),
    st.tuples(st.just("mute"), roles),
    st.tuples(st.just("unmute")),
    st.tuples(st.just("move"), st.sampled_from([1, 10])),
)


@dataclass
class Play:
    """Plays a script and keeps in mind which roles the member is to have in the end."""

    database: Database
    clock: FakeClock = field(default_factory=FakeClock)
    discord: FakeDiscord = field(default_factory=FakeDiscord)
    last_word: dict[int, bool] = field(default_factory=lambda: dict.fromkeys(ROLES, False))
    muted: int | None = None
    accepted: int = 0
    told: int = 0

    async def play(self, script: list[tuple[Any, ...]]) -> None:
        self.world = World(self.database, self.clock, self.discord)
        for name, *arguments in script:
            await getattr(self, name)(*arguments)
        await self.move(10)
        for _ in range(3):
            await self.world.roles._parked.solve(GUILD)
            await self.run(4_000, [])
        expected = {one for one in ROLES if self.last_word[one] or one == self.muted}
        if ANN not in self.discord.members:
            expected = set()
        assert self.discord.roles[ANN] == expected
        assert await self.world.wishes() == []
        assert await self.world.open_problems() == []
        assert self.told + len(self.world.events) <= self.accepted

    async def waiting(self) -> dict[int, RoleWish]:
        return {wish.role_id: wish for wish in await self.world.wishes()}

    async def want(self, role_id: int, want: bool, source: RoleSource, after: int) -> None:
        standing = (await self.waiting()).get(role_id)
        if standing is None or standing.priority <= PRIORITIES[source]:
            self.last_word[role_id] = want
            self.accepted += 1
        not_before = self.clock.now() + timedelta(seconds=after)
        await self.world.want(change(ANN, role_id, want, source, not_before=not_before))

    async def run(self, seconds: int, moods: list[str]) -> None:
        errors = {
            "busy": Delayed("rate_limited"),
            "forbidden": NotPermitted("missing_permissions"),
            "mistake": LookupError("a mistake"),
        }
        self.discord.before = [errors.get(mood) for mood in moods]
        self.discord.after = [Delayed("lost") if mood == "lost answer" else None for mood in moods]
        await self.world.pass_time(seconds)
        self.discord.before, self.discord.after = [], []
        if ANN not in self.discord.members:
            # What fell due while they were away is wanted no more.
            left = await self.waiting()
            self.last_word = {one: left[one].want if one in left else False for one in ROLES}

    async def die(self, after_calls: bool) -> None:
        for batch in await self.world.roles._runner.claim(1):
            for wish in (wish for member in batch.members for wish in member):
                if after_calls and ANN in self.discord.members:
                    held = wish.role_id == self.muted
                    given = aim(wish.source, want=wish.want, held=held)
                    (set.add if given else set.discard)(self.discord.roles[ANN], wish.role_id)
        self.told += len(self.world.events)
        place = self.world.view.place
        self.world = World(self.database, self.clock, self.discord)
        await self.world.roles.start()
        await self.move(place)

    async def leave(self) -> None:
        self.discord.members.discard(ANN)
        self.discord.roles.pop(ANN, None)
        left = await self.waiting()
        self.last_word = {one: left[one].want if one in left else False for one in ROLES}

    async def come_back(self) -> None:
        self.discord.members.add(ANN)
        if self.muted is not None:
            self.discord.roles[ANN].add(self.muted)

    async def mute(self, role_id: int) -> None:
        await self.unmute()
        self.muted = role_id
        await self.world.mute(ANN, role_id)
        if ANN in self.discord.members:
            self.discord.roles[ANN].add(role_id)

    async def unmute(self) -> None:
        if self.muted is None:
            return
        async with self.database.write() as session:
            await session.execute(delete(Sanction))
        self.discord.roles[ANN].discard(self.muted)
        standing = (await self.waiting()).get(self.muted)
        self.last_word[self.muted] = standing is not None and aim(
            standing.source, want=standing.want, held=False
        )
        self.muted = None

    async def move(self, place: int) -> None:
        self.world.view.place = place
        await self.world.roles._parked.solve(GUILD)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=st.lists(actions, max_size=20))
def test_last_word_by_weight_holds(sqlite_template: Path, script: list[tuple[Any, ...]]):
    async def run(path: str) -> None:
        database = Database(f"sqlite:///{path}")
        try:
            await Play(database).play(script)
        finally:
            await database.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(shutil.copy(sqlite_template, folder)))
