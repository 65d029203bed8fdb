"""Passes thanks on; free of discord.py. What it decides and what it says are one transaction."""

from __future__ import annotations

from collections.abc import Callable

from bot.core.contracts import BotState
from bot.core.errors import InvalidInput
from bot.core.guild_locale import locale_of_guild
from bot.core.i18n import _
from bot.core.outbox import OutboxService
from bot.core.outbox.deliveries import Delivery
from bot.core.settings import SettingsStore
from cogs._template.rules import Thanks, word_thanks
from db.engine import Database

KEY = "template"


class TemplateService:
    """Takes thanks and has them posted."""

    def __init__(
        self,
        database: Database,
        settings: SettingsStore,
        outbox: OutboxService,
        state: Callable[[], BotState],
    ) -> None:
        self._database = database
        self._settings = settings
        self._outbox = outbox
        self._state = state

    async def pass_on(self, guild_id: int, thanks: Thanks, *, request_id: int) -> int:
        """Post the thanks once for each request and return the channel.

        Raises `InvalidInput` for thanks that can't be passed on.
        """
        settings = (await self._settings.get(guild_id, KEY)).settings
        if settings.channel_id is None:
            raise InvalidInput(
                _("There is no channel for thanks yet."),
                hint=_("An admin can choose one with /template settings."),
            )
        locale = await locale_of_guild(self._settings, self._state(), guild_id)
        payload = {
            "content": word_thanks(settings, thanks).render(locale),
            "allowed_mentions": {"parse": [], "users": [str(thanks.receiver_id)]},
        }
        delivery = Delivery.message(
            settings.channel_id, payload, dedupe_key=f"{KEY}:{request_id}", guild_id=guild_id
        )
        async with self._database.write() as session:
            await self._outbox.send(session, delivery)
        return settings.channel_id
