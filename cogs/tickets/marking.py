"""What a ticket is called and marked with: its name, how urgent it is, labels, whether it is kept.

Who may do it is asked before, in `access`. Free of discord.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.core.errors import Conflict, FieldError, InvalidInput
from bot.core.i18n import Message, _
from cogs.tickets.changing import First
from cogs.tickets.ending import Ending
from cogs.tickets.machine import Action
from cogs.tickets.naming import fit_name, is_empty
from cogs.tickets.panel import Priority
from cogs.tickets.watch import NO_CLOSE
from db.tickets import Ticket

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

LONGEST_LABEL, MOST_LABELS = 30, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What is to be another; `None` stays as it is."""

    name: str | None = None
    priority: Priority | None = None
    labels: Sequence[str] | None = None
    exempt: bool | None = None


class Marking(Ending):
    """Marks tickets; raises `Conflict` for one in another state."""

    async def mark(
        self, ticket_id: int, actor_id: int | None, marks: Marks, *, first: First | None = None
    ) -> Ticket:
        """Change all that is to be another, or nothing at all."""
        async with self._office.database.write() as session:
            ticket = await self._hold(session, ticket_id, first)
            if marks.name is not None:
                ticket = await self._rename(session, ticket, actor_id, marks.name)
            if marks.priority is not None:
                ticket = await self._set_priority(session, ticket, actor_id, marks.priority)
            if marks.labels is not None:
                ticket = await self._set_labels(session, ticket, actor_id, marks.labels)
            if marks.exempt is not None:
                ticket = await self._set_exempt(session, ticket, actor_id, exempt=marks.exempt)
        return ticket

    async def rename(self, ticket_id: int, actor_id: int | None, name: str) -> Ticket:
        """Give the room another name; Discord takes two in ten minutes, later ones wait."""
        return await self.mark(ticket_id, actor_id, Marks(name=name))

    async def set_priority(
        self, ticket_id: int, actor_id: int | None, priority: Priority
    ) -> Ticket:
        """Say how urgent a ticket is."""
        return await self.mark(ticket_id, actor_id, Marks(priority=priority))

    async def set_labels(
        self, ticket_id: int, actor_id: int | None, labels: Sequence[str]
    ) -> Ticket:
        """Put these labels on a ticket in the place of those that it has."""
        return await self.mark(ticket_id, actor_id, Marks(labels=labels))

    async def set_exempt(self, ticket_id: int, actor_id: int | None, *, exempt: bool) -> Ticket:
        """Have a ticket stay open until somebody closes it, or not any more.

        An end that was planned or asked about is taken back.
        """
        return await self.mark(ticket_id, actor_id, Marks(exempt=exempt))

    # --- in a transaction ----------------------------------------------------------------------

    async def _rename(
        self, session: AsyncSession, before: Ticket, actor_id: int | None, name: str
    ) -> Ticket:
        if is_empty(name):
            message = _("This name has nothing in it.")
            raise _wrong("/name", message, hint=_("Write a word or two."))
        cleaned = fit_name(name)
        ticket = await self._change(session, before.id, Action.RENAME, name=cleaned)
        await self._note(session, ticket, Action.RENAME, actor_id, details={"value": cleaned})
        await self._keeper.ensure(session, ticket)
        return ticket

    async def _set_priority(
        self, session: AsyncSession, before: Ticket, actor_id: int | None, priority: Priority
    ) -> Ticket:
        if before.priority == priority:
            raise Conflict(_("The ticket has this priority already."))
        ticket = await self._change(session, before.id, Action.PRIORITY, priority=priority.value)
        details = {"value": priority.value}
        await self._tell(session, ticket, Action.PRIORITY, actor_id, details=details)
        return ticket

    async def _set_labels(
        self, session: AsyncSession, before: Ticket, actor_id: int | None, labels: Sequence[str]
    ) -> Ticket:
        cleaned = _clean_labels(labels)
        ticket = await self._change(session, before.id, Action.LABEL, labels=cleaned)
        await self._note(session, ticket, Action.LABEL, actor_id, details={"value": cleaned})
        await self._herald.refresh(session, ticket)
        return ticket

    async def _set_exempt(
        self, session: AsyncSession, before: Ticket, actor_id: int | None, *, exempt: bool
    ) -> Ticket:
        if exempt:
            await self._settle_question(session, before)
        values = {"exempt": exempt, "warned_at": None, **(NO_CLOSE if exempt else {})}
        ticket = await self._change(session, before.id, Action.EXEMPT, **values)
        if exempt:
            await self._tell(session, ticket, Action.EXEMPT, actor_id)
        await self._watch.ensure(session, ticket)
        return ticket


def _clean_labels(labels: Sequence[str]) -> list[str]:
    cleaned = list(dict.fromkeys(" ".join(one.split()) for one in labels if one.strip()))
    if len(cleaned) > MOST_LABELS:
        message = _("A ticket has at most {count} labels.", count=MOST_LABELS)
        raise _wrong("/labels", message)
    for one in cleaned:
        if len(one) > LONGEST_LABEL:
            message = _("A label has at most {count} characters.", count=LONGEST_LABEL)
            raise _wrong("/labels", message)
    return cleaned


def _wrong(pointer: str, message: Message, *, hint: Message | None = None) -> InvalidInput:
    return InvalidInput(message, errors=(FieldError(pointer, message),), hint=hint)
