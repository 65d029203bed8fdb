"""Changes the record of cases: reason, duration, deletion, notes; each with its history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.cases.announcing import Announcer
from bot.core.cases.desk import Desk, make_stamp, read_case
from bot.core.cases.rules import HOLDS, check_duration, check_reason
from bot.core.cases.values import (
    MAX_REASON,
    UNCHANGED,
    Case,
    CaseKind,
    CaseNote,
    CaseState,
    SanctionKind,
    Unchanged,
)
from bot.core.contracts import Actor
from bot.core.durations import compact_duration
from bot.core.errors import Conflict, InvalidInput
from bot.core.i18n import _
from db import cases as table
from db import sanctions as sanction_table
from db.sanctions import HOLDING

_ANY = tuple(CaseState)
_BANS = (CaseKind.BAN, CaseKind.TEMPBAN)


@dataclass(frozen=True, slots=True)
class _Change:
    """One entry of a case's history."""

    field: str
    before: str | None
    after: str | None


class Editor:
    """Edits cases; what a member is under follows the record."""

    def __init__(self, desk: Desk, announcer: Announcer) -> None:
        self._desk = desk
        self._announcer = announcer

    async def edit(
        self,
        case: table.Case,
        actor: Actor,
        *,
        reason: str | Unchanged | None,
        duration: timedelta | Unchanged | None,
    ) -> Case:
        """Change reason and duration, both or neither; raises `InvalidInput` or `Conflict`."""
        values: dict[str, Any] = {}
        changes: list[_Change] = []
        if reason is not UNCHANGED and (text := check_reason(reason)) != case.reason:
            values["reason"] = text
            changes.append(_Change("reason", case.reason, text))
        if duration is not UNCHANGED:
            times = self._new_times(case, duration)
            changes.append(_Change("duration", _length(case), _length(case, times["expires_at"])))
            values |= times
        if not changes:
            return read_case(case)
        async with self._desk.turn(case.guild_id, [case.target_id]):
            edited = await self._write(case, actor, values, changes)
        settled = read_case(edited)
        self._desk.publish(settled, "edited")
        return settled

    async def _write(
        self, case: table.Case, actor: Actor, values: dict[str, Any], changes: list[_Change]
    ) -> table.Case:
        now = self._desk.clock.now()
        async with self._desk.database.write() as session:
            await sanction_table.lock_sanctions(session, case.guild_id, [case.target_id])
            # Whoever read another revision has not seen what was changed meanwhile.
            expected = (case.state,) if "expires_at" in values else _ANY
            edited = await table.change_case(session, case.id, expected=expected, **values)
            if edited is None:
                raise Conflict(_("Case {number} has just changed.", number=case.number))
            for one in changes:
                await table.add_edit(
                    session,
                    case,
                    field=one.field,
                    before=one.before,
                    after=one.after,
                    editor_id=actor.user_id,
                    now=now,
                )
            if "expires_at" in values and CaseKind(edited.kind) in HOLDS:
                await self._move_end(session, edited)
            await self._announcer.log(session, edited)
        return edited

    def _new_times(self, case: table.Case, duration: timedelta | None) -> dict[str, Any]:
        """Return the new end of a case and what goes with it."""
        kind = CaseKind(case.kind)
        if kind not in HOLDS and kind is not CaseKind.WARN:
            raise InvalidInput(_("A case of this kind has no duration."))
        if case.state not in (CaseState.PLANNED, CaseState.APPLIED):
            raise Conflict(_("Case {number} is over.", number=case.number))
        if duration is None and kind is CaseKind.TIMEOUT:
            raise InvalidInput(
                _("This needs a duration."), hint=_("For example 30m, 1h 30m or 2 days.")
            )
        expires_at = None
        if duration is not None:
            check_duration(duration)
            expires_at = case.created_at + duration
            if expires_at <= self._desk.clock.now():
                raise InvalidInput(
                    _("That end is past already."),
                    hint=_("The duration counts from the beginning; undo the case to end it now."),
                )
        values: dict[str, Any] = {"expires_at": expires_at}
        if kind in _BANS:
            values["kind"] = CaseKind.BAN if expires_at is None else CaseKind.TEMPBAN
        if kind is CaseKind.WARN:
            values["points_until"] = expires_at
        return values

    async def _move_end(self, session: AsyncSession, case: table.Case) -> None:
        kind = HOLDS[CaseKind(case.kind)]
        sanction = await sanction_table.get_sanction(session, case.guild_id, case.target_id, kind)
        if sanction is None or sanction.case_id != case.id or sanction.state != HOLDING:
            return
        moved = await sanction_table.put_sanction(
            session,
            guild_id=case.guild_id,
            user_id=case.target_id,
            kind=kind,
            case_id=case.id,
            state=HOLDING,
            ends_at=case.expires_at,
            role_id=sanction.role_id,
            stamp=make_stamp(),
        )
        # Discord has to be told the new end of a timeout; of others it knows none.
        look_at = self._desk.clock.now() if kind is SanctionKind.TIMEOUT else case.expires_at
        await self._desk.schedule_look(session, moved, look_at)

    async def delete(self, case: table.Case, actor: Actor) -> Case:
        """Hide a case; its number is never given again."""
        if case.deleted_at is not None:
            return read_case(case)
        now = self._desk.clock.now()
        async with self._desk.database.write() as session:
            deleted = await table.change_case(
                session, case.id, expected=_ANY, deleted_at=now, deleted_by=actor.user_id
            )
            if deleted is None:
                return read_case(case)
            await table.add_edit(
                session,
                case,
                field="deleted",
                before=None,
                after=None,
                editor_id=actor.user_id,
                now=now,
            )
            await self._announcer.log(session, deleted)
        settled = read_case(deleted)
        self._desk.publish(settled, "deleted")
        return settled

    async def add_note(self, case: table.Case, text: str, actor: Actor) -> CaseNote:
        """Add a note under a case; raises `InvalidInput` for an empty or overlong one."""
        trimmed = text.strip()
        if not trimmed or len(trimmed) > MAX_REASON:
            raise InvalidInput(_("A note has 1 to {limit} characters.", limit=MAX_REASON))
        async with self._desk.database.write() as session:
            row = await table.add_note(
                session,
                case,
                text=trimmed,
                author_id=actor.user_id,
                author_name=actor.name[:100],
                now=self._desk.clock.now(),
            )
        return read_note(row)


def read_note(row: table.CaseNote) -> CaseNote:
    """Return a note as the rest of the bot knows it."""
    return CaseNote(row.id, row.text, row.author_id, row.author_name, row.created_at)


def _length(case: table.Case, expires_at: datetime | Unchanged | None = UNCHANGED) -> str | None:
    end = case.expires_at if expires_at is UNCHANGED else expires_at
    return None if end is None else compact_duration(end - case.created_at)
