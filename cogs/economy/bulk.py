"""Gives to, or takes from, everybody with a role, as a batch; free of discord.py.

Members are read in the order of their ids. How far it is stands with the batch, and each member's
transaction bears the batch's number: a piece that is done again is posted once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bot.core.batches import BatchOrder, Piece
from bot.core.contracts import Actor
from bot.core.fields.text import escape_markdown
from bot.core.i18n import Message, _, ngettext
from cogs.economy.treasury import Order, Treasury
from db.base import NOBODY

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.contracts import BotState
    from db.batches import Batch

KIND = "economy.bulk"
# What Discord gives at once.
PAGE = 1000
# So many transactions are written together; on SQLite others wait for them.
MOST_WRITTEN = 100
MOST_COUNTED = 50_000


@dataclass(frozen=True, slots=True)
class Holder:
    """A member as a bulk looks at them."""

    user_id: int
    is_bot: bool
    role_ids: frozenset[int]


class MemberLister(Protocol):
    """Reads members from Discord."""

    async def list_members(self, guild_id: int, *, after: int, limit: int) -> Sequence[Holder]:
        """Return members whose ids are higher, in order; fewer than `limit` are the last ones.

        Raises `Later` and `Refused` of the batches.
        """
        ...


class Bulk:
    """The worker; also counts beforehand."""

    def __init__(
        self,
        treasury: Treasury,
        lister: MemberLister,
        *,
        state: Callable[[], BotState],
    ) -> None:
        self._treasury = treasury
        self._lister = lister
        self._state = state

    async def count(self, guild_id: int, role_id: int) -> int:
        """Return how many people have a role, as far as is looked before a question."""
        after = seen = found = 0
        while seen < MOST_COUNTED:
            page = await self._lister.list_members(guild_id, after=after, limit=PAGE)
            found += len(_chosen(page, guild_id, role_id))
            seen += len(page)
            if len(page) < PAGE:
                break
            after = page[-1].user_id
        return found

    async def do_piece(self, batch: Batch, *, in_doubt: bool) -> Piece:  # noqa: ARG002
        """Give to, or take from, the next members with the role."""
        so_far, work = dict(batch.outcome), batch.work
        if so_far.get("read"):
            return Piece(batch.total, so_far)
        page = await self._lister.list_members(
            batch.guild_id, after=int(so_far.get("after", 0)), limit=PAGE
        )
        chosen = _chosen(page, batch.guild_id, int(work["role_id"]))
        taken = chosen[:MOST_WRITTEN]
        whole = len(taken) == len(chosen)
        last = page[-1].user_id if page and whole else taken[-1].user_id if taken else 0
        outcome = {
            "after": str(last),
            "read": len(page) < PAGE and whole,
            "members": so_far.get("members", 0) + len(taken),
        }
        done = min(batch.total - 1, max(batch.done + 1, outcome["members"]))
        if outcome["read"]:
            done = batch.total
        return Piece(done, outcome, self._writing(batch, [one.user_id for one in taken]))

    def _writing(
        self, batch: Batch, user_ids: Sequence[int]
    ) -> Callable[[AsyncSession], Awaitable[None]]:
        amount = int(batch.work["amount"])

        async def write(session: AsyncSession) -> None:
            room = await self._treasury.hold(session, batch.guild_id, user_ids)
            for user_id in user_ids:
                order = Order(
                    guild_id=batch.guild_id,
                    user_id=user_id,
                    actor=Actor(batch.actor_id or NOBODY, "command", batch.actor_name or ""),
                    key=f"bulk:{batch.id}:{user_id}",
                    reason=batch.work.get("reason"),
                )
                if batch.work["action"] == "give":
                    # One full account must not keep the others from it.
                    if (fits := min(amount, room[user_id])) > 0:
                        await self._treasury.give_in(session, order, fits)
                else:
                    await self._treasury.take_in(session, order, amount)

        return write

    async def record_end(self, session: AsyncSession, batch: Batch) -> None:
        """Nothing is left to say: each transaction stands in the audit log."""

    def letter(self, batch: Batch) -> str:
        """Return the direct message that tells how a bulk ended."""
        guild = self._state().guild(batch.guild_id)
        name = f"**{escape_markdown(guild.name)}**" if guild else "Discord"
        words = _("What you ordered for the members with a role in {guild} has ended.", guild=name)
        return f"{words.render(batch.locale)}\n{outcome_of(batch).render(batch.locale)}"


def _chosen(page: Sequence[Holder], guild_id: int, role_id: int) -> list[Holder]:
    """Return the people of a page who have a role; everybody has the one named like the guild."""
    return [
        one for one in page if not one.is_bot and (role_id == guild_id or role_id in one.role_ids)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkOrder:
    """Who is to have how much given or taken."""

    guild_id: int
    channel_id: int
    occasion: int
    role_id: int
    gives: bool
    amount: int
    reason: str | None
    members: int

    def batch(self, actor: Actor, locale: str) -> BatchOrder:
        """Return the batch that does it."""
        return BatchOrder(
            kind=KIND,
            guild_id=self.guild_id,
            channel_id=self.channel_id,
            occasion=self.occasion,
            actor=actor,
            locale=locale,
            total=max(1, self.members),
            work={
                "role_id": str(self.role_id),
                "action": "give" if self.gives else "take",
                "amount": self.amount,
                "reason": self.reason,
            },
        )


def progress_of(batch: Batch) -> Message:
    """Return how far a bulk is."""
    return _(
        "Done for {count} of about {total} members.",
        count=batch.outcome.get("members", 0),
        total=batch.total,
    )


def outcome_of(batch: Batch) -> Message:
    """Return how a bulk ended."""
    count = batch.outcome.get("members", 0)
    if failure := batch.outcome.get("failure"):
        return _(
            "⚠️ After {count} members Discord refused: {why}",
            count=count,
            why=escape_markdown(str(failure)),
        )
    if batch.outcome.get("stopped"):
        return ngettext(
            "⏹️ Stopped after {count} member.", "⏹️ Stopped after {count} members.", count
        )
    return ngettext("✅ Done for {count} member.", "✅ Done for {count} members.", count)
