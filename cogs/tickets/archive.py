"""Reads the record of a ticket and makes its transcript; searches; redacts. Free of discord.py."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.core.errors import InvalidInput, NotFound
from bot.core.i18n import _
from cogs.tickets.capturing import Capture
from cogs.tickets.export import to_json
from cogs.tickets.files import LARGEST_UPLOAD, FileKeeper
from cogs.tickets.machine import Action
from cogs.tickets.office import Office
from cogs.tickets.transcript import Record, to_html, wanted_pictures
from cogs.tickets.words import MOST_ASKED, words_of
from db import ticket_messages as table
from db import ticket_retention as retention
from db import tickets
from db.guilds import list_names
from db.ticket_messages import TicketMessage, TicketVersion
from db.tickets import Ticket, TicketEvent

# More people than that act in no ticket; the rest keep their numbers.
_MOST_PEOPLE = 500

log = structlog.get_logger(__name__)

_PAGE = 250
PURGE_JOB = "tickets.purge"
_DAILY = "20 4 * * *"


class Archive:
    """What was written in tickets, to be read again."""

    def __init__(self, office: Office, capture: Capture, files: FileKeeper) -> None:
        self._office = office
        self._capture = capture
        self._files = files
        # One at a time: each holds a whole ticket in memory and works a thread.
        self._turn = asyncio.Semaphore(1)

    async def start(self) -> None:
        """Have what is old forgotten each night."""
        self._office.jobs.register(PURGE_JOB, effect=self._purge, timeout=timedelta(minutes=10))
        async with self._office.database.write() as session:
            await self._office.jobs.schedule(
                session,
                PURGE_JOB,
                None,
                dedupe_key=PURGE_JOB,
                recurrence=_DAILY,
                replace=False,
            )

    async def render(
        self, ticket_id: int, *, locale: str | None, for_staff: bool, as_json: bool = False
    ) -> bytes:
        """Return a ticket's transcript, of at most ten megabytes; raises `NotFound`.

        Notes are in it only for the staff. What is too large for Discord goes without its pictures,
        then without its oldest messages, and says so.
        """
        await self._capture.flush()
        async with self._turn:
            record = await self._read(ticket_id, locale, for_staff=for_staff)
            if as_json:
                return (await asyncio.to_thread(to_json, record)).encode()
            page = (await asyncio.to_thread(to_html, record)).encode()
            if len(page) > LARGEST_UPLOAD and record.pictures:
                record = replace(record, pictures={})
                page = (await asyncio.to_thread(to_html, record)).encode()
            while len(page) > LARGEST_UPLOAD and record.messages:
                log.info("transcript_cut", ticket_id=ticket_id, messages=len(record.messages))
                cut = len(record.messages) // 4 + 1
                record = replace(
                    record, messages=record.messages[cut:], left_out=record.left_out + cut
                )
                page = (await asyncio.to_thread(to_html, record)).encode()
            return page

    async def _read(self, ticket_id: int, locale: str | None, *, for_staff: bool) -> Record:
        messages: list[TicketMessage] = []
        versions: list[TicketVersion] = []
        async with self._office.database.read() as session:
            ticket = await tickets.get_ticket(session, ticket_id)
            if ticket is None:
                raise NotFound(_("There is no such ticket any more."))
            events = await tickets.list_events(session, ticket_id)
            named = await list_names(session, _people_of(ticket, events))
            files = await table.list_files(session, ticket_id)
            after = 0
            while page := await table.list_messages(session, ticket_id, after=after, limit=_PAGE):
                messages += page
                after = page[-1].message_id
                edited = [one.message_id for one in page if one.edited_at is not None]
                if edited:
                    versions += await table.list_versions(session, edited)
                # Each page takes the loop some milliseconds; others get their turn in between.
                await asyncio.sleep(0)
        guild = self._office.state().guild(ticket.guild_id)
        return Record(
            ticket=ticket,
            guild_name=guild.name if guild else "",
            messages=messages,
            versions=versions,
            files=files,
            events=events,
            names=self._names(ticket, messages, named),
            pictures=await self._pictures(wanted_pictures(files)),
            locale=locale,
            room_locale=await self._office.locale(ticket.guild_id),
            zone=await self._office.zone(ticket.guild_id),
            for_staff=for_staff,
        )

    def _names(
        self, ticket: Ticket, messages: Sequence[TicketMessage], named: Mapping[int, str]
    ) -> Mapping[str, str]:
        state, guild_id = self._office.state(), ticket.guild_id
        names = {f"@{user_id}": name for user_id, name in named.items()}
        names |= {f"@{one.author_id}": one.author_name for one in messages if one.author_name}
        names |= {f"@&{one.id}": one.name for one in state.roles(guild_id)}
        names |= {f"#{one.id}": one.name for one in state.channels(guild_id)}
        return names

    async def _pictures(self, digests: Sequence[str]) -> dict[str, bytes]:
        found = {one: await self._files.store.get(one) for one in digests}
        return {digest: data for digest, data in found.items() if data is not None}

    # --- searching and redacting -----------------------------------------------------------------

    async def search(
        self, guild_id: int, text: str, *, panel_ids: Collection[int] | None
    ) -> Sequence[tuple[TicketMessage, Ticket]]:
        """Return the newest messages with all words of the text; raises `InvalidInput` for none.

        `panel_ids` are the panels whose tickets may be looked into, `None` all.
        """
        words = words_of(text)[:MOST_ASKED]
        if not words:
            raise InvalidInput(_("Write at least one word to look for."))
        await self._capture.flush()
        async with self._office.database.read() as session:
            return await table.search(session, guild_id, words, panel_ids=panel_ids)

    async def ensure_redactable(self, ticket: Ticket, message_id: int) -> None:
        """Raise `NotFound` for a message of which the ticket's record has nothing to remove."""
        await self._capture.flush()
        async with self._office.database.read() as session:
            known = (await table.list_known(session, [message_id])).get(message_id)
        if known is None or known.ticket_id != ticket.id or known.redacted_at is not None:
            raise _not_on_record()

    async def redact(self, ticket: Ticket, message_id: int, actor_id: int) -> None:
        """Remove for good what a message said, from record and search; raises `NotFound`."""
        await self._capture.flush()
        now = self._office.clock.now()
        async with self._office.database.write() as session:
            if not await table.redact(session, ticket.id, message_id, actor_id, now):
                raise _not_on_record()
            await tickets.add_event(session, ticket, Action.REDACT, now, actor_id=actor_id)

    # --- forgetting ------------------------------------------------------------------------------

    async def _purge(self, _job: Any) -> None:
        now = self._office.clock.now()
        async with self._office.database.read() as session:
            guilds = await tickets.list_guilds(session)
        for guild_id in guilds:
            settings = await self._office.set_by(guild_id)
            await self._purge_guild(guild_id, now - settings.keep_transcripts_for, now)
        await self._files.sweep()

    async def _purge_guild(self, guild_id: int, before: datetime, now: datetime) -> None:
        while True:
            async with self._office.database.write() as session:
                found = await retention.list_expired(session, guild_id, before)
                if not found:
                    return
                await retention.delete_record(session, found, now)


def _people_of(ticket: Ticket, events: Sequence[TicketEvent]) -> frozenset[int]:
    """Return who acted or is spoken of: who only used commands has written nothing."""
    found = {ticket.user_id, ticket.claimed_by, ticket.closed_by}
    found |= {user_id for one in events for user_id in (one.actor_id, one.subject_id)}
    return frozenset(sorted(one for one in found if one)[:_MOST_PEOPLE])


def _not_on_record() -> NotFound:
    return NotFound(
        _("There is no such message on the record of this ticket."),
        hint=_("Copy the message's link from its menu, and paste it here."),
    )
