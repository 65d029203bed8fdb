"""Imports experience from a file as a batch; free of discord.py.

The lines are kept in a table until they are done; a piece that is done again is stored once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from bot.core.batches import BatchOrder, Later, Piece
from bot.core.fields.text import escape_markdown
from bot.core.i18n import Message, _, ngettext
from bot.core.jobs import Retry
from cogs.levels.book import Book
from cogs.levels.files import Line
from cogs.levels.reconciling import MemberFinder
from cogs.levels.rules import MOST_XP
from cogs.levels.settings import KEY
from db import levels as table

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.audit import AuditLog
    from bot.core.clock import Clock
    from bot.core.contracts import Actor, BotState
    from db.batches import Batch
    from db.engine import Database
    from db.levels import LevelImport

KIND = "levels.import"
# What Discord's gateway is asked for at once.
PAGE = 100

Mode = Literal["replace", "add", "higher"]


class Importer:
    """The worker of the batch; also takes the lines in."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        book: Book,
        finder: MemberFinder,
        audit: AuditLog,
        state: Callable[[], BotState],
    ) -> None:
        self._database = database
        self._clock = clock
        self._book = book
        self._finder = finder
        self._audit = audit
        self._state = state

    async def keep(
        self, guild_id: int, occasion: int, lines: Sequence[Line], actor: Actor, mode: Mode
    ) -> None:
        """Keep the lines of a file until they are done, and note who brought them."""
        now = self._clock.now()
        rows = [
            {
                "occasion": occasion,
                "position": position,
                "guild_id": guild_id,
                "user_id": one.user_id,
                "xp": one.xp,
                "created_at": now,
            }
            for position, one in enumerate(lines, 1)
        ]
        async with self._database.write() as session:
            await table.add_import(session, rows)
            details = {"lines": len(lines), "mode": mode}
            await self._audit.record(
                session, actor, guild_id, f"{KEY}.import", "user_action", details
            )

    async def do_piece(self, batch: Batch, *, in_doubt: bool) -> Piece:  # noqa: ARG002
        """Import the next lines."""
        async with self._database.read() as session:
            rows = await table.list_import(session, batch.occasion, after=batch.done, limit=PAGE)
        if not rows:
            # Whose data was erased meanwhile is not imported.
            return Piece(batch.total, batch.outcome)
        try:
            found = await self._finder.find(batch.guild_id, [one.user_id for one in rows])
        except Retry as error:
            raise Later(str(error)) from error
        there = sum(one.user_id in found for one in rows)
        outcome = {
            "imported": batch.outcome.get("imported", 0) + len(rows),
            "gone": batch.outcome.get("gone", 0) + len(rows) - there,
        }
        # A batch is never further than its end.
        done = min(max(rows[-1].position, batch.done + 1), batch.total)
        return Piece(done, outcome, self._writing(batch, rows, found))

    def _writing(
        self, batch: Batch, rows: Collection[LevelImport], found: Mapping[int, frozenset[int]]
    ) -> Callable[[AsyncSession], Awaitable[None]]:
        wanted = {one.user_id: one.xp for one in rows}
        held = {one: found.get(one) for one in wanted}
        mode: Mode = batch.work["mode"]

        async def write(session: AsyncSession) -> None:
            await self._book.revise(
                session,
                batch.guild_id,
                held,
                lambda user_id, before: merged(mode, before, wanted[user_id]),
            )

        return write

    async def record_end(self, session: AsyncSession, batch: Batch) -> None:
        """Keep nothing of the file."""
        await table.delete_import(session, batch.occasion)

    def letter(self, batch: Batch) -> str:
        """Return the direct message that tells how an import ended."""
        guild = self._state().guild(batch.guild_id)
        name = f"**{escape_markdown(guild.name)}**" if guild else "Discord"
        words = _("The import of experience that you began in {guild} has ended.", guild=name)
        return f"{words.render(batch.locale)}\n{outcome_of(batch).render(batch.locale)}"


def merged(mode: Mode, before: int, imported: int) -> int:
    """Return the total of somebody who had some already."""
    if mode == "add":
        return min(before + imported, MOST_XP)
    return max(before, imported) if mode == "higher" else imported


def order_import(
    guild_id: int,
    channel_id: int,
    occasion: int,
    actor: Actor,
    *,
    locale: str,
    lines: int,
    mode: Mode,
) -> BatchOrder:
    """Return the batch that imports so many lines, kept under this occasion."""
    return BatchOrder(
        kind=KIND,
        guild_id=guild_id,
        channel_id=channel_id,
        occasion=occasion,
        actor=actor,
        locale=locale,
        total=lines,
        work={"mode": mode},
    )


def progress_of(batch: Batch) -> Message:
    """Return how far an import is."""
    return _("Imported {done} of {total} lines.", done=batch.done, total=batch.total)


def outcome_of(batch: Batch) -> Message:
    """Return how an import ended."""
    count, gone = batch.outcome.get("imported", 0), batch.outcome.get("gone", 0)
    if failure := batch.outcome.get("failure"):
        return _(
            "⚠️ After {count} lines Discord refused: {why}",
            count=count,
            why=escape_markdown(str(failure)),
        )
    if batch.outcome.get("stopped"):
        return _(
            "⏹️ Stopped after {count} of {total} lines; what was imported stays.",
            count=count,
            total=batch.total,
        )
    text = ngettext("✅ Imported {count} line.", "✅ Imported {count} lines.", count)
    if not gone:
        return text
    note = ngettext(
        "{count} of these people is not here, and is shown on the boards once they come.",
        "{count} of these people are not here, and are shown on the boards once they come.",
        gone,
    )
    return Message("{done} {note}", {"done": text, "note": note})
