"""Bans many people together: at once, or after a second person's yes. Free of discord.py."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.core.approvals import ApprovalKind, ApprovalOrder, Approved
from bot.core.cases import CaseKind, CaseService, Order, Target
from bot.core.contracts import Actor
from bot.core.i18n import Message, _, ngettext
from bot.core.preflight import Action
from cogs.moderation.rules.massban import Outcomes, sum_up

KIND = "moderation.massban"

Person = tuple[int, str]
ShowProgress = Callable[[int, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class MassBan:
    """What is done to all of them; `occasion` is the interaction."""

    guild_id: int
    occasion: int
    reason: str | None
    delete_window: timedelta


async def ban_all(
    cases: CaseService,
    ban: MassBan,
    people: Sequence[Person],
    moderator: Actor,
    *,
    progress: ShowProgress | None = None,
    approval: int | None = None,
) -> Outcomes:
    """Ban people for one occasion, each once however often it is asked.

    `approval` is the request that a second person has approved.
    """
    details = {"massban": str(ban.occasion)} | ({"approval": approval} if approval else {})
    orders = [
        Order(
            guild_id=ban.guild_id,
            kind=CaseKind.BAN,
            target=Target(user_id, name),
            moderator=moderator,
            source="command",
            dedupe_key=f"massban:{ban.occasion}:{user_id}",
            reason=ban.reason,
            delete_window=ban.delete_window,
            details=details,
        )
        for user_id, name in people
    ]
    results = await cases.order_many(orders, progress)
    return sum_up([user_id for user_id, _name in people], results)


def report_text(outcomes: Outcomes) -> Message:
    """Return how a mass ban ended."""
    text = ngettext(
        "✅ {count} person is banned.", "✅ {count} people are banned.", outcomes.banned
    )
    if outcomes.waiting or outcomes.failed:
        text = _(
            "{done} {waiting} are still being banned, also after a restart; {failed} were not.",
            done=text,
            waiting=outcomes.waiting,
            failed=len(outcomes.failed),
        )
    return text


def request_of(ban: MassBan, people: Sequence[Person], requester: Actor) -> ApprovalOrder:
    """Return the request for a second person's yes to a mass ban."""
    return ApprovalOrder(
        guild_id=ban.guild_id,
        kind=KIND,
        requester=requester,
        dedupe_key=f"{KIND}:{ban.occasion}",
        people=people,
        reason=ban.reason,
        payload={
            "occasion": str(ban.occasion),
            "delete_seconds": round(ban.delete_window.total_seconds()),
        },
    )


def approval_kind(cases: CaseService) -> ApprovalKind:
    """Return what an approved mass ban does."""

    async def execute(approved: Approved) -> Message:
        ban = MassBan(
            approved.guild_id,
            int(approved.payload["occasion"]),
            approved.reason,
            timedelta(seconds=approved.payload["delete_seconds"]),
        )
        outcomes = await ban_all(
            cases, ban, approved.people, approved.requester, approval=approved.id
        )
        return report_text(outcomes)

    title = ngettext("Ban {count} person", "Ban {count} people", 0)
    return ApprovalKind(title, Action.BAN, execute)
