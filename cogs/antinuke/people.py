"""Who acts: the facts that the preflight judges, taken from an interaction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import discord

from bot.checks import guild_id_of
from bot.core.contracts import MemberFacts
from bot.core.errors import Denied, NotFound
from bot.core.i18n import _
from bot.state import member_facts, names_of

if TYPE_CHECKING:
    from bot.client import Pegasus

Interaction: TypeAlias = "discord.Interaction[Pegasus]"


def staff_facts(interaction: Interaction) -> MemberFacts:
    """Return who acts; raises `Denied` outside of a guild."""
    user = interaction.user
    if not isinstance(user, discord.Member):
        raise Denied(_("This only works inside a server, not in direct messages."))
    return replace(member_facts(user), permissions=names_of(interaction.permissions.value))


def own_facts(interaction: Interaction) -> MemberFacts:
    """Return the bot's own membership; raises `NotFound` where it has none."""
    me = interaction.client.kernel.state().me(guild_id_of(interaction))
    if me is None:
        raise NotFound(_("I am not in this server any more."))
    return me
