"""Who may do what with a giveaway, and which one somebody means."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import discord
from discord import app_commands

from bot.checks import actor_of, guild_id_of, manages
from bot.core.errors import Conflict, Denied, NotFound
from bot.core.features import RateClass
from bot.core.fields.text import quote, shorten
from bot.core.i18n import _
from cogs.giveaways.mentions import Mentions
from cogs.giveaways.settings import KEY
from db.giveaway_search import find_giveaways
from db.giveaways import (
    ACTIVE,
    CANCELLED,
    DRAWING,
    ENDED,
    OPEN_STATUSES,
    PAUSED,
    Giveaway,
    GiveawaySeries,
)

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.client import Pegasus

Interaction: TypeAlias = "discord.Interaction[Pegasus]"

_MAX_OFFERS, _MAX_OFFER = 25, 100
# Among so many those are looked for that a member can see.
_MOST_LOOKED = 200
_MOST_NAMED = 5
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
    interaction: Interaction,
    text: str,
    *,
    statuses: Collection[str] | None = None,
    rather: Collection[str] = (),
) -> Giveaway:
    """Return the giveaway that somebody means: one of the states `rather` if any is called that.

    Raises `NotFound` for one that there is not or that they may not see, and `Conflict` for a text
    that can mean several; both say what to do.
    """
    found = await _find(interaction, text, rather) if rather else ()
    found = found or await _find(interaction, text, statuses)
    if one := _meant(found, text):
        return one
    hint = _("Choose one from the list that Discord offers while you type.")
    if not found:
        raise NotFound(_("There is no such giveaway: {name}.", name=quote(text)), hint=hint)
    numbers = Mentions(f"#{one.number}" for one in found[:_MOST_NAMED])
    raise Conflict(_("That can be several giveaways: {numbers}.", numbers=numbers), hint=hint)


def _meant(found: Sequence[Giveaway], text: str) -> Giveaway | None:
    """Return the one that is meant: called exactly that if any is, and open if others are over."""
    wanted = " ".join(text.casefold().split())
    called = [one for one in found if wanted in {one.title.casefold(), one.prize.casefold()}]
    candidates = called or found
    is_open = [one for one in candidates if one.status in OPEN_STATUSES]
    return next((one[0] for one in (candidates, is_open) if len(one) == 1), None)


async def _find(
    interaction: Interaction, text: str, statuses: Collection[str] | None
) -> Sequence[Giveaway]:
    """Return the giveaways of that name that the person may know of, open ones first."""
    guild_id, host = guild_id_of(interaction), await is_host(interaction)
    if not host:
        statuses = BEGUN if statuses is None else [one for one in statuses if one in BEGUN]
    async with interaction.client.kernel.database.read() as session:
        found = await find_giveaways(
            session, guild_id, text, statuses=statuses, limit=_MAX_OFFERS if host else _MOST_LOOKED
        )
    return found if host else [one for one in found if can_see(interaction, one)][:_MAX_OFFERS]


def can_see(interaction: Interaction, giveaway: Giveaway) -> bool:
    """Tell whether a member can see the channel of a giveaway; one that is gone hides nothing."""
    guild, user = interaction.guild, interaction.user
    channel = guild and guild.get_channel_or_thread(giveaway.channel_id)
    if channel is None or not isinstance(user, discord.Member):
        return True
    if isinstance(channel, discord.Thread) and channel.parent is None:
        return False
    allowed = channel.permissions_for(user)
    if not isinstance(channel, discord.Thread) or not channel.is_private():
        return allowed.view_channel
    is_in = any(one.id == user.id for one in channel.members)
    return allowed.view_channel and (is_in or allowed.manage_threads)


async def offer_giveaways(
    interaction: Interaction, current: str, *, statuses: Collection[str] | None = None
) -> list[app_commands.Choice[str]]:
    """Return the guild's giveaways as choices of a command."""
    if interaction.guild_id is None:
        return []
    return choices_of(await _find(interaction, current, statuses))


def choices_of(giveaways: Sequence[Giveaway]) -> list[app_commands.Choice[str]]:
    """Return giveaways as choices: number, title, and the prize where that is called otherwise."""
    return [
        app_commands.Choice(
            name=shorten(f"#{one.number} {_name_of(one)}", _MAX_OFFER),
            value=str(one.number),
        )
        for one in giveaways
    ]


def _name_of(giveaway: Giveaway) -> str:
    if giveaway.title == giveaway.prize:
        return giveaway.prize
    return f"{giveaway.title}: {giveaway.prize}"


async def complete_any(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """Offer all giveaways; those that have not begun are for hosts alone."""
    if interaction.guild_id is None:
        return []
    return await offer_giveaways(interaction, current)
