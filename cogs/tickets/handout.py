"""Hands the files of tickets out again; who may have one is asked before. Free of discord.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.core.errors import AppError, Conflict, InvalidInput, NotFound
from bot.core.fields.text import quote, shorten
from bot.core.i18n import Message, _
from cogs.tickets.attachments import Handles, size_text
from cogs.tickets.files import FileStore
from cogs.tickets.office import Office
from db.ticket_messages import (
    GONE,
    OVER_QUOTA,
    PENDING,
    TOO_LARGE,
    NamedFile,
    TicketFile,
    list_names,
)
from db.tickets import Ticket

_MOST_OFFERS, _LONGEST_OFFER = 25, 100
_MISSING: dict[str, Message] = {
    PENDING: _("This file is still on its way; try again in a moment."),
    TOO_LARGE: _("This file was not kept: it has more than 25 MB."),
    OVER_QUOTA: _("This file was not kept: there was no space left."),
    GONE: _("This file could not be fetched from Discord."),
}


@dataclass(frozen=True, slots=True)
class Given:
    """A file as it lies on the disk, and what it is called."""

    path: Path
    name: str


class Handout:
    """Finds what somebody asks for."""

    def __init__(self, office: Office, store: FileStore) -> None:
        self._office = office
        self._store = store

    async def offer(self, ticket: Ticket, typed: str) -> list[tuple[str, str]]:
        """Return the newest files whose names hold what is typed: how they show, and by what."""
        wanted = typed.strip().casefold()
        files = await self._names(ticket)
        handles = Handles(files)
        found = [one for one in reversed(files) if wanted in one.name.casefold()]
        offers = [
            (f"{shorten(one.name, 70)} · {size_text(one.size)}", handles.of(one), one)
            for one in found[:_MOST_OFFERS]
        ]
        return [
            (label, handle if len(handle) <= _LONGEST_OFFER else f"#{one.id}")
            for label, handle, one in offers
        ]

    async def get(self, ticket: Ticket, text: str, limit: int) -> Given:
        """Return a file of a ticket; raises `NotFound`, `Conflict` or `InvalidInput` with why not.

        Larger than `limit` bytes it can't be sent, and what to do is said.
        """
        file = await self._find(ticket, text)
        if file is None:
            raise NotFound(
                _("There is no file {name} in this ticket.", name=quote(text)),
                hint=_("Choose one from the list that Discord offers while you type."),
            )
        if (missing := _MISSING.get(file.state)) is not None:
            raise Conflict(missing, hint=_where(ticket, file))
        path = await self._store.locate(file.sha256 or "")
        if path is None:
            raise NotFound(_("This file is not kept any more."), hint=_where(ticket, file))
        if file.size > limit:
            raise _too_large(ticket, file, limit)
        return Given(path, file.name)

    async def _names(self, ticket: Ticket) -> Sequence[NamedFile]:
        async with self._office.database.read() as session:
            return await list_names(session, ticket.id)

    async def _find(self, ticket: Ticket, text: str) -> TicketFile | None:
        found = Handles(await self._names(ticket)).find(text)
        async with self._office.database.read() as session:
            return await session.get(TicketFile, found.id) if found is not None else None


def _where(ticket: Ticket, file: TicketFile) -> Message | None:
    """Return where a file is still to be seen, as far as that is known."""
    if file.message_id is None or ticket.channel_id is None:
        return None
    place = f"{ticket.guild_id}/{ticket.channel_id}/{file.message_id}"
    link = f"https://discord.com/channels/{place}"
    return _("If nobody has deleted it, it is in this message: {link}", link=link)


def _too_large(ticket: Ticket, file: TicketFile, limit: int) -> AppError:
    digest = file.sha256 or ""
    by_hand = _(
        "Ask whoever runs this bot for {path} in the directory of the tickets' files.",
        path=f"{digest[:2]}/{digest}",
    )
    return InvalidInput(
        _(
            "This file has {size}; here Discord takes {limit} at most from me.",
            size=size_text(file.size),
            limit=size_text(limit),
        ),
        hint=_where(ticket, file) or by_hand,
    )
