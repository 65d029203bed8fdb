"""What Autorole's commands share: who acts, and whether they may give a role."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import discord

from bot.checks import guild_id_of
from bot.core.contracts import MemberFacts, RoleSummary
from bot.core.errors import Conflict, Denied, InvalidInput, NotFound
from bot.core.i18n import _
from bot.core.preflight import Action, can_act
from bot.state import member_facts, names_of
from cogs.autorole.service import KEY

if TYPE_CHECKING:
    from bot.client import Pegasus
    from bot.core.kernel import Kernel

Interaction: TypeAlias = "discord.Interaction[Pegasus]"


async def actor_facts(interaction: Interaction) -> MemberFacts:
    """Return who acts; a grant of Autorole stands for Manage Roles, their rank still counts."""
    user = interaction.user
    if not isinstance(user, discord.Member):
        raise Denied(_("This only works inside a server, not in direct messages."))
    permissions = names_of(interaction.permissions.value)
    if await interaction.client.kernel.permissions.has(user.guild.id, user.id, KEY):
        permissions |= {"manage_roles"}
    return replace(member_facts(user), permissions=permissions)


async def ensure_no_reward(kernel: Kernel, guild_id: int, role_id: int) -> None:
    """Raise `Conflict` when a level gives the role: who joins would have it, and then lose it."""
    if "levels" not in {one.key for one in kernel.registry.all()}:
        return
    for one in (await kernel.settings.get(guild_id, "levels")).settings.rewards:
        if one.role_id == role_id and one.action == "give":
            raise Conflict(
                _("<@&{role}> is the reward of level {level}.", role=role_id, level=one.level),
                hint=_("Choose another role, or remove it with /xp reward remove."),
            )


async def ensure_giving(
    interaction: Interaction,
    role: discord.Role,
    target: MemberFacts | None,
    action: Action = Action.ADD_ROLE,
) -> RoleSummary:
    """Return the role if bot and person may give or take it; raises `Denied` with the way out."""
    guild_id, kernel = guild_id_of(interaction), interaction.client.kernel
    if role.is_default():
        raise InvalidInput(_("Everybody has that role."), hint=_("Choose another role."))
    me, summary = kernel.state().me(guild_id), kernel.state().role(guild_id, role.id)
    if me is None or summary is None:
        raise NotFound(_("I can't see that role."), hint=_("Choose another role."))
    if role.id == await kernel.cases.mute_role_id(guild_id):
        raise Denied(_("That is the mute role."), hint=_("Use /mute and /unmute."))
    refusal = can_act(
        action, bot=me, actor=await actor_facts(interaction), target=target, role=summary
    )
    if refusal is not None:
        raise Denied(refusal.message, hint=refusal.fix)
    return summary


def anybody(guild_id: int) -> MemberFacts:
    """Return a member whose rank stands in nobody's way, for those who are to come."""
    return MemberFacts(0, guild_id, "", top_role_position=-1)
