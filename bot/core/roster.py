"""The roster: which guilds and people the bot has met, written behind in batches.

A thousand members of a raid are a thousand rows but a handful of transactions. What matters to the
moment of a join (greeting it once) is decided elsewhere; this is the memory of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError, StatementError
from sqlalchemy.ext.asyncio import AsyncSession

from db.engine import Database, is_about_rows
from db.guilds import (
    SeenGuild,
    SeenMember,
    SeenUser,
    list_left_guild_ids,
    list_present_guild_ids,
    mark_guilds_left,
    mark_members_left,
    save_guilds,
    save_members,
    save_users,
)
from db.leases import Shards

log = structlog.get_logger(__name__)

K = TypeVar("K", int, tuple[int, int])
N = TypeVar("N")

GuildHook = Callable[[AsyncSession, int], Awaitable[object]]
_Note = tuple[str, Any, Any]

FLUSH_SECONDS = 1.0
# A raid of this size fits into memory while the database is away; what is beyond is met again.
MOST_WAITING = 20_000
BATCH = 500


@dataclass(slots=True)
class _Waiting:
    """Notes not yet written, in the order of writing; who came and left in between is in both."""

    guilds: dict[int, SeenGuild] = field(default_factory=dict)
    guilds_left: dict[int, datetime] = field(default_factory=dict)
    users: dict[int, SeenUser] = field(default_factory=dict)
    members: dict[tuple[int, int], SeenMember] = field(default_factory=dict)
    members_left: dict[tuple[int, int], datetime] = field(default_factory=dict)

    def __len__(self) -> int:
        people = len(self.users) + len(self.members) + len(self.members_left)
        return people + len(self.guilds) + len(self.guilds_left)

    def notes(self) -> list[_Note]:
        """Return every note with its kind and whom it is about."""
        return [
            (kind.name, key, note)
            for kind in fields(self)
            for key, note in getattr(self, kind.name).items()
        ]

    def halves(self) -> tuple[_Waiting, _Waiting]:
        """Return the notes in two parts, of which the first is to be written first."""
        notes = self.notes()
        middle = len(notes) // 2
        return _waiting(notes[:middle]), _waiting(notes[middle:])


class Roster:
    """Takes notes without waiting and writes them once a second; the last note about one wins.

    `on_left` and `on_returned` get each guild that is marked as left, or as joined again, in the
    transaction that marks it: so nothing is missed that was only seen later, or by a restart.
    """

    def __init__(
        self,
        database: Database,
        *,
        on_left: GuildHook | None = None,
        on_returned: GuildHook | None = None,
    ) -> None:
        self._database = database
        self._on_left = on_left or _nothing
        self._on_returned = on_returned or _nothing
        self._waiting = _Waiting()
        self._writing = asyncio.Lock()

    def guild_seen(self, guild: SeenGuild) -> None:
        """Note that the bot is in a guild."""
        self._waiting.guilds[guild.id] = guild
        self._waiting.guilds_left.pop(guild.id, None)

    def guild_left(self, guild_id: int, at: datetime) -> None:
        """Note that the bot is no longer in a guild."""
        self._waiting.guilds_left[guild_id] = at

    def user_seen(self, user: SeenUser) -> None:
        """Note that a person was met; dropped when too much is waiting."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting.users[user.id] = user

    def member_joined(self, member: SeenMember) -> None:
        """Note that a person is in a guild; dropped when too much is waiting."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting.members[member.guild_id, member.user_id] = member
            self._waiting.members_left.pop((member.guild_id, member.user_id), None)

    def member_left(self, guild_id: int, user_id: int, at: datetime) -> None:
        """Note that a person left a guild; dropped when too much is waiting."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting.members_left[guild_id, user_id] = at

    async def compare(
        self, present: Collection[int], at: datetime, shards: Shards | None = None
    ) -> None:
        """Note as left the guilds on record that the bot is not in; it may have been away.

        Only guilds of these shards are compared, as the others are somebody else's to see.
        """
        async with self._database.read() as session:
            known = await list_present_guild_ids(session)
        for guild_id in known.difference(present):
            if shards is None or (guild_id >> 22) % shards.count in shards.ids:
                self.guild_left(guild_id, at)

    async def run(self) -> None:
        """Write what is waiting once a second; notes are kept while the database is away."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            try:
                await self.flush()
            except (SQLAlchemyError, OSError) as error:
                log.warning("roster_not_written", error=type(error).__name__)

    async def flush(self) -> None:
        """Write what is waiting, but for what the database refuses.

        While the database is away it raises that error and keeps the notes.
        """
        async with self._writing:
            taken, self._waiting = self._waiting, _Waiting()
            if not len(taken):
                return
            written = False
            try:
                await self._write(taken)
                written = True
            finally:
                if not written:
                    self._put_back(taken)

    async def _write(self, taken: _Waiting) -> None:
        try:
            await self._store(taken)
        except (StatementError, UnicodeError, OverflowError) as error:
            if not is_about_rows(error):
                raise
            if len(taken) > 1:
                for half in taken.halves():
                    await self._write(half)
                return
            # It would fail again for ever and hold up all that come after it. What the error says
            # may be somebody's name.
            [(kind, about, _note)] = taken.notes()
            log.error("roster_note_refused", kind=kind, about=about, error=type(error).__name__)  # noqa: TRY400

    async def _store(self, taken: _Waiting) -> None:
        async with self._database.write() as session:
            for guilds in batched(taken.guilds.values()):
                left = await list_left_guild_ids(session, [guild.id for guild in guilds])
                await save_guilds(session, guilds)
                for guild_id in left:
                    await self._on_returned(session, guild_id)
            await mark_guilds_left(session, taken.guilds_left)
            for guild_id in taken.guilds_left:
                await self._on_left(session, guild_id)
            for users in batched(taken.users.values()):
                await save_users(session, users)
            for members in batched(taken.members.values()):
                await save_members(session, members)
            for gone in batched(taken.members_left.items()):
                await mark_members_left(session, dict(gone))

    def _put_back(self, taken: _Waiting) -> None:
        # What was noted meanwhile is newer and wins.
        newer = self._waiting
        self._waiting = _Waiting(
            taken.guilds | newer.guilds,
            _without(taken.guilds_left, newer.guilds) | newer.guilds_left,
            taken.users | newer.users,
            taken.members | newer.members,
            _without(taken.members_left, newer.members) | newer.members_left,
        )


async def _nothing(_session: AsyncSession, _guild_id: int) -> None:
    """Stand in for a hook that nobody has set."""


def _waiting(notes: Iterable[_Note]) -> _Waiting:
    waiting = _Waiting()
    for kind, about, note in notes:
        getattr(waiting, kind)[about] = note
    return waiting


def batched(notes: Iterable[N]) -> Iterator[list[N]]:
    """Yield the notes in lists that one statement can take."""
    rest = list(notes)
    for start in range(0, len(rest), BATCH):
        yield rest[start : start + BATCH]


def _without(left: Mapping[K, datetime], back: Mapping[K, object]) -> dict[K, datetime]:
    return {key: at for key, at in left.items() if key not in back}
