"""The live view of Discord: `BotState` answered from discord.py's cache.

The only place that turns Discord's objects into the kernel's summaries. It never fetches.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache

import discord
from discord.ext import commands

from bot.core.clock import Clock
from bot.core.contracts import (
    BotCounts,
    ChannelKind,
    ChannelSummary,
    GatewayStatus,
    GuildSummary,
    MemberFacts,
    Permissions,
    RoleSummary,
    ShardStatus,
)

GuildPlace = discord.abc.GuildChannel | discord.Thread

# Summing 1,500 guilds takes milliseconds, and every scrape, page and health check asks.
COUNTS_SECONDS = 1.0

_KINDS: dict[discord.ChannelType, ChannelKind] = {
    discord.ChannelType.text: "text",
    discord.ChannelType.news: "news",
    discord.ChannelType.voice: "voice",
    discord.ChannelType.stage_voice: "stage",
    discord.ChannelType.forum: "forum",
    discord.ChannelType.media: "forum",
    discord.ChannelType.category: "category",
    discord.ChannelType.news_thread: "thread",
    discord.ChannelType.public_thread: "thread",
    discord.ChannelType.private_thread: "thread",
}


class DiscordState:
    """Answers from the cache of one client; `last_event_age` is the intake's.

    `earlier` is how the connection stood when the client before this one ended: that the process
    was ready, and since when each shard is gone, goes on.
    """

    def __init__(
        self,
        client: commands.AutoShardedBot,
        clock: Clock,
        last_event_age: Callable[[], float | None] = lambda: None,
        *,
        earlier: GatewayStatus | None = None,
    ) -> None:
        earlier = earlier or GatewayStatus()
        self._client = client
        self._clock = clock
        self._last_event_age = last_event_age
        self._started_at = clock.monotonic()
        self._lost_at = {
            shard.id: self._started_at - shard.disconnected_for for shard in earlier.shards
        }
        # Shards from READY or RESUMED on: an open socket alone brings no events.
        self._in_session: set[int] = set()
        self._earlier_ids = tuple(self._lost_at)
        self._ever_ready = earlier.first_ready
        self._identify_remaining = earlier.identify_remaining
        self._counts = BotCounts()
        self._counted_at = -math.inf
        client.add_listener(self._note_ready, "on_ready")
        client.add_listener(self._note_lost, "on_shard_disconnect")
        for event in ("on_shard_connect", "on_shard_resumed"):
            client.add_listener(self._note_back, event)

    def set_identify_remaining(self, count: int) -> None:
        """Remember how many sessions Discord lets the bot start today."""
        self._identify_remaining = count

    def gateway(self) -> GatewayStatus:
        """Return the state of the connections, those still to be opened included."""
        return GatewayStatus(
            shards=tuple(self._shard(shard_id) for shard_id in self._shard_ids()),
            first_ready=self._ever_ready,
            last_event_age=self._last_event_age(),
            identify_remaining=self._identify_remaining,
        )

    def counts(self) -> BotCounts:
        """Return what this process sees, summed; at most a second old.

        Users are the sum of the guilds' member counts, so who is in two guilds counts twice.
        """
        now = self._clock.monotonic()
        if now - self._counted_at >= COUNTS_SECONDS:
            self._counts = _count(self._client.guilds)
            self._counted_at = now
        return self._counts

    def guild(self, guild_id: int) -> GuildSummary | None:
        """Return a guild, or `None` when the bot is not in it."""
        guild = self._client.get_guild(guild_id)
        return _guild_summary(guild) if guild else None

    def guilds(self) -> Sequence[GuildSummary]:
        """Return every guild of this process that is available."""
        return [_guild_summary(guild) for guild in self._client.guilds if not guild.unavailable]

    def channels(self, guild_id: int) -> Sequence[ChannelSummary]:
        """Return a guild's channels in the order the client shows them; threads are left out."""
        guild = self._client.get_guild(guild_id)
        if guild is None:
            return []
        shown: list[discord.abc.GuildChannel] = []
        for category, children in guild.by_category():
            shown += [category, *children] if category else children
        return [_channel_summary(channel) for channel in shown]

    def channel(self, guild_id: int, channel_id: int) -> ChannelSummary | None:
        """Return one channel or thread of the guild."""
        guild = self._client.get_guild(guild_id)
        channel = guild.get_channel_or_thread(channel_id) if guild else None
        return _channel_summary(channel) if channel else None

    def roles(self, guild_id: int) -> Sequence[RoleSummary]:
        """Return a guild's roles, highest first, without @everyone."""
        guild = self._client.get_guild(guild_id)
        if guild is None:
            return []
        return [_role_summary(role) for role in reversed(guild.roles) if not role.is_default()]

    def role(self, guild_id: int, role_id: int) -> RoleSummary | None:
        """Return one role of the guild."""
        guild = self._client.get_guild(guild_id)
        role = guild.get_role(role_id) if guild else None
        return _role_summary(role) if role else None

    def member(self, guild_id: int, user_id: int) -> MemberFacts | None:
        """Return a cached member, or `None` when it is not in the cache."""
        guild = self._client.get_guild(guild_id)
        member = guild.get_member(user_id) if guild else None
        return member_facts(member) if member else None

    def me(self, guild_id: int) -> MemberFacts | None:
        """Return the bot's own membership of the guild."""
        user = self._client.user
        return self.member(guild_id, user.id) if user else None

    def _shard_ids(self) -> Sequence[int]:
        if self._client.shard_ids:
            return self._client.shard_ids
        count = self._client.shard_count
        if count is not None:
            return range(count)
        # A new client does not know yet how many there will be; there will be a first one.
        return self._earlier_ids or (0,)

    def _shard(self, shard_id: int) -> ShardStatus:
        now = self._clock.monotonic()
        if shard_id in self._in_session:
            shard = self._client.get_shard(shard_id)
            if shard is not None and not shard.is_closed():
                return ShardStatus(shard_id, True, latency=shard.latency, ack_age=ack_age(shard))
            # The socket is closed a moment before discord.py says so.
            self._lost_at.setdefault(shard_id, now)
        gone = now - self._lost_at.get(shard_id, self._started_at)
        return ShardStatus(shard_id, connected=False, disconnected_for=gone)

    async def _note_ready(self) -> None:
        self._ever_ready = True

    async def _note_lost(self, shard_id: int) -> None:
        self._in_session.discard(shard_id)
        self._lost_at.setdefault(shard_id, self._clock.monotonic())

    async def _note_back(self, shard_id: int) -> None:
        self._in_session.add(shard_id)
        self._lost_at.pop(shard_id, None)


def ack_age(shard: discord.ShardInfo) -> float | None:
    """Return the seconds since Discord last acknowledged a heartbeat, `None` while there is none.

    discord.py tells the latency of the last answered heartbeat only, which stays fine for ever
    on a connection that has died; the instant behind it is private.
    """
    # A connection that is still being opened has none yet.
    heartbeat = getattr(shard._parent.ws, "_keep_alive", None)
    return time.perf_counter() - heartbeat._last_ack if heartbeat else None


def member_facts(member: discord.Member) -> MemberFacts:
    """Return the facts of a member that came with an event or an interaction."""
    return MemberFacts(
        id=member.id,
        guild_id=member.guild.id,
        name=member.display_name,
        top_role_position=member.top_role.position,
        permissions=names_of(member.guild_permissions.value),
        is_guild_owner=member.id == member.guild.owner_id,
        is_bot=member.bot,
        role_ids=frozenset(role.id for role in member.roles if not role.is_default()),
        joined_at=member.joined_at,
        created_at=member.created_at,
        pending=member.pending,
    )


@lru_cache(maxsize=1024)
def names_of(value: int) -> Permissions:
    """Return the names of the permission bits that are set, under each name discord.py knows.

    So `view_channel` and its older name `read_messages` are either both there or neither.
    """
    flags = discord.Permissions.VALID_FLAGS
    return frozenset(name for name, flag in flags.items() if value & flag == flag)


def _count(guilds: Sequence[discord.Guild]) -> BotCounts:
    kinds = Counter(channel.type for guild in guilds for channel in guild.channels)
    channels: Counter[str] = Counter()
    for kind, number in kinds.items():
        channels[_KINDS.get(kind, "text")] += number
    return BotCounts(
        guilds=len(guilds),
        unavailable_guilds=sum(guild.unavailable for guild in guilds),
        users=sum(guild.member_count or 0 for guild in guilds),
        channels=dict(channels),
    )


def _guild_summary(guild: discord.Guild) -> GuildSummary:
    me: discord.Member | None = guild.me
    return GuildSummary(
        id=guild.id,
        name=guild.name,
        owner_id=guild.owner_id or 0,
        member_count=guild.member_count or 0,
        icon_url=guild.icon.url if guild.icon else None,
        locale=guild.preferred_locale.value,
        joined_at=me.joined_at if me else None,
        bot_permissions=names_of(me.guild_permissions.value) if me else frozenset(),
        system_channel_id=guild.system_channel.id if guild.system_channel else None,
        verification_level=guild.verification_level.value,
        largest_upload=guild.filesize_limit,
    )


def _channel_summary(channel: GuildPlace) -> ChannelSummary:
    thread = isinstance(channel, discord.Thread)
    return ChannelSummary(
        id=channel.id,
        guild_id=channel.guild.id,
        name=channel.name,
        kind=_KINDS.get(channel.type, "text"),
        position=0 if thread else channel.position,
        parent_id=channel.parent_id if thread else channel.category_id,
        bot_permissions=_permissions_in(channel),
        private=channel.type is discord.ChannelType.private_thread,
    )


def _permissions_in(channel: GuildPlace) -> Permissions:
    me: discord.Member | None = channel.guild.me
    if me is None or (isinstance(channel, discord.Thread) and channel.parent is None):
        return frozenset()
    granted = channel.permissions_for(me)
    if isinstance(channel, discord.Thread):
        # In a thread Discord asks for this permission where a channel asks for send_messages.
        granted.send_messages = granted.send_messages_in_threads
    return names_of(granted.value)


def _role_summary(role: discord.Role) -> RoleSummary:
    me: discord.Member | None = role.guild.me
    may_manage = me is not None and me.guild_permissions.manage_roles
    return RoleSummary(
        id=role.id,
        guild_id=role.guild.id,
        name=role.name,
        position=role.position,
        colour=role.colour.value,
        managed=role.managed,
        assignable=may_manage and role.is_assignable(),
        permissions=names_of(role.permissions.value),
        mentionable=role.mentionable,
    )
