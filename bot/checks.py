"""Who may do what from Discord: checks that commands and views call before they act."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import discord

from bot.core.contracts import Actor
from bot.core.errors import DatabaseUnavailable, Denied
from bot.core.i18n import _

if TYPE_CHECKING:
    from bot.client import Pegasus

# A command's extra: the key of the feature that it manages, `ANY_FEATURE` for whichever is named.
MANAGES = "manages"
ANY_FEATURE = "*"
# A command's extra: it is for the owners of the bot alone, which it checks itself.
FOR_OWNERS = "for_owners"
# Discord waits three seconds for the first answer, the way there and back included.
PATIENCE_SECONDS = 2.0


@asynccontextmanager
async def in_time() -> AsyncIterator[None]:
    """Bound what has to be read before the first answer; raises `DatabaseUnavailable` after 2 s."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            yield
    except TimeoutError as error:
        raise DatabaseUnavailable from error


def actor_of(interaction: discord.Interaction) -> Actor:
    """Return who is acting, for audit entries and revisions, with their rank."""
    user = interaction.user
    rank = None
    if isinstance(user, discord.Member) and user.id != user.guild.owner_id:
        rank = user.top_role.position
    return Actor(user.id, "command", user.name, rank=rank)


def guild_id_of(interaction: discord.Interaction) -> int:
    """Return the guild of an interaction; raises `Denied` in direct messages."""
    if interaction.guild_id is None:
        raise Denied(_("This only works inside a server, not in direct messages."))
    return interaction.guild_id


async def manages(interaction: discord.Interaction[Pegasus], feature: str) -> bool:
    """Tell whether the person may change a feature: Manage Server, or a grant for that feature."""
    guild_id = guild_id_of(interaction)
    if interaction.permissions.manage_guild or interaction.permissions.administrator:
        return True
    return await interaction.client.kernel.permissions.has(guild_id, interaction.user.id, feature)


async def managed_keys(interaction: discord.Interaction[Pegasus]) -> frozenset[str]:
    """Return the keys of the features that the person may change; none in direct messages."""
    kernel = interaction.client.kernel
    if interaction.guild_id is None:
        return frozenset()
    if interaction.permissions.manage_guild or interaction.permissions.administrator:
        return frozenset(one.key for one in kernel.registry.all())
    return await kernel.permissions.managed_features(interaction.guild_id, interaction.user.id)


async def ensure_manages(interaction: discord.Interaction[Pegasus], feature: str) -> None:
    """Raise `Denied` with the way out when the person may not change the feature."""
    if await manages(interaction, feature):
        return
    title = interaction.client.kernel.registry.get(feature).title
    raise Denied(
        _("You need the Manage Server permission to change {feature}.", feature=_(title)),
        hint=_("An admin can also hand it to you with /permissions grant."),
    )


def ensure_admin(interaction: discord.Interaction) -> None:
    """Raise `Denied` unless the person has Manage Server in this guild."""
    guild_id_of(interaction)
    if not (interaction.permissions.manage_guild or interaction.permissions.administrator):
        raise Denied(
            _("You need the Manage Server permission for this."),
            hint=_("Ask someone who manages this server to do it, or to give you the permission."),
        )
