"""Carries planned cases out on Discord and settles them; again after a crash, to the same end.

A case is settled in the transaction that also says what it replaced and what people are told.
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.cases.announcing import Announcer, direct_key
from bot.core.cases.calls import Caller
from bot.core.cases.desk import (
    ENFORCE_JOB,
    Desk,
    compare_soon,
    make_stamp,
    read_case,
)
from bot.core.cases.opening import Opener, plan
from bot.core.cases.outcomes import Delayed, EnforcementError, Gone
from bot.core.cases.rules import FAREWELLS, HOLDS, LIFTS, REMOVALS, next_look
from bot.core.cases.values import Case, CaseKind, CaseState, SanctionKind
from bot.core.jobs import Job, JobFailed, Retry
from db import cases as table
from db import sanctions as sanction_table
from db.sanctions import HOLDING, LIFTING

log = structlog.get_logger(__name__)

# What Discord has not let through by then is not wanted any more.
MAX_AGE = timedelta(days=1)


class Enforcement:
    """Brings planned cases to an end."""

    def __init__(self, desk: Desk, caller: Caller, announcer: Announcer, opener: Opener) -> None:
        self._desk = desk
        self._caller = caller
        self._announcer = announcer
        self._opener = opener

    def start(self) -> None:
        """Take up the work of earlier runs."""
        self._desk.jobs.register(
            ENFORCE_JOB, effect=self._work, timeout=timedelta(minutes=2), max_attempts=10
        )
        self._desk.bus.subscribe(JobFailed, self._on_job_failed)

    async def carry_out(self, case_id: int, *, is_repeat: bool = False) -> Case:
        """Carry a planned case out and return it settled; the caller holds the member's turn.

        With `is_repeat` it may have been done before by somebody who died. Raises the outcome that
        made it fail, and `Delayed` while it stays planned.
        """
        async with self._desk.database.read() as session:
            case = await table.get_case_by_id(session, case_id)
        if case is None:
            raise Gone("case_gone")
        if case.state != CaseState.PLANNED:
            return read_case(case)
        if not await self._is_wanted(case):
            return await self._step_aside(case)
        await self._say_farewell(case)
        try:
            if not (is_repeat and await self._has_come_back(case)):
                await self._caller.carry_out(case)
        except Delayed as error:
            if self._desk.clock.now() - case.created_at < MAX_AGE:
                raise
            await self.fail(case, "too_late")
            raise Gone("too_late") from error
        except Gone as error:
            return await self._judge_absence(case, error, is_repeat=is_repeat)
        except EnforcementError as error:
            await self.fail(case, error.reason)
            raise
        return await self.settle(case)

    async def _work(self, job: Job) -> None:
        case_id = int(job.payload["case_id"])
        async with self._desk.database.read() as session:
            case = await table.get_case_by_id(session, case_id)
        if case is None:
            return
        async with self._desk.turn(case.guild_id, [case.target_id]):
            try:
                await self.carry_out(case_id, is_repeat=True)
            except Delayed as error:
                raise Retry(max(error.after, timedelta(seconds=10)), error.reason) from error
            except EnforcementError as error:
                log.info("case_not_carried_out", case_id=case_id, reason=error.reason)

    async def _on_job_failed(self, event: JobFailed) -> None:
        if event.job.kind != ENFORCE_JOB:
            return
        async with self._desk.database.read() as session:
            case = await table.get_case_by_id(session, int(event.job.payload["case_id"]))
        if case is not None and case.state == CaseState.PLANNED:
            await self.fail(case, "broken")

    # --- before the call ---------------------------------------------------------------------

    async def _is_wanted(self, case: table.Case) -> bool:
        """Return whether nothing newer is wanted of the member, and its time is not over."""
        kind = HOLDS.get(CaseKind(case.kind)) or LIFTS.get(CaseKind(case.kind))
        if kind is None or (CaseKind(case.kind) in LIFTS and case.replaces_id is None):
            return True
        async with self._desk.database.read() as session:
            sanction = await sanction_table.get_sanction(
                session, case.guild_id, case.target_id, kind
            )
        wanted = HOLDING if CaseKind(case.kind) in HOLDS else LIFTING
        if sanction is None or sanction.case_id != case.id or sanction.state != wanted:
            return False
        return case.expires_at is None or case.expires_at > self._desk.clock.now()

    async def _step_aside(self, case: table.Case) -> Case:
        """End a case that something newer has overtaken, and have the newer one made sure of.

        Whoever began this one may have reached Discord, even after the newer one.
        """
        async with self._desk.database.write() as session:
            ended = await table.change_case(
                session,
                case.id,
                expected=(CaseState.PLANNED,),
                state=CaseState.ENDED,
                ended_at=self._desk.clock.now(),
            )
            if ended is not None:
                await self._look_again(session, ended)
                if not await self._is_held(session, ended):
                    await self._announcer.correct(session, ended)
                await self._announcer.log(session, ended)
        settled = read_case(ended or case)
        self._desk.publish(settled, "ended")
        return settled

    async def _is_held(self, session: AsyncSession, case: table.Case) -> bool:
        kind = HOLDS.get(CaseKind(case.kind))
        if kind is None:
            return False
        sanction = await sanction_table.get_sanction(session, case.guild_id, case.target_id, kind)
        return sanction is not None and sanction.state == HOLDING

    async def _say_farewell(self, case: table.Case) -> None:
        """Wait a little until the member has read, or can't read, what is about to happen."""
        if CaseKind(case.kind) in FAREWELLS and case.notify and self._desk.dm_seconds > 0:
            await self._desk.outbox.wait_for(direct_key(case.id), self._desk.dm_seconds)

    async def _has_come_back(self, case: table.Case) -> bool:
        """Return whether the member came after their removal was ordered: nobody goes twice."""
        if CaseKind(case.kind) not in REMOVALS:
            return False
        try:
            joined_at = await self._caller.enforcer.joined_at(case.guild_id, case.target_id)
        except Gone:
            return False
        return joined_at is not None and joined_at > case.created_at

    async def _judge_absence(self, case: table.Case, error: Gone, *, is_repeat: bool) -> Case:
        """Settle a case about somebody or something that is not there."""
        kind = CaseKind(case.kind)
        if error.reason == "member_gone" and kind in (CaseKind.TIMEOUT, CaseKind.MUTE):
            # Leaving is no way out: it takes hold when they come back.
            return await self.settle(case, absent=True)
        if kind in LIFTS and (is_repeat or case.replaces_id is not None):
            return await self.settle(case)
        if is_repeat and kind is CaseKind.KICK and error.reason == "member_gone":
            return await self.settle(case)
        await self.fail(case, error.reason)
        raise error

    # --- after it ----------------------------------------------------------------------------

    async def settle(self, case: table.Case, *, absent: bool = False) -> Case:
        """Record that a case was carried out, unless somebody else has settled it."""
        details = {**case.details, "absent": True} if absent else dict(case.details)
        async with self._desk.database.write() as session:
            applied, ended = await self._settle(session, case, details)
            current = applied or await table.get_case_by_id(session, case.id) or case
        if ended is not None:
            self._desk.publish(read_case(ended), "ended")
        if applied is not None:
            self._desk.publish(read_case(applied), "applied")
        return read_case(current)

    async def _settle(
        self, session: AsyncSession, case: table.Case, details: dict[str, object]
    ) -> tuple[table.Case | None, table.Case | None]:
        kind = CaseKind(case.kind)
        await sanction_table.lock_sanctions(session, case.guild_id, [case.target_id])
        applied = await table.change_case(
            session,
            case.id,
            expected=(CaseState.PLANNED,),
            state=CaseState.APPLIED,
            details=details,
        )
        if applied is None:
            # Undone while it was under way: what has just been done has to go again.
            await self._look_again(session, case)
            return None, None
        ended = await self._conclude(session, applied)
        if kind not in FAREWELLS:
            await self._announcer.write_to_member(session, applied)
        await self._announcer.log(session, applied)
        await self._desk.jobs.cancel(session, f"{ENFORCE_JOB}:{case.id}")
        return applied, ended

    async def _conclude(self, session: AsyncSession, case: table.Case) -> table.Case | None:
        """Say what the case has replaced, or find that it was itself replaced meanwhile."""
        kind = CaseKind(case.kind)
        sanction_kind = HOLDS.get(kind) or LIFTS.get(kind)
        if sanction_kind is None:
            return None
        sanction = await sanction_table.get_sanction(
            session, case.guild_id, case.target_id, sanction_kind
        )
        is_current = sanction is not None and sanction.case_id == case.id
        if kind in LIFTS and is_current and sanction is not None:
            await sanction_table.end_sanction(session, sanction)
        elif not is_current and (kind in HOLDS or case.replaces_id is not None):
            await self._look_again(session, case)
            return await self._overtaken(session, case)
        return await self._opener.end_replaced(session, case)

    async def _overtaken(self, session: AsyncSession, case: table.Case) -> table.Case | None:
        if CaseKind(case.kind) in LIFTS:
            return None
        return await table.change_case(
            session,
            case.id,
            expected=(CaseState.APPLIED,),
            state=CaseState.ENDED,
            ended_at=self._desk.clock.now(),
        )

    async def _look_again(self, session: AsyncSession, case: table.Case) -> None:
        """Have Discord compared with what is wanted now."""
        kind = HOLDS.get(CaseKind(case.kind)) or LIFTS.get(CaseKind(case.kind))
        if kind is not None:
            await compare_soon(self._desk, session, case, kind)

    async def fail(self, case: table.Case, reason: str) -> Case | None:
        """Record that a case can't be carried out, put right what was told and wanted.

        Returns `None` when somebody else had settled it.
        """
        async with self._desk.database.write() as session:
            await sanction_table.lock_sanctions(session, case.guild_id, [case.target_id])
            failed = await table.change_case(
                session,
                case.id,
                expected=(CaseState.PLANNED,),
                state=CaseState.FAILED,
                failure=reason[:64],
            )
            if failed is None:
                return None
            await self._want_as_before(session, failed)
            await self._announcer.correct(session, failed)
            await self._announcer.log(session, failed)
            await self._desk.jobs.cancel(session, f"{ENFORCE_JOB}:{case.id}")
        settled = read_case(failed)
        self._desk.publish(settled, "failed")
        return settled

    async def _want_as_before(self, session: AsyncSession, case: table.Case) -> None:
        """Want of the member again what was wanted before a case that failed."""
        kind = HOLDS.get(CaseKind(case.kind)) or LIFTS.get(CaseKind(case.kind))
        if kind is None:
            return
        sanction = await sanction_table.get_sanction(session, case.guild_id, case.target_id, kind)
        if sanction is None or sanction.case_id != case.id:
            return
        before = case.replaces_id and await table.get_case_by_id(session, case.replaces_id)
        if not before:
            await sanction_table.end_sanction(session, sanction)
            await self._desk.look_at(session, case.guild_id, case.target_id, kind, None)
        else:
            await self._restore(session, before, kind)

    async def _restore(self, session: AsyncSession, case: table.Case, kind: SanctionKind) -> None:
        held = CaseKind(case.kind) in HOLDS and case.state in (
            CaseState.PLANNED,
            CaseState.APPLIED,
        )
        now = self._desk.clock.now()
        restored = await sanction_table.put_sanction(
            session,
            guild_id=case.guild_id,
            user_id=case.target_id,
            kind=kind,
            case_id=case.id,
            state=HOLDING if held else LIFTING,
            ends_at=case.expires_at if held else None,
            role_id=case.role_id,
            stamp=make_stamp(),
        )
        look_at = next_look(kind, case.expires_at, now) if held else now
        await self._desk.schedule_look(session, restored, look_at)

    async def postpone(self, case_id: int, after: timedelta) -> Case:
        """Have a case that Discord was too busy for carried out later; return it."""
        async with self._desk.database.write() as session:
            case = await table.get_case_by_id(session, case_id)
            if case is None:
                raise Gone("case_gone")
            if case.state == CaseState.PLANNED:
                await plan(self._desk, session, case, self._desk.clock.now() + after)
        return read_case(case)
