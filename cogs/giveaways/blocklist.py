"""Who may not enter a guild's giveaways; free of discord.py."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.clock import Clock
from bot.core.contracts import Actor
from bot.core.errors import Conflict, InvalidInput
from bot.core.i18n import _
from db import giveaway_entries as table
from db.engine import Database
from db.giveaways import GiveawayBlock

LONGEST_REASON = 512


class Blocklist:
    """Blocks people and lets them enter again."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(self, guild_id: int, user_id: int, actor: Actor, reason: str | None) -> None:
        """Block somebody: they can't enter, and are passed over where they have entered.

        Raises `InvalidInput` for a reason that is too long, `Conflict` for who is blocked already.
        """
        if reason is not None and len(reason) > LONGEST_REASON:
            raise InvalidInput(
                _("The reason may have {most} characters.", most=LONGEST_REASON),
                hint=_("Shorten it, please."),
            )
        async with self._database.write() as session:
            added = await table.add_block(
                session,
                guild_id,
                user_id,
                reason=reason or None,
                blocked_by=actor.user_id,
                now=self._clock.now(),
            )
        if not added:
            raise Conflict(
                _("<@{user_id}> is blocked already.", user_id=user_id),
                hint=_("/giveaway block list shows everybody who is."),
            )

    async def remove(self, guild_id: int, user_id: int) -> None:
        """Let somebody enter again; raises `Conflict` for who is not blocked."""
        async with self._database.write() as session:
            removed = await table.remove_block(session, guild_id, user_id)
        if not removed:
            raise Conflict(
                _("<@{user_id}> is not blocked.", user_id=user_id),
                hint=_("/giveaway block list shows everybody who is."),
            )

    async def list(self, guild_id: int) -> Sequence[GiveawayBlock]:
        """Return who is blocked, the latest first, at most a thousand."""
        async with self._database.read() as session:
            return await table.list_blocks(session, guild_id)
