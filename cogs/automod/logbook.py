"""The log messages of incidents: one each, edited as the incident grows, but not too often."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.contracts import BotState
from bot.core.guild_locale import BASICS, locale_of_guild
from bot.core.outbox import Delivery, OutboxService
from cogs.automod.planning import KEY
from cogs.automod.rules.values import Action
from cogs.automod.wording import Report, alert_message, log_message
from db import automod as table
from db import automod_messages as message_table
from db.engine import Database

if TYPE_CHECKING:
    from bot.core.settings import SettingsStore
    from bot.core.supervisor import TaskSupervisor

# More than a campaign shows by name; sums are made of all.
MOST_SHOWN = 1_000


class Logbook:
    """Writes and edits the log messages through the outbox; `pause` is in seconds."""

    def __init__(
        self,
        database: Database,
        settings: SettingsStore,
        outbox: OutboxService,
        *,
        supervisor: TaskSupervisor,
        state: Callable[[], BotState],
        pause: float = 2.0,
    ) -> None:
        self._database = database
        self._settings = settings
        self._outbox = outbox
        self._supervisor = supervisor
        self._state = state
        self._pause = pause
        self._due: set[int] = set()

    async def channel_of(self, guild_id: int) -> int | None:
        """Return where incidents of a guild are logged, `None` when nobody has chosen a place."""
        own = (await self._settings.get(guild_id, KEY)).settings.log_channel_id
        if own is not None:
            return own
        return (await self._settings.get(guild_id, BASICS)).settings.log_channel_id

    async def open(
        self, session: AsyncSession, incident: table.Incident, actions: Sequence[Action]
    ) -> None:
        """Say in the caller's transaction that an incident has begun."""
        locale = await locale_of_guild(self._settings, self._state(), incident.guild_id)
        for action in actions:
            if action.type == "alert" and action.channel_id not in (None, incident.log_channel_id):
                await self._outbox.send(
                    session,
                    Delivery.message(
                        action.channel_id,
                        alert_message(incident, locale),
                        dedupe_key=f"automod:{incident.id}:alert:{action.channel_id}",
                        guild_id=incident.guild_id,
                        subject_id=incident.user_id,
                    ),
                )
        if incident.log_channel_id is None:
            return
        await self._outbox.send(
            session,
            Delivery.message(
                incident.log_channel_id,
                log_message(await self._report(session, incident), locale),
                dedupe_key=log_key(incident.id),
                guild_id=incident.guild_id,
                subject_id=incident.user_id,
            ),
        )
        incident.logged_revision = incident.revision

    def refresh(self, incident_id: int) -> None:
        """Have an incident's message edited soon; many calls make one edit."""
        if incident_id not in self._due:
            self._due.add(incident_id)
            self._supervisor.spawn("automod.log", self._write_soon(incident_id))

    async def _write_soon(self, incident_id: int) -> None:
        try:
            await asyncio.sleep(self._pause)
        finally:
            self._due.discard(incident_id)
        await self.write(incident_id)

    async def write(self, incident_id: int) -> None:
        """Edit an incident's message unless it shows the incident as it is."""
        async with self._database.read() as session:
            seen = await table.get_incident(session, incident_id)
        if seen is None or seen.log_channel_id is None or seen.revision == seen.logged_revision:
            return
        locale = await locale_of_guild(self._settings, self._state(), seen.guild_id)
        async with self._database.write() as session:
            incident = await table.get_incident(session, incident_id, lock=True)
            if incident is None or incident.revision == incident.logged_revision:
                return
            receipt = await self._outbox.get_receipt(session, log_key(incident_id))
            if receipt is not None and receipt.message_id:
                incident.log_message_id = receipt.message_id
            incident.logged_revision = incident.revision
            target = incident.log_message_id or log_key(incident_id)
            await self._outbox.send(
                session,
                Delivery.edit(
                    seen.log_channel_id,
                    target,
                    log_message(await self._report(session, incident), locale),
                    dedupe_key=f"{log_key(incident_id)}:{incident.revision}",
                    guild_id=incident.guild_id,
                    subject_id=incident.user_id,
                ),
            )

    async def _report(self, session: AsyncSession, incident: table.Incident) -> Report:
        members = await table.list_members(session, incident.id, limit=MOST_SHOWN)
        count = await table.count_members(session, incident.id)
        return Report(
            incident, members, count, await message_table.count_messages(session, incident.id)
        )


def log_key(incident_id: int) -> str:
    """Return the key under which an incident's log message is sent."""
    return f"automod:{incident_id}:log"
