"""The /purge command: finds messages, asks with their number, deletes them, shows how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.batchscreens import run_batch
from bot.checks import actor_of, guild_id_of
from bot.core.errors import Denied
from bot.core.i18n import Message, _, ngettext
from bot.core.preflight import Action
from bot.localization import locale_of
from bot.replies import answer, confirm
from bot.written import written
from cogs.moderation.people import Interaction, ensure_in_channel, settings_of
from cogs.moderation.purges import Purge, outcome_of
from cogs.moderation.rules.purge import MAX_AMOUNT, PurgeFilter, compile_pattern
from cogs.moderation.rules.reading import read_message_id
from cogs.moderation.working import working_of
from db.batches import Batch

if TYPE_CHECKING:
    from bot.client import Pegasus


class Purging(commands.Cog):
    """Deletes many messages at once."""

    def __init__(self, bot: Pegasus) -> None:
        self.bot = bot

    @app_commands.command(
        description="Delete many messages; pinned ones stay", extras=written("amount", "user")
    )
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_messages=True)
    @app_commands.describe(
        amount="How many messages to delete at most",
        user="Only messages of theirs",
        bots="Only messages of bots and webhooks",
        links="Only messages with links",
        attachments="Only messages with files",
        contains="Only messages with this text",
        regex="Only messages that this pattern fits (RE2)",
        before="Only messages before this one: its link or id",
        after="Only messages after this one: its link or id",
    )
    async def purge(  # noqa: PLR0917 - the options of the command
        self,
        interaction: Interaction,
        amount: app_commands.Range[int, 1, MAX_AMOUNT],
        user: discord.User | None = None,
        bots: bool = False,
        links: bool = False,
        attachments: bool = False,
        contains: app_commands.Range[str, 1, 200] | None = None,
        regex: str | None = None,
        before: str | None = None,
        after: str | None = None,
    ) -> None:
        """Find, ask, delete."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        channel = _here(interaction)
        await ensure_in_channel(interaction, Action.PURGE, channel)
        chosen = PurgeFilter(
            user_id=user.id if user else None,
            bots=bots,
            links=links,
            attachments=attachments,
            contains=contains,
            pattern=compile_pattern(regex),
        )
        self._ensure_readable(chosen)
        upper = read_message_id(before)
        purge = Purge(
            guild_id_of(interaction),
            channel.id,
            chosen,
            amount,
            # What comes later than the command is never deleted: ids grow with time.
            before_id=min(interaction.id, upper or interaction.id),
            after_id=read_message_id(after) or 0,
        )
        purges = working_of(interaction).purges
        found = await purges.find(purge)
        if not found.ids:
            text = _("I found no such message among the last {count}.", count=found.scanned)
            await answer(interaction, text)
            return
        if await self._confirmed(interaction, channel, found.ids):
            await self._delete(interaction, purge, found.ids)

    def _ensure_readable(self, chosen: PurgeFilter) -> None:
        if chosen.reads_content and not self.bot.kernel.config.discord.message_content_intent:
            raise Denied(
                _("I can't see what messages say."),
                hint=_("My owner has to switch the Message Content Intent on. Filter by user."),
            )

    async def _confirmed(
        self,
        interaction: Interaction,
        channel: discord.abc.GuildChannel | discord.Thread,
        ids: Sequence[int],
    ) -> bool:
        settings = await settings_of(interaction)
        if len(ids) < settings.purge_confirm_from:
            return True
        batches = working_of(interaction).purges.batches(ids)
        question = ngettext(
            "Delete {count} message in {channel}? This can't be undone.",
            "Delete {count} messages in {channel}? This can't be undone.",
            len(ids),
            channel=channel.mention,
        )
        if old := len(batches.single):
            slow = ngettext(
                "{count} of them has to go by itself, which takes about a second.",
                "{count} of them have to go one by one, which takes about a second each.",
                old,
            )
            question = _("{question}\n{note}", question=question, note=slow)

        async def recheck(pressed: Interaction) -> None:
            await ensure_in_channel(pressed, Action.PURGE, channel)

        return await confirm(interaction, question, recheck=recheck)

    async def _delete(self, interaction: Interaction, purge: Purge, ids: Sequence[int]) -> None:
        order = working_of(interaction).purges.order(
            purge,
            ids,
            actor_of(interaction),
            occasion=interaction.id,
            locale=locale_of(interaction),
        )
        await run_batch(interaction, order, progress=_progress, outcome=outcome_of)


def _progress(batch: Batch) -> Message:
    return _("Deleting: {done} of {total}", done=batch.done, total=batch.total)


def _here(interaction: Interaction) -> discord.abc.GuildChannel | discord.Thread:
    channel = interaction.channel
    if isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        return channel
    raise Denied(_("This only works inside a server, not in direct messages."))
