"""What time does to members who don't verify: a reminder, then a kick; free of discord.py.

One job follows each member whose join was seen. Before it does anything it looks at the member, as
somebody may have got the role by another way, and it is a compare-and-set that decides between a
kick and a pass at the same moment.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol
from weakref import WeakValueDictionary

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.cases import CaseKind, CaseService, CaseState, Order, Target
from bot.core.contracts import SYSTEM, MemberFacts
from bot.core.errors import AppError
from bot.core.jobs import Job, Retry
from bot.core.outbox import Delivery
from bot.core.preflight import Action, can_act
from cogs.verification import wording
from cogs.verification.desk import REMINDER, TIMER_JOB, Desk, occasion, timer_key
from cogs.verification.rules import (
    LATER,
    MOST_REMINDERS,
    REMINDER_WINDOW,
    Applicant,
    State,
    Step,
    StepKind,
    is_open,
    is_staff,
    is_verified,
    next_step,
    round_at,
)
from cogs.verification.settings import VerificationSettings
from db import verification as table

GUILD_PAUSE = timedelta(seconds=30)
# A reminder that comes later than this is of no more use than none.
_REMINDER_AGE = timedelta(hours=6)


class Members(Protocol):
    """Looks at a member as Discord has them now."""

    async def look(self, guild_id: int, user_id: int) -> MemberFacts | None:
        """Return the member, `None` when they are not in the guild."""
        ...


class Timers:
    """Starts, ends and carries out the time that members have."""

    def __init__(self, desk: Desk, cases: CaseService, members: Members) -> None:
        self._desk = desk
        self._cases = cases
        self._members = members
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def start(self) -> None:
        """Take up the work of earlier runs."""
        self._desk.jobs.register(TIMER_JOB, self.plan_next, effect=self.act, max_attempts=1000)

    async def member_joined(self, applicant: Applicant, joined_at: datetime) -> None:
        """Begin a new round for somebody who has joined, once for each join."""
        async with self._in_order(applicant.guild_id):
            await self._begin(applicant, joined_at)

    async def _begin(self, applicant: Applicant, joined_at: datetime) -> None:
        settings = await self._desk.active_settings(applicant.guild_id)
        if settings is None or applicant.is_bot:
            return
        step = next_step(settings, joined_at, None)
        if step is None:
            return
        async with self._desk.turn(settings, applicant) as turn:
            if turn.row.joined_at is not None and turn.row.joined_at >= joined_at:
                return
            now = self._desk.clock.now()
            standing = replace(turn.standing, state=State.WAITING, round=round_at(now))
            begun = replace(turn, standing=standing)
            await self._desk.write(begun, joined_at=joined_at, reminded_at=None)
            await self._desk.jobs.schedule(
                turn.session,
                TIMER_JOB,
                step.at,
                {
                    "guild_id": str(applicant.guild_id),
                    "user_id": str(applicant.user_id),
                    "round": standing.round,
                },
                dedupe_key=timer_key(applicant.guild_id, applicant.user_id),
                guild_id=applicant.guild_id,
                subject_id=applicant.user_id,
            )

    async def member_left(self, guild_id: int, user_id: int) -> None:
        """End a member's time; what they got wrong is kept for their return."""
        async with self._in_order(guild_id):
            await self._end(guild_id, user_id)

    def _in_order(self, guild_id: int) -> asyncio.Lock:
        """Keep a guild's joins and departures in the order in which they were heard of."""
        return self._turns.setdefault(guild_id, asyncio.Lock())

    async def _end(self, guild_id: int, user_id: int) -> None:
        settings = await self._desk.active_settings(guild_id)
        if settings is None:
            return
        async with self._desk.database.read() as session:
            if await table.get_member(session, guild_id, user_id) is None:
                return
        async with self._desk.database.write() as session:
            row = await table.get_member(session, guild_id, user_id)
            if row is None:
                return
            values = {"state": table.LEFT, "changed_at": self._desk.clock.now()}
            await table.change_member(session, guild_id, user_id, **values)
            await table.drop_challenge(session, guild_id, user_id)
            await self._desk.jobs.cancel(session, timer_key(guild_id, user_id))
            await self._desk.withdraw_reminder(session, settings, row)

    # --- the job -----------------------------------------------------------------------------

    async def act(self, job: Job) -> None:
        """Do what is due; safe to repeat."""
        row = await self._find(job)
        if row is None:
            return
        settings = await self._desk.active_settings(row.guild_id)
        if settings is not None and not is_open(settings, self._desk.state(), row.guild_id):
            await self._begin_anew(row)
        elif row.state == table.KICKING:
            await self._resume_kick(settings, row)
        elif settings is not None:
            await self._take_step(settings, row)

    async def _begin_anew(self, row: table.VerificationMember) -> None:
        """Give somebody who can't pass, whatever they do, their whole time from this moment."""
        now = self._desk.clock.now()
        async with self._desk.database.write() as session:
            await table.change_member(
                session,
                row.guild_id,
                row.user_id,
                expected=(row.state,),
                round_=row.round,
                state=table.WAITING,
                joined_at=now,
                changed_at=now,
            )

    async def _take_step(
        self, settings: VerificationSettings, row: table.VerificationMember
    ) -> None:
        step = _step_of(settings, row)
        if step is None or step.at > self._desk.clock.now():
            return
        member = await self._members.look(row.guild_id, row.user_id)
        if member is None:
            await self.member_left(row.guild_id, row.user_id)
        elif is_verified(settings, member.role_ids) or is_staff(member.permissions):
            await self._change(row, table.WAITING, table.PASSED)
        elif step.kind is StepKind.REMIND:
            await self._remind(settings, row)
        elif self._may_kick(member) and await self._change(row, table.WAITING, table.KICKING):
            async with self._desk.database.read() as session:
                decided = await table.get_member(session, row.guild_id, row.user_id)
            if decided is not None:
                await self._kick(settings, decided)

    async def plan_next(self, job: Job, session: AsyncSession) -> datetime | None:
        """Return when to look again at somebody who still waits."""
        settings = await self._desk.active_settings(int(job.payload["guild_id"]))
        row = await table.get_member(
            session, int(job.payload["guild_id"]), int(job.payload["user_id"])
        )
        if settings is None or row is None or row.round != job.payload["round"]:
            return None
        now = self._desk.clock.now()
        if row.state == table.REVIEW:
            # Nobody is removed while it is staff who make them wait.
            return now + LATER
        step = _step_of(settings, row) if row.state == table.WAITING else None
        if step is not None and not is_open(settings, self._desk.state(), row.guild_id):
            return now + LATER
        if step is None or step.at > now:
            return step.at if step else None
        return now + (REMINDER_WINDOW if step.kind is StepKind.REMIND else LATER)

    async def _find(self, job: Job) -> table.VerificationMember | None:
        """Return the row of somebody whom the job is still about."""
        guild_id, user_id = int(job.payload["guild_id"]), int(job.payload["user_id"])
        if self._desk.state().guild(guild_id) is None:
            raise Retry(GUILD_PAUSE, "the guild is not there")
        async with self._desk.database.read() as session:
            row = await table.get_member(session, guild_id, user_id)
        if row is None or row.round != job.payload["round"]:
            return None
        return row if row.state in (table.WAITING, table.KICKING) else None

    async def _change(self, row: table.VerificationMember, expected: str, state: str) -> bool:
        async with self._desk.database.write() as session:
            return await table.change_member(
                session,
                row.guild_id,
                row.user_id,
                expected=(expected,),
                round_=row.round,
                state=state,
                changed_at=self._desk.clock.now(),
            )

    async def _remind(self, settings: VerificationSettings, row: table.VerificationMember) -> None:
        """Mention a member once; when many are to be reminded the rest come later."""
        guild_id, user_id, now = row.guild_id, row.user_id, self._desk.clock.now()
        # A guild's jobs run in one process: counted in turn, no two take the last place.
        async with self._in_order(guild_id), self._desk.database.write() as session:
            since = now - REMINDER_WINDOW
            if await table.count_reminded(session, guild_id, since) >= MOST_REMINDERS:
                return
            if not await table.claim_reminder(session, guild_id, user_id, row.round, now):
                return
            await self._mention(session, settings, row, now)
        self._desk.count("reminded")

    async def _mention(
        self,
        session: AsyncSession,
        settings: VerificationSettings,
        row: table.VerificationMember,
        now: datetime,
    ) -> None:
        if settings.channel_id is None:
            return
        kick = next_step(settings, row.joined_at, now)
        locale = await self._desk.locale(row.guild_id)
        payload = wording.reminder_payload(row.user_id, kick.at if kick else None, locale)
        await self._desk.outbox.send(
            session,
            Delivery.message(
                settings.channel_id,
                payload,
                dedupe_key=occasion(row.guild_id, row.user_id, row.round, REMINDER),
                guild_id=row.guild_id,
                subject_id=row.user_id,
                expires_at=now + _REMINDER_AGE,
            ),
        )

    def _may_kick(self, member: MemberFacts) -> bool:
        """Whether Discord would let the bot; if not, the problem that is told says why."""
        me = self._desk.state().me(member.guild_id)
        return me is not None and can_act(Action.KICK, bot=me, target=member) is None

    async def _resume_kick(
        self, settings: VerificationSettings | None, row: table.VerificationMember
    ) -> None:
        """Go on with a kick that a process died over, unless nobody wants it any more."""
        if settings is None or settings.kick_deadline is None:
            await self._change(row, table.KICKING, table.WAITING)
        else:
            await self._kick(settings, row)

    async def _kick(self, settings: VerificationSettings, row: table.VerificationMember) -> None:
        """Kick somebody whose time is up, once; a refusal gives them their time back.

        The key is of the moment when it was decided: after a crash it is the same, after a refusal
        another.
        """
        moment = round(row.changed_at.timestamp() * 1000)
        reason = wording.kick_reason(settings).render(await self._desk.locale(row.guild_id))
        order = Order(
            guild_id=row.guild_id,
            kind=CaseKind.KICK,
            target=Target(row.user_id, row.name),
            moderator=SYSTEM,
            source="system",
            dedupe_key=occasion(row.guild_id, row.user_id, row.round, f"kick:{moment}"),
            reason=reason,
        )
        try:
            refused = (await self._cases.order(order)).state is CaseState.FAILED
        except AppError:
            # The case is on record with the reason.
            refused = True
        await self._change(row, table.KICKING, table.WAITING if refused else table.KICKED)
        if not refused:
            self._desk.count("kicked")


def _step_of(settings: VerificationSettings, row: table.VerificationMember) -> Step | None:
    return next_step(settings, row.joined_at, row.reminded_at)
