"""Who may change what was done to a member: whoever could have done it, to that member."""

from __future__ import annotations

import discord

from bot.checks import guild_id_of
from bot.core.cases import Case, CaseKind
from bot.core.contracts import MemberFacts
from bot.core.errors import Denied
from bot.core.i18n import _
from bot.core.preflight import Action, can_act, may_decide_on
from bot.state import member_facts
from cogs.moderation.deeds import ACTIONS, UNDO_ACTIONS
from cogs.moderation.people import (
    Interaction,
    actor_facts,
    bot_facts,
    protection_of,
    raise_refusal,
    settings_of,
)

_ROLE_KINDS = {
    CaseKind.ADD_ROLE: Action.REMOVE_ROLE,
    CaseKind.REMOVE_ROLE: Action.ADD_ROLE,
}


async def ensure_not_own(interaction: Interaction, case: Case) -> None:
    """Raise `Denied` for those who would change their own punishment."""
    actor = await actor_facts(interaction)
    if case.target.id == actor.id and case.kind is not CaseKind.NOTE and not actor.is_guild_owner:
        raise Denied(_("That case is about you."), hint=_("Ask another moderator to look at it."))


async def ensure_may_change(interaction: Interaction, case: Case) -> None:
    """Raise `Denied` unless a moderator could have done to this member what the case did.

    By permission and by rank, also over the role that the case gave or took; somebody who has left
    has no rank.
    """
    await ensure_not_own(interaction, case)
    guild_id, state = guild_id_of(interaction), interaction.client.kernel.state()
    actor, bot = await actor_facts(interaction), bot_facts(interaction)
    action = _ROLE_KINDS.get(case.kind) or ACTIONS[case.kind]
    role = state.role(guild_id, case.role_id) if case.kind in _ROLE_KINDS and case.role_id else None
    target = await _member(interaction, case.target.id)
    raise_refusal(may_decide_on(action, actor, target=target, role=role))
    if case.kind is not CaseKind.NOTE:
        protected = (await settings_of(interaction)).protected_role_ids
        raise_refusal(protection_of(target, actor, protected))
    raise_refusal(can_act(UNDO_ACTIONS.get(case.kind, Action.RECORD), bot=bot))


async def _member(interaction: Interaction, user_id: int) -> MemberFacts | None:
    """Return a member as ranks are judged by, `None` for one who has left."""
    if interaction.guild is None:
        return None
    try:
        return member_facts(await interaction.guild.fetch_member(user_id))
    except discord.NotFound:
        return None
