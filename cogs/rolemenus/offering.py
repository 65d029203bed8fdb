"""Whether somebody may offer roles to members: none above them or the bot, no power unasked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import discord

from bot.checks import ensure_manages, guild_id_of
from bot.core.contracts import MemberFacts, RoleSummary
from bot.core.errors import Denied, InvalidInput, NotFound
from bot.core.i18n import _
from bot.core.permission_names import PermissionList
from bot.core.power import DANGEROUS_NAMES, is_powerful
from bot.core.preflight import Action, can_act
from bot.replies import confirm
from bot.state import member_facts, names_of
from cogs.rolemenus.mentions import RoleList
from cogs.rolemenus.reading import KEY

if TYPE_CHECKING:
    from bot.client import Pegasus

Interaction: TypeAlias = "discord.Interaction[Pegasus]"


async def ensure_may_offer(interaction: Interaction, role_ids: Sequence[int]) -> list[RoleSummary]:
    """Return the roles; raises for one that is gone, or that the bot or the person can't give.

    The mute role is not on offer either: cases give and take it.
    """
    kernel, guild_id = interaction.client.kernel, guild_id_of(interaction)
    state = kernel.state()
    me, muted = state.me(guild_id), await kernel.cases.mute_role_id(guild_id)
    if me is None:
        raise NotFound(_("I am not in this server any more."))
    actor = await _actor(interaction)
    target = MemberFacts(0, guild_id, "", top_role_position=-1)
    roles: list[RoleSummary] = []
    for role_id in role_ids:
        role = state.role(guild_id, role_id)
        if role is None:
            raise InvalidInput(_("That role no longer exists."), hint=_("Choose another role."))
        if role_id == muted:
            raise Denied(_("That is the mute role."), hint=_("Choose another role."))
        refusal = can_act(Action.ADD_ROLE, bot=me, actor=actor, target=target, role=role)
        if refusal is not None:
            raise Denied(refusal.message, hint=refusal.fix)
        roles.append(role)
    return roles


async def _actor(interaction: Interaction) -> MemberFacts:
    user = interaction.user
    if not isinstance(user, discord.Member):
        raise Denied(_("This only works inside a server, not in direct messages."))
    permissions = names_of(interaction.permissions.value)
    if await interaction.client.kernel.permissions.has(user.guild.id, user.id, KEY):
        # Whoever was handed the menus may offer roles; their rank still counts.
        permissions |= {"manage_roles"}
    return replace(member_facts(user), permissions=permissions)


async def confirm_dangerous(
    interaction: Interaction, roles: Sequence[RoleSummary]
) -> frozenset[int] | None:
    """Ask before roles are offered that give power; return which were agreed to, `None` for a no.

    A role that gives none when it is offered is not agreed to: it may be given power later.
    """

    async def recheck(pressed: Interaction) -> None:
        await ensure_manages(pressed, KEY)
        await ensure_may_offer(pressed, [one.id for one in roles])

    dangerous = [one for one in roles if is_powerful(one)]
    if not dangerous:
        return frozenset()
    permissions = sorted(
        frozenset().union(*(one.permissions & DANGEROUS_NAMES for one in dangerous))
    )
    question = _(
        "⚠️ Whoever takes {roles} gets power over this server: {permissions}. Offer it to every "
        "member all the same?",
        roles=RoleList([one.id for one in dangerous]),
        permissions=PermissionList(permissions),
    )
    agreed = await confirm(interaction, question, accept=_("Offer it"), recheck=recheck)
    return frozenset(one.id for one in dangerous) if agreed else None
