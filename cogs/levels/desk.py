"""What the commands of staff share: who may, and how the lists of the settings are changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import discord

from bot.checks import MANAGES, ensure_manages, guild_id_of
from bot.core.contracts import MemberFacts, RoleSummary
from bot.core.errors import Conflict, Denied, InvalidInput, NotFound
from bot.core.features import RateClass
from bot.core.i18n import _
from bot.core.preflight import Action, can_act
from bot.core.settings import SettingsStore, StaleSettings
from bot.state import member_facts, names_of
from cogs.levels.office import Interaction
from cogs.levels.settings import KEY, LevelSettings

if TYPE_CHECKING:
    from bot.core.contracts import Actor

# Things can be prepared and looked at while nobody earns anything.
MANAGED: dict[Any, Any] = {
    "rate_class": RateClass.ADMIN,
    "works_while_off": True,
    MANAGES: KEY,
}
# A change loses at most as often as others change the settings meanwhile.
_ATTEMPTS = 20


async def begin(interaction: Interaction) -> int:
    """Defer the answer, check that the person manages levels, and return the guild's id."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    await ensure_manages(interaction, KEY)
    return guild_id_of(interaction)


async def recheck(interaction: Interaction) -> None:
    """Raise `Denied` when whoever presses may no longer."""
    await ensure_manages(interaction, KEY)


async def ensure_giving(interaction: Interaction, role: discord.Role) -> RoleSummary:
    """Return the role if bot and person may give it; raises an error with the way out."""
    guild_id, kernel = guild_id_of(interaction), interaction.client.kernel
    if role.is_default():
        raise InvalidInput(_("Everybody has that role."), hint=_("Choose another role."))
    me, summary = kernel.state().me(guild_id), kernel.state().role(guild_id, role.id)
    if me is None or summary is None:
        raise NotFound(_("I can't see that role."), hint=_("Choose another role."))
    if role.id == await kernel.cases.mute_role_id(guild_id):
        raise Denied(_("That is the mute role."), hint=_("Use /mute and /unmute."))
    # Whose rank stands in nobody's way: it is for those who are to come.
    target = MemberFacts(0, guild_id, "", top_role_position=-1)
    actor = await _actor_facts(interaction)
    refusal = can_act(Action.ADD_ROLE, bot=me, actor=actor, target=target, role=summary)
    if refusal is not None:
        raise Denied(refusal.message, hint=refusal.fix)
    return summary


async def _actor_facts(interaction: Interaction) -> MemberFacts:
    """Return who acts; a grant of levels stands for Manage Roles, their rank still counts."""
    user = interaction.user
    if not isinstance(user, discord.Member):
        raise Denied(_("This only works inside a server, not in direct messages."))
    permissions = names_of(interaction.permissions.value)
    if await interaction.client.kernel.permissions.has(user.guild.id, user.id, KEY):
        permissions |= {"manage_roles"}
    return replace(member_facts(user), permissions=permissions)


async def change_settings(
    store: SettingsStore,
    guild_id: int,
    edit: Callable[[LevelSettings], Mapping[str, Any]],
    actor: Actor,
) -> LevelSettings:
    """Change a guild's lists, whoever else changes them meanwhile; return the settings.

    `edit` returns the fields that are to be different, as JSON.
    """
    for _attempt in range(_ATTEMPTS):
        state = await store.get(guild_id, KEY)
        changes = edit(state.settings)
        try:
            change = await store.change(
                guild_id, KEY, changes, actor=actor, expected_revision=state.revision
            )
        except StaleSettings:
            continue
        return change.after.settings
    raise Conflict(_("Too many changes at once."), hint=_("Please try again."))
