"""Looks after what people do to giveaways in Discord: messages and roles that they delete.

Free of discord.py. Which messages show open giveaways is kept in memory: every deletion in all
guilds is looked up there. A guild has at most 200 of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from bot.core.fields.text import quote
from bot.core.i18n import Message, _
from bot.core.outbox.deliveries import OutboxFailed
from bot.core.problems import Problem, ProblemService
from cogs.giveaways.settings import KEY
from db import giveaway_hosting as table
from db.giveaways import OPEN_STATUSES, Giveaway

if TYPE_CHECKING:
    from db.engine import Database

MESSAGE_GONE, CHANNEL_GONE, ROLE_GONE = "message_gone", "channel_gone", "role_gone"
SERIES_STOPPED = "series_stopped"
# What Discord says of a message that can't be edited because it is not there.
_GONE = frozenset({MESSAGE_GONE, CHANNEL_GONE})


@dataclass(frozen=True, slots=True)
class Shown:
    """A message that shows an open giveaway."""

    giveaway_id: UUID
    guild_id: int
    channel_id: int


class MessageWatch:
    """Knows the messages of open giveaways, and tells staff of those that are gone."""

    def __init__(self, database: Database, problems: ProblemService) -> None:
        self._database = database
        self._problems = problems
        self._shown: dict[int, Shown] = {}

    async def start(self) -> None:
        """Know the messages of earlier runs."""
        async with self._database.read() as session:
            for giveaway in await table.list_shown(session):
                self.note(giveaway)

    def note(self, giveaway: Giveaway) -> None:
        """Know a giveaway's message from now on, or no more when it is over."""
        if giveaway.message_id is None:
            return
        if giveaway.status not in OPEN_STATUSES:
            self._shown.pop(giveaway.message_id, None)
            return
        one = Shown(giveaway.id, giveaway.guild_id, giveaway.channel_id)
        self._shown[giveaway.message_id] = one

    def find(self, message_ids: Iterable[int]) -> list[int]:
        """Return those of the messages that show open giveaways."""
        return [one for one in message_ids if one in self._shown]

    def in_channel(self, channel_id: int) -> list[int]:
        """Return the messages in a channel that show open giveaways."""
        return [key for key, one in self._shown.items() if one.channel_id == channel_id]

    async def deleted(self, message_ids: Collection[int]) -> None:
        """Note that messages are gone, and tell the staff what can be done."""
        for message_id in message_ids:
            shown = self._shown.get(message_id)
            if shown is not None:
                await self._gone(shown.giveaway_id, message_id)

    async def _gone(self, giveaway_id: UUID, message_id: int) -> None:
        self._shown.pop(message_id, None)
        async with self._database.write() as session:
            # Perhaps another one shows the giveaway by now.
            if not await table.forget_message(session, giveaway_id, message_id):
                return
            giveaway = await table.get_giveaway(session, giveaway_id)
        if giveaway is not None:
            await self._report(giveaway)

    async def delivery_failed(self, event: OutboxFailed) -> None:
        """Note a message that could not be posted, or was found to be gone when it was edited."""
        feature, _colon, rest = event.dedupe_key.partition(":")
        identity, what, *named = [*rest.split(":"), ""]
        if feature != KEY or what not in {"message", "shown"} or "left" in named:
            return
        giveaway_id = UUID(identity)
        if what == "shown":
            if event.reason in _GONE:
                await self._gone(giveaway_id, int(named[0]))
            return
        async with self._database.read() as session:
            giveaway = await table.get_giveaway(session, giveaway_id)
        if giveaway is None or giveaway.message_id is not None:
            return
        if giveaway.series_id is not None and event.reason == CHANNEL_GONE:
            await self._stop_series(giveaway, giveaway.series_id, event.at)
        await self._report(giveaway)

    async def _stop_series(self, giveaway: Giveaway, series_id: int, now: datetime) -> None:
        """Have a series not come again whose channel is gone: nobody could enter any of them."""
        async with self._database.write() as session:
            stopped = await table.stop_series(session, giveaway.guild_id, series_id, now)
        if not stopped:
            return
        message: Message = _(
            "The giveaway of {prize} does not come again: its channel is gone.",
            prize=quote(giveaway.prize),
        )
        fix = _("Have it come again in another channel with /giveaway schedule.")
        problem = Problem(KEY, SERIES_STOPPED, str(giveaway.id), message, fix)
        await self._problems.report(giveaway.guild_id, problem)

    async def _report(self, giveaway: Giveaway) -> None:
        if giveaway.status not in OPEN_STATUSES:
            return
        message: Message = _(
            "Giveaway #{number}, {prize}, has no message any more, so nobody can enter it.",
            number=giveaway.number,
            prize=quote(giveaway.prize),
        )
        fix = _(
            "Post it anew with /giveaway edit and its option channel, end it with /giveaway end, "
            "or cancel it with /giveaway cancel."
        )
        problem = Problem(KEY, MESSAGE_GONE, str(giveaway.id), message, fix)
        await self._problems.report(giveaway.guild_id, problem)

    async def settle(self, giveaway: Giveaway) -> None:
        """Close what was told of a giveaway whose message is there again, or that is over."""
        is_over, subject = giveaway.status not in OPEN_STATUSES, str(giveaway.id)
        if giveaway.message_id is not None or is_over:
            await self._problems.solve(giveaway.guild_id, KEY, MESSAGE_GONE, subject)
        if giveaway.series_id is not None and is_over:
            # It was told: nothing about the series itself is left to be done.
            await self._problems.solve(giveaway.guild_id, KEY, SERIES_STOPPED, subject)

    async def settle_roles(self, giveaway: Giveaway, *, shut: bool) -> None:
        """Tell the staff of a giveaway that is `shut` by a deleted role, or that it is no more."""
        if not shut or giveaway.status not in OPEN_STATUSES:
            await self._problems.solve(giveaway.guild_id, KEY, ROLE_GONE, str(giveaway.id))
            return
        message = _(
            "Giveaway #{number}, {prize}, asks for a role that was deleted, so nobody new can "
            "enter it. Who is in stays in.",
            number=giveaway.number,
            prize=quote(giveaway.prize),
        )
        fix = _("Choose its roles anew: /giveaway edit, then the button Roles to enter.")
        problem = Problem(KEY, ROLE_GONE, str(giveaway.id), message, fix)
        await self._problems.report(giveaway.guild_id, problem)
