"""Carries the staff's questions to whoever appeals, and the answers back.

Free of discord.py. A question goes by direct message. Where that is refused, as after a ban for
somebody who shares no server with the bot, staff are told, and the question is shown to the person
at the next press of a button that they have.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.core.cases import CaseService, Told
from bot.core.clock import Clock
from bot.core.contracts import Actor
from bot.core.errors import Conflict, Denied, NotFound
from bot.core.i18n import _
from bot.core.jobs import Job, JobService
from bot.core.outbox import OutboxService, Receipt
from cogs.moderation.appealboard import AppealBoard
from cogs.moderation.appealcards import MOST_QUESTIONS, question_message, quote_block
from cogs.moderation.wording import member_text
from db import appeals as table
from db.engine import Database

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

JOB = "moderation.appeal.question"
# How often is looked whether a question got there, until that is known.
LOOK_EVERY = timedelta(minutes=1)

_DECIDED = _("That appeal is decided already.")


class Questions:
    """Questions about appeals of all guilds."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        cases: CaseService,
        jobs: JobService,
        outbox: OutboxService,
        board: AppealBoard,
    ) -> None:
        self._database = database
        self._clock = clock
        self._cases = cases
        self._jobs = jobs
        self._outbox = outbox
        self._board = board

    def start(self) -> None:
        """Look from now on whether questions got to their people."""
        self._jobs.register(JOB, self._look)

    async def ask(self, appeal: table.Appeal, moderator: Actor, text: str) -> table.AppealQuestion:
        """Ask whoever appeals, one thing at a time.

        Raises `Denied` for a question to oneself, and `Conflict` while one is not answered, after
        the last that an appeal may have, and when it is decided.
        """
        if appeal.user_id == moderator.user_id:
            raise Denied(_("You can't decide on your own appeal."))
        name, locale = await self._reader(appeal)
        async with self._database.write() as session:
            # Holds the row, so that of two who ask at once the second sees the first's question.
            changed = await table.change_open(session, appeal.id)
            if changed is None:
                raise Conflict(_DECIDED)
            self._check(await table.list_questions(session, appeal.id))
            question = await table.add_question(
                session,
                {
                    "appeal_id": appeal.id,
                    "user_id": appeal.user_id,
                    "asked_by": moderator.user_id,
                    "question": text,
                    "asked_at": self._clock.now(),
                },
            )
            guild = self._board.guild_name(appeal.guild_id)
            payload = question_message(question, guild, locale)
            await self._board.write(session, appeal, payload, _key(question.id))
            await self._board.update(session, changed, name, locale)
            await self._jobs.schedule(
                session,
                JOB,
                self._clock.now() + LOOK_EVERY,
                {"question_id": question.id},
                dedupe_key=f"{JOB}:{question.id}",
                guild_id=appeal.guild_id,
            )
        return question

    def _check(self, questions: Sequence[table.AppealQuestion]) -> None:
        if any(one.answer is None for one in questions):
            raise Conflict(_("The last question is not answered yet."))
        if len(questions) >= MOST_QUESTIONS:
            raise Conflict(_("An appeal has at most {limit} questions.", limit=MOST_QUESTIONS))

    async def told(self, question: table.AppealQuestion, seconds: float) -> Told:
        """Return whether the question got there, waiting so long; staff see it when it did not."""
        receipt = await self._outbox.wait_for(_key(question.id), seconds)
        if receipt is None or receipt.is_open:
            return Told.WAITING
        if not _is_refused(receipt):
            return Told.WRITTEN
        await self._note_unreached(question.id)
        return Told.REFUSED

    async def waiting(self, case_id: int, user_id: int) -> table.AppealQuestion | None:
        """Return the question about a case that waits for somebody's answer."""
        async with self._database.read() as session:
            appeal = await table.get_open(session, f"case:{case_id}")
            if appeal is None or appeal.user_id != user_id:
                return None
            questions = await table.list_questions(session, appeal.id)
        return next((one for one in questions if one.answer is None), None)

    async def ensure_may(self, question_id: int, user_id: int) -> table.AppealQuestion:
        """Return a question that somebody may answer now.

        Raises `NotFound` for one that is gone, `Denied` for another's, and `Conflict` for one that
        is answered.
        """
        async with self._database.read() as session:
            question = await table.get_question(session, question_id)
        if question is None:
            raise NotFound(_("That question is gone."))
        if question.user_id != user_id:
            raise Denied(_("Only the person whom it is about can answer."))
        if question.answer is not None:
            raise Conflict(_("You have answered that already."))
        return question

    async def answer(self, question_id: int, user_id: int, text: str) -> None:
        """Give the staff an answer, once.

        Raises what `ensure_may` does, and `Conflict` when the appeal is decided.
        """
        question = await self.ensure_may(question_id, user_id)
        async with self._database.read() as session:
            appeal = await table.get_appeal_by_id(session, question.appeal_id)
        if appeal is None:
            raise NotFound(_("That appeal is gone."))
        name, locale = await self._reader(appeal)
        said = _(
            "💬 {member} answered about the appeal against case {number}:",
            member=member_text(user_id, name),
            number=appeal.case_number,
        )
        async with self._database.write() as session:
            changed = await table.change_open(session, appeal.id)
            if changed is None:
                raise Conflict(_DECIDED)
            if not await table.put_answer(session, question.id, text, self._clock.now()):
                raise Conflict(_("You have answered that already."))
            await self._board.update(session, changed, name, locale)
            words = f"{said.render(locale)}\n{quote_block(text)}"
            await self._board.tell_staff(session, changed, words, f"{_key(question.id)}:answer")

    # --- what became of a question -----------------------------------------------------------

    async def _look(self, job: Job, session: AsyncSession) -> datetime | None:
        question_id = job.payload["question_id"]
        receipt = await self._outbox.get_receipt(session, _key(question_id))
        if receipt is not None and receipt.is_open:
            return self._clock.now() + LOOK_EVERY
        if receipt is not None and _is_refused(receipt):
            await self._tell_unreached(session, question_id)
        return None

    async def _note_unreached(self, question_id: int) -> None:
        async with self._database.write() as session:
            await self._tell_unreached(session, question_id)

    async def _tell_unreached(self, session: AsyncSession, question_id: int) -> None:
        question = await table.get_question(session, question_id)
        if question is None or not await table.mark_unreached(session, question_id):
            return
        appeal = await table.change_open(session, question.appeal_id)
        if appeal is None:
            return
        name, locale = await self._reader(appeal)
        await self._board.update(session, appeal, name, locale)
        words = _(
            "⚠️ I could not ask {member} about the appeal against case {number}: they take no"
            " messages from me.",
            member=member_text(appeal.user_id, name),
            number=appeal.case_number,
        )
        key = f"{_key(question_id)}:unreached"
        await self._board.tell_staff(session, appeal, words.render(locale), key)

    async def _reader(self, appeal: table.Appeal) -> tuple[str, str | None]:
        """Return what the member is called, and the staff's language."""
        name = (await self._cases.get_by_id(appeal.case_id)).target.name
        return name, await self._board.locale(appeal.guild_id)


def _key(question_id: int) -> str:
    return f"appeal:question:{question_id}"


def _is_refused(receipt: Receipt) -> bool:
    return not receipt.is_open and receipt.message_id is None
