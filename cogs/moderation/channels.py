"""Commands on channels: /slowmode, /lock and /unlock."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import actor_of
from bot.core.cases.rules import check_reason
from bot.core.durations import Span, parse_duration
from bot.core.errors import Denied, InvalidInput
from bot.core.i18n import _
from bot.core.overwrites import SPEAKING, TALKING, Change, Overwrite, plan_lock
from bot.core.preflight import Action
from bot.replies import answer
from bot.staff import staff_of
from bot.written import written
from cogs.moderation.completion import complete_duration, complete_reason, complete_span
from cogs.moderation.locks import ChannelGone, Lock, LockService
from cogs.moderation.people import Interaction, ensure_in_channel
from cogs.moderation.rules.reading import read_duration
from cogs.moderation.wording import instant

if TYPE_CHECKING:
    from bot.client import Pegasus

# https://discord.com/developers/docs/resources/channel#modify-channel
LONGEST_SLOWMODE = timedelta(hours=6)
_UNKNOWN = frozenset({10003, 10004})

Place = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.ForumChannel


class PlaceTransformer(app_commands.Transformer):
    """An option that is a channel which members write in.

    discord.py's own option for forums asks for media channels, too. Discord's OpenAPI document
    does not know them, so one refusal of theirs could leave the bot without commands.
    """

    @property
    def type(self) -> discord.AppCommandOptionType:
        """What Discord offers for it."""
        return discord.AppCommandOptionType.channel

    @property
    def channel_types(self) -> list[discord.ChannelType]:
        """The kinds that are offered."""
        kinds = discord.ChannelType
        return [kinds.text, kinds.news, kinds.voice, kinds.stage_voice, kinds.forum]

    async def transform(
        self,
        interaction: discord.Interaction,  # noqa: ARG002 - the library's signature
        value: app_commands.AppCommandChannel,
        /,
    ) -> Place:
        """Return the channel with all that is known of it."""
        channel = value.resolve()
        if not isinstance(channel, Place):
            raise app_commands.TransformerError(value, self.type, self)
        return channel


PlaceOption = app_commands.Transform[Place, PlaceTransformer]


class Channels(commands.Cog):
    """Slowmode and locks."""

    def __init__(self, bot: Pegasus) -> None:
        self.bot = bot
        kernel = bot.kernel
        self.doors = DiscordDoors(bot)
        self.locks = LockService(
            kernel.database, kernel.clock, kernel.jobs, kernel.audit, self.doors
        )

    async def cog_load(self) -> None:
        """Take up locks of earlier runs."""
        self.locks.start()

    @app_commands.command(
        description="Have people wait between messages in a channel",
        extras=written("duration", "channel"),
    )
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_channels=True)
    @app_commands.describe(
        duration="How long to wait, up to 6 hours; 0 switches it off",
        channel="Where; here if left out",
    )
    @app_commands.autocomplete(duration=complete_duration)
    async def slowmode(
        self,
        interaction: Interaction,
        duration: str,
        channel: PlaceOption | None = None,
    ) -> None:
        """Set the slowmode of a channel or thread; of a forum, of new posts."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        place = channel or _here(interaction)
        await ensure_in_channel(interaction, Action.SLOWMODE, place)
        span = parse_duration(duration, maximum=LONGEST_SLOWMODE)
        reason = f"{interaction.user.name} ({interaction.user.id})"
        await self.bot.http.edit_channel(
            place.id, rate_limit_per_user=round(span.total_seconds()), reason=reason
        )
        if span:
            text = _(
                "✅ People wait {span} in {channel} now.", span=Span(span), channel=place.mention
            )
        else:
            text = _("✅ Slowmode is off in {channel}.", channel=place.mention)
        await answer(interaction, text)

    @app_commands.command(
        description="Have only staff write in a channel",
        extras=written("channel", "duration", "reason"),
    )
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_channels=True)
    @app_commands.describe(
        channel="Where; here if left out",
        duration="How long; until /unlock if left out",
        reason="Why; shown in the server's audit log",
    )
    @app_commands.autocomplete(duration=complete_span, reason=complete_reason)
    async def lock(
        self,
        interaction: Interaction,
        channel: PlaceOption | None = None,
        duration: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Lock a channel, keeping what was there."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        place = _lockable(channel or _here(interaction))
        await ensure_in_channel(interaction, Action.LOCK, place)
        span = read_duration(duration)
        now = self.bot.kernel.clock.now()
        wanted = Lock(
            place.guild.id,
            place.id,
            ends_at=now + span if span else None,
            reason=check_reason(reason),
        )
        changes = await self._plan(place)
        await self.locks.lock(wanted, changes, actor_of(interaction))
        text = _("🔒 {channel} is locked.", channel=place.mention)
        if wanted.ends_at is not None:
            end = instant(wanted.ends_at, "R")
            text = _("🔒 {channel} is locked; it opens {end}.", channel=place.mention, end=end)
        await answer(interaction, text)

    async def _plan(self, place: Place) -> tuple[Change, ...]:
        guild = place.guild
        is_voice = isinstance(place, discord.VoiceChannel | discord.StageChannel)
        return plan_lock(
            await self.doors.read(place.id),
            everyone_id=guild.id,
            bot_id=guild.me.id,
            staff=staff_of(guild),
            bits=SPEAKING if is_voice else TALKING,
            bot_bits=place.permissions_for(guild.me).value,
        )

    @app_commands.command(
        description="Put a locked channel back exactly as it was", extras=written("channel")
    )
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_channels=True)
    @app_commands.describe(channel="Where; here if left out")
    async def unlock(
        self,
        interaction: Interaction,
        channel: PlaceOption | None = None,
    ) -> None:
        """Unlock a channel."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        place = _lockable(channel or _here(interaction))
        await ensure_in_channel(interaction, Action.LOCK, place)
        await self.locks.unlock(place.guild.id, place.id, actor_of(interaction))
        await answer(interaction, _("🔓 {channel} is open again.", channel=place.mention))


class DiscordDoors:
    """Reaches channels' overwrites over discord.py's HTTP client, past its cache."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def read(self, channel_id: int) -> list[Overwrite]:
        """Return the overwrites as Discord has them now; raises `ChannelGone`."""
        try:
            data = await self._client.http.get_channel(channel_id)
        except discord.NotFound:
            raise ChannelGone from None
        stored = data.get("permission_overwrites", ())
        return [
            Overwrite(int(one["id"]), int(one["type"]) == 1, int(one["allow"]), int(one["deny"]))
            for one in stored
        ]

    async def write(self, channel_id: int, overwrite: Overwrite, *, reason: str) -> None:
        """Put an overwrite, or remove it when it is empty; raises `ChannelGone`."""
        http = self._client.http
        try:
            if overwrite.is_empty:
                await http.delete_channel_permissions(channel_id, overwrite.id, reason=reason)
            else:
                await http.edit_channel_permissions(
                    channel_id,
                    overwrite.id,
                    str(overwrite.allow),
                    str(overwrite.deny),
                    1 if overwrite.is_member else 0,
                    reason=reason,
                )
        except discord.Forbidden as error:
            raise Denied(
                _("I may not change the permissions of that channel."),
                hint=_("Allow me Manage Permissions there, and what the lock takes from others."),
                discord=error.text,
            ) from error
        except discord.NotFound as error:
            # Otherwise it is the role or the overwrite that is gone, and so nothing to put back.
            if error.code in _UNKNOWN:
                raise ChannelGone from None


def _here(interaction: Interaction) -> discord.abc.GuildChannel | discord.Thread:
    channel = interaction.channel
    if isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        return channel
    raise InvalidInput(_("Choose a channel of this server."))


def _lockable(channel: discord.abc.GuildChannel | discord.Thread) -> Place:
    if isinstance(channel, Place):
        return channel
    raise InvalidInput(
        _("Only channels can be locked, not threads."),
        hint=_("Discord itself closes and locks a thread."),
    )
