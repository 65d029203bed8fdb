"""What running giveaways needs of others, as protocols: who is a member, the message, the vault."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.contracts import MemberFacts


class Members(Protocol):
    """Looks people up as Discord has them now."""

    async def look_up(self, guild_id: int, user_ids: Collection[int]) -> Mapping[int, MemberFacts]:
        """Return what roles those have who are members, and since when; who is missing has left.

        Raises `Retry` where Discord does not answer for all of them: nobody is taken to have left
        for that.
        """
        ...


class Board(Protocol):
    """Keeps a giveaway's message as it is to be."""

    async def refresh(
        self, session: AsyncSession, giveaway_id: uuid.UUID, guild_id: int, *, at_once: bool = False
    ) -> None:
        """Have the message edited soon, or `at_once`, after the commit of the transaction."""
        ...


class Vault(Protocol):
    """Keeps the codes of prizes."""

    async def hand_over(
        self, session: AsyncSession, giveaway_id: uuid.UUID, winner_id: int
    ) -> str | None:
        """Return a code that is this winner's from now on, the same each time; `None` if none."""
        ...
