"""One process that runs Autorole over the queue of role changes, on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.core.audit import AuditLog
from bot.core.batches import BatchService
from bot.core.config import Config
from bot.core.contracts import SYSTEM, Actor, GuildSummary, RoleSummary
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.jobs import JobService
from bot.core.outbox import OutboxService
from bot.core.settings import SettingsStore
from cogs import autorole, general
from cogs.autorole.backfill import KIND, Backfill, order_backfill
from cogs.autorole.keeping import Keeping
from cogs.autorole.rules import Newcomer
from cogs.autorole.service import KEY, AutoroleService
from cogs.autorole.settings import JoinRole
from cogs.autorole.temporary import TemporaryRoles
from db.batches import Batch
from db.engine import Database
from tests.bot.core.roles.world import ANN, GUILD, FakeDiscord, View, World
from tests.fakes import FakeClock

ADMIN = Actor(9, "command", "boss")
BORN = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
MUTED, STAFF, BOTS_OWN = 801, 802, 803


class GuildView(View):
    """A guild with harmless roles, a mute role, one of staff and one of an integration."""

    level = 0

    def __init__(self) -> None:
        super().__init__()
        self.positions.update({MUTED: 1, STAFF: 5, BOTS_OWN: 6})
        self.rights = {STAFF: frozenset({"ban_members"})}

    def guild(self, guild_id: int) -> GuildSummary | None:
        return GuildSummary(guild_id, "Garden", 1, 1234, verification_level=self.level)

    def role(self, guild_id: int, role_id: int) -> RoleSummary | None:
        return next((one for one in self.roles(guild_id) if one.id == role_id), None)

    def roles(self, guild_id: int) -> Sequence[RoleSummary]:
        return [
            RoleSummary(
                one,
                guild_id,
                f"R{one}",
                position,
                managed=one == BOTS_OWN,
                permissions=self.rights.get(one, frozenset()),
            )
            for one, position in self.positions.items()
        ]


class Lister:
    """Gives pages of the members in a FakeDiscord."""

    def __init__(self, discord: FakeDiscord, clock: FakeClock) -> None:
        self.discord, self.clock = discord, clock
        self.calls: list[int] = []
        self.raised: list[BaseException] = []
        self.bots: set[int] = set()
        # When those joined who did not join long ago.
        self.joined: dict[int, datetime] = {}
        # When set, a page is given once all have asked for theirs.
        self.both: asyncio.Barrier | None = None

    async def list_members(self, guild_id: int, *, after: int, limit: int) -> Sequence[Newcomer]:
        self.calls.append(after)
        if self.raised:
            raise self.raised.pop(0)
        if self.both is not None:
            await self.both.wait()
        ids = sorted(one for one in self.discord.members if one > after)[:limit]
        return [self.member(one) for one in ids]

    def member(self, user_id: int, **values: Any) -> Newcomer:
        values = {
            "joined_at": self.joined.get(user_id, self.clock.now() - timedelta(days=1)),
            "created_at": BORN,
            "is_bot": user_id in self.bots,
            "pending": user_id in self.discord.pending,
            "role_ids": frozenset(self.discord.roles[user_id]),
        } | values
        return Newcomer(GUILD, user_id, **values)


class AutoroleWorld(World):
    """A process; a second one can be made over the same database, clock and Discord."""

    def __init__(
        self, database: Database, clock: FakeClock, discord: FakeDiscord | None = None
    ) -> None:
        super().__init__(database, clock, discord)
        self.view = GuildView()
        self.bus = EventBus()
        registry = FeatureRegistry([general.FEATURE, autorole.FEATURE])
        audit = AuditLog(clock, self.bus, self.supervisor)
        self.settings = SettingsStore(
            database, clock, self.bus, registry, audit, state=lambda: self.view
        )
        self.jobs = JobService(database, clock, Config().jobs, self.supervisor)
        self.outbox = OutboxService(database, clock, self.supervisor)
        self.batches = BatchService(database, clock, jobs=self.jobs, outbox=self.outbox)
        self.lister = Lister(self.discord, clock)
        self.service = AutoroleService(
            database,
            clock,
            self.settings,
            roles=self.roles,
            supervisor=self.supervisor,
            state=lambda: self.view,
            mute_role=self._mute_role,
        )
        self.service.pause = 0
        self.backfills = Backfill(
            self.service, self.lister, roles=self.roles, state=lambda: self.view
        )
        self.batches.register(KIND, self.backfills)
        self.loans = TemporaryRoles(database, clock, jobs=self.jobs, roles=self.roles)
        self.loans.start()
        self.keeping = Keeping(
            database,
            clock,
            self.settings,
            jobs=self.jobs,
            lister=self.lister,
            service=self.service,
        )
        self.keeping.start(self.bus)

    async def _mute_role(self, guild_id: int) -> int | None:
        return MUTED

    async def set(self, *roles: JoinRole, enabled: bool = True, **changes: Any) -> None:
        """Set the join roles, and other things by name."""
        changes["join_roles"] = [one.model_dump(mode="json") for one in roles]
        await self.settings.change(GUILD, KEY, changes, enabled=enabled, actor=SYSTEM)
        # In a process that runs, the settings of its guilds are in memory.
        await self.settings.get(GUILD, KEY)

    # --- what members do -----------------------------------------------------------------------

    async def join(self, user_id: int = ANN, **values: Any) -> None:
        self.discord.members.add(user_id)
        self.discord.roles[user_id] = set()
        if values.get("pending"):
            self.discord.pending.add(user_id)
        self.lister.joined[user_id] = self.clock.now()
        values = {"role_ids": frozenset()} | values
        self.service.member_joined(self.lister.member(user_id, **values))
        await self.rest()

    async def leave(self, user_id: int = ANN) -> None:
        self.discord.members.discard(user_id)
        self.service.member_left(GUILD, user_id)
        await self.rest()

    async def get(self, *role_ids: int, user_id: int = ANN) -> None:
        """Have a member get roles from somebody else, which is heard of."""
        self.discord.roles[user_id] |= set(role_ids)
        self.service.member_changed(self.lister.member(user_id))
        await self.rest()

    async def hear(self, user_id: int = ANN) -> None:
        """Hear of a member as they are."""
        self.service.member_changed(self.lister.member(user_id))
        await self.rest()

    async def rest(self) -> None:
        """Let what was begun come to its end."""
        assert await self.service.flush()
        await self.settle()

    async def work(self, span: timedelta | float = 0) -> None:
        """Move the clock; do jobs and role changes until nothing is due."""
        self.clock.advance(span)
        await self.jobs.run_due()
        await self.roles.run_due()

    async def begin(self, *roles: JoinRole) -> Batch:
        return await self.batches.begin(
            order_backfill(
                GUILD, 500, roles, ADMIN, locale="en", members=len(self.lister.discord.members)
            )
        )

    async def batch(self, batch: Batch) -> Batch:
        found = await self.batches.get(batch.id)
        assert found is not None
        return found
