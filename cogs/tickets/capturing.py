"""Takes down what is written in the rooms of tickets, as it happens: messages, edits, deletions.

Events are taken from the gateway's payloads and written behind, in batches. When a session of the
gateway begins, or a guild is gone from it, each ticket is marked with the last message on record
before anything new is written; what came after it, and was lost, is read from the channel. Free of
discord.py.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from cogs.tickets.machine import Status
from cogs.tickets.office import Office
from cogs.tickets.ports import RoomGone
from cogs.tickets.watch import Watch, Writer
from cogs.tickets.words import words_of
from db import ticket_messages as table
from db import tickets
from db.ticket_messages import TicketMessage, TicketVersion
from db.tickets import Ticket

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from cogs.tickets.files import FileKeeper
    from cogs.tickets.quality import Quality

log = structlog.get_logger(__name__)

Payload = Mapping[str, Any]
Spawn = Callable[[str, Coroutine[Any, Any, None]], object]

FLUSH_SECONDS, LONGEST_PAUSE = 1.0, 60.0
# Events that wait to be written; past it new ones are given up, and messages read from the channel
# when the next session begins.
MOST_PENDING = 20_000
# How many earlier versions of a message are kept: the first, and the newest of the others.
MOST_VERSIONS = 20
_BATCH = 300
_PAGE, _MOST_PAGES = 100, 50
# What people write and what bots answer; joins, pins and the like are no messages of anybody.
# https://discord.com/developers/docs/resources/message#message-object-message-types
_WRITTEN = frozenset({0, 19, 20, 23})
_EPOCH_MS = 1_420_070_400_000


class History(Protocol):
    """Reads messages of a channel; raises `bot.core.jobs.Retry` or `RoomGone`."""

    async def read(self, channel_id: int, after: int, limit: int) -> Sequence[Payload] | None:
        """Return up to `limit` messages with higher ids, the oldest first; `None` if denied."""
        ...

    async def fetch(self, channel_id: int, message_id: int) -> Payload | None:
        """Return one message; `None` when it is gone."""
        ...


@dataclass(frozen=True, slots=True)
class Room:
    """A channel that is captured: whose ticket it is, and who sees to it."""

    ticket_id: int
    guild_id: int
    opener_id: int
    staff_roles: frozenset[int]
    members: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Event:
    kind: str
    room: Room
    payload: Payload


class Capture:
    """Writes down what it is shown; `take_…` never wait."""

    def __init__(
        self,
        office: Office,
        watch: Watch,
        files: FileKeeper,
        history: History,
        *,
        spawn: Spawn,
        quality: Quality,
    ) -> None:
        self._office = office
        self._watch = watch
        self._files = files
        self._history = history
        self._spawn = spawn
        self._quality = quality
        self._rooms: dict[int, Room] = {}
        # Told of each ticket that is noted.
        self.noted: list[Callable[[Ticket], None]] = []
        self._pending: deque[_Event] = deque()
        self._turn = asyncio.Lock()
        self._is_flushing = False
        # How often something may have been missed, and how often that is marked on the tickets.
        self._gaps, self._marked = 1, 0

    async def start(self) -> None:
        """Know the rooms of earlier runs."""
        await self.flush()
        async with self._office.database.read() as session:
            for row in await tickets.list_with_rooms(session):
                await self.note(session, row)

    async def note(self, session: AsyncSession, ticket: Ticket) -> None:
        """Take down what is written in a ticket's room from now on, as the ticket is now."""
        if ticket.channel_id is None:
            return
        for hook in self.noted:
            hook(ticket)
        panel = await self._office.panel_of(session, ticket)
        self._rooms[ticket.channel_id] = Room(
            ticket.id,
            ticket.guild_id,
            ticket.user_id,
            await self._office.staff_of(ticket, panel),
            frozenset(await tickets.list_members(session, ticket.id)),
        )

    def tickets_with(self, guild_id: int, user_id: int) -> list[int]:
        """Return the tickets with rooms whose opener somebody is, or to which they were added."""
        rooms = [one for one in self._rooms.values() if one.guild_id == guild_id]
        return [one.ticket_id for one in rooms if user_id in {one.opener_id, *one.members}]

    def room(self, channel_id: int) -> Room | None:
        """Return the room that a channel is, `None` for most."""
        return self._rooms.get(channel_id)

    def forget(self, channel_id: int) -> None:
        """Take no notice of a channel any more."""
        self._rooms.pop(channel_id, None)

    # --- what the gateway tells ----------------------------------------------------------------

    def take_gap(self, _payload: Payload) -> None:
        """Take that a session begins or a guild is gone: nobody repeats what is missed by that."""
        self._gaps += 1

    def take_message(self, payload: Payload) -> None:
        """Take a message that was sent."""
        self._take("message", payload)

    def take_edit(self, payload: Payload) -> None:
        """Take a message that was edited."""
        self._take("edit", payload)

    def take_deletion(self, payload: Payload) -> None:
        """Take that messages were deleted."""
        self._take("deletion", payload)

    def _take(self, kind: str, payload: Payload) -> None:
        room = self._rooms.get(int(payload["channel_id"]))
        if room is None:
            return
        if len(self._pending) >= MOST_PENDING:
            self._gaps += 1
            return
        self._pending.append(_Event(kind, room, payload))
        if not self._is_flushing:
            self._is_flushing = True
            self._spawn("tickets.capture", self._flush_later())

    async def flush(self) -> None:
        """Write all that was taken; what can't be written is kept for the next time."""
        async with self._turn:
            await self._mark()
            while self._pending:
                # Before each batch: what is written after a gap must not hide it.
                await self._mark()
                batch = [self._pending[at] for at in range(min(_BATCH, len(self._pending)))]
                await self._write(batch)
                for _event in batch:
                    self._pending.popleft()

    async def _mark(self) -> None:
        while (gaps := self._gaps) != self._marked:
            async with self._office.database.write() as session:
                await table.mark_missed(session)
            self._marked = gaps

    async def _flush_later(self) -> None:
        pause = FLUSH_SECONDS
        try:
            while self._pending:
                await asyncio.sleep(pause)
                try:
                    await self.flush()
                    pause = FLUSH_SECONDS
                except (SQLAlchemyError, OSError) as error:
                    pause = min(pause * 2, LONGEST_PAUSE) * random.uniform(0.8, 1.2)  # noqa: S311
                    log.warning("ticket_messages_not_written", error=type(error).__name__)
        finally:
            # However it ended, the next message begins anew.
            self._is_flushing = False

    # --- what is written -----------------------------------------------------------------------

    async def _write(self, events: Sequence[_Event]) -> None:
        """Write events; one that can't be written keeps no other from it."""
        try:
            await self._write_all(events)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            await self._write_apart(events, error)
        except DBAPIError as error:
            if not _is_of_the_data(error):
                raise
            await self._write_apart(events, error)

    async def _write_apart(self, events: Sequence[_Event], error: Exception) -> None:
        if len(events) == 1:
            log.error(
                "ticket_event_not_written",
                error=type(error).__name__,
                kind=events[0].kind,
                ticket_id=events[0].room.ticket_id,
            )
            return
        for event in events:
            await self._write([event])

    async def _write_all(self, events: Sequence[_Event]) -> None:
        now = self._office.clock.now()
        async with self._office.database.write() as session:
            sent = [one for one in events if one.kind == "message" and _is_written(one.payload)]
            await self._add(session, sent)
            for one in events:
                if one.kind == "edit":
                    await self._edit(session, one, now)
                elif one.kind == "deletion":
                    ids = [int(it) for it in one.payload.get("ids") or [one.payload["id"]]]
                    await table.mark_deleted(session, ids, now)
        written: defaultdict[int, list[tuple[Writer, datetime]]] = defaultdict(list)
        # Also of those that were on record: a failure in between must not lose the deadlines.
        for one in sent:
            who, room = writer_of(one.payload, one.room), one.room
            written[room.ticket_id].append((who, _sent_at(one.payload)))
            if who is Writer.OPENER and (text := one.payload.get("content")):
                await self._quality.answer_by_itself(room.ticket_id, room.guild_id, str(text))
        for ticket_id, who_and_when in written.items():
            await self._watch.note_writing(ticket_id, who_and_when)

    async def _add(self, session: AsyncSession, events: Sequence[_Event]) -> None:
        """Add the messages that are not on record."""
        if not events:
            return
        known = await table.list_known(session, [int(one.payload["id"]) for one in events])
        by_id = {int(one.payload["id"]): one for one in events}
        fresh = [one for message_id, one in by_id.items() if message_id not in known]
        await table.add_messages(session, [message_row(one.payload, one.room) for one in fresh])
        await table.add_words(
            session, [row for one in fresh for row in word_rows(one.payload, one.room)]
        )
        for one in fresh:
            await self._files.take(session, one.payload, one.room)

    async def _edit(self, session: AsyncSession, event: _Event, now: datetime) -> None:
        payload = event.payload
        if "content" not in payload:
            return
        message_id = int(payload["id"])
        known = (await table.list_known(session, [message_id])).get(message_id)
        # Discord also sends an edit when it has made the preview of a link.
        if known is None or known.redacted_at is not None:
            return
        if known.content is None and not known.is_bot:
            # Erased: nothing of it comes back.
            return
        extras = extras_of(payload)
        if known.content != payload["content"] and known.content is not None:
            session.add(
                TicketVersion(
                    message_id=message_id,
                    ticket_id=known.ticket_id,
                    author_id=known.author_id,
                    content=known.content,
                    replaced_at=now,
                )
            )
            known.content, known.edited_at = str(payload["content"]), now
            await session.flush()
            cut = await table.trim_versions(session, message_id, MOST_VERSIONS)
            known.versions_left_out = (known.versions_left_out or 0) + cut or None
            await table.drop_words(session, [message_id])
            await table.add_words(session, word_rows(payload, event.room, known))
        known.extras = extras or known.extras
        await session.flush()

    # --- what was missed -----------------------------------------------------------------------

    async def catch_up(self, ticket: Ticket) -> bool:
        """Read what was written in a ticket's room while nobody listened; True if there is more.

        So much is read in a go; it is noted how far.
        """
        await self.flush()
        gaps = self._marked
        async with self._office.database.read() as session:
            now = await tickets.get_ticket(session, ticket.id)
        if now is None or now.status not in (Status.OPEN, Status.CLOSING):
            return False
        room, after = self._rooms.get(now.channel_id or 0), now.missed_after
        if now.channel_id is None or room is None or after is None:
            return False
        for _page in range(_MOST_PAGES):
            try:
                page = await self._history.read(now.channel_id, after, _PAGE)
            except RoomGone:
                return False
            if page is None:
                # It stays marked, for when the channel can be read again.
                return False
            if page:
                async with self._turn:
                    await self._write([_Event("message", room, one) for one in page])
                after = max(int(one["id"]) for one in page)
            async with self._office.database.write() as session:
                # What was missed meanwhile comes after what was read, and is read another time.
                is_done = not page and gaps == self._gaps
                await table.note_read(session, ticket.id, None if is_done else after)
            if not page:
                return False
        return True


def _is_of_the_data(error: DBAPIError) -> bool:
    # Class 22 is "data exception": https://www.postgresql.org/docs/current/errcodes-appendix.html
    state = str(getattr(error.orig, "sqlstate", None) or "")
    return isinstance(error, DataError | IntegrityError) or state.startswith("22")


def _is_written(payload: Payload) -> bool:
    return payload.get("type", 0) in _WRITTEN and "author" in payload


def _sent_at(payload: Payload) -> datetime:
    return datetime.fromisoformat(str(payload["timestamp"]))


def writer_of(payload: Payload, room: Room) -> Writer:
    """Return who has written a message: the opener, staff, somebody who was added, or a bot."""
    author = payload["author"]
    author_id = int(author["id"])
    if author.get("bot") or "webhook_id" in payload:
        return Writer.OTHER
    if author_id == room.opener_id:
        return Writer.OPENER
    roles = {int(one) for one in (payload.get("member") or {}).get("roles") or ()}
    # Whoever is neither opener nor added sees the room by a role: an admin, or staff.
    is_guest = author_id in room.members and roles.isdisjoint(room.staff_roles)
    return Writer.GUEST if is_guest else Writer.STAFF


def message_row(payload: Payload, room: Room) -> dict[str, Any]:
    """Return a message as it is kept."""
    author = payload["author"]
    name = author.get("global_name") or author.get("username") or ""
    reference = payload.get("message_reference") or {}
    is_reply = payload.get("type") == 19 and reference.get("message_id")
    return {
        "message_id": int(payload["id"]),
        "ticket_id": room.ticket_id,
        "guild_id": room.guild_id,
        "author_id": int(author["id"]),
        "author_name": str(name)[:100],
        "is_bot": bool(author.get("bot")) or "webhook_id" in payload,
        "is_staff": writer_of(payload, room) is Writer.STAFF,
        "content": _storable(str(payload.get("content") or "")),
        "extras": extras_of(payload),
        "reply_to": int(reference["message_id"]) if is_reply else None,
        "created_at": _sent_at(payload),
    }


def word_rows(
    payload: Payload, room: Room, known: TicketMessage | None = None
) -> list[dict[str, Any]]:
    """Return the words of a message as the index keeps them; bots' messages have none."""
    author_id = known.author_id if known is not None else int(payload["author"]["id"])
    is_bot = known.is_bot if known is not None else bool(payload["author"].get("bot"))
    if is_bot:
        return []
    return [
        {
            "guild_id": room.guild_id,
            "word": word,
            "message_id": int(payload["id"]),
            "author_id": author_id,
        }
        for word in words_of(_storable(str(payload.get("content") or "")))
    ]


def extras_of(payload: Payload) -> dict[str, Any]:
    """Return in short what a message shows beside its text: embeds, stickers, a poll, a forward."""
    extras: dict[str, Any] = {}
    if embeds := [_embed(one) for one in payload.get("embeds") or () if _is_own(one)]:
        extras["embeds"] = embeds[:10]
    if stickers := [str(one.get("name")) for one in payload.get("sticker_items") or ()]:
        extras["stickers"] = stickers
    if poll := payload.get("poll"):
        question = (poll.get("question") or {}).get("text") or ""
        options = [one.get("poll_media") or {} for one in poll.get("answers") or ()]
        answers = [one.get("text") or "" for one in options]
        extras["poll"] = {"question": _storable(question), "answers": list(map(_storable, answers))}
    if snapshots := payload.get("message_snapshots"):
        forwarded = (snapshots[0].get("message") or {}).get("content") or ""
        extras["forwarded"] = _storable(forwarded)
    return extras


def _is_own(embed: Mapping[str, Any]) -> bool:
    # Previews of links are Discord's, and change.
    return embed.get("type", "rich") == "rich"


def _embed(embed: Mapping[str, Any]) -> dict[str, Any]:
    fields = [
        {"name": _storable(str(one.get("name"))), "value": _storable(str(one.get("value")))}
        for one in embed.get("fields") or ()
    ]
    texts = {
        "title": embed.get("title"),
        "description": embed.get("description"),
        "author": (embed.get("author") or {}).get("name"),
        "footer": (embed.get("footer") or {}).get("text"),
    }
    found: dict[str, Any] = {name: _storable(str(it)) for name, it in texts.items() if it}
    return found | ({"fields": fields} if fields else {})


def _storable(text: str) -> str:
    # PostgreSQL has no place for NUL, and halves of surrogates are no characters.
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
