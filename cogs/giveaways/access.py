"""Who may do what with a giveaway, and which one somebody means."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import discord
from discord import app_commands

from bot.checks import actor_of, guild_id_of, manages
from bot.core.errors import Denied, NotFound
from bot.core.features import RateClass
from bot.core.fields.text import quote, shorten
from bot.core.i18n import _
from cogs.giveaways.settings import KEY
from db.giveaway_search import find_giveaways
from db.giveaways import ACTIVE, CANCELLED, DRAWING, ENDED, PAUSED, Giveaway, GiveawaySeries

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.client import Pegasus

Interaction: TypeAlias = "discord.Interaction[Pegasus]"

_MAX_OFFERS, _MAX_OFFER = 25, 100
BEGUN = (ACTIVE, PAUSED, DRAWING, ENDED, CANCELLED)
# Hosts do several things in a row: start, edit, edit again.
HOSTS: Any = {"rate_class": RateClass.ADMIN}


async def is_host(interaction: Interaction) -> bool:
    """Tell whether the person may start giveaways: they manage them or have one of the roles."""
    if await manages(interaction, KEY):
        return True
    user = interaction.user
    if not isinstance(user, discord.Member):
        return False
    state = await interaction.client.kernel.settings.get(guild_id_of(interaction), KEY)
    return not {one.id for one in user.roles}.isdisjoint(state.settings.host_roles)


async def ensure_host(interaction: Interaction) -> None:
    """Raise `Denied` with the way out unless the person may start giveaways."""
    if not await is_host(interaction):
        raise Denied(
            _("Only hosts of giveaways can do this."),
            hint=_("An admin can name roles of hosts with /giveaway settings."),
        )


async def ensure_may_handle(interaction: Interaction, giveaway: Giveaway | GiveawaySeries) -> None:
    """Raise `Denied` unless the giveaway is the person's own, or they manage giveaways."""
    await ensure_host(interaction)
    own = interaction.user.id in {giveaway.host_id, giveaway.created_by}
    if not own and not await manages(interaction, KEY):
        raise Denied(
            _("This giveaway is somebody else's."),
            hint=_("Its host can do this, and whoever manages giveaways."),
        )


async def note(
    interaction: Interaction,
    session: AsyncSession,
    action: str,
    details: Mapping[str, Any],
    *,
    target_id: int | None = None,
) -> None:
    """Put what somebody does with a command into the audit log, in the caller's transaction."""
    await interaction.client.kernel.audit.record(
        session,
        actor_of(interaction),
        guild_id_of(interaction),
        f"{KEY}.{action}",
        "user_action",
        details,
        target_id=target_id,
    )


async def find_giveaway(
    interaction: Interaction, text: str, *, statuses: Collection[str] | None = None
) -> Giveaway:
    """Return the giveaway that somebody means; raises `NotFound` with what to do."""
    guild_id = guild_id_of(interaction)
    async with interaction.client.kernel.database.read() as session:
        found = await find_giveaways(session, guild_id, text, statuses=statuses, limit=2)
    if len(found) == 1 or (found and text.strip()):
        return found[0]
    raise NotFound(
        _("There is no such giveaway: {name}.", name=quote(text)),
        hint=_("Choose one from the list that Discord offers while you type."),
    )


async def offer_giveaways(
    interaction: Interaction, current: str, *, statuses: Collection[str] | None = None
) -> list[app_commands.Choice[str]]:
    """Return the guild's giveaways as choices of a command."""
    if interaction.guild_id is None:
        return []
    async with interaction.client.kernel.database.read() as session:
        found = await find_giveaways(
            session, interaction.guild_id, current, statuses=statuses, limit=_MAX_OFFERS
        )
    return _choices(found)


def _choices(giveaways: Sequence[Giveaway]) -> list[app_commands.Choice[str]]:
    return [
        app_commands.Choice(
            name=shorten(f"#{one.number} {one.title}: {one.prize}", _MAX_OFFER),
            value=str(one.number),
        )
        for one in giveaways
    ]


async def complete_any(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """Offer all giveaways; those that have not begun are for hosts alone."""
    if interaction.guild_id is None:
        return []
    statuses = None if await is_host(interaction) else BEGUN
    return await offer_giveaways(interaction, current, statuses=statuses)
