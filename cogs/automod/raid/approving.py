"""Bans those who joined during a raid after a second person's yes."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.approvals import ApprovalKind, ApprovalOrder, Approved
from bot.core.contracts import Actor
from bot.core.i18n import Message, joined, ngettext
from bot.core.preflight import Action
from bot.core.reach import skipped_text
from cogs.automod.raid.reaction import BanResult
from cogs.automod.raid.rules import Joiner
from cogs.automod.raid.service import RaidService
from db.raids import Raid

KIND = "automod.raid_ban"


def request_of(
    raid: Raid, joiners: Sequence[Joiner], requester: Actor, occasion: int
) -> ApprovalOrder:
    """Return the request for a second person's yes; `occasion` is the interaction."""
    return ApprovalOrder(
        guild_id=raid.guild_id,
        kind=KIND,
        requester=requester,
        dedupe_key=f"{KIND}:{occasion}",
        people=[(one.user_id, one.name) for one in joiners],
        payload={"raid_id": raid.id},
    )


def approval_kind(raids: RaidService) -> ApprovalKind:
    """Return what an approved ban of a raid's members does."""

    async def execute(approved: Approved) -> Message:
        raid_id = approved.payload["raid_id"]
        report = await raids.report(approved.guild_id, raid_id)
        chosen = {user_id for user_id, _name in approved.people}
        joiners = [one.joiner for one in report.suspicions if one.joiner.user_id in chosen]
        result = await raids.reaction.ban(
            report.raid, joiners, (), approved.requester, approval=approved.id
        )
        await raids.tell(raid_id)
        return outcome_text(result)

    title = ngettext("Ban {count} person", "Ban {count} people", 0)
    return ApprovalKind(title, Action.BAN, execute)


def outcome_text(result: BanResult) -> Message:
    """Return how many are banned, how many could not be, and who was left alone."""
    parts = [ngettext("{count} member is banned.", "{count} members are banned.", result.banned)]
    if result.failed:
        parts.append(
            ngettext(
                "{count} could not be banned; see /case list.",
                "{count} could not be banned; see /case list.",
                result.failed,
            )
        )
    if result.skipped:
        parts.append(skipped_text(result.skipped))
    return joined(parts)
