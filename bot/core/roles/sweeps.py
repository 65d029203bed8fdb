"""Batches that go through a guild's members and want role changes: how far they are, in words.

What is due is counted by members, though the batch counts in units of its own: it is further after
each piece, whoever comes and goes meanwhile. Free of discord.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.fields.text import escape_markdown
from bot.core.i18n import Message, _
from db.batches import note_outcome

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.roles.service import RoleService
    from db.batches import Batch

UNITS, _UNITS_READ = 1_000_000, 900_000


def units_after(batch: Batch, seen: int) -> int:
    """Return how far a batch is once so many members were looked at, and the changes are to come.

    `work["members"]` says how many there were at the beginning.
    """
    share = min(_UNITS_READ, _UNITS_READ * seen // max(1, batch.work["members"]))
    return max(share, batch.done + 1)


async def withdraw_stopped(
    session: AsyncSession, roles: RoleService, batch: Batch, occasion: str
) -> None:
    """Withdraw what a batch that was stopped has wanted and Discord does not have yet."""
    if batch.outcome.get("stopped"):
        withdrawn = await roles.withdraw(session, batch.guild_id, occasion)
        await note_outcome(session, batch.id, {**batch.outcome, "withdrawn": withdrawn})


def progress_of(batch: Batch) -> Message:
    """Return how far a batch is."""
    return _(
        "Looked at {seen} of {total} members; role changes so far: {changes}.",
        seen=batch.outcome.get("seen", 0),
        total=max(batch.work.get("members", 0), batch.outcome.get("seen", 0)),
        changes=batch.outcome.get("changes", 0),
    )


def outcome_of(batch: Batch, done: Message) -> Message:
    """Return how a batch ended; `done` says so of one that came to its end."""
    outcome = batch.outcome
    seen = outcome.get("seen", 0)
    if failure := outcome.get("failure"):
        return _(
            "⚠️ After {seen} members Discord refused: {why}",
            seen=seen,
            why=escape_markdown(str(failure)),
        )
    if outcome.get("stopped"):
        return _(
            "⏹️ Stopped after {seen} members. Of {changes} role changes, {withdrawn} were not made "
            "yet and are not made any more.",
            seen=seen,
            changes=outcome.get("changes", 0),
            withdrawn=outcome.get("withdrawn", 0),
        )
    if not outcome.get("parked"):
        return done
    return _(
        "{done} {parked} role changes wait for something to be put right: see /settings show.",
        done=done,
        parked=outcome["parked"],
    )
