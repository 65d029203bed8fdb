"""Makes and changes the rooms of tickets on Discord; the one module that knows how.

A thread is open to its members and to whoever has Manage Threads; a channel to whom its overwrites
name. https://discord.com/developers/docs/topics/threads#private-threads
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
from discord import Permissions

from bot.core.i18n import Message, _
from bot.core.jobs import Retry
from bot.core.places import ChannelList, label_of
from bot.core.preflight import missing_permissions
from cogs.tickets.crowd import ThreadCrowd, passing_over_the_gone
from cogs.tickets.ports import Admitted, Crowd, RoomGone, RoomPlan, RoomRefused

if TYPE_CHECKING:
    from bot.client import Pegasus

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
_UNKNOWN_CHANNEL = 10003
_MOST_CHANNELS, _MOST_THREADS, _INVALID_BODY = 30013, 160006, 50035
_MISSING = frozenset({50001, 50013})
_THREAD_ARCHIVED = 50083
MOST_IN_CATEGORY = 50
_WEEK_IN_MINUTES = 10_080
# After a week without a message a thread is archived, and not among a guild's threads any more.
_STAYS_ACTIVE = timedelta(days=6)
_PRIVATE_THREAD: Any = 12
_TEXT: Any = 0
_ROLE, _MEMBER = 0, 1
_PAUSE = timedelta(seconds=15)
# Discord's clock stamps the ids; ours may be ahead by this much.
_CLOCK_SKEW = timedelta(seconds=10)

_SEES = Permissions(view_channel=True, read_message_history=True)
_WRITES = Permissions(
    send_messages=True,
    attach_files=True,
    embed_links=True,
    add_reactions=True,
    use_application_commands=True,
)
_FOR_THREADS = (
    "view_channel",
    "create_private_threads",
    "send_messages_in_threads",
    "manage_threads",
)
_FOR_CHANNELS = ("view_channel", "send_messages", "manage_channels", "manage_roles")


class DiscordRooms:
    """The rooms through a client that is logged in; see `cogs.tickets.ports.Rooms`."""

    def __init__(self, bot: Pegasus) -> None:
        self._bot = bot
        self._crowd = ThreadCrowd(bot)

    async def find(self, plan: RoomPlan, since: datetime) -> Sequence[int]:
        """Return rooms like the planned one that the bot has made since then, the latest first."""
        guild = self._guild(plan)
        if plan.is_thread:
            found = [
                one.id
                for one in guild.threads
                if one.parent_id in plan.parent_ids
                and one.name in _names(plan)
                and one.owner_id == guild.me.id
            ]
            if not found and discord.utils.utcnow() - since > _STAYS_ACTIVE:
                found = await self._find_archived(guild, plan)
        else:
            found = [one.id for one in guild.text_channels if one.topic == plan.topic]
        earliest = discord.utils.time_snowflake(since - _CLOCK_SKEW)
        return sorted((one for one in found if one > earliest), reverse=True)

    async def _find_archived(self, guild: discord.Guild, plan: RoomPlan) -> list[int]:
        """Return threads like the planned one that Discord has archived since nobody wrote."""
        found: list[int] = []
        for parent_id in plan.parent_ids:
            try:
                async with _telling(lambda _error: None):
                    page = await self._bot.http.get_joined_private_archived_threads(
                        parent_id, limit=100
                    )
            except RoomGone:
                continue
            found += [
                int(one["id"])
                for one in page["threads"]
                if one["name"] in _names(plan) and int(one["owner_id"]) == guild.me.id
            ]
        return found

    async def make(self, plan: RoomPlan) -> int:
        """Make a room and return its id."""
        guild = self._guild(plan)
        if plan.is_thread:
            return await self._make_thread(guild, plan)
        async with _telling(self._explain(plan, _FOR_CHANNELS)):
            return await self._make_channel(guild, plan)

    async def _make_thread(self, guild: discord.Guild, plan: RoomPlan) -> int:
        if not plan.parent_ids:
            raise RoomRefused(
                _("Private threads need a text channel to be in, and there is none here."),
                hint=_("An admin can choose one with /ticket panel edit."),
            )
        parent = guild.get_channel(plan.parent_ids[0])
        if not isinstance(parent, discord.TextChannel):
            raise _no_channel()
        explain = self._explain(plan, _FOR_THREADS)
        # Without Manage Threads nobody could be taken out again, nor the thread locked.
        if (refusal := explain(None)) is not None:
            raise refusal
        make = functools.partial(
            self._bot.http.start_thread_without_message,
            parent.id,
            auto_archive_duration=_WEEK_IN_MINUTES,
            type=_PRIVATE_THREAD,
            invitable=False,
            reason=plan.reason,
        )
        try:
            async with _telling(explain):
                made = await _named(plan, lambda name: make(name=name))
        except RoomGone as error:
            # Deleted, and the gateway has not said so yet.
            raise _no_channel() from error
        return int(made["id"])

    async def _make_channel(self, guild: discord.Guild, plan: RoomPlan) -> int:
        overwrites = self._overwrites(guild, plan)
        gone: set[int | None] = set()
        for parent_id in self._with_place(guild, plan):
            make = functools.partial(
                self._bot.http.create_channel,
                guild.id,
                _TEXT,
                topic=plan.topic,
                parent_id=parent_id,
                permission_overwrites=overwrites,
                reason=plan.reason,
            )
            try:
                made = await _named(plan, lambda name, make=make: make(name=name))
            except discord.HTTPException as error:
                # Deleted, or somebody else has taken its last place meanwhile.
                if _is_no_category(error):
                    gone.add(parent_id)
                elif not _is_full(error):
                    raise
            else:
                return int(made["id"])
        raise _no_place(guild, plan, gone)

    async def align(self, channel_id: int, plan: RoomPlan, was: Admitted) -> None:
        """Have those in the room who are to be and nobody else, and lock or unlock it."""
        guild, http = self._guild(plan), self._bot.http
        if not plan.is_thread:
            async with _telling(self._explain(plan, _FOR_CHANNELS)):
                overwrites = self._overwrites(guild, plan)
                await http.edit_channel(
                    channel_id, permission_overwrites=overwrites, reason=plan.reason
                )
            return
        async with _telling(self._explain(plan, _FOR_THREADS)):
            if not plan.locked:
                await self._open_thread(guild, channel_id, plan)
            for user_id in sorted(plan.viewers - was.viewers):
                await passing_over_the_gone(http.add_user_to_thread(channel_id, user_id))
            await self._crowd.thin_out(guild, channel_id, plan, was)
            if plan.locked:
                await self._lock_thread(channel_id, plan)

    async def _lock_thread(self, channel_id: int, plan: RoomPlan) -> None:
        http = self._bot.http
        try:
            await http.edit_channel(channel_id, archived=True, locked=True, reason=plan.reason)
        except discord.HTTPException as error:
            if error.code != _THREAD_ARCHIVED:
                raise
            # Nothing of an archived thread can be changed but that it is.
            found: Any = await http.get_channel(channel_id)
            if not found["thread_metadata"]["locked"]:
                await http.edit_channel(channel_id, archived=False, reason=plan.reason)
                await http.edit_channel(channel_id, archived=True, locked=True, reason=plan.reason)

    async def _open_thread(self, guild: discord.Guild, channel_id: int, plan: RoomPlan) -> None:
        known = guild.get_thread(channel_id)
        if known is None or known.archived or known.locked:
            await self._bot.http.edit_channel(
                channel_id, archived=False, locked=False, reason=plan.reason
            )

    async def expel(self, channel_id: int, plan: RoomPlan, crowd: Crowd) -> Crowd:
        """Take out of a thread those of a crowd who have none of its roles any more."""
        guild = self._guild(plan)
        async with _telling(self._explain(plan, _FOR_THREADS)):
            found, leaving = await self._crowd.find_former(guild, channel_id, plan, crowd)
            known = guild.get_thread(channel_id)
            is_over = known is None or known.archived
            if leaving:
                if is_over:
                    # Nobody can be taken out of a thread that is archived.
                    edit = self._bot.http.edit_channel
                    await edit(channel_id, archived=False, reason=plan.reason)
                await self._crowd.take_out(channel_id, leaving)
            # Also one that a run which was killed has left so.
            if plan.locked and ((leaving and is_over) or (known and known.locked and not is_over)):
                await self._lock_thread(channel_id, plan)
        return found

    async def rename(self, channel_id: int, plan: RoomPlan) -> None:
        """Give the room the plan's name."""
        needs = _FOR_THREADS if plan.is_thread else _FOR_CHANNELS
        async with _telling(self._explain(plan, needs)):
            edit = self._bot.http.edit_channel
            await _named(plan, lambda name: edit(channel_id, name=name, reason=plan.reason))

    async def move(self, channel_id: int, plan: RoomPlan) -> None:
        """Put a channel under the first category of the plan that has a place."""
        guild = self._guild(plan)
        channel = guild.get_channel(channel_id)
        if plan.is_thread or (channel is not None and channel.category_id in plan.parent_ids):
            return
        async with _telling(self._explain(plan, _FOR_CHANNELS)):
            for parent_id in self._with_place(guild, plan):
                await self._bot.http.edit_channel(
                    channel_id, parent_id=parent_id, reason=plan.reason
                )
                return
            raise _no_place(guild, plan)

    async def remove(self, channel_id: int, plan: RoomPlan) -> None:
        """Delete a channel; a thread is locked and archived."""
        needs = _FOR_THREADS if plan.is_thread else _FOR_CHANNELS
        async with _telling(self._explain(plan, needs)):
            if plan.is_thread:
                await self._lock_thread(channel_id, plan)
            else:
                await self._bot.http.delete_channel(channel_id, reason=plan.reason)

    async def is_there(self, channel_id: int, plan: RoomPlan) -> bool:
        """Tell whether the room still exists."""
        guild = self._guild(plan)
        if guild.get_channel_or_thread(channel_id) is not None:
            return True
        try:
            async with _telling(lambda _error: None):
                await self._bot.http.get_channel(channel_id)
        except RoomGone:
            return False
        return True

    # --- what Discord is asked for -----------------------------------------------------------

    def _guild(self, plan: RoomPlan) -> discord.Guild:
        guild = self._bot.get_guild(plan.guild_id)
        if guild is None or guild.unavailable:
            raise Retry(_PAUSE, "the guild is not available")
        return guild

    def _overwrites(self, guild: discord.Guild, plan: RoomPlan) -> list[Any]:
        # Discord refuses to allow what the bot itself may not do.
        own = guild.me.guild_permissions
        sees = Permissions(_SEES.value & own.value)
        writes = Permissions((_SEES.value | _WRITES.value) & own.value)
        barred = Permissions(_WRITES.value & ~_SEES.value & own.value)
        viewers = (sees, barred) if plan.locked else (writes, Permissions.none())
        staff = [one for one in plan.staff_roles if guild.get_role(one) is not None]
        manages = Permissions(manage_channels=True, manage_messages=True)
        bots_own = Permissions((writes.value | manages.value) & own.value)
        return [
            _overwrite(guild.id, _ROLE, deny=Permissions(view_channel=True)),
            _overwrite(guild.me.id, _MEMBER, allow=bots_own),
            *(_overwrite(one, _ROLE, allow=writes) for one in sorted(staff)),
            *(_overwrite(one, _MEMBER, *viewers) for one in sorted(plan.viewers)),
        ]

    def _with_place(self, guild: discord.Guild, plan: RoomPlan) -> list[int | None]:
        if not plan.parent_ids:
            return [None]
        found: list[int | None] = []
        for parent_id in plan.parent_ids:
            category = guild.get_channel(parent_id)
            if not isinstance(category, discord.CategoryChannel):
                continue
            if len(category.channels) < MOST_IN_CATEGORY:
                found.append(category.id)
        return found

    def _explain(self, plan: RoomPlan, needs: Sequence[str]) -> Any:
        """Return what says why Discord refuses: what is missing, as far as that can be seen."""
        state = self._bot.kernel.state()

        def explain(error: discord.HTTPException | None) -> RoomRefused | None:
            place = next(
                (one for it in plan.parent_ids if (one := state.channel(plan.guild_id, it))), None
            )
            me = state.me(plan.guild_id)
            granted = me.permissions if me is not None else frozenset[str]()
            if (refusal := missing_permissions(needs, granted, place)) is not None:
                return RoomRefused(refusal.message, hint=refusal.fix)
            if error is None:
                return None
            where = ChannelList((label_of(place),)) if place else _("this server")
            return RoomRefused(
                _("Discord does not let me do that in {place}.", place=where),
                hint=_("Give my role all permissions of the channels there."),
            )

        return explain


def _overwrite(
    target_id: int,
    kind: int,
    allow: Permissions | None = None,
    deny: Permissions | None = None,
) -> dict[str, Any]:
    allowed, denied = (one.value if one else 0 for one in (allow, deny))
    return {"id": target_id, "type": kind, "allow": str(allowed), "deny": str(denied)}


def _names(plan: RoomPlan) -> tuple[str, ...]:
    return (plan.name, *plan.plain_names)


async def _named(plan: RoomPlan, call: Callable[[str], Awaitable[Any]]) -> Any:
    """Do something with the plan's name, or a plain one where Discord bars a word in it.

    Guilds in Server Discovery have such a filter, whose words nobody is told.
    """
    *first, last = _names(plan)
    for name in first:
        try:
            return await call(name)
        except discord.HTTPException as error:
            if not _is_about(error, "name"):
                raise
    return await call(last)


def _is_about(error: discord.HTTPException, field: str, says: str = "") -> bool:
    """Tell whether Discord refuses a field of a request, as discord.py writes it down."""
    return error.code == _INVALID_BODY and f"In {field}: {says}" in error.text


def _is_full(error: discord.HTTPException) -> bool:
    return _is_about(error, "parent_id", "Maximum number of channels")


def _is_no_category(error: discord.HTTPException) -> bool:
    return _is_about(error, "parent_id", "Category does not exist")


def _no_channel() -> RoomRefused:
    return RoomRefused(
        _("The channel for these tickets does not exist any more."),
        hint=_("An admin can choose another with /ticket panel edit."),
    )


def _no_place(
    guild: discord.Guild, plan: RoomPlan, gone: Collection[int | None] = ()
) -> RoomRefused:
    there = [one for one in plan.parent_ids if one not in gone]
    known = [one for one in map(guild.get_channel, there) if one is not None]
    if not known:
        return RoomRefused(
            _("The category for these tickets does not exist any more."),
            hint=_("An admin can choose another with /ticket panel edit."),
        )
    names = ChannelList(f"📁 {one.name}" for one in known)
    return RoomRefused(
        _("There is no place left in {names}: a category holds 50 channels.", names=names),
        hint=_("An admin can add a further category with /ticket panel edit."),
    )


@asynccontextmanager
async def _telling(explain: Any) -> AsyncIterator[None]:
    """Turn what discord.py raises into what the keeper of rooms knows."""
    try:
        yield
    except discord.HTTPException as error:
        raise _judge(error, explain) from error
    except discord.RateLimited as error:
        raise Retry(timedelta(seconds=error.retry_after), "rate limited") from error
    except (aiohttp.ClientError, OSError) as error:
        raise Retry(_PAUSE, type(error).__name__) from error


def _judge(error: discord.HTTPException, explain: Any) -> Exception:
    if error.code == _UNKNOWN_CHANNEL:
        return RoomGone()
    if error.code in _MISSING:
        return explain(error) or RoomGone()
    if error.code in _LIMITS:
        message, hint = _LIMITS[error.code]
        return RoomRefused(message, hint=hint)
    if error.status >= 500 or error.status == 429:
        return Retry(_PAUSE, f"Discord answers {error.status}")
    return error


_LIMITS: dict[int, tuple[Message, Message]] = {
    _MOST_CHANNELS: (
        _("This server has 500 channels, the most that Discord allows."),
        _("An admin can delete channels, or have the tickets be threads."),
    ),
    _MOST_THREADS: (
        _("This server has as many active threads as Discord allows."),
        _("Close threads that nobody needs."),
    ),
}
