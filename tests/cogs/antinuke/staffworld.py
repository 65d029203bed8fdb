"""One process that counts what staff do, on a real database, and the staff that it acts on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from bot.core.approvals import ApprovalService
from bot.core.audit import AuditLog
from bot.core.cases import Gone
from bot.core.contracts import SYSTEM, RoleSummary
from bot.core.features import FeatureRegistry
from bot.core.settings import SettingsStore
from cogs import antinuke, general
from cogs.antinuke.approvals import SettingsApprovals
from cogs.antinuke.controls import StaffMember
from cogs.antinuke.counting import Counting
from cogs.antinuke.desk import FEATURE, StaffDesk
from cogs.antinuke.service import AntinukeService
from db import antinuke as table
from db.engine import Database
from tests.bot.core.cases.world import BOT, GUILD, LOG, FakeDiscord, View, World
from tests.cogs.moderation.world import Place
from tests.fakes import FakeClock

ROGUE, HELPER, OWNER = 1001, 1002, 1
ADMIN, BANNER, PLAIN, HIGH, BOTS = 801, 802, 803, 804, 805
EPOCH_MS = 1_420_070_400_000


class StaffView(View):
    """A guild with dangerous roles: below the bot, above it, and one of an app."""

    roles_there = (
        RoleSummary(HIGH, GUILD, "High", 20, permissions=frozenset({"administrator"})),
        RoleSummary(ADMIN, GUILD, "Admin", 6, permissions=frozenset({"administrator"})),
        RoleSummary(BANNER, GUILD, "Ban*ner", 5, permissions=frozenset({"ban_members"})),
        RoleSummary(BOTS, GUILD, "App", 4, managed=True, permissions=frozenset({"manage_roles"})),
        RoleSummary(PLAIN, GUILD, "Plain", 3, permissions=frozenset({"send_messages"})),
    )
    permissions = View.permissions | {"view_audit_log"}

    def roles(self, guild_id: int) -> Sequence[RoleSummary]:
        return self.roles_there

    def role(self, guild_id: int, role_id: int) -> RoleSummary | None:
        return next((one for one in self.roles_there if one.id == role_id), None)


class StaffDiscord(FakeDiscord):
    """Knows who has which roles."""

    bots: frozenset[int] = frozenset()

    async def read_member(self, guild_id: int, user_id: int) -> StaffMember:
        if user_id not in self.members:
            raise Gone("member_gone")
        name, is_bot = f"staff_{user_id}", user_id in self.bots
        return StaffMember(user_id, name, is_bot, frozenset(self.roles[user_id]))


class StaffWorld(World):
    """One process; a second one can be made over the same database, clock and Discord."""

    discord: StaffDiscord

    def __init__(
        self, database: Database, clock: FakeClock, discord: StaffDiscord | None = None
    ) -> None:
        super().__init__(database, clock, discord or StaffDiscord(clock))
        self.view = StaffView()
        registry = FeatureRegistry([general.FEATURE, antinuke.FEATURE])
        audit = AuditLog(clock, self.bus, self.supervisor)
        self.settings = SettingsStore(
            database, clock, self.bus, registry, audit, state=lambda: self.view
        )
        self.desk = StaffDesk(
            database=database,
            clock=clock,
            settings=self.settings,
            jobs=self.jobs,
            outbox=self.outbox,
            problems=self.problems,
            cases=self.cases,
            audit=audit,
            state=lambda: self.view,
            controls=self.discord,
        )
        self.counting = Counting(self.desk)
        self.service = AntinukeService(self.desk)
        self.approvals = ApprovalService(
            database,
            clock,
            self.settings,
            jobs=self.jobs,
            outbox=self.outbox,
            audit=audit,
            bus=self.bus,
            state=lambda: self.view,
        )
        self.approvals.use_policy(SettingsApprovals(self.desk))
        self.service.start()
        self.counting.start()
        self._entries = iter(range(1, 4096))

    async def set(self, **changes: Any) -> None:
        await self.settings.change(GUILD, FEATURE, changes, actor=SYSTEM)

    def entry_id(self, at: datetime | None = None) -> int:
        """Return the id of an audit log entry of now, or of an instant."""
        moment = at or self.clock.now()
        return (round(moment.timestamp() * 1000) - EPOCH_MS << 22) + next(self._entries)

    async def hear(self, action: int = 12, who: int = ROGUE, **values: Any) -> int | None:
        """Hear of an audit log entry; by default of a deleted channel."""
        payload = {
            "id": str(self.entry_id()),
            "guild_id": str(GUILD),
            "user_id": str(who),
            "target_id": "7000",
            "action_type": action,
            "changes": [{"key": "name", "old_value": "gen`eral"}],
        }
        return await self.counting.note_entry(payload | values, BOT)

    async def nuke(self, times: int = 4, who: int = ROGUE) -> None:
        """Delete channels, and do all that is due then."""
        for _ in range(times):
            await self.hear(who=who)
        await self.jobs.run_due()

    async def incidents(self) -> list[table.NukeIncident]:
        async with self.database.read() as session:
            return list((await session.scalars(select(table.NukeIncident).order_by("id"))).all())

    async def alerts(self) -> list[str]:
        """Return what was said in the log channel, each message as it stands now."""
        await self.outbox.run_due()
        said: dict[int, str] = {}
        for number, one in enumerate(self.courier.delivered, 1):
            if one.channel_id == LOG:
                said[one.message_id or 9000 + number] = json.dumps(one.payload)
        return list(said.values())

    async def causes(self) -> list[str]:
        return [one.problem.cause for one in await self.problems.list(GUILD)]


async def set_up(place: Place, **changes: Any) -> None:
    """Choose the log for alerts, and what else is given."""
    settings = place.bench.kernel.settings
    await settings.change(
        place.guild.id, "antinuke", {"log_channel_id": str(place.log.id)} | changes, actor=SYSTEM
    )
