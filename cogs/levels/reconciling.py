"""Brings members' levels and reward roles in line with the rules: counted beforehand, as a batch.

Members with experience are gone through in the order of their ids. What is due is stored with how
far the batch is; a piece that is done again is stored once. Free of discord.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bot.core.batches import BatchOrder, Later, Piece
from bot.core.fields.text import escape_markdown
from bot.core.i18n import Message, _, ngettext
from bot.core.jobs import Retry
from bot.core.roles import RoleService, RoleSource, sweeps
from cogs.levels.book import Book
from cogs.levels.rules import CURVES
from cogs.levels.settings import KEY, LevelSettings
from db import level_totals as totals_table

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.clock import Clock
    from bot.core.contracts import Actor, BotState
    from db.batches import Batch
    from db.engine import Database

KIND = "levels.sync"
# What Discord's gateway is asked for at once.
PAGE = 100
# The queue has to be nearly empty before more is added, so that others come in between.
MOST_DUE = 20
# A count before a question looks at as many; there may be more.
MOST_COUNTED = 1000


class MemberFinder(Protocol):
    """Reads members from Discord."""

    async def find(self, guild_id: int, user_ids: Collection[int]) -> Mapping[int, frozenset[int]]:
        """Return the roles of those who are members; raises `Retry`."""
        ...


@dataclass(frozen=True, slots=True)
class Count:
    """How many members were looked at, and how many would get and lose each role.

    `whole` says whether those were all.
    """

    seen: int
    members: int
    given: Mapping[int, int]
    taken: Mapping[int, int]
    whole: bool


class Reconciler:
    """The worker of the batch; also counts beforehand."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        book: Book,
        finder: MemberFinder,
        roles: RoleService,
        state: Callable[[], BotState],
    ) -> None:
        self._database = database
        self._clock = clock
        self._book = book
        self._finder = finder
        self._roles = roles
        self._state = state

    async def count(self, guild_id: int, settings: LevelSettings) -> Count:
        """Return what would change under settings that may be only an idea; raises `Retry`."""
        after = seen = members = 0
        given: Counter[int] = Counter()
        taken: Counter[int] = Counter()
        curve = CURVES[settings.curve]
        while seen < MOST_COUNTED:
            async with self._database.read() as session:
                page = await totals_table.list_earners(session, guild_id, after=after, limit=PAGE)
            found = await self._finder.find(guild_id, [one.user_id for one in page])
            for one in page:
                if one.user_id not in found:
                    continue
                level, held = curve.level_at(one.xp), found[one.user_id]
                change = self._book.change_under(settings, guild_id, level, held)
                members += bool(change)
                given.update(change.give)
                taken.update(change.take)
            seen += len(page)
            if len(page) < PAGE:
                return Count(seen, members, given, taken, whole=True)
            after = page[-1].user_id
        return Count(seen, members, given, taken, whole=False)

    async def do_piece(self, batch: Batch, *, in_doubt: bool) -> Piece:  # noqa: ARG002
        """Bring the next members in line, once the queue of role changes has room."""
        snapshot = await self._roles.snapshot(batch.guild_id, RoleSource.AUTOMATIC)
        so_far = dict(batch.outcome)
        is_read = so_far.get("read", False)
        if snapshot.due > (0 if is_read else MOST_DUE):
            raise Later("the queue of role changes is not done yet")
        if is_read:
            return Piece(batch.total, {**so_far, "parked": snapshot.parked})
        after = int(so_far.get("after", 0))
        async with self._database.read() as session:
            page = await totals_table.list_earners(session, batch.guild_id, after=after, limit=PAGE)
        ids = [one.user_id for one in page]
        found = await self._find(batch.guild_id, ids)
        changes = [
            self._book.change(batch.guild_id, self._level(batch.guild_id, one.xp), held)
            for one in page
            if (held := found.get(one.user_id)) is not None
        ]
        outcome = {
            "after": str(ids[-1] if ids else after),
            "read": len(page) < PAGE,
            "seen": so_far.get("seen", 0) + len(page),
            "changes": so_far.get("changes", 0)
            + sum(len(one.give) + len(one.take) for one in changes),
        }
        write = self._writing(batch, ids, found)
        return Piece(sweeps.units_after(batch, outcome["seen"]), outcome, write)

    async def _find(self, guild_id: int, user_ids: Collection[int]) -> Mapping[int, frozenset[int]]:
        if not self._book.plan(guild_id).settings.rewards:
            # Levels alone are worked out, for which nobody has to be asked.
            return dict.fromkeys(user_ids, frozenset())
        try:
            return await self._finder.find(guild_id, user_ids)
        except Retry as error:
            raise Later(str(error)) from error

    def _level(self, guild_id: int, xp: int) -> int:
        return self._book.plan(guild_id).curve.level_at(xp)

    def _writing(
        self, batch: Batch, ids: Collection[int], found: Mapping[int, frozenset[int]]
    ) -> Callable[[AsyncSession], Awaitable[None]]:
        async def write(session: AsyncSession) -> None:
            gone = set(ids) - found.keys()
            await totals_table.note_gone(session, batch.guild_id, gone, self._clock.now())
            _rises, changes = await self._book.recount(session, batch.guild_id, found)
            await self._book.want(session, changes, occasion=_occasion_of(batch))

        return write

    async def record_end(self, session: AsyncSession, batch: Batch) -> None:
        """Withdraw what a batch that was stopped has wanted and Discord does not have yet."""
        await sweeps.withdraw_stopped(session, self._roles, batch, _occasion_of(batch))

    def letter(self, batch: Batch) -> str:
        """Return the direct message that tells how a batch ended."""
        guild = self._state().guild(batch.guild_id)
        name = f"**{escape_markdown(guild.name)}**" if guild else "Discord"
        words = _(
            "The reconciling of level rewards that you began in {guild} has ended.", guild=name
        )
        return f"{words.render(batch.locale)}\n{outcome_of(batch).render(batch.locale)}"


def order_sync(
    guild_id: int, channel_id: int, actor: Actor, *, locale: str, members: int
) -> BatchOrder:
    """Return the batch that brings a guild in line; one at a time."""
    return BatchOrder(
        kind=KIND,
        guild_id=guild_id,
        channel_id=channel_id,
        occasion=guild_id,
        actor=actor,
        locale=locale,
        total=sweeps.UNITS,
        work={"members": members},
        alone=True,
    )


def _occasion_of(batch: Batch) -> str:
    return f"{KEY}:{batch.id}"


def outcome_of(batch: Batch) -> Message:
    """Return how a batch ended."""
    outcome = batch.outcome
    done = ngettext(
        "✅ All {seen} members with experience were looked at; {count} role was changed.",
        "✅ All {seen} members with experience were looked at; {count} roles were changed.",
        outcome.get("changes", 0),
        seen=outcome.get("seen", 0),
    )
    return sweeps.outcome_of(batch, done)


def question_of(count: Count, locale: str) -> Message:
    """Return what would change, as the question before it is done."""
    if count.whole:
        head = _("{count} of {seen} members would change:", count=count.members, seen=count.seen)
    else:
        head = _(
            "Of the first {seen} members, {count} would change, and more of the others:",
            seen=count.seen,
            count=count.members,
        )
    lines = [head.render(locale)]
    lines += [f"- <@&{role_id}>: +{number}" for role_id, number in count.given.items()]
    lines += [f"- <@&{role_id}>: -{number}" for role_id, number in count.taken.items()]
    slow = _("Discord lets me change about one role a second. You can stop it at any time.")
    return Message("{text}", {"text": "\n".join([*lines, f"-# {slow.render(locale)}"])})
