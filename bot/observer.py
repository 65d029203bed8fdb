"""Watches the gateway for what concerns all features: who is there, and how the connection fares.

It feeds the roster, the problem checks and the metrics; it answers nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from bot.core.messages import Payload
from bot.core.problems.news import BASICS
from bot.unhandled import Fate, Foresight
from db.guilds import SeenGuild, SeenMember, SeenUser
from db.leases import Shards

if TYPE_CHECKING:
    from bot.client import Pegasus


class Observer:
    """Joins the kernel's bookkeeping to one client's events."""

    def __init__(self, client: Pegasus) -> None:
        self._client = client
        self._kernel = client.kernel
        for listener in (
            self.on_ready,
            self.on_guild_available,
            self.on_guild_join,
            self.on_guild_remove,
            self.on_member_join,
            self.on_raw_member_remove,
            self.on_interaction,
            self.on_shard_disconnect,
            self.on_shard_ready,
            self.on_shard_resumed,
            self.on_unreadable_frame,
            self.on_guild_role_update,
            self.on_guild_role_delete,
            self.on_guild_channel_update,
            self.on_guild_channel_delete,
            self.on_member_update,
        ):
            client.add_listener(listener)
        self._foresight = Foresight(client, client.kernel.clock)
        self._unhandled: dict[int, Fate] = {}
        client.intake.listen("INTERACTION_CREATE", "unhandled", self._look_ahead)
        # Members are not cached, and discord.py is silent about updates of others.
        client.intake.listen("GUILD_MEMBER_UPDATE", "screening", self._see_update)

    async def on_ready(self) -> None:
        """Find the guilds that were left while the bot was not connected."""
        discord_config = self._kernel.config.discord
        ids, count = discord_config.shard_ids, discord_config.shard_count
        shards = Shards(frozenset(ids), count) if ids and count else None
        present = [guild.id for guild in self._client.guilds]
        await self._kernel.roster.compare(present, self._kernel.clock.now(), shards)

    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Note a guild that came with the connection, and look for problems in it."""
        self._see_guild(guild)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Note a guild that the bot was invited to, perhaps again."""
        self._see_guild(guild)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Note a guild that the bot has left; what it still had to do there goes with the note."""
        self._kernel.roster.guild_left(guild.id, self._kernel.clock.now())
        self._kernel.settings.forget(guild.id)

    def _see_guild(self, guild: discord.Guild) -> None:
        now = self._kernel.clock.now()
        joined_at = guild.me.joined_at if guild.me else None
        self._kernel.roster.guild_seen(SeenGuild(guild.id, guild.name, joined_at or now))
        # One that is not in memory is loaded soon, so that no message finds it unknown.
        self._kernel.settings.peek(guild.id, BASICS)
        self._look_again(guild)

    def _look_again(self, guild: discord.Guild) -> None:
        self._kernel.problems.recheck(guild.id)
        self._kernel.delivery_problems.look_again(guild.id)
        self._kernel.cases.look_again(guild.id)
        self._kernel.roles.look_again(guild.id)

    async def on_member_join(self, member: discord.Member) -> None:
        """Note who joined, and hold them to what they were under when they left."""
        now = self._kernel.clock.now()
        self._see_user(member)
        self._kernel.roster.member_joined(
            SeenMember(member.guild.id, member.id, member.joined_at or now)
        )
        await self._kernel.cases.on_member_joined(member.guild.id, member.id)

    async def on_raw_member_remove(self, event: discord.RawMemberRemoveEvent) -> None:
        """Note who left; the raw event comes for members who are not cached, too."""
        now = self._kernel.clock.now()
        self._kernel.roster.member_left(event.guild_id, event.user.id, now)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Note who uses the bot, and see to it that every use is answered."""
        if interaction.type is not discord.InteractionType.autocomplete:
            self._see_user(interaction.user)
        self._client.acknowledgements.note(interaction)
        if fate := self._unhandled.pop(interaction.id, None):
            await self._client.acknowledgements.answer_unhandled(
                interaction, outdated=fate is Fate.OUTDATED
            )

    def _look_ahead(self, payload: Payload) -> None:
        """Remember a press that nothing will take, unless another listener might."""
        fate = self._foresight.fate_of(payload)
        if fate is not Fate.HANDLED and len(self._client.extra_events["on_interaction"]) == 1:
            self._unhandled[int(payload["id"])] = fate

    def _see_update(self, payload: Payload) -> None:
        """Go on with the roles of a member who has passed screening, or had before."""
        if payload.get("pending") is False:
            self._kernel.roles.member_passed(int(payload["guild_id"]), int(payload["user"]["id"]))

    def _see_user(self, user: discord.User | discord.Member) -> None:
        now = self._kernel.clock.now()
        avatar = user.avatar.url if user.avatar else None
        # Many accounts have no display name; Discord shows their username in its place.
        name = user.global_name or user.name
        self._kernel.roster.user_seen(SeenUser(user.id, name, avatar, now))

    async def on_shard_disconnect(self, shard_id: int) -> None:
        """Count a lost connection."""
        self._kernel.metrics.gateway_disconnected(shard_id)

    async def on_shard_ready(self, shard_id: int) -> None:  # noqa: ARG002 - the event's signature
        """Count a session that began afresh."""
        self._kernel.metrics.gateway_session(resumed=False)

    async def on_shard_resumed(self, shard_id: int) -> None:  # noqa: ARG002 - the event's signature
        """Count a session that went on."""
        self._kernel.metrics.gateway_session(resumed=True)

    async def on_unreadable_frame(self, shard_id: int) -> None:
        """Count a frame that was no JSON or badly compressed."""
        self._kernel.metrics.gateway_frame_unreadable(shard_id)

    async def on_guild_role_update(self, _before: discord.Role, after: discord.Role) -> None:
        """Look again at what the guild's settings point at."""
        self._look_again(after.guild)

    async def on_guild_role_delete(self, role: discord.Role) -> None:
        """Look again at what the guild's settings point at."""
        self._look_again(role.guild)

    async def on_guild_channel_update(
        self, _before: discord.abc.GuildChannel, after: discord.abc.GuildChannel
    ) -> None:
        """Look again at what the guild's settings point at."""
        self._look_again(after.guild)

    async def on_member_update(self, before: discord.Member, after: discord.Member) -> None:
        """Look again when the bot itself was given or lost a role."""
        if self._client.user == after and before.roles != after.roles:
            self._look_again(after.guild)

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """Look again at what the guild's settings point at."""
        self._look_again(channel.guild)
