"""Takes cases back: the record at once, what holds on Discord right after, durably."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.cases.announcing import Announcer
from bot.core.cases.calls import Caller, Need
from bot.core.cases.desk import UNDO_JOB, Desk, make_stamp, read_case
from bot.core.cases.opening import GRACE
from bot.core.cases.outcomes import Delayed, NotPermitted
from bot.core.cases.parking import reason_of
from bot.core.cases.rules import ACTIONS, HOLDS, LIFTS, next_look
from bot.core.cases.sanctions import SanctionKeeper
from bot.core.cases.values import Case, CaseKind, CaseState
from bot.core.contracts import Actor
from bot.core.errors import Conflict
from bot.core.i18n import _
from bot.core.jobs import Job, Park, Retry
from bot.core.preflight import Action
from db import cases as table
from db import sanctions as sanction_table
from db.sanctions import HOLDING, LIFTING

_OPEN = (CaseState.PLANNED, CaseState.APPLIED, CaseState.ENDED)
_REVERSE = {
    CaseKind.ADD_ROLE: ACTIONS[CaseKind.REMOVE_ROLE],
    CaseKind.REMOVE_ROLE: ACTIONS[CaseKind.ADD_ROLE],
}


class Undoer:
    """Undoes cases; Discord's refusal makes an undone case stand again."""

    def __init__(
        self, desk: Desk, caller: Caller, announcer: Announcer, keeper: SanctionKeeper
    ) -> None:
        self._desk = desk
        self._caller = caller
        self._announcer = announcer
        self._keeper = keeper

    def start(self) -> None:
        """Take up the work of earlier runs."""
        self._desk.jobs.register(UNDO_JOB, effect=self._work, max_attempts=1000)

    async def undo(
        self, case: table.Case, actor: Actor, reason: str | None, *, notify: bool = False
    ) -> Case:
        """Take a case back; raises `Conflict` for one that stands no more, and the outcomes.

        With `notify` the member is told that what held them is lifted, if they were told of it.
        After `Delayed` the case is undone and what it did is lifted as soon as Discord answers.
        """
        async with self._desk.turn(case.guild_id, [case.target_id]):
            before = CaseState(case.state)
            undone, lifts = await self._decide(case, actor, reason)
            try:
                await self._lift(undone)
            except NotPermitted:
                await self._stand_again(undone, before)
                raise
            except Delayed:
                pass
            if notify and lifts:
                await self._announcer.tell_lifted(undone)
        settled = read_case(undone)
        self._desk.publish(settled, "undone")
        return settled

    async def _decide(
        self, case: table.Case, actor: Actor, reason: str | None
    ) -> tuple[table.Case, bool]:
        """Mark a case as undone; return it, and whether its member is to be freed."""
        self._check(case)
        now = self._desk.clock.now()
        async with self._desk.database.write() as session:
            await sanction_table.lock_sanctions(session, case.guild_id, [case.target_id])
            undone = await table.change_case(
                session,
                case.id,
                expected=_OPEN,
                state=CaseState.UNDONE,
                ended_at=now,
                ended_by=actor.user_id,
            )
            if undone is None:
                raise Conflict(_("Case {number} is undone already.", number=case.number))
            await table.add_edit(
                session,
                case,
                field="state",
                before=case.state,
                after=f"{CaseState.UNDONE}: {reason}" if reason else str(CaseState.UNDONE),
                editor_id=actor.user_id,
                now=now,
            )
            was_applied = case.state == CaseState.APPLIED
            lifts = await self._want_lifted(session, undone, was_applied=was_applied)
            await self._announcer.log(session, undone)
        return undone, lifts

    def _check(self, case: table.Case) -> None:
        if case.state == CaseState.FAILED:
            raise Conflict(
                _(
                    "Case {number} was never carried out: there is nothing to undo.",
                    number=case.number,
                )
            )
        if CaseKind(case.kind) in LIFTS:
            raise Conflict(
                _("Case {number} has lifted something.", number=case.number),
                hint=_("To bring that back, do it anew."),
            )

    async def _want_lifted(
        self, session: AsyncSession, case: table.Case, *, was_applied: bool
    ) -> bool:
        """Have what a case did lifted; tell whether it holds its member."""
        later = self._desk.clock.now() + GRACE
        if CaseKind(case.kind) in _REVERSE and was_applied:
            await self._desk.jobs.schedule(
                session,
                UNDO_JOB,
                later,
                {"case_id": case.id},
                dedupe_key=f"{UNDO_JOB}:{case.id}",
                guild_id=case.guild_id,
            )
        sanction = await self._sanction_of(session, case)
        if sanction is None or sanction.state != HOLDING:
            return False
        lifting = await self._put(session, case, sanction, LIFTING)
        await self._desk.schedule_look(session, lifting, later)
        return True

    async def _sanction_of(
        self, session: AsyncSession, case: table.Case
    ) -> sanction_table.Sanction | None:
        """Return what the case holds its member by, `None` when that is another by now."""
        if (kind := HOLDS.get(CaseKind(case.kind))) is None:
            return None
        found = await sanction_table.get_sanction(session, case.guild_id, case.target_id, kind)
        return found if found is not None and found.case_id == case.id else None

    async def _put(
        self,
        session: AsyncSession,
        case: table.Case,
        sanction: sanction_table.Sanction,
        state: str,
    ) -> sanction_table.Sanction:
        return await sanction_table.put_sanction(
            session,
            guild_id=sanction.guild_id,
            user_id=sanction.user_id,
            kind=sanction.kind,
            case_id=case.id,
            state=state,
            ends_at=case.expires_at if state == HOLDING else None,
            role_id=sanction.role_id,
            stamp=make_stamp(),
        )

    async def _lift(self, case: table.Case) -> None:
        """Do on Discord what undoing the case takes; raises the outcomes."""
        kind = CaseKind(case.kind)
        if (holds := HOLDS.get(kind)) is not None:
            async with self._desk.database.read() as session:
                is_own = await self._sanction_of(session, case) is not None
            if is_own:
                await self._keeper.lift_now(case.guild_id, case.target_id, holds)
        elif kind in _REVERSE:
            await self._take_back_role(case)

    async def _take_back_role(self, case: table.Case) -> None:
        key = f"{UNDO_JOB}:{case.id}"
        async with self._desk.database.read() as session:
            waits = await self._desk.jobs.is_open(session, key)
        if waits:
            await self._caller.take_back_role(case)
            async with self._desk.database.write() as session:
                await self._desk.jobs.cancel(session, key)

    async def _stand_again(self, case: table.Case, state: CaseState) -> None:
        """Let a case stand as before, since Discord does not allow what undoing it takes."""
        async with self._desk.database.write() as session:
            sanction = await self._sanction_of(session, case)
            again = await table.change_case(
                session,
                case.id,
                expected=(CaseState.UNDONE,),
                state=state,
                ended_at=None,
                ended_by=None,
            )
            await self._desk.jobs.cancel(session, f"{UNDO_JOB}:{case.id}")
            if sanction is not None:
                holding = await self._put(session, case, sanction, HOLDING)
                kind = HOLDS[CaseKind(case.kind)]
                look_at = next_look(kind, case.expires_at, self._desk.clock.now())
                await self._desk.schedule_look(session, holding, look_at)
            if again is not None:
                await self._announcer.log(session, again)

    async def _work(self, job: Job) -> None:
        """Take a role back, or give it back, that an undone case had given or taken."""
        async with self._desk.database.read() as session:
            case = await table.get_case_by_id(session, int(job.payload["case_id"]))
        if case is None or case.state != CaseState.UNDONE:
            return
        action: Action = _REVERSE[CaseKind(case.kind)]
        need = Need(case.guild_id, case.target_id, action, case.role_id)
        async with self._desk.turn(case.guild_id, [case.target_id]):
            try:
                self._caller.check(need)
                await self._caller.take_back_role(case)
            except NotPermitted as error:
                raise Park(reason_of(need)) from error
            except Delayed as error:
                raise Retry(max(error.after, timedelta(seconds=10)), error.reason) from error
