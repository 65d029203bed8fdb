"""Takes out of a thread whoever has no business in it any more.

A thread keeps everybody who was ever mentioned in it. So when roles lose a ticket, or somebody who
was let in is not to be there any more, its members are looked through.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import discord
from discord.http import Route

from bot.core.jobs import Retry
from bot.membership import DiscordMembers
from cogs.tickets.ports import Admitted, Crowd, RoomPlan

if TYPE_CHECKING:
    from bot.client import Pegasus

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
_UNKNOWN_MEMBER = frozenset({10007, 10013})
_THREAD_ARCHIVED = 50083
# A thread has at most 1000 members.
_PAGE, _MOST_PAGES = 100, 11
# As many are taken out at once; then other tickets have their turn.
_AT_ONCE, _TURN = 50, timedelta(seconds=1)


class ThreadCrowd:
    """The members of threads, through a client that is logged in."""

    def __init__(self, bot: Pegasus) -> None:
        self._bot = bot
        self._members = DiscordMembers(bot)

    async def thin_out(
        self, guild: discord.Guild, channel_id: int, plan: RoomPlan, was: Admitted
    ) -> None:
        """Take out who was let in and is not to be there: members by name, and former staff.

        Whoever manages threads sees them all, and stays unless they were let in by name. Raises
        `Retry` when more are to go than are taken out at once.
        """
        dropped = (was.viewers | was.entering) - plan.viewers
        is_smaller = was.roles is None or bool(was.roles - plan.staff_roles)
        if not dropped and not is_smaller:
            return
        crowd = await self._list(guild, channel_id, dropped)
        stays = {guild.me.id, *plan.viewers}
        leaving = [
            user_id
            for user_id, roles in sorted(crowd.items())
            if user_id not in stays
            and roles.isdisjoint(plan.staff_roles)
            and (
                user_id in dropped
                or (is_smaller and not _manages_threads(guild, channel_id, plan, user_id, roles))
            )
        ]
        try:
            await self.take_out(channel_id, leaving)
        except discord.HTTPException as error:
            # Nobody can be taken out of one that is over; that is done when it is opened again.
            if error.code != _THREAD_ARCHIVED:
                raise

    async def find_former(
        self, guild: discord.Guild, channel_id: int, plan: RoomPlan, crowd: Crowd
    ) -> tuple[Crowd, Sequence[int]]:
        """Return who is in the thread by a role, and who of the crowd is so no more.

        Without the members intent Discord tells of nobody.
        """
        inside = await self._list(guild, channel_id, ())
        by_role = {user_id: roles & plan.staff_roles for user_id, roles in inside.items()}
        leaving = [
            user_id
            for user_id in sorted(crowd)
            if user_id in inside
            and not by_role[user_id]
            and user_id not in plan.viewers
            and not _manages_threads(guild, channel_id, plan, user_id, inside[user_id])
        ]
        return {user_id: roles for user_id, roles in by_role.items() if roles}, leaving

    async def take_out(self, channel_id: int, leaving: Sequence[int]) -> None:
        """Take people out; raises `Retry` when they are more than are taken out at once."""
        for user_id in leaving[:_AT_ONCE]:
            await passing_over_the_gone(self._bot.http.remove_user_from_thread(channel_id, user_id))
        if len(leaving) > _AT_ONCE:
            raise Retry(_TURN, "more people are to leave the thread")

    async def _list(self, guild: discord.Guild, channel_id: int, dropped: Collection[int]) -> Crowd:
        """Return who is in the thread; without the members intent only of those named."""
        found: dict[int, frozenset[int]] = {}
        after = 0
        for _page in range(_MOST_PAGES):
            try:
                page = await self._page(channel_id, after)
            except discord.Forbidden:
                return await self._members.find(guild.id, dropped)
            for one in page:
                roles = (one.get("member") or {}).get("roles") or ()
                found[int(one["user_id"])] = frozenset(map(int, roles))
            if len(page) < _PAGE:
                break
            after = max(int(one["user_id"]) for one in page)
        return found

    async def _page(self, channel_id: int, after: int) -> Sequence[Mapping[str, Any]]:
        # discord.py's own call neither turns pages nor asks for roles.
        route = Route("GET", "/channels/{channel_id}/thread-members", channel_id=channel_id)
        params = {"with_member": "true", "limit": _PAGE, "after": after}
        return await self._bot.http.request(route, params=params)


def _manages_threads(
    guild: discord.Guild,
    channel_id: int,
    plan: RoomPlan,
    user_id: int,
    role_ids: Collection[int],
) -> bool:
    if user_id == guild.owner_id:
        return True
    thread = guild.get_thread(channel_id)
    home = thread.parent if thread else guild.get_channel(next(iter(plan.parent_ids), 0))
    roles = [guild.default_role, *filter(None, map(guild.get_role, role_ids))]
    if home is None:
        return any(one.permissions.manage_threads for one in roles)
    return any(home.permissions_for(one).manage_threads for one in roles)


async def passing_over_the_gone(call: Any) -> None:
    """Wait for a change of a thread's members; who has left the guild is passed over."""
    try:
        await call
    except discord.HTTPException as error:
        # They can't be in a thread, and need not be taken out of it.
        if error.code not in _UNKNOWN_MEMBER:
            raise
