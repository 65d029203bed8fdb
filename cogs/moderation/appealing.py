"""Takes appeals, counts the staff's votes and lifts what is appealed with success.

Free of discord.py. The vote that decides is found in the database, and a job lifts the case: a
crash after the decision loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.core.cases import Case, CaseKind, CaseService, CaseState
from bot.core.clock import Clock
from bot.core.contracts import Actor, BotState
from bot.core.errors import Conflict, Denied, NotFound, RateLimited
from bot.core.i18n import Message, _
from bot.core.jobs import Job, JobService, Retry
from bot.core.outbox import OutboxService
from bot.core.settings import SettingsStore
from cogs.moderation.appealboard import AppealBoard, card_key
from cogs.moderation.appealcards import APPEALABLE
from cogs.moderation.questions import Questions
from cogs.moderation.settings import ModerationSettings
from db import appeals as table
from db.engine import Database

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

KEY = "moderation"
JOB = "moderation.appeal"
KEPT_FOR = timedelta(days=365)
NEXT_TRY = timedelta(minutes=10)

_ACCEPTED = _("Your appeal in {guild} was accepted: case {number} is lifted.")
_APPEALED = _("You have appealed already; the moderators see it.")
_REJECTED = _("Your appeal in {guild} against case {number} was rejected.")


class AppealService:
    """Appeals of all guilds."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: SettingsStore,
        *,
        cases: CaseService,
        jobs: JobService,
        outbox: OutboxService,
        state: Callable[[], BotState],
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._cases = cases
        self._jobs = jobs
        self._board = AppealBoard(settings, outbox, state)
        self.questions = Questions(
            database, clock, cases=cases, jobs=jobs, outbox=outbox, board=self._board
        )

    def start(self) -> None:
        """Lift from now on what was appealed with success."""
        self._jobs.register(JOB, self._tell_accepted, effect=self._lift)
        self.questions.start()

    async def ensure_may(self, case_id: int, user_id: int) -> Case:
        """Return the case that somebody may appeal now.

        Raises `Denied` for another's, `Conflict` when it is over or open to appeal already,
        `NotFound` where no appeals are taken, and `RateLimited` within the guild's pause.
        """
        case = await self._cases.get_by_id(case_id)
        if case.target.id != user_id:
            raise Denied(_("Only the person whom it is about can appeal."))
        if case.kind not in APPEALABLE or case.state is not CaseState.APPLIED or case.deleted_at:
            raise Conflict(_("That is over: there is nothing to appeal."))
        settings = await self._of(case.guild_id)
        if settings.appeal_channel_id is None:
            raise NotFound(_("That server takes no appeals here."))
        async with self._database.read() as session:
            is_open = await table.get_open(session, _open_key(case)) is not None
            last = await table.last_made(session, case_id)
        if is_open:
            raise Conflict(_APPEALED)
        self._check_pause(last, settings)
        return case

    def _check_pause(self, last: datetime | None, settings: ModerationSettings) -> None:
        if last is None:
            return
        left = last + settings.appeal_pause - self._clock.now()
        if left > timedelta():
            raise RateLimited(
                _("You have appealed already; please wait before you do it again."),
                retry_after=left.total_seconds(),
            )

    async def appeal(self, case_id: int, user_id: int, text: str) -> None:
        """Take an appeal and show it to the staff; raises what `ensure_may` does."""
        case = await self.ensure_may(case_id, user_id)
        settings = await self._of(case.guild_id)
        locale = await self._board.locale(case.guild_id)
        async with self._database.write() as session:
            appeal = await table.open_appeal(
                session,
                {
                    "guild_id": case.guild_id,
                    "case_id": case.id,
                    "case_number": case.number,
                    "open_key": _open_key(case),
                    "user_id": user_id,
                    "text": text,
                    "made_at": self._clock.now(),
                    "card_channel_id": settings.appeal_channel_id,
                },
            )
            if appeal is None:
                raise Conflict(_APPEALED)
            await self._board.show(session, appeal, case.target.name, locale)

    async def vote(self, guild_id: int, appeal_id: int, moderator: Actor, vote: str) -> str:
        """Count a moderator's vote and return the appeal's state; raises `Conflict` when decided.

        A vote cast anew replaces the earlier one; the person whom it is about has none.
        """
        appeal = await self.get(guild_id, appeal_id)
        if appeal.user_id == moderator.user_id:
            raise Denied(_("You can't decide on your own appeal."))
        needed = (await self._of(guild_id)).appeal_votes
        name = (await self._cases.get_by_id(appeal.case_id)).target.name
        locale = await self._board.locale(guild_id)
        async with self._database.write() as session:
            # Holds the row, so that of two votes at once the second counts both.
            changed = await table.change_open(session, appeal.id)
            if changed is None:
                raise Conflict(_("That appeal is decided already."))
            await table.put_vote(session, appeal.id, moderator.user_id, vote)
            votes = await table.count_votes(session, appeal.id)
            if votes[vote] >= needed:
                changed = await self._decide(session, changed, moderator, vote, locale)
            await self._board.update(session, changed, name, locale)
        return changed.state

    async def _decide(
        self,
        session: AsyncSession,
        appeal: table.Appeal,
        moderator: Actor,
        state: str,
        locale: str | None,
    ) -> table.Appeal:
        now = self._clock.now()
        decided = await table.change_open(
            session,
            appeal.id,
            state=state,
            open_key=None,
            decided_by=moderator.user_id,
            decided_at=now,
        )
        if decided is None:
            raise Conflict(_("That appeal is decided already."))
        if state == table.REJECTED:
            await self._tell(session, decided, _REJECTED, locale)
            return decided
        await self._jobs.schedule(
            session,
            JOB,
            now,
            {"guild_id": str(decided.guild_id), "appeal_id": decided.id},
            dedupe_key=f"{JOB}:{decided.id}",
            guild_id=decided.guild_id,
            replace=False,
        )
        return decided

    async def _lift(self, job: Job) -> None:
        guild_id = int(job.payload["guild_id"])
        async with self._database.read() as session:
            appeal = await table.get_appeal(session, guild_id, job.payload["appeal_id"])
        if appeal is None:
            return
        actor = Actor(appeal.decided_by or 0, "command", "")
        try:
            await self._cases.undo(appeal.guild_id, appeal.case_number, actor)
        except (Conflict, NotFound):
            # Lifted by somebody else, ended meanwhile, or erased.
            return
        except Denied as error:
            await self._tell_stuck(appeal, error)
            raise Retry(NEXT_TRY, error.code) from error

    async def _tell_stuck(self, appeal: table.Appeal, error: Denied) -> None:
        """Tell the staff, once, what it takes for their decision to come true."""
        locale = await self._board.locale(appeal.guild_id)
        text = _(
            "The appeal against case {number} was accepted, but I can't lift it yet: {why}\n"
            "Until that is put right I try again every ten minutes.",
            number=appeal.case_number,
            why=error.render(locale),
        ).render(locale)
        async with self._database.write() as session:
            await self._board.tell_staff(session, appeal, text, f"{card_key(appeal)}:stuck")

    async def _tell_accepted(self, job: Job, session: AsyncSession) -> None:
        guild_id = int(job.payload["guild_id"])
        appeal = await table.get_appeal(session, guild_id, job.payload["appeal_id"])
        if appeal is not None:
            locale = await self._board.locale(guild_id)
            await self._tell(session, appeal, _ACCEPTED, locale)

    async def _tell(
        self, session: AsyncSession, appeal: table.Appeal, words: Message, locale: str | None
    ) -> None:
        guild = self._board.guild_name(appeal.guild_id)
        text = Message(words.msgid, {"guild": guild, "number": appeal.case_number})
        payload = {"content": text.render(locale)}
        await self._board.write(session, appeal, payload, f"{card_key(appeal)}:dm")

    async def kind_of(self, guild_id: int, appeal_id: int) -> CaseKind:
        """Return what an appeal is against; raises `NotFound`."""
        appeal = await self.get(guild_id, appeal_id)
        return (await self._cases.get_by_id(appeal.case_id)).kind

    async def get(self, guild_id: int, appeal_id: int) -> table.Appeal:
        """Return an appeal; raises `NotFound`."""
        async with self._database.read() as session:
            appeal = await table.get_appeal(session, guild_id, appeal_id)
        if appeal is None:
            raise NotFound(_("That appeal is gone."))
        return appeal

    async def _of(self, guild_id: int) -> ModerationSettings:
        return (await self._settings.get(guild_id, KEY)).settings


async def purge_appeals(session: AsyncSession, now: datetime) -> int:
    """Delete appeals that were decided long enough ago."""
    return await table.delete_decided(session, now - KEPT_FOR)


def _open_key(case: Case) -> str:
    return f"case:{case.id}"
