"""Keeps the message of each giveaway as it is to be; free of discord.py.

Whatever changes a giveaway asks for a refresh in its transaction. Many within a few seconds become
one edit, which shows what all of them have stored.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from bot.core.guild_locale import locale_of_guild
from bot.core.jobs import Job, JobService, Retry
from bot.core.money import currency_of
from bot.core.outbox import Delivery, OutboxService
from cogs.giveaways.eligibility import deleted_roles, is_shut
from cogs.giveaways.items import titles_in
from cogs.giveaways.plan import Requirements
from cogs.giveaways.settings import KEY
from cogs.giveaways.upkeep import MessageWatch
from cogs.giveaways.wording import View, message_payload, opening_payload
from db import giveaway_hosting as table
from db.giveaways import ENDED, OPEN_STATUSES, SCHEDULED, Giveaway

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.clock import Clock
    from bot.core.contracts import BotState
    from bot.core.settings import SettingsStore
    from db.engine import Database

SHOW_JOB = "giveaways.show"
# How long changes are gathered: Discord takes five edits in five seconds of one channel.
GATHER = timedelta(seconds=5)
_AGAIN = timedelta(seconds=5)
# Between the edits by which messages are looked for: there may be many, and Discord has its limits.
_APART = timedelta(seconds=2)
# Jobs that one transaction plans: others write, too.
_BATCH = 100
# Edits that may still be on their way are remembered for so many giveaways.
_MOST_REMEMBERED = 10_000


def message_key(giveaway: Giveaway) -> str:
    """Return the key of the delivery that posts a giveaway's present message."""
    return f"{KEY}:{giveaway.id}:message:{giveaway.posts}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a giveaway's message is, or is on its way to."""

    channel_id: int
    key: str
    message_id: int | None

    @classmethod
    def of(cls, giveaway: Giveaway) -> Place:
        """Return where the present message of a giveaway is."""
        return cls(giveaway.channel_id, message_key(giveaway), giveaway.message_id)


class Board:
    """Posts and edits the messages of giveaways."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: SettingsStore,
        *,
        jobs: JobService,
        outbox: OutboxService,
        state: Callable[[], BotState],
        watch: MessageWatch,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._jobs = jobs
        self._outbox = outbox
        self._state = state
        self._watch = watch
        # Told of each giveaway that has changed, in the process that serves its guild.
        self.listeners: list[Callable[[Giveaway], None]] = []
        self._last_edit: OrderedDict[UUID, str] = OrderedDict()

    def start(self) -> None:
        """Take up the work of earlier runs."""
        self._jobs.register(
            SHOW_JOB, self._show, effect=self._find, max_attempts=1000, outlasts_absence=True
        )

    async def post(self, session: AsyncSession, giveaway: Giveaway) -> None:
        """Post a giveaway's message, in the caller's transaction; `posts` counts it already."""
        locale = await self._locale(giveaway.guild_id)
        view = await self._look(session, giveaway)
        await self._outbox.send(
            session,
            Delivery.message(
                giveaway.channel_id,
                opening_payload(view, locale),
                dedupe_key=message_key(giveaway),
                guild_id=giveaway.guild_id,
            ),
        )
        # Which message it became has to be noted, and what members write counts from here on.
        await self.refresh(session, giveaway.id, giveaway.guild_id, at_once=True)

    async def move(self, session: AsyncSession, giveaway: Giveaway, left: Place) -> None:
        """Post the message anew, and take away the one that was `left` behind.

        Two messages with a button each would both take entries, and one would show what was.
        """
        await self.post(session, giveaway)
        if await self._outbox.cancel(session, left.key):
            return
        receipt = await self._outbox.get_receipt(session, left.key)
        message_id = (receipt and receipt.message_id) or left.message_id
        if message_id is not None:
            deletion = Delivery.delete(
                left.channel_id,
                message_id,
                dedupe_key=f"{left.key}:left",
                guild_id=giveaway.guild_id,
            )
            await self._outbox.send(session, deletion)

    async def look_again(self, guild_ids: Collection[int]) -> None:
        """Edit the messages of these guilds' open giveaways, one after another.

        So those that were deleted while nobody listened are found, and the staff is told.
        """
        async with self._database.read() as session:
            shown = [one for one in await table.list_shown(session) if one.guild_id in guild_ids]
        due_at = self._clock.now()
        for at in range(0, len(shown), _BATCH):
            async with self._database.write() as session:
                for giveaway in shown[at : at + _BATCH]:
                    due_at += _APART
                    await self._jobs.ensure(
                        session,
                        SHOW_JOB,
                        due_at,
                        dedupe_key=f"{SHOW_JOB}:{giveaway.id}",
                        guild_id=giveaway.guild_id,
                    )

    async def role_deleted(self, guild_id: int, role_id: int) -> None:
        """Look again at the open giveaways that ask for a role that was deleted."""
        async with self._database.read() as session:
            found = await table.list_of_guild(session, guild_id, OPEN_STATUSES)
        async with self._database.write() as session:
            for giveaway in found:
                needs = Requirements.from_json(giveaway.requirements)
                if role_id in {*needs.any_roles, *needs.all_roles}:
                    await self.refresh(session, giveaway.id, guild_id, at_once=True)

    async def refresh(
        self, session: AsyncSession, giveaway_id: UUID, guild_id: int, *, at_once: bool = False
    ) -> None:
        """Have the message edited soon, or `at_once`, after the commit of the transaction."""
        now = self._clock.now()
        await self._jobs.ensure(
            session,
            SHOW_JOB,
            now if at_once else now + GATHER,
            dedupe_key=f"{SHOW_JOB}:{giveaway_id}",
            guild_id=guild_id,
        )

    async def _find(self, job: Job) -> None:
        """Note which message a giveaway became, and what is in its way or is no more."""
        async with self._database.read() as session:
            giveaway = await table.get_giveaway(session, _giveaway_in(job))
        if giveaway is None:
            return
        needs = Requirements.from_json(giveaway.requirements)
        deleted = deleted_roles(needs, self._state(), giveaway.guild_id)
        await self._watch.settle_roles(giveaway, shut=is_shut(needs, deleted))
        if giveaway.status == SCHEDULED:
            return
        for listen in self.listeners:
            listen(giveaway)
        if giveaway.message_id is None:
            giveaway = await self._note_message(giveaway)
        # Known from here on, and no more once it is over.
        self._watch.note(giveaway)
        await self._watch.settle(giveaway)

    async def _note_message(self, giveaway: Giveaway) -> Giveaway:
        async with self._database.write() as session:
            receipt = await self._outbox.get_receipt(session, message_key(giveaway))
            if receipt is not None and receipt.is_open:
                raise Retry(_AGAIN, "not sent yet")
            # That it could not be sent is told elsewhere.
            if receipt is not None and receipt.message_id is not None:
                await table.note_message(session, giveaway.id, receipt.message_id)
            return await table.get_giveaway(session, giveaway.id) or giveaway

    async def _show(self, job: Job, session: AsyncSession) -> None:
        giveaway = await table.get_giveaway(session, _giveaway_in(job))
        if giveaway is None or giveaway.status == SCHEDULED or giveaway.message_id is None:
            return
        await self._wait_for_last_edit(session, giveaway.id)
        key = f"{KEY}:{giveaway.id}:shown:{giveaway.message_id}:{secrets.token_hex(8)}"
        locale = await self._locale(giveaway.guild_id)
        view = await self._look(session, giveaway)
        await self._outbox.send(
            session,
            Delivery.edit(
                giveaway.channel_id,
                giveaway.message_id,
                message_payload(view, locale),
                dedupe_key=key,
                guild_id=giveaway.guild_id,
            ),
        )
        self._remember(giveaway.id, key)

    async def _wait_for_last_edit(self, session: AsyncSession, giveaway_id: UUID) -> None:
        """Raise `Retry` while an earlier edit is on its way: they must not pile up."""
        key = self._last_edit.get(giveaway_id)
        receipt = key and await self._outbox.get_receipt(session, key)
        if receipt and receipt.is_open:
            raise Retry(_AGAIN, "the edit before it is on its way")

    def _remember(self, giveaway_id: UUID, key: str) -> None:
        self._last_edit[giveaway_id] = key
        self._last_edit.move_to_end(giveaway_id)
        while len(self._last_edit) > _MOST_REMEMBERED:
            self._last_edit.popitem(last=False)

    async def _look(self, session: AsyncSession, giveaway: Giveaway) -> View:
        entries = await table.count_entries(session, giveaway.id)
        winners: list[int] = []
        if giveaway.status == ENDED:
            winners = await table.list_winner_ids(session, giveaway.id)
        return View(
            giveaway=giveaway,
            settings=(await self._settings.get(giveaway.guild_id, KEY)).settings,
            currency=await currency_of(self._settings, giveaway.guild_id),
            entries=entries,
            winner_ids=winners,
            items=await titles_in(session, giveaway),
        )

    async def _locale(self, guild_id: int) -> str | None:
        return await locale_of_guild(self._settings, self._state(), guild_id)


def _giveaway_in(job: Job) -> UUID:
    return UUID(job.dedupe_key.removeprefix(f"{SHOW_JOB}:"))
