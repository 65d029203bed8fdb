"""Carries settings changes between the processes of one bot, over `db.notify`."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncSession

from db.notify import Notifier

if TYPE_CHECKING:
    from bot.core.settings import SettingsStore
    from bot.core.supervisor import TaskSupervisor

CHANNEL = "pegasus_settings"


class SettingsAnnouncer:
    """Announces this process's changes, and hands the others' to the store."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        # PostgreSQL notifies the sender as well, who knows already.
        self._origin = secrets.token_hex(4)

    async def announce(
        self, session: AsyncSession, guild_id: int, feature: str, revision: int
    ) -> None:
        """Send the news when, and only when, the session commits."""
        payload = f"{self._origin}:{guild_id}:{feature}:{revision}"
        await self._notifier.publish(CHANNEL, payload, session)

    def connect(self, store: SettingsStore, supervisor: TaskSupervisor) -> None:
        """Give the store every change that another process made, and every gap."""

        def hear(payload: str) -> None:
            origin, guild_id, feature, revision = payload.split(":")
            if origin != self._origin:
                news = store.note_change(int(guild_id), feature, int(revision))
                supervisor.spawn("settings_heard", news)

        self._notifier.listen(CHANNEL, hear)
        self._notifier.on_gap(store.drop_cache)
