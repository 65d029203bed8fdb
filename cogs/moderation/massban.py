"""Chooses whom a mass ban takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import discord

from bot.core.errors import NotFound
from bot.core.i18n import _
from bot.core.preflight import Action, can_act
from bot.core.reach import refuse_staff
from bot.reach import members_of
from bot.state import member_facts, names_of
from cogs.moderation.people import (
    Interaction,
    actor_facts,
    bot_facts,
    protection_of,
    settings_of,
)
from cogs.moderation.rules.massban import BanFilter, Candidate
from db.sanctions import HOLDING, list_bans

# Why somebody is passed over, in words.
CAUSES = {
    "banned": _("Banned already: {count}"),
    "filtered": _("Not what the filters ask for: {count}"),
    "protected": _("Out of your reach or mine, or protected: {count}"),
}


@dataclass(frozen=True, slots=True)
class Candidates:
    """Who would be banned, and who not, by cause."""

    people: tuple[Candidate, ...]
    skipped: dict[str, list[int]]


async def choose(interaction: Interaction, people: Sequence[int], chosen: BanFilter) -> Candidates:
    """Return who of these is to be banned: whom the filters take and nobody protects."""
    guild = interaction.guild
    if guild is None:
        raise NotFound(_("I am not in this server any more."))
    kernel = interaction.client.kernel
    async with kernel.database.read() as session:
        banned = await list_bans(session, guild.id, people, state=HOLDING)
    members = await members_of(guild, people)
    settings, now = await settings_of(interaction), kernel.clock.now()
    bot, actor = bot_facts(interaction), await actor_facts(interaction)
    usual = names_of(guild.default_role.permissions.value)
    taken: list[Candidate] = []
    skipped: dict[str, list[int]] = {}
    for user_id in people:
        member = members.get(user_id)
        candidate = _candidate(user_id, member)
        facts = member_facts(member) if member else None
        refusal = (
            can_act(Action.BAN, bot=bot, actor=actor, target=facts)
            or protection_of(facts, actor, settings.protected_role_ids)
            or refuse_staff(facts, usual)
        )
        if user_id in banned:
            skipped.setdefault("banned", []).append(user_id)
        elif not chosen.takes(candidate, now):
            skipped.setdefault("filtered", []).append(user_id)
        elif refusal is not None:
            skipped.setdefault("protected", []).append(user_id)
        else:
            taken.append(candidate)
    return Candidates(tuple(taken), skipped)


def _candidate(user_id: int, member: discord.Member | None) -> Candidate:
    if member is None:
        return Candidate(user_id, created_at=discord.utils.snowflake_time(user_id))
    return Candidate(
        user_id, member.name, member.joined_at, member.created_at, member.avatar is not None
    )
