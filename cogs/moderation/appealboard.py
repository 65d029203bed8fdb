"""Puts into the outbox what staff and members see of an appeal, in the transaction that decides it.

Free of discord.py. The card is one message, edited from its first form on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bot.core.contracts import BotState
from bot.core.fields.text import escape_markdown, shorten
from bot.core.guild_locale import locale_of_guild
from bot.core.outbox import Delivery, OutboxService
from bot.core.settings import SettingsStore
from cogs.moderation.appealcards import appeal_card
from db import appeals as table

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

# https://discord.com/developers/docs/resources/message#create-message
_MAX_CONTENT = 2000


class AppealBoard:
    """Cards, and messages to staff and to whoever appeals."""

    def __init__(
        self, settings: SettingsStore, outbox: OutboxService, state: Callable[[], BotState]
    ) -> None:
        self._settings = settings
        self._outbox = outbox
        self._state = state

    async def locale(self, guild_id: int) -> str | None:
        """Return the language that a guild's staff and members are written to in."""
        return await locale_of_guild(self._settings, self._state(), guild_id)

    def guild_name(self, guild_id: int) -> str:
        """Return a guild's name, safe in a text."""
        guild = self._state().guild(guild_id)
        return f"**{escape_markdown(guild.name)}**" if guild else "Discord"

    async def show(
        self, session: AsyncSession, appeal: table.Appeal, name: str, locale: str | None
    ) -> None:
        """Show a new appeal to the staff; `name` is the member's."""
        card = appeal_card(appeal, name, {}, locale)
        await self._outbox.send(
            session,
            Delivery.message(
                appeal.card_channel_id,
                card,
                dedupe_key=card_key(appeal),
                guild_id=appeal.guild_id,
                subject_id=appeal.user_id,
            ),
        )

    async def update(
        self, session: AsyncSession, appeal: table.Appeal, name: str, locale: str | None
    ) -> None:
        """Show an appeal, of which the transaction has raised the revision, as it stands now."""
        votes = await table.count_votes(session, appeal.id)
        questions = await table.list_questions(session, appeal.id)
        await self._outbox.send(
            session,
            Delivery.edit(
                appeal.card_channel_id,
                card_key(appeal),
                appeal_card(appeal, name, votes, locale, questions),
                dedupe_key=f"{card_key(appeal)}:{appeal.revision}",
                guild_id=appeal.guild_id,
                subject_id=appeal.user_id,
            ),
        )

    async def tell_staff(
        self, session: AsyncSession, appeal: table.Appeal, text: str, dedupe_key: str
    ) -> None:
        """Say something below the card, which notifies where an edit does not."""
        await self._outbox.send(
            session,
            Delivery.message(
                appeal.card_channel_id,
                # What somebody wrote may have many lines, each of which is marked as quoted.
                {"content": shorten(text, _MAX_CONTENT)},
                dedupe_key=dedupe_key,
                guild_id=appeal.guild_id,
                subject_id=appeal.user_id,
            ),
        )

    async def write(
        self,
        session: AsyncSession,
        appeal: table.Appeal,
        payload: Mapping[str, Any],
        dedupe_key: str,
    ) -> None:
        """Write to whoever appeals, in private."""
        await self._outbox.send(
            session,
            Delivery.direct(
                appeal.user_id, payload, dedupe_key=dedupe_key, guild_id=appeal.guild_id
            ),
        )


def card_key(appeal: table.Appeal) -> str:
    """Return the key of the staff's message about an appeal."""
    return f"appeal:{appeal.id}"
