"""Who acts on whom: the facts that the preflight judges, taken from an interaction.

Members are not cached: what an interaction brings is all that is known of them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import discord

from bot.checks import guild_id_of
from bot.core.contracts import ChannelSummary, MemberFacts
from bot.core.errors import Denied, NotFound
from bot.core.fields.text import escape_markdown
from bot.core.i18n import _
from bot.core.preflight import Action, Cause, Refusal, can_act
from bot.state import member_facts, names_of
from cogs.moderation.policy import KEY
from cogs.moderation.settings import ModerationSettings

if TYPE_CHECKING:
    from bot.client import Pegasus

Interaction: TypeAlias = "discord.Interaction[Pegasus]"

# What a grant of moderation lets people ask me for; their rank still counts.
GRANTED = frozenset(
    {
        "moderate_members",
        "kick_members",
        "ban_members",
        "manage_messages",
        "manage_channels",
        "manage_roles",
    }
)


async def settings_of(interaction: Interaction) -> ModerationSettings:
    """Return what the guild has set."""
    kernel = interaction.client.kernel
    return (await kernel.settings.get(guild_id_of(interaction), KEY)).settings


def bot_facts(interaction: Interaction) -> MemberFacts:
    """Return the bot's own membership; raises `NotFound` where it has none."""
    me = interaction.client.kernel.state().me(guild_id_of(interaction))
    if me is None:
        raise NotFound(_("I am not in this server any more."))
    return me


async def actor_facts(
    interaction: Interaction, channel: discord.abc.GuildChannel | discord.Thread | None = None
) -> MemberFacts:
    """Return who acts, with their permissions in the channel, or where they are."""
    user = interaction.user
    if not isinstance(user, discord.Member):
        raise Denied(_("This only works inside a server, not in direct messages."))
    granted = interaction.permissions if channel is None else channel.permissions_for(user)
    permissions = names_of(granted.value)
    if await interaction.client.kernel.permissions.has(user.guild.id, user.id, KEY):
        permissions |= GRANTED
    return replace(member_facts(user), permissions=permissions)


def target_facts(target: discord.User | discord.Member) -> MemberFacts | None:
    """Return whom something is to be done to, `None` when they are not in the guild."""
    return member_facts(target) if isinstance(target, discord.Member) else None


def protection_of(
    target: MemberFacts | None, actor: MemberFacts, protected: Collection[int]
) -> Refusal | None:
    """Return the refusal for a member with a protected role; only the owner passes."""
    if target is None or actor.is_guild_owner or target.role_ids.isdisjoint(protected):
        return None
    return Refusal(
        Cause.ACTOR_HIERARCHY,
        _("{member} has a protected role.", member=escape_markdown(target.name)),
        _("An admin can take the role from them, or change the list in /moderation settings."),
    )


def raise_refusal(refusal: Refusal | None) -> None:
    """Raise `Denied` with the way out, where there is a refusal."""
    if refusal is not None:
        raise Denied(refusal.message, hint=refusal.fix)


async def ensure_in_channel(
    interaction: Interaction,
    action: Action,
    channel: discord.abc.GuildChannel | discord.Thread,
) -> None:
    """Raise `Denied` unless both may do this in the channel."""
    raise_refusal(
        can_act(
            action,
            bot=bot_facts(interaction),
            actor=await actor_facts(interaction, channel),
            channel=summary_of(interaction, channel),
        )
    )


def summary_of(
    interaction: Interaction, channel: discord.abc.GuildChannel | discord.Thread
) -> ChannelSummary:
    """Return a channel with what the bot may do in it; raises `NotFound` for one it can't see."""
    found = interaction.client.kernel.state().channel(channel.guild.id, channel.id)
    if found is None:
        raise NotFound(_("I can't see that channel."))
    return found
