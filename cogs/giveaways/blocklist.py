"""Who may not enter a guild's giveaways; free of discord.py."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.audit import AuditLog
from bot.core.clock import Clock
from bot.core.contracts import Actor
from bot.core.errors import Conflict, InvalidInput, NotFound
from bot.core.i18n import _
from cogs.giveaways.settings import KEY
from db import giveaway_entries as table
from db.engine import Database
from db.giveaways import GiveawayBlock

LONGEST_REASON = 512


class Blocklist:
    """Blocks people and lets them enter again; both go to the audit log."""

    def __init__(self, database: Database, clock: Clock, audit: AuditLog) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit

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
            await self._note(session, guild_id, user_id, "block", actor)

    async def remove(self, guild_id: int, user_id: int, actor: Actor) -> None:
        """Let somebody enter again; raises `Conflict` for who is not blocked."""
        async with self._database.write() as session:
            if not await table.remove_block(session, guild_id, user_id):
                raise _not_blocked(user_id, Conflict)
            await self._note(session, guild_id, user_id, "unblock", actor)

    async def _note(
        self, session: AsyncSession, guild_id: int, user_id: int, action: str, actor: Actor
    ) -> None:
        action = f"{KEY}.{action}"
        await self._audit.record(
            session, actor, guild_id, action, "user_action", {}, target_id=user_id
        )

    async def get(self, guild_id: int, user_id: int) -> GiveawayBlock:
        """Return how somebody is blocked; raises `NotFound` for who is not."""
        async with self._database.read() as session:
            found = await table.get_block(session, guild_id, user_id)
        if found is None:
            raise _not_blocked(user_id, NotFound)
        return found

    async def list_page(
        self, guild_id: int, *, before: int | None, limit: int
    ) -> Sequence[GiveawayBlock]:
        """Return so many who are blocked, by their ids from below one on, the greatest first."""
        async with self._database.read() as session:
            return await table.list_blocks_below(session, guild_id, before, limit=limit)

    async def list(self, guild_id: int) -> Sequence[GiveawayBlock]:
        """Return who is blocked, the latest first, at most a thousand."""
        async with self._database.read() as session:
            return await table.list_blocks(session, guild_id)


def _not_blocked(user_id: int, error: type[Conflict | NotFound]) -> Conflict | NotFound:
    return error(
        _("<@{user_id}> is not blocked.", user_id=user_id),
        hint=_("/giveaway block list shows everybody who is."),
    )
