"""Compares ranks with those of many members, whom the gateway is asked for; none are cached."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import discord

from bot.core.contracts import MemberFacts
from bot.core.errors import DiscordFailed
from bot.core.i18n import _
from bot.core.preflight import Refusal
from bot.core.reach import refuse_mass_ban
from bot.state import member_facts, names_of

if TYPE_CHECKING:
    from bot.client import Pegasus

# https://discord.com/developers/docs/events/gateway-events#request-guild-members
_ASKED_AT_ONCE = 100


async def members_of(guild: discord.Guild, people: Sequence[int]) -> dict[int, discord.Member]:
    """Return those of these people who are members; raises `DiscordFailed` without an answer."""
    found: dict[int, discord.Member] = {}
    for start in range(0, len(people), _ASKED_AT_ONCE):
        ids = list(people[start : start + _ASKED_AT_ONCE])
        try:
            members = await guild.query_members(user_ids=ids, limit=len(ids), cache=False)
        except TimeoutError:
            raise _no_answer() from None
        found |= {one.id: one for one in members}
    return found


class MemberReach:
    """Says whom a mass ban leaves alone; see `bot.core.reach.Reach`."""

    def __init__(self, bot: Pegasus) -> None:
        self._bot = bot

    async def __call__(
        self, guild_id: int, actor_id: int, user_ids: Sequence[int]
    ) -> dict[int, Refusal]:
        """Return who ranks too high or has moderator rights now, and why that is.

        Raises `DiscordFailed` while the guild or its members can't be asked for.
        """
        guild, me = self._bot.get_guild(guild_id), self._bot.kernel.state().me(guild_id)
        if guild is None or me is None:
            raise _no_answer()
        members = await members_of(guild, list(dict.fromkeys((*user_ids, actor_id))))
        actor = members.get(actor_id)
        return _refusals(
            guild,
            me,
            member_facts(actor) if actor else None,
            [members[one] for one in user_ids if one in members],
        )


def _refusals(
    guild: discord.Guild,
    me: MemberFacts,
    actor: MemberFacts | None,
    targets: Collection[discord.Member],
) -> dict[int, Refusal]:
    usual = names_of(guild.default_role.permissions.value)
    found: dict[int, Refusal] = {}
    for one in targets:
        refusal = refuse_mass_ban(member_facts(one), bot=me, actor=actor, usual=usual)
        if refusal is not None:
            found[one.id] = refusal
    return found


def _no_answer() -> DiscordFailed:
    return DiscordFailed(_("Discord does not answer as it should."), hint=_("Please try again."))
