"""Sees to what is wanted of members: lifts in time, renews, re-applies on rejoin, undoes.

Everything here brings Discord in line with a row that says what is wanted, so that a repeat does
no harm; the row's stamp tells whether something newer was wanted meanwhile.
"""

from __future__ import annotations

import contextlib
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.cases.announcing import Announcer
from bot.core.cases.calls import Caller, Need, lifting_action, upholding_action
from bot.core.cases.desk import COMPARE_JOB, SANCTION_JOB, Desk, read_case
from bot.core.cases.opening import plan
from bot.core.cases.outcomes import Delayed, Gone, NotPermitted
from bot.core.cases.parking import reason_of
from bot.core.cases.rules import LIFTS, next_look
from bot.core.cases.values import CaseState, SanctionKind
from bot.core.jobs import Job, Park, Retry
from bot.core.preflight import Action
from db import cases as table
from db import sanctions as sanction_table
from db.sanctions import HOLDING, LIFTING

MOST_ATTEMPTS = 1000
# Of one who was never seen to be freed: somebody looks again by then.
UNSETTLED = timedelta(minutes=1)


class SanctionKeeper:
    """Keeps Discord in line with what is wanted of members."""

    def __init__(self, desk: Desk, caller: Caller, announcer: Announcer) -> None:
        self._desk = desk
        self._caller = caller
        self._announcer = announcer

    def start(self) -> None:
        """Take up the work of earlier runs."""
        self._desk.jobs.register(
            SANCTION_JOB, self._when_next, effect=self._work, max_attempts=MOST_ATTEMPTS
        )
        self._desk.jobs.register(COMPARE_JOB, effect=self._compare, max_attempts=MOST_ATTEMPTS)

    # --- jobs --------------------------------------------------------------------------------

    async def _work(self, job: Job) -> None:
        """Lift what is over; uphold what holds."""
        guild_id, user_id, kind = _subject(job)
        async with self._desk.turn(guild_id, [user_id]):
            sanction, case = await self._read(guild_id, user_id, kind)
            if sanction is not None:
                await self._bring_in_line(sanction, case)

    async def _when_next(self, job: Job, session: AsyncSession) -> datetime | None:
        guild_id, user_id, kind = _subject(job)
        sanction = await sanction_table.get_sanction(session, guild_id, user_id, kind)
        if sanction is None:
            return None
        now = self._desk.clock.now()
        if sanction.state == LIFTING:
            return now + UNSETTLED
        due_at = next_look(kind, sanction.ends_at, now)
        return None if due_at is None else max(due_at, now + timedelta(seconds=1))

    async def _compare(self, job: Job) -> None:
        """Make Discord do what is wanted, after something else may have reached it late."""
        guild_id, user_id, kind = _subject(job)
        async with self._desk.turn(guild_id, [user_id]):
            sanction, case = await self._read(guild_id, user_id, kind)
            if sanction is not None:
                await self._bring_in_line(sanction, case)
                return
            async with self._desk.database.read() as session:
                case = await table.get_case_by_id(session, int(job.payload["case_id"]))
            if case is not None:
                need = Need(guild_id, user_id, lifting_action(kind), case.role_id)
                await self._call(need, self._caller.free(guild_id, user_id, kind, case))

    async def _bring_in_line(
        self, sanction: sanction_table.Sanction, case: table.Case | None
    ) -> None:
        now = self._desk.clock.now()
        if sanction.state == HOLDING and (sanction.ends_at is None or sanction.ends_at > now):
            await self._uphold(sanction, case)
        else:
            await self._end(sanction, case)

    async def _uphold(self, sanction: sanction_table.Sanction, case: table.Case | None) -> None:
        if case is not None and case.state == CaseState.PLANNED:
            # Its own job carries it out, with all that belongs to the first time.
            return
        try:
            need = _need(sanction, upholding_action(sanction.kind))
            await self._call(need, self._caller.uphold(sanction, case))
        except Gone:
            # They are not here; it takes hold when they come back.
            return

    async def _end(self, sanction: sanction_table.Sanction, case: table.Case | None) -> None:
        if case is not None and case.kind in LIFTS and case.state == CaseState.PLANNED:
            return
        async with self._desk.database.write() as session:
            if not await sanction_table.begin_lifting(session, sanction):
                return
        if not self._ends_by_itself(sanction):
            need = _need(sanction, lifting_action(sanction.kind))
            await self._call(need, self._caller.lift(sanction, case))
        await self.settle_end(sanction)

    def _ends_by_itself(self, sanction: sanction_table.Sanction) -> bool:
        """Return whether Discord has ended it at this very time: timeouts know their end."""
        return sanction.kind == SanctionKind.TIMEOUT and sanction.state == HOLDING

    async def _call(self, need: Need, call: Coroutine[Any, Any, None]) -> None:
        """Make a call that nobody waits for: what it lacks is told, and it waits for that."""
        with contextlib.closing(call):
            try:
                self._caller.check(need)
                await call
            except NotPermitted as error:
                raise Park(reason_of(need)) from error
            except Delayed as error:
                raise Retry(max(error.after, timedelta(seconds=10)), error.reason) from error

    # --- for the service ---------------------------------------------------------------------

    async def lift_now(self, guild_id: int, user_id: int, kind: SanctionKind) -> None:
        """Lift what is being lifted, at once; raises the outcomes. The caller has the turn."""
        sanction, case = await self._read(guild_id, user_id, kind)
        if sanction is None or sanction.state != LIFTING:
            return
        await self._caller.lift(sanction, case)
        await self.settle_end(sanction, cancel_look=True)

    async def settle_end(
        self, sanction: sanction_table.Sanction, *, cancel_look: bool = False
    ) -> None:
        """Record that a sanction no longer holds, and with it its case."""
        async with self._desk.database.write() as session:
            if not await sanction_table.end_sanction(session, sanction):
                # Something else is wanted by now; whoever wanted it saw this lift coming.
                return
            if cancel_look:
                await self._desk.schedule_look(session, sanction, None)
            ended = await table.change_case(
                session,
                sanction.case_id,
                expected=(CaseState.APPLIED, CaseState.PLANNED),
                state=CaseState.ENDED,
                ended_at=self._desk.clock.now(),
            )
            if ended is not None:
                await self._announcer.log(session, ended)
        if ended is not None:
            self._desk.publish(read_case(ended), "ended")

    async def on_member_joined(self, guild_id: int, user_id: int) -> None:
        """Put someone who comes back under what still holds them, at once and durably."""
        async with self._desk.database.read() as session:
            found = await sanction_table.list_sanctions(session, guild_id, user_id)
        if not found:
            return
        async with self._desk.database.write() as session:
            for sanction in await sanction_table.lock_sanctions(session, guild_id, [user_id]):
                await self._note_return(session, sanction)

    async def _note_return(self, session: AsyncSession, sanction: sanction_table.Sanction) -> None:
        case = await table.get_case_by_id(session, sanction.case_id)
        applied = case is None or case.state == CaseState.APPLIED
        if sanction.kind == SanctionKind.BAN and sanction.state == HOLDING and applied:
            # A ban that was made ends through people only: they have lifted it in Discord.
            await sanction_table.end_sanction(session, sanction)
            await self._desk.schedule_look(session, sanction, None)
            ended = await table.change_case(
                session,
                sanction.case_id,
                expected=(CaseState.APPLIED,),
                state=CaseState.ENDED,
                ended_at=self._desk.clock.now(),
            )
            if ended is not None:
                await self._announcer.log(session, ended)
            return
        await self._desk.schedule_look(session, sanction, self._desk.clock.now())

    async def take_up(self, session: AsyncSession, guild_id: int) -> None:
        """Schedule again what was dropped when the bot left a guild to which it comes back."""
        now = self._desk.clock.now()
        for sanction in await sanction_table.list_sanctions(session, guild_id):
            await self._desk.schedule_look(session, sanction, now)
        for case in await table.list_in_state(session, guild_id, CaseState.PLANNED):
            await plan(self._desk, session, case, now)

    async def _read(
        self, guild_id: int, user_id: int, kind: SanctionKind
    ) -> tuple[sanction_table.Sanction | None, table.Case | None]:
        async with self._desk.database.read() as session:
            sanction = await sanction_table.get_sanction(session, guild_id, user_id, kind)
            case = sanction and await table.get_case_by_id(session, sanction.case_id)
        return sanction, case


def _need(sanction: sanction_table.Sanction, action: Action) -> Need:
    return Need(sanction.guild_id, sanction.user_id, action, sanction.role_id)


def _subject(job: Job) -> tuple[int, int, SanctionKind]:
    payload = job.payload
    return job.guild_id or 0, int(payload["user_id"]), SanctionKind(payload["kind"])
