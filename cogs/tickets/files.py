"""Keeps the files of tickets: fetched from Discord when they arrive, stored once by their content.

A file is a row first, then fetched by a durable job. The content lies in a directory under its
SHA-256, so the same file twice takes its space once. Free of discord.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import aiohttp
import structlog

from bot.core.errors import NotFound
from bot.core.i18n import _
from bot.core.jobs import Job, Retry
from bot.core.outbox import Delivery
from cogs.tickets.attachments import Handles
from cogs.tickets.file_notes import large_file_payload, lost_file_payload
from cogs.tickets.form import LARGEST_FILE, largest_file
from cogs.tickets.machine import Status
from cogs.tickets.office import Office
from cogs.tickets.settings import KEY
from db import ticket_messages as table
from db.ticket_messages import GONE, OVER_QUOTA, PENDING, STORED, TOO_LARGE, TicketFile
from db.tickets import Ticket, get_ticket, hold_counter

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from cogs.tickets.capturing import History, Room

log = structlog.get_logger(__name__)

# What Discord takes from a bot in a server without boosts, less what surrounds the file.
# https://discord.com/developers/docs/reference#uploading-files
LARGEST_UPLOAD = 10 * 1024 * 1024 - 64 * 1024
FETCH_JOB = "tickets.files"
FILE_RENDERER = "ticket_file"
_AT_ONCE = 10
_AGAIN, _SOON = timedelta(seconds=30), timedelta(seconds=2)
_SECONDS = 60.0
_CHUNK = 64 * 1024
# Answers of the CDN that another try may change; any other means that there is no such file.
_PASSING = frozenset({408, 425, 429})
# A file that can't be had for so long is given up.
_LONGEST_WAIT = timedelta(days=2)
# What turns the letters after it, so that the end of a name reads like another; and NUL.
_TURNING = re.compile(r"[\x00\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_HOSTS = ("https://cdn.discordapp.com", "https://media.discordapp.net")


class FileStore:
    """Contents by their SHA-256 in a directory; every call works in a thread."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, data: bytes) -> str:
        """Keep a content and return its SHA-256 in hexadecimal digits."""
        return await asyncio.to_thread(self._put, data)

    async def get(self, digest: str) -> bytes | None:
        """Return a content; `None` when it is not there."""
        return await asyncio.to_thread(self._get, digest)

    async def locate(self, digest: str) -> Path | None:
        """Return where a content lies; `None` when it is not there."""
        path = self._path(digest)
        return path if await asyncio.to_thread(path.is_file) else None

    async def delete(self, digests: Collection[str], older_than: timedelta) -> None:
        """Delete contents, but for those that were stored (again) since; not there is fine."""
        await asyncio.to_thread(self._delete, digests, older_than)

    async def list(self, older_than: timedelta) -> Sequence[str]:
        """Return the digests of the contents that were stored so long ago."""
        return await asyncio.to_thread(self._list, older_than)

    def _path(self, digest: str) -> Path:
        return self._root / digest[:2] / digest

    def _put(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        with contextlib.suppress(FileNotFoundError):
            # As new: a sweep that is under way leaves it.
            os.utime(path)
            return digest
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Whole or not at all: a name is only given to what is written to its end.
        handle, name = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return digest

    def _get(self, digest: str) -> bytes | None:
        with contextlib.suppress(FileNotFoundError):
            return self._path(digest).read_bytes()
        return None

    def _delete(self, digests: Collection[str], older_than: timedelta) -> None:
        latest = time.time() - older_than.total_seconds()
        for path in map(self._path, digests):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime <= latest:
                    path.unlink()

    def _list(self, older_than: timedelta) -> list[str]:
        latest = time.time() - older_than.total_seconds()
        return [
            one.name
            for one in self._root.glob("??/*")
            if len(one.name) == 64 and one.stat().st_mtime <= latest
        ]


class Fetcher(Protocol):
    """Fetches what Discord keeps."""

    async def fetch(self, url: str) -> bytes | None:
        """Return the content; `None` when it is gone. Raises `TooLargeError` and `Retry`."""
        ...


class TooLargeError(Exception):
    """The file is larger than is kept."""


class HttpFetcher:
    """Fetches from Discord's CDN and from nowhere else; `close()` ends its session."""

    def __init__(self, cdn_base_url: str) -> None:
        self._places = tuple(urlsplit(one) for one in (*_HOSTS, cdn_base_url))
        self._session: aiohttp.ClientSession | None = None

    async def fetch(self, url: str) -> bytes | None:
        """Return the content; see `Fetcher`."""
        if not self._is_discords(url):
            return None
        if self._session is None:
            self._session = aiohttp.ClientSession()
        try:
            async with (
                asyncio.timeout(_SECONDS),
                self._session.get(url, allow_redirects=False) as response,
            ):
                if response.status in _PASSING or response.status >= 500:
                    raise Retry(_AGAIN, f"the CDN answers {response.status}")
                return await _read(response) if response.status == 200 else None
        except aiohttp.InvalidURL:
            return None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Retry(_AGAIN, type(error).__name__) from error

    def _is_discords(self, url: str) -> bool:
        try:
            asked = urlsplit(url)
        except ValueError:
            # Such as an address with half a bracket.
            return False
        return any((asked.scheme, asked.netloc) == (one.scheme, one.netloc) for one in self._places)

    async def close(self) -> None:
        """Close the HTTP session."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


async def _read(response: aiohttp.ClientResponse) -> bytes:
    data = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        data += chunk
        if len(data) > LARGEST_FILE:
            raise TooLargeError
    return bytes(data)


class FileKeeper:
    """Takes files in and has them fetched."""

    def __init__(
        self, office: Office, store: FileStore, fetcher: Fetcher, history: History
    ) -> None:
        self._office = office
        self._fetcher = fetcher
        self._history = history
        self.store = store

    def start(self) -> None:
        """Take up the jobs, also those of earlier runs."""
        self._office.jobs.register(FETCH_JOB, effect=self._fetch_all, timeout=timedelta(minutes=10))

    async def take(self, session: AsyncSession, payload: Mapping[str, Any], room: Room) -> None:
        """Have the files of a message fetched, in the caller's transaction."""
        rows = [
            {
                **_row(one),
                "ticket_id": room.ticket_id,
                "guild_id": room.guild_id,
                "message_id": int(payload["id"]),
                "author_id": int(payload["author"]["id"]),
                "created_at": self._office.clock.now(),
            }
            for one in payload.get("attachments") or ()
        ]
        # What the bot sends itself is made from what is on record.
        if rows and not payload["author"].get("bot"):
            await table.add_files(session, rows)
            await self._ensure(session, room.guild_id, room.ticket_id)

    async def take_answers(self, session: AsyncSession, ticket: Ticket) -> None:
        """Have the files of a form fetched, in the transaction that opens the ticket."""
        rows = [
            {
                **_row(one),
                "ticket_id": ticket.id,
                "guild_id": ticket.guild_id,
                "question": answer["key"],
                "author_id": ticket.opened_by or ticket.user_id,
                "created_at": self._office.clock.now(),
            }
            for answer in ticket.answers
            if answer["kind"] == "file"
            for one in answer["value"]
        ]
        if rows:
            await table.add_files(session, rows)
            await self._ensure(session, ticket.guild_id, ticket.id)

    async def room_opened(self, session: AsyncSession, ticket: Ticket, _again: bool) -> None:
        """Have the files of the form fetched at once, now that they can be shown."""
        if any(one["kind"] == "file" for one in list(ticket.answers or ())):
            await self._ensure(session, ticket.guild_id, ticket.id)

    async def _ensure(self, session: AsyncSession, guild_id: int, ticket_id: int) -> None:
        await self._office.jobs.ensure(
            session,
            FETCH_JOB,
            self._office.clock.now(),
            {"ticket_id": ticket_id},
            dedupe_key=f"{FETCH_JOB}:{ticket_id}",
            guild_id=guild_id,
        )

    async def _fetch_all(self, job: Job) -> None:
        ticket_id, after = int(job.payload["ticket_id"]), 0
        waits: Retry | None = None
        while True:
            async with self._office.database.read() as session:
                ticket = await get_ticket(session, ticket_id)
                files = await table.list_pending(session, ticket_id, _AT_ONCE, after=after)
            if ticket is None or not files:
                break
            if ticket.status == Status.OPENING:
                raise Retry(_SOON, "the room is being made")
            for file in files:
                # One that can't be had now keeps no other from being fetched.
                waits = await self._try(ticket, file) or waits
            after = files[-1].id
        if waits is not None:
            raise waits

    async def _try(self, ticket: Ticket, file: TicketFile) -> Retry | None:
        try:
            await self._fetch(ticket, file)
        except Retry as error:
            if self._office.clock.now() - file.created_at < _LONGEST_WAIT:
                return error
            await self._settle(ticket, file, state=GONE)
        return None

    async def _fetch(self, ticket: Ticket, file: TicketFile) -> None:
        if file.size > LARGEST_FILE:
            await self._settle(ticket, file, state=TOO_LARGE)
            return
        space = (await self._office.set_by(ticket.guild_id)).files_quota * 1_000_000
        async with self._office.database.read() as session:
            taken = await table.sum_stored(session, ticket.guild_id)
        if taken + file.size > space:
            await self._settle(ticket, file, state=OVER_QUOTA)
            return
        try:
            data = await self._download(ticket, file)
        except TooLargeError:
            await self._settle(ticket, file, state=TOO_LARGE)
            return
        if data is None:
            await self._settle(ticket, file, state=GONE)
            return
        digest = await self.store.put(data)
        await self._settle(ticket, file, space=space, state=STORED, sha256=digest, size=len(data))
        if await self.store.locate(digest) is None:
            # A sweep took it before its row was there; now it leaves it.
            await self.store.put(data)

    async def _download(self, ticket: Ticket, file: TicketFile) -> bytes | None:
        data = await self._fetcher.fetch(file.url or "")
        if data is not None or file.message_id is None or ticket.channel_id is None:
            return data
        # Addresses expire; the message has a fresh one.
        message = await self._history.fetch(ticket.channel_id, file.message_id)
        for one in (message or {}).get("attachments") or ():
            if int(one["id"]) == file.attachment_id:
                return await self._fetcher.fetch(one["url"])
        return None

    async def _settle(
        self, ticket: Ticket, file: TicketFile, *, space: int | None = None, **values: Any
    ) -> None:
        """Note what has become of a file; one for which there is no `space` left is not kept."""
        async with self._office.database.write() as session:
            if space is not None:
                # Files of one guild stand in line from here on: what is counted stays true.
                await hold_counter(session, ticket.guild_id)
                taken = await table.sum_stored(session, ticket.guild_id, values["sha256"])
                if taken + values["size"] > space:
                    values = {"state": OVER_QUOTA}
            await table.settle_file(session, file.id, **values)
            if file.question is not None and values["state"] == STORED:
                await self._show(session, ticket, file, int(values["size"]))
            elif file.question is not None:
                await self._miss(session, ticket, file, str(values["state"]))

    async def _show(
        self, session: AsyncSession, ticket: Ticket, file: TicketFile, size: int
    ) -> None:
        """Post a form's file in the room: nobody there has seen it."""
        if ticket.channel_id is None:
            return
        renderer = {"renderer": FILE_RENDERER, "args": {"file_id": file.id}}
        payload: dict[str, Any] = {"attachments": [{"filename": file.name, **renderer}]}
        guild = self._office.state().guild(ticket.guild_id)
        if size > (largest_file(guild.largest_upload) if guild is not None else LARGEST_UPLOAD):
            # The server has lost boosts since it was sent.
            locale = await self._office.locale(ticket.guild_id)
            handles = Handles(await table.list_names(session, ticket.id))
            payload = large_file_payload(ticket, file, handles.of(file), locale)
        delivery = Delivery.message(
            ticket.channel_id,
            payload,
            dedupe_key=f"{KEY}:{ticket.id}:file:{file.id}",
            guild_id=ticket.guild_id,
            subject_id=file.author_id,
        )
        await self._office.outbox.send(session, delivery)

    async def _miss(
        self, session: AsyncSession, ticket: Ticket, file: TicketFile, state: str
    ) -> None:
        """Say in the room that a form's file could not be kept: nobody there would know of it."""
        if ticket.channel_id is None:
            return
        delivery = Delivery.message(
            ticket.channel_id,
            lost_file_payload(file, state, await self._office.locale(ticket.guild_id)),
            dedupe_key=f"{KEY}:{ticket.id}:lost:{file.id}",
            guild_id=ticket.guild_id,
            subject_id=file.author_id,
        )
        await self._office.outbox.send(session, delivery)

    async def read(self, file_id: int) -> bytes:
        """Return the content of a file; raises `NotFound` when it is not kept any more."""
        async with self._office.database.read() as session:
            file = await session.get(TicketFile, file_id)
        data = await self.store.get(file.sha256) if file is not None and file.sha256 else None
        if data is None:
            raise NotFound(_("This file is not kept any more."))
        return data

    async def sweep(self, older_than: timedelta = timedelta(days=1)) -> None:
        """Delete the contents that no file refers to any more, and give up what never came.

        A content that was stored just now may have its row to come. What the jobs have not fetched
        in their time, they don't try any more.
        """
        async with self._office.database.write() as session:
            await table.give_up_pending(session, self._office.clock.now() - 2 * _LONGEST_WAIT)
        digests = list(await self.store.list(older_than))
        for start in range(0, len(digests), 500):
            part = digests[start : start + 500]
            async with self._office.database.read() as session:
                used = await table.list_used(session, part)
            await self.store.delete([one for one in part if one not in used], older_than)


def _name_of(attachment: Mapping[str, Any]) -> str:
    """Return a file's name as it was sent: Discord has letters of many scripts in the title alone.

    https://discord.com/developers/docs/resources/message#attachment-object
    """
    filename = str(attachment["filename"])
    name = str(attachment.get("title") or filename)
    ending = Path(filename).suffix
    if not name.casefold().endswith(ending.casefold()):
        name += ending
    return " ".join(_TURNING.sub("", name).split())[-255:] or "file"


def _row(attachment: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "attachment_id": int(attachment["id"]),
        "name": _name_of(attachment),
        "content_type": str(attachment.get("content_type") or "application/octet-stream")[:100],
        "size": int(attachment["size"]),
        "state": PENDING,
        "url": attachment["url"],
    }
