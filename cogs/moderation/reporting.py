"""Takes members' reports and shows staff one card for each; free of discord.py.

The card names no reporter: whoever was reported gets it with their data. Staff read names and
reasons from the database, by the card's button.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING

from bot.core.cases import Target
from bot.core.clock import Clock
from bot.core.contracts import BotState
from bot.core.errors import Conflict, InvalidInput, NotFound, RateLimited
from bot.core.guild_locale import locale_of_guild
from bot.core.i18n import _
from bot.core.outbox import Delivery, OutboxService
from bot.core.settings import SettingsStore
from cogs.moderation.policy import KEY
from cogs.moderation.reportcards import report_card
from db import reports as table
from db.engine import Database

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

MOST_PER_HOUR = 5
KEPT_FOR = timedelta(days=180)
_HOUR = timedelta(hours=1)
_MAX_EXCERPT = 1000
# A report that closes while another is added to it gives way to a new one.
_TRIES = 3


class Taken(Enum):
    """What became of a report: a new one, one more voice, or known from this person."""

    NEW = "new"
    ADDED = "added"
    KNOWN = "known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is reported: a member, or a message with what it says."""

    guild_id: int
    target: Target
    channel_id: int | None = None
    message_id: int | None = None
    excerpt: str | None = None

    @property
    def key(self) -> str:
        """Name it among what is reported at the time."""
        if self.message_id is not None:
            return f"message:{self.message_id}"
        return f"member:{self.guild_id}:{self.target.id}"


class ReportService:
    """Opens, claims and closes reports, of all guilds."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: SettingsStore,
        outbox: OutboxService,
        state: Callable[[], BotState],
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._outbox = outbox
        self._state = state

    async def ensure_open(self, guild_id: int) -> int:
        """Return the channel for reports; raises `NotFound` where none are taken."""
        channel_id = (await self._settings.get(guild_id, KEY)).settings.report_channel_id
        if channel_id is None:
            raise NotFound(
                _("This server takes no reports here."),
                hint=_("Write to one of its moderators instead."),
            )
        return channel_id

    async def report(self, subject: Subject, reporter_id: int, reason: str) -> Taken:
        """Take a report; raises `InvalidInput`, `NotFound` where none are taken, `RateLimited`."""
        if subject.target.id == reporter_id:
            raise InvalidInput(_("You can't report yourself."))
        channel_id = await self.ensure_open(subject.guild_id)
        locale = await locale_of_guild(self._settings, self._state(), subject.guild_id)
        async with self._database.write() as session:
            await self._limit(session, subject.guild_id, reporter_id)
            for _attempt in range(_TRIES):
                report, is_new = await self._find(session, subject, channel_id)
                if report is None:
                    continue
                added = await table.add_reporter(
                    session, report.id, reporter_id, reason, self._clock.now()
                )
                if not added:
                    return Taken.KNOWN
                changed = await table.change_open(session, report.id)
                if changed is not None:
                    await self._show(session, changed, locale, is_new=is_new)
                    return Taken.NEW if is_new else Taken.ADDED
        raise Conflict(_("Somebody is at work on that report."), hint=_("Please try again."))

    async def _limit(self, session: AsyncSession, guild_id: int, reporter_id: int) -> None:
        since = self._clock.now() - _HOUR
        made = await table.count_by_reporter(session, guild_id, reporter_id, since)
        if made >= MOST_PER_HOUR:
            raise RateLimited(
                _("You have made many reports; please wait an hour."),
                retry_after=_HOUR.total_seconds(),
            )

    async def _find(
        self, session: AsyncSession, subject: Subject, channel_id: int
    ) -> tuple[table.Report | None, bool]:
        report = await table.open_report(
            session,
            {
                "guild_id": subject.guild_id,
                "open_key": subject.key,
                "target_id": subject.target.id,
                "target_name": subject.target.name[:100],
                "channel_id": subject.channel_id,
                "message_id": subject.message_id,
                "excerpt": (subject.excerpt or "")[:_MAX_EXCERPT] or None,
                "opened_at": self._clock.now(),
                "card_channel_id": channel_id,
            },
        )
        if report is not None:
            return report, True
        return await table.find_open(session, subject.key), False

    async def claim(self, guild_id: int, report_id: int, moderator_id: int) -> None:
        """Let a moderator have a report; raises `Conflict` when somebody has it or it is closed."""
        report = await self.get(guild_id, report_id)
        locale = await locale_of_guild(self._settings, self._state(), guild_id)
        async with self._database.write() as session:
            changed = await table.change_open(
                session, report.id, unclaimed=True, claimed_by=moderator_id
            )
            if changed is None:
                raise Conflict(_("Somebody has that report already, or it is closed."))
            await self._show(session, changed, locale)

    async def close(self, guild_id: int, report_id: int, moderator_id: int, state: str) -> None:
        """Close a report; raises `Conflict` when it is closed."""
        report = await self.get(guild_id, report_id)
        locale = await locale_of_guild(self._settings, self._state(), guild_id)
        async with self._database.write() as session:
            changed = await table.change_open(
                session,
                report.id,
                state=state,
                open_key=None,
                closed_by=moderator_id,
                closed_at=self._clock.now(),
            )
            if changed is None:
                raise Conflict(_("That report is closed already."))
            await self._show(session, changed, locale)

    async def get(self, guild_id: int, report_id: int) -> table.Report:
        """Return a report; raises `NotFound`."""
        async with self._database.read() as session:
            report = await table.get_report(session, guild_id, report_id)
        if report is None:
            raise NotFound(_("That report is gone."))
        return report

    async def reporters(self, report: table.Report) -> Sequence[table.Reporter]:
        """Return those who reported it, the first first."""
        async with self._database.read() as session:
            return await table.list_reporters(session, report.id)

    async def _show(
        self,
        session: AsyncSession,
        report: table.Report,
        locale: str | None,
        *,
        is_new: bool = False,
    ) -> None:
        key = f"report:{report.id}"
        count = await table.count_reporters(session, report.id)
        payload = report_card(report, count, locale)
        if is_new:
            delivery = Delivery.message(
                report.card_channel_id,
                payload,
                dedupe_key=key,
                guild_id=report.guild_id,
                subject_id=report.target_id,
            )
        else:
            delivery = Delivery.edit(
                report.card_channel_id,
                key,
                payload,
                dedupe_key=f"{key}:{report.revision}",
                guild_id=report.guild_id,
                subject_id=report.target_id,
            )
        await self._outbox.send(session, delivery)


async def purge_reports(session: AsyncSession, now: datetime) -> int:
    """Delete reports that have been closed for long enough."""
    return await table.delete_closed(session, now - KEPT_FOR)
