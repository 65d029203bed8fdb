"""Roles from the shop: given in the transaction that pays, taken by a durable job; no discord.py.

A role that lasts a time and is bought again lasts longer.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.core.errors import Conflict
from bot.core.i18n import Message, _
from bot.core.jobs import Job
from bot.core.roles import RoleChange, RoleSource
from cogs.economy.shop_office import CHARGED_NOTHING, with_end
from cogs.economy.shop_rules import role_end
from db import autorole
from db import economy_roles as table
from db.role_wishes import list_wishes

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from cogs.economy.shop_office import ShopOffice
    from db.economy_shop import ShopItem

JOB = "economy.role_end"
_BOUGHT, _TAKEN = _("From the shop"), _("The time for this role is over")
_UNDONE = _("The purchase was taken back")


class ShopRoles:
    """Gives and takes the roles of items."""

    def __init__(self, office: ShopOffice) -> None:
        self._office = office

    def start(self) -> None:
        """Go on with what earlier runs have given."""
        self._office.jobs.register(JOB, self._end_in_time, outlasts_absence=True)

    async def give(
        self,
        session: AsyncSession,
        item: ShopItem,
        user_id: int,
        role_ids: Collection[int],
        now: datetime,
        *,
        so: Message = CHARGED_NOTHING,
    ) -> datetime | None:
        """Have a member given an item's role; return when it ends, `None` for never.

        `role_ids` are those that they have. Raises `Conflict` when they have it for good; `so` says
        what that means for them.
        """
        guild_id, role_id = item.guild_id, item.role_id
        if role_id is None:
            raise ValueError("the item gives no role")
        current = await table.get_role_end(session, guild_id, user_id, role_id, lock=True)
        if current is None or item.lasts is None:
            await self._ensure_lacking(session, item, user_id, role_ids, current, so=so)
        ends_at = role_end(item, now, current)
        await self._want(session, guild_id, user_id, role_id, want=True, reason=_BOUGHT)
        if ends_at is not None:
            await self._end_at(session, guild_id, user_id, role_id, ends_at)
        elif current is not None:
            await self._forget(session, guild_id, user_id, role_id)
        return ends_at

    async def _ensure_lacking(
        self,
        session: AsyncSession,
        item: ShopItem,
        user_id: int,
        role_ids: Collection[int],
        current: datetime | None,
        *,
        so: Message,
    ) -> None:
        role = f"<@&{item.role_id}>"
        # Who has it for a time may have it for good.
        if current is None and item.role_id in role_ids:
            raise Conflict(with_end(_("You have {role} already.", role=role), so))
        wishes = await list_wishes(session, item.guild_id, user_id)
        if current is None and any(one.role_id == item.role_id and one.want for one in wishes):
            raise Conflict(with_end(_("{role} is on its way to you already.", role=role), so))

    async def take(
        self, session: AsyncSession, guild_id: int, user_id: int, role_id: int, lasts: int | None
    ) -> bool:
        """Take back a role that was bought for some seconds, or for good; false if it is over."""
        now = self._office.clock.now()
        if lasts is None:
            await self._take(session, guild_id, user_id, role_id, _UNDONE)
            return True
        current = await table.get_role_end(session, guild_id, user_id, role_id, lock=True)
        if current is None:
            return False
        ends_at = current - timedelta(seconds=lasts)
        if ends_at > now:
            await self._end_at(session, guild_id, user_id, role_id, ends_at)
        else:
            await self._forget(session, guild_id, user_id, role_id)
            await self._take(session, guild_id, user_id, role_id, _UNDONE)
        return True

    async def _end_at(
        self, session: AsyncSession, guild_id: int, user_id: int, role_id: int, ends_at: datetime
    ) -> None:
        row_id = await table.put_role(session, guild_id, user_id, role_id, ends_at)
        # The job names nobody: it is needed also when the member's data is erased.
        await self._office.jobs.schedule(
            session,
            JOB,
            ends_at,
            {"row_id": row_id},
            dedupe_key=f"{JOB}:{row_id}",
            guild_id=guild_id,
        )

    async def _forget(
        self, session: AsyncSession, guild_id: int, user_id: int, role_id: int
    ) -> None:
        ended = await table.take_role(session, guild_id, user_id, role_id)
        if ended is not None:
            await self._office.jobs.cancel(session, f"{JOB}:{ended.id}")

    async def _end_in_time(self, job: Job, session: AsyncSession) -> None:
        # The row decides: it goes once, with the wish.
        now = self._office.clock.now()
        ended = await table.take_due_role(session, int(job.payload["row_id"]), now)
        if ended is not None:
            await self._take(session, ended.guild_id, ended.user_id, ended.role_id, _TAKEN)

    async def _take(
        self, session: AsyncSession, guild_id: int, user_id: int, role_id: int, reason: Message
    ) -> None:
        # Whoever is away must not get it back as one of the roles that they had.
        await autorole.drop_known(session, guild_id, user_id, role_id)
        await self._want(session, guild_id, user_id, role_id, want=False, reason=reason)

    async def _want(
        self,
        session: AsyncSession,
        guild_id: int,
        user_id: int,
        role_id: int,
        *,
        want: bool,
        reason: Message,
    ) -> None:
        change = RoleChange(
            guild_id=guild_id,
            user_id=user_id,
            role_id=role_id,
            want=want,
            source=RoleSource.COMMAND,
            reason=reason,
        )
        await self._office.roles.want(session, [change])
