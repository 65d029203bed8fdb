"""Has a mass ban wait for a second person's yes. Free of discord.py."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bot.core.approvals import ApprovalKind, ApprovalOrder, Approved
from bot.core.cases import CaseService
from bot.core.contracts import Actor
from bot.core.i18n import Message, joined, ngettext
from bot.core.preflight import Action
from bot.core.reach import Reach, skipped_text
from cogs.moderation.massbanning import MassBan, orders_of, report_text
from cogs.moderation.rules.massban import Candidate, sum_up

KIND = "moderation.massban"


def request_of(ban: MassBan, people: Sequence[Candidate], requester: Actor) -> ApprovalOrder:
    """Return the request for a second person's yes to a mass ban."""
    return ApprovalOrder(
        guild_id=ban.guild_id,
        kind=KIND,
        requester=requester,
        dedupe_key=f"{KIND}:{ban.occasion}",
        people=[(one.id, one.name or str(one.id)) for one in people],
        reason=ban.reason,
        payload={
            "channel_id": str(ban.channel_id),
            "occasion": str(ban.occasion),
            "delete_seconds": round(ban.delete_window.total_seconds()),
        },
    )


def approval_kind(cases: CaseService, reach: Reach) -> ApprovalKind:
    """Return what an approved mass ban does; each is banned once however often it is done.

    Who has come out of the requester's reach meanwhile, or has moderator rights, is left alone.
    """

    async def execute(approved: Approved) -> Message:
        ban = MassBan(
            approved.guild_id,
            int(approved.payload["channel_id"]),
            int(approved.payload["occasion"]),
            approved.reason,
            timedelta(seconds=approved.payload["delete_seconds"]),
        )
        ids = [user_id for user_id, _name in approved.people]
        refused = await reach(approved.guild_id, approved.requester.user_id or 0, ids)
        people = [one for one in approved.people if one[0] not in refused]
        orders = orders_of(ban, people, approved.requester, approval=approved.id)
        results = await cases.order_many(orders)
        outcomes = sum_up([one.target.id for one in orders], results)
        text = report_text(outcomes.banned, outcomes.waiting, len(outcomes.failed))
        skipped = [name for user_id, name in approved.people if user_id in refused]
        return joined([text, skipped_text(skipped)]) if skipped else text

    title = ngettext("Ban {count} person", "Ban {count} people", 0)
    return ApprovalKind(title, Action.BAN, execute)
