"""The gate: asks, judges and lets in; free of discord.py.

Each decision is one transaction that holds the person's row, and an answer takes its question away:
two answers at once are judged one after the other, and only one of them is to the question.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random, SystemRandom

from bot.core.i18n import Message, _
from cogs.verification import wording
from cogs.verification.captcha import draw_answer, read_answer
from cogs.verification.challenges import TOKEN_LENGTH, Kind, hash_token, is_right, seal
from cogs.verification.desk import Desk, Turn
from cogs.verification.questions import Verdict, judge, read_questions
from cogs.verification.rules import (
    PATIENCE,
    Applicant,
    State,
    after_question,
    after_wrong_answer,
    is_open,
    is_verified,
    round_at,
)
from cogs.verification.settings import Method, VerificationSettings
from cogs.verification.steps import Answer, AskForm, AskPicture, AskWords, Told
from cogs.verification.words import draw_words, read_words
from db import verification as table

_HOW = {
    Kind.FORM: _("By the answers to the questions"),
    Kind.PICTURE: _("By reading a picture"),
    Kind.WORDS: _("By a question in words"),
}


class Gate:
    """What members do at the gate."""

    def __init__(self, desk: Desk, random: Random | None = None) -> None:
        self._desk = desk
        # Questions must not be foreseen, so chance comes from the operating system.
        self._random = random or SystemRandom()

    async def press(self, applicant: Applicant, kind: Kind | None = None) -> Answer:
        """Ask somebody what the guild has set, or let them in where a press is enough.

        `kind` is what they ask for instead; a question in words is asked where that is allowed.
        """
        async with self._turn(applicant) as turn:
            if isinstance(turn, Message):
                return Told(turn)
            if turn.settings.method is Method.BUTTON:
                return await self._let_in(turn, _("By pressing the button"))
            return await self._ask(turn, _kind_for(turn.settings, kind))

    async def answer(self, applicant: Applicant, token: str, typed: str) -> Answer:
        """Judge what somebody read from a picture or answered to a question in words.

        A wrong answer brings a new question until a pause begins. Each question takes one answer.
        """
        async with self._turn(applicant) as turn:
            if isinstance(turn, Message):
                return Told(turn)
            asked = await self._take(turn, token)
            if isinstance(asked, Message):
                return Told(asked)
            kind = Kind(asked.kind)
            if not _is_still_asked(turn.settings, kind):
                return Told(wording.OUTDATED)
            read = read_answer if kind is Kind.PICTURE else read_words
            if is_right(asked.digest, token, asked.guild_id, asked.user_id, read(typed)):
                return await self._let_in(turn, _HOW[kind])
            missed = self._after_wrong_answer(turn)
            if missed.standing.is_locked(self._desk.clock.now()):
                return await self._pause(missed)
            note = wording.wrong(missed.settings, missed.standing)
            return await self._ask(missed, kind, note)

    async def answer_form(self, applicant: Applicant, token: str, answers: Sequence[str]) -> Answer:
        """Judge the answers to a form, or hand them to staff."""
        async with self._turn(applicant) as turn:
            if isinstance(turn, Message):
                return Told(turn)
            asked = await self._take(turn, token)
            if isinstance(asked, Message):
                return Told(asked)
            content = "\n".join(turn.settings.questions)
            is_same = is_right(asked.digest, token, asked.guild_id, asked.user_id, content)
            if not (is_same and _is_still_asked(turn.settings, Kind(asked.kind))):
                # What was answered is not what is asked any more.
                return Told(wording.OUTDATED)
            return await self._judge_form(turn, answers)

    async def _judge_form(self, turn: Turn, answers: Sequence[str]) -> Answer:
        verdict = judge(read_questions(turn.settings.questions), answers)
        if verdict is Verdict.WRONG:
            turn = self._after_wrong_answer(turn)
            if turn.standing.is_locked(self._desk.clock.now()):
                return await self._pause(turn)
            await self._desk.write(turn)
            return Told(wording.wrong_form(turn.settings, turn.standing))
        if verdict is Verdict.FOR_STAFF or turn.settings.staff_review:
            return await self._hand_in(turn, answers)
        return await self._let_in(turn, _HOW[Kind.FORM])

    async def _hand_in(self, turn: Turn, answers: Sequence[str]) -> Answer:
        now = self._desk.clock.now()
        locale = await self._desk.locale(turn.applicant.guild_id)
        questions = read_questions(turn.settings.questions)
        # The card's buttons decide on these answers alone, not on any that follow.
        moment = round_at(now)
        card = wording.review_payload(turn.applicant, moment, questions, answers, locale)
        await self._desk.tell_staff(turn, card, f"review:{moment}")
        handed_in = replace(turn.standing, state=State.REVIEW)
        await self._desk.write(replace(turn, standing=handed_in), changed_at=now)
        return Told(wording.HANDED_IN)

    # --- who may try -------------------------------------------------------------------------

    @asynccontextmanager
    async def _turn(self, applicant: Applicant) -> AsyncIterator[Turn | Message]:
        """A decision about somebody who may try now, else why they may not."""
        settings = await self._desk.active_settings(applicant.guild_id)
        if settings is None:
            yield wording.OFF
            return
        if (refusal := self._turned_away(settings, applicant)) is not None:
            yield refusal
            return
        async with self._desk.turn(settings, applicant) as turn:
            yield await self._held_back(turn) or turn

    def _turned_away(self, settings: VerificationSettings, applicant: Applicant) -> Message | None:
        """Why somebody can't even try, by what Discord and the settings say."""
        if applicant.pending:
            return wording.SCREENING
        if is_verified(settings, applicant.role_ids):
            return wording.VERIFIED
        if is_open(settings, self._desk.state(), applicant.guild_id):
            return None
        return wording.NOT_READY

    async def _held_back(self, turn: Turn) -> Message | None:
        """Why somebody can't try now, by what is on record."""
        now, row, standing = self._desk.clock.now(), turn.row, turn.standing
        if standing.state is State.REVIEW:
            return wording.REVIEWED
        if standing.state is State.KICKING:
            return wording.TIME_IS_UP
        if await self._desk.is_on_its_way(turn):
            waits = self._desk.in_the_way(turn.settings, row.guild_id)
            return wording.HELD_UP if waits else wording.COMING
        return wording.paused(standing) if standing.is_locked(now) else None

    # --- what follows ------------------------------------------------------------------------

    async def _take(self, turn: Turn, token: str) -> table.VerificationChallenge | Message:
        guild_id, user_id = turn.applicant.guild_id, turn.applicant.user_id
        asked = await table.take_challenge(turn.session, guild_id, user_id, hash_token(token))
        if asked is None:
            return wording.OUTDATED
        return asked if asked.expires_at > self._desk.clock.now() else wording.TOO_LATE

    async def _ask(self, turn: Turn, kind: Kind, note: Message | None = None) -> Answer:
        now = self._desk.clock.now()
        standing, may_ask = after_question(turn.settings, turn.standing, now)
        turn = replace(turn, standing=standing)
        if not may_ask:
            return await self._pause(turn)
        token = secrets.token_hex(TOKEN_LENGTH // 2)
        question, answer = self._draw(turn, kind, token, note)
        guild_id, user_id = turn.applicant.guild_id, turn.applicant.user_id
        await table.put_challenge(
            turn.session,
            {
                "guild_id": guild_id,
                "user_id": user_id,
                "kind": kind.value,
                "token_hash": hash_token(token),
                "digest": seal(token, guild_id, user_id, answer),
                "expires_at": now + PATIENCE,
            },
        )
        await self._desk.write(turn)
        return question

    def _draw(self, turn: Turn, kind: Kind, token: str, note: Message | None) -> tuple[Answer, str]:
        """Return a new question, and its answer as it is compared."""
        settings = turn.settings
        if kind is Kind.FORM:
            questions = read_questions(settings.questions)
            return AskForm(token, questions), "\n".join(settings.questions)
        if kind is Kind.WORDS:
            drawn = draw_words(self._random, turn.applicant.locale)
            return AskWords(token, drawn.text, note), drawn.answer
        letters = draw_answer(self._random)
        return AskPicture(token, letters, note, settings.words_offered), letters

    def _after_wrong_answer(self, turn: Turn) -> Turn:
        now = self._desk.clock.now()
        return replace(turn, standing=after_wrong_answer(turn.settings, turn.standing, now))

    async def _pause(self, turn: Turn) -> Told:
        """Write down that somebody has to wait, and tell."""
        await self._desk.write(turn)
        await table.drop_challenge(turn.session, turn.applicant.guild_id, turn.applicant.user_id)
        until = turn.standing.locked_until
        what = f"paused:{round(until.timestamp()) if until else 0}"
        title = _("Too many attempts to verify")
        await self._desk.note(turn, title, wording.paused_log(turn.standing), what)
        self._desk.count("paused")
        return Told(wording.paused(turn.standing))

    async def _let_in(self, turn: Turn, how: Message) -> Told:
        await self._desk.let_in(turn, _("Verified"), how)
        waits = self._desk.in_the_way(turn.settings, turn.applicant.guild_id)
        return Told(wording.HELD_UP if waits else wording.PASSED, passed=True)


def _kind_for(settings: VerificationSettings, wanted: Kind | None) -> Kind:
    if settings.method is Method.FORM:
        return Kind.FORM
    return Kind.WORDS if wanted is Kind.WORDS and settings.words_offered else Kind.PICTURE


def _is_still_asked(settings: VerificationSettings, kind: Kind) -> bool:
    """Tell whether the guild asks this now: what it has given up lets nobody in any more."""
    if kind is Kind.FORM:
        return settings.method is Method.FORM
    is_allowed = kind is Kind.PICTURE or settings.words_offered
    return settings.method is Method.CAPTCHA and is_allowed
