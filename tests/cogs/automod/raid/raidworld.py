"""A guild that raids happen in: its channels, doors and members, and the process that guards it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from bot.core.audit import AuditLog
from bot.core.cases import CaseService
from bot.core.cases.outcomes import EnforcementError, Gone
from bot.core.config import Config
from bot.core.contracts import (
    SYSTEM,
    ChannelSummary,
    GuildSummary,
    MemberFacts,
    RoleSummary,
)
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.i18n import Message
from bot.core.jobs import JobService
from bot.core.nullstate import NullState
from bot.core.outbox import OutboxService
from bot.core.outbox.deliveries import Entry
from bot.core.preflight import Cause, Refusal
from bot.core.problems import ProblemService
from bot.core.settings import SettingsStore
from bot.core.supervisor import TaskSupervisor
from cogs import automod, general
from cogs.automod.raid.desk import RaidDesk
from cogs.automod.raid.lockdown import LockdownService
from cogs.automod.raid.overwrites import BITS, Bits
from cogs.automod.raid.rules import Joiner
from cogs.automod.raid.service import RaidService
from db.engine import Database
from db.outbox import OutboxMessage
from db.raids import Raid
from tests.fakes import FakeClock

GUILD, LOG, BOT = 1 << 40, 500, 77
MEMBER_ROLE, STAFF_ROLE = 901, 902
SEND, VIEW = BITS["send_messages"], 1 << 10
ALL_TEXT = sum(BITS.values()) - BITS["connect"]


def overwrite(one: int, allow: int = 0, deny: int = 0, kind: int = 0) -> dict[str, Any]:
    return {"id": str(one), "type": kind, "allow": str(allow), "deny": str(deny)}


class FakeGuild:
    """Discord's side of one guild, as `GuildControls` reaches it."""

    def __init__(self) -> None:
        self.level = 1
        self.invites_until: str | None = None
        self.channels: dict[int, tuple[int, dict[int, dict[str, Any]]]] = {
            600: (0, {}),
            601: (0, {GUILD: overwrite(GUILD, allow=1 << 6, deny=1 << 13)}),
            602: (0, {MEMBER_ROLE: overwrite(MEMBER_ROLE, allow=SEND | VIEW)}),
            603: (0, {GUILD: overwrite(GUILD, deny=VIEW)}),
            604: (2, {STAFF_ROLE: overwrite(STAFF_ROLE, allow=SEND)}),
            605: (4, {}),
        }
        self.calls: list[tuple[Any, ...]] = []
        self.failing: dict[int, EnforcementError] = {}

    async def read_guild(self, guild_id: int) -> dict[str, Any]:
        roles = [
            {"id": str(GUILD), "permissions": str(VIEW | ALL_TEXT)},
            {"id": str(MEMBER_ROLE), "permissions": "0"},
            {"id": str(STAFF_ROLE), "permissions": str(1 << 13)},
        ]
        return {
            "id": str(guild_id),
            "roles": roles,
            "verification_level": self.level,
            "incidents_data": {"invites_disabled_until": self.invites_until},
        }

    async def read_channels(self, guild_id: int) -> Sequence[dict[str, Any]]:
        return [
            {
                "id": str(one),
                "type": kind,
                "permission_overwrites": [dict(it) for it in overwrites.values()],
            }
            for one, (kind, overwrites) in self.channels.items()
        ]

    async def set_overwrite(
        self, channel_id: int, overwrite_id: int, kind: int, allow: int, deny: int, reason: str
    ) -> None:
        self._check(channel_id)
        self.calls.append(("set", channel_id, overwrite_id, allow, deny))
        entry = overwrite(overwrite_id, allow, deny, kind)
        self.channels[channel_id][1][overwrite_id] = entry

    async def delete_overwrite(self, channel_id: int, overwrite_id: int, reason: str) -> None:
        self._check(channel_id)
        self.calls.append(("delete", channel_id, overwrite_id))
        if self.channels[channel_id][1].pop(overwrite_id, None) is None:
            raise Gone("overwrite_gone")

    async def pause_invites(self, guild_id: int, until: datetime | None) -> None:
        self._check(guild_id)
        self.calls.append(("invites", until))
        self.invites_until = until.isoformat() if until else None

    async def set_verification(self, guild_id: int, level: int, reason: str) -> None:
        self.calls.append(("verification", level))
        self.level = level

    def _check(self, one: int) -> None:
        if one in self.failing:
            raise self.failing[one]
        if one != GUILD and one not in self.channels:
            raise Gone("channel_gone")

    def overwrites(self) -> dict[int, dict[int, Bits]]:
        return {
            one: {key: Bits(int(it["allow"]), int(it["deny"])) for key, it in overwrites.items()}
            for one, (_kind, overwrites) in self.channels.items()
        }


class FakeEnforcer:
    """Notes whom it acts on."""

    def __init__(self) -> None:
        self.done: list[tuple[str, int]] = []
        self.bulk: list[int] = []
        self.refuse: EnforcementError | None = None

    async def ban_many(self, guild_id: int, user_ids: Sequence[int], **_options: Any) -> Any:
        self._check()
        self.bulk.append(len(user_ids))
        self.done += [("ban", one) for one in user_ids]
        return frozenset()

    async def ban(self, guild_id: int, user_id: int, **_options: Any) -> None:
        self._check()
        self.done.append(("ban", user_id))

    async def kick(self, guild_id: int, user_id: int, **_options: Any) -> None:
        self._check()
        self.done.append(("kick", user_id))

    async def time_out(self, guild_id: int, user_id: int, **_options: Any) -> None:
        self._check()
        self.done.append(("timeout", user_id))

    async def add_role(self, guild_id: int, user_id: int, role_id: int, **_options: Any) -> None:
        self._check()
        self.done.append(("role", user_id))

    async def unban(self, guild_id: int, user_id: int, **_options: Any) -> None: ...

    async def remove_role(self, guild_id: int, user_id: int, role_id: int, **_o: Any) -> None: ...

    def _check(self) -> None:
        if self.refuse is not None:
            raise self.refuse


class Courier:
    """Delivers into a list."""

    def __init__(self) -> None:
        self.delivered: list[Entry] = []

    async def deliver(self, entry: Entry) -> int | None:
        self.delivered.append(entry)
        return 9000 + len(self.delivered)

    async def find_sent(self, entry: Entry, since: Any) -> Sequence[int]:
        return ()


PERMISSIONS = frozenset(
    {*BITS, "manage_roles", "manage_guild", "ban_members", "kick_members", "moderate_members"}
)
POSTING = frozenset({"view_channel", "send_messages", "embed_links"})


class State(NullState):
    """One guild, with the bot in it."""

    permissions = PERMISSIONS

    def guild(self, guild_id: int) -> GuildSummary | None:
        return GuildSummary(guild_id, "Garden", 1, 1234)

    def channel(self, guild_id: int, channel_id: int) -> ChannelSummary | None:
        return ChannelSummary(channel_id, guild_id, "log", "text", bot_permissions=POSTING)

    def role(self, guild_id: int, role_id: int) -> RoleSummary | None:
        return RoleSummary(role_id, guild_id, "Quarantine", 1)

    def me(self, guild_id: int) -> MemberFacts | None:
        return MemberFacts(
            BOT, guild_id, "Pegasus", top_role_position=10, permissions=self.permissions
        )


REFUSAL = Refusal(Cause.ACTOR_HIERARCHY, Message("too high"), Message(""))


class World:
    """One process over a database and a guild; a second one can be made over the same."""

    def __init__(self, database: Database, clock: FakeClock, guild: FakeGuild) -> None:
        self.database, self.clock, self.guild = database, clock, guild
        self.promoted: set[int] = set()
        self.courier, self.enforcer, self.state = Courier(), FakeEnforcer(), State()
        bus, self.supervisor = EventBus(), TaskSupervisor()
        registry = FeatureRegistry([general.FEATURE, automod.FEATURE])
        audit = AuditLog(clock, bus, self.supervisor)
        self.settings = SettingsStore(
            database, clock, bus, registry, audit, state=lambda: self.state
        )
        self.jobs = JobService(database, clock, Config().jobs, self.supervisor)
        self.outbox = OutboxService(database, clock, self.supervisor, courier=self.courier)
        self.problems = ProblemService(
            database, clock, bus, registry, self.settings, state=lambda: self.state
        )
        self.cases = CaseService(
            database,
            clock,
            self.settings,
            bus=bus,
            jobs=self.jobs,
            outbox=self.outbox,
            problems=self.problems,
            supervisor=self.supervisor,
            state=lambda: self.state,
        )
        self.cases.use(self.enforcer)  # pyright: ignore[reportArgumentType]
        self.desk = RaidDesk(
            database=database,
            clock=clock,
            settings=self.settings,
            jobs=self.jobs,
            outbox=self.outbox,
            problems=self.problems,
            cases=self.cases,
            supervisor=self.supervisor,
            state=lambda: self.state,
            controls=guild,
            reach=self.reach,
        )
        self.lockdowns = LockdownService(self.desk)
        self.raids = RaidService(self.desk, self.lockdowns)

    async def reach(self, guild_id: int, actor_id: int, people: Sequence[int]) -> Any:
        return {one: REFUSAL for one in people if one in self.promoted}

    async def start(self, **changes: Any) -> None:
        self.lockdowns.start()
        await self.raids.start()
        if changes:
            await self.set(**changes)
        await self.settings.warm([GUILD])

    async def set(self, **changes: Any) -> None:
        await self.settings.change(GUILD, "automod", changes, enabled=True, actor=SYSTEM)

    async def set_log(self) -> None:
        await self.set(log_channel_id=LOG)
        await self.settings.change(GUILD, "general", {"log_channel_id": LOG}, actor=SYSTEM)

    def join(self, number: int, **options: Any) -> None:
        self.raids.note_join(GUILD, raider(number, self.clock.now(), **options))

    async def joins(self, count: int, start: int = 0, **options: Any) -> None:
        for number in range(start, start + count):
            self.join(number, **options)
            self.clock.advance(0.1)
        await self.rest()

    async def rest(self) -> None:
        """Wait until what was begun in the background has ended."""
        while self.supervisor._brief:
            for task in list(self.supervisor._brief):
                await task

    async def pass_time(self, seconds: float = 3.0, *, times: int = 6) -> None:
        """Let time go by in steps, with the jobs that fall due in each."""
        for _step in range(times):
            self.clock.advance(seconds / times)
            await self.jobs.run_due()

    async def list_raids(self) -> list[Raid]:
        async with self.database.read() as session:
            return list(await session.scalars(select(Raid).order_by(Raid.id)))

    async def queued(self) -> list[OutboxMessage]:
        async with self.database.read() as session:
            return list(await session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))

    async def causes(self) -> list[str]:
        return [one.problem.cause for one in await self.problems.list(GUILD)]


def raider(
    number: int, now: datetime, *, name: str | None = None, days: float = 1, avatar: Any = None
) -> Joiner:
    return Joiner(
        10_000 + number, name or f"raider{number}", avatar, now - timedelta(days=days), now
    )
