"""What the parts of anti-nuke share: the kernel's services, where alerts go, their language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.core.guild_locale import BASICS, locale_of_guild

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.audit import AuditLog
    from bot.core.cases import CaseService
    from bot.core.clock import Clock
    from bot.core.contracts import BotState
    from bot.core.jobs import JobService
    from bot.core.outbox import OutboxService
    from bot.core.problems import ProblemService
    from bot.core.settings import SettingsStore
    from cogs.antinuke.controls import StaffControls
    from cogs.antinuke.settings import AntinukeSettings
    from db.engine import Database

FEATURE = "antinuke"
JOB = "antinuke.incident"


@dataclass(slots=True, kw_only=True)
class StaffDesk:
    """The services at hand; `controls` reaches members, `count` counts for the metrics."""

    database: Database
    clock: Clock
    settings: SettingsStore
    jobs: JobService
    outbox: OutboxService
    problems: ProblemService
    cases: CaseService
    audit: AuditLog
    state: Callable[[], BotState]
    controls: StaffControls
    count: Callable[[str], None] = lambda _happening: None

    async def settings_of(self, guild_id: int) -> AntinukeSettings | None:
        """Return the guild's settings, `None` while nothing is counted there."""
        state = await self.settings.get(guild_id, FEATURE)
        return state.settings if state.enabled else None

    async def log_channel(self, guild_id: int) -> int | None:
        """Return the channel for alerts: anti-nuke's, else the guild's log channel."""
        own: Any = (await self.settings.get(guild_id, FEATURE)).settings
        if own.log_channel_id is not None:
            return own.log_channel_id
        basics: Any = (await self.settings.get(guild_id, BASICS)).settings
        return basics.log_channel_id

    async def locale(self, guild_id: int) -> str | None:
        """Return the language of what all of the guild's staff read."""
        return await locale_of_guild(self.settings, self.state(), guild_id)

    async def wake(self, session: AsyncSession, guild_id: int, incident_id: int) -> None:
        """Have an incident's job run at once; one that runs now looks again by itself."""
        key, now = f"{JOB}:{incident_id}", self.clock.now()
        if await self.jobs.hasten(session, key, now) or await self.jobs.is_open(session, key):
            return
        payload = {"incident_id": incident_id}
        await self.jobs.schedule(session, JOB, now, payload, dedupe_key=key, guild_id=guild_id)
