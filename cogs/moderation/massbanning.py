"""Bans many people as a batch, whose pieces are what Discord bans with one call.

Free of discord.py. Each has a case of their own, known by the occasion, so that a piece that is
done again bans nobody twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.core.batches import BatchOrder, Piece
from bot.core.cases import CaseKind, CaseService, Order, Target
from bot.core.cases.values import MOST_BANS
from bot.core.contracts import Actor, BotState
from bot.core.fields.text import escape_markdown
from bot.core.i18n import Message, _, joined, ngettext
from bot.core.reach import Reach
from cogs.moderation.rules.massban import Candidate, sum_up
from db.batches import Batch

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

KIND = "massban"
# What a direct message holds of those who were not banned.
_MOST_LETTERS = 1900


@dataclass(frozen=True, slots=True)
class MassBan:
    """What is done to all of them; `occasion` is the interaction."""

    guild_id: int
    channel_id: int
    occasion: int
    reason: str | None
    delete_window: timedelta


def order_ban(ban: MassBan, people: Sequence[Candidate], actor: Actor, locale: str) -> BatchOrder:
    """Return the batch that bans people."""
    return BatchOrder(
        kind=KIND,
        guild_id=ban.guild_id,
        channel_id=ban.channel_id,
        occasion=ban.occasion,
        actor=actor,
        locale=locale,
        total=len(people),
        work={
            "people": [[str(one.id), one.name] for one in people],
            "reason": ban.reason,
            "delete_seconds": round(ban.delete_window.total_seconds()),
        },
    )


class MassBanner:
    """The worker of mass bans."""

    def __init__(self, cases: CaseService, state: Callable[[], BotState], *, reach: Reach) -> None:
        self._cases = cases
        self._state = state
        self._reach = reach

    async def do_piece(self, batch: Batch, *, in_doubt: bool) -> Piece:  # noqa: ARG002
        """Ban the next of them; those whose case is there already are only counted."""
        orders = _orders_of_piece(batch)
        people = [one.target.id for one in orders]
        refused = await self._reach(batch.guild_id, batch.actor_id or 0, people)
        taken = [one for one in orders if one.target.id not in refused]
        results = await self._cases.order_many(taken)
        sums = sum_up([one.target.id for one in taken], results)
        before = batch.outcome
        reasons = [*((who, why.message) for who, why in refused.items()), *sums.failed]
        failed = [[str(who), why.render(batch.locale)] for who, why in reasons]
        outcome = {
            "banned": before.get("banned", 0) + sums.banned,
            "waiting": before.get("waiting", 0) + sums.waiting,
            "failed": [*before.get("failed", ()), *failed],
        }
        return Piece(batch.done + len(orders), outcome)

    async def record_end(self, session: AsyncSession, batch: Batch) -> None:
        """Do nothing: the cases tell the log."""

    def letter(self, batch: Batch) -> str:
        """Return the direct message that tells how a mass ban ended."""
        guild = self._state().guild(batch.guild_id)
        name = f"**{escape_markdown(guild.name)}**" if guild else "Discord"
        words = _("The mass ban that you began in {guild} has ended.", guild=name)
        lines = [words.render(batch.locale), outcome_of(batch).render(batch.locale)]
        text = "\n".join([*lines, *(f"-# {escape_markdown(one)}" for one in failures_of(batch))])
        return text if len(text) <= _MOST_LETTERS else text[:_MOST_LETTERS].rpartition("\n")[0]


def orders_of(
    ban: MassBan,
    people: Iterable[tuple[int, str]],
    moderator: Actor,
    *,
    approval: int | None = None,
) -> list[Order]:
    """Return the cases of a mass ban, one for each of the people, who are an id and a name.

    `approval` is the request that a second person has approved.
    """
    details = {"massban": str(ban.occasion)} | ({"approval": approval} if approval else {})
    return [
        Order(
            guild_id=ban.guild_id,
            kind=CaseKind.BAN,
            target=Target(user_id, name or str(user_id)),
            moderator=moderator,
            source="command",
            dedupe_key=f"massban:{ban.occasion}:{user_id}",
            reason=ban.reason,
            delete_window=ban.delete_window,
            details=details,
        )
        for user_id, name in people
    ]


def _orders_of_piece(batch: Batch) -> list[Order]:
    ban = MassBan(
        batch.guild_id,
        batch.channel_id,
        batch.occasion,
        batch.work["reason"],
        timedelta(seconds=batch.work["delete_seconds"]),
    )
    piece = batch.work["people"][batch.done :][:MOST_BANS]
    moderator = Actor(batch.actor_id or 0, "command", batch.actor_name or "")
    return orders_of(ban, ((int(user_id), name) for user_id, name in piece), moderator)


def outcome_of(batch: Batch) -> Message:
    """Return how a mass ban ended."""
    failed = len(batch.outcome.get("failed", ()))
    text = report_text(batch.outcome.get("banned", 0), batch.outcome.get("waiting", 0), failed)
    if batch.outcome.get("stopped"):
        done, total = batch.done, batch.total
        return _("⏹️ Stopped at {done} of {total}: {how}", done=done, total=total, how=text)
    return text


def report_text(banned: int, waiting: int, failed: int) -> Message:
    """Return how many were banned, are still being banned, and were not; nothing about none."""
    parts = [ngettext("✅ {count} person is banned.", "✅ {count} people are banned.", banned)]
    if waiting:
        parts.append(
            ngettext(
                "{count} is still being banned, also after a restart.",
                "{count} are still being banned, also after a restart.",
                waiting,
            )
        )
    if failed:
        parts.append(ngettext("{count} was not.", "{count} were not.", failed))
    return joined(parts)


def failures_of(batch: Batch) -> list[str]:
    """Return who was not banned and why, a line each."""
    return [f"{who}: {why}" for who, why in batch.outcome.get("failed", ())]
