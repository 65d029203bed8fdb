"""Opens cases: the record, what is wanted from now on, the job that sees to it, the farewell.

All of an order, or of many, is one transaction: a crash leaves either nothing or all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.cases.announcing import Announcer
from bot.core.cases.desk import ENFORCE_JOB, Desk, make_stamp, read_case
from bot.core.cases.rules import FAREWELLS, HOLDS, LIFTS, RECORDS, next_look
from bot.core.cases.values import CaseKind, CaseState, FollowUp, Order, SanctionKind
from bot.core.errors import Conflict, InvalidInput
from bot.core.i18n import _
from db import cases as table
from db import sanctions as sanction_table
from db.sanctions import HOLDING, LIFTING

# Longer than an order may take at once; after that somebody else carries it out.
GRACE = timedelta(seconds=40)
# A lift that was under way when something new was ordered is over by then.
LIFT_IN_FLIGHT = timedelta(seconds=60)

Sanctions = dict[tuple[int, str], sanction_table.Sanction]


@dataclass(frozen=True, slots=True)
class Opened:
    """The cases of some orders, in their order; `new` are the ids of those made just now."""

    cases: Sequence[table.Case]
    new: frozenset[int]


class Opener:
    """Writes cases; what the guild has decided is asked before the transaction."""

    def __init__(self, desk: Desk, announcer: Announcer) -> None:
        self._desk = desk
        self._announcer = announcer

    async def complete(self, order: Order) -> Order:
        """Return the order with what it leaves to the guild; raises `InvalidInput`."""
        policy, guild_id, kind = self._desk.policy, order.guild_id, order.kind
        if order.points is None:
            order = replace(order, points=await policy.points_for(guild_id, kind))
        if order.notify:
            order = replace(order, notify=await policy.notifies(guild_id, kind))
        if order.role_id is None and kind in (CaseKind.MUTE, CaseKind.UNMUTE):
            role_id = await policy.mute_role_id(guild_id)
            if role_id is None and kind is CaseKind.MUTE:
                raise InvalidInput(
                    _("There is no mute role yet."),
                    hint=_("Choose one in the settings, or use a timeout."),
                )
            order = replace(order, role_id=role_id)
        return order

    async def open(
        self, session: AsyncSession, orders: Sequence[Order], *, happened: bool = False
    ) -> Opened:
        """Open cases for the orders of one guild; keys that are known give their old cases.

        With `happened` they record what is done already: nothing is to be carried out.
        """
        guild_id = orders[0].guild_id
        await table.lock_numbers(session, guild_id)
        known = await table.list_by_keys(session, [order.dedupe_key for order in orders])
        fresh = {one.dedupe_key: one for one in orders if one.dedupe_key not in known}
        if not fresh:
            return Opened([known[order.dedupe_key] for order in orders], frozenset())
        holding = await self._sanctions(session, guild_id, list(fresh.values()))
        lifetime = await self._desk.policy.warn_lifetime(guild_id)
        values = [
            self._values(order, holding, lifetime, happened=happened) for order in fresh.values()
        ]
        rows = await table.add_cases(session, guild_id, values)
        for order, row in zip(fresh.values(), rows, strict=True):
            await self._want(session, order, row, holding, happened=happened)
            if row.state == CaseState.PLANNED:
                await self._plan(session, row)
        # What follows is decided first: the messages tell of it.
        rows = await self._follow(session, rows)
        for order, row in zip(fresh.values(), rows, strict=True):
            if row.state != CaseState.PLANNED:
                await self._announcer.log(session, row)
            if not happened and order.kind in FAREWELLS | {CaseKind.WARN}:
                await self._announcer.write_to_member(session, row)
            known[order.dedupe_key] = row
        return Opened([known[order.dedupe_key] for order in orders], frozenset(r.id for r in rows))

    async def _follow(
        self, session: AsyncSession, rows: Sequence[table.Case]
    ) -> Sequence[table.Case]:
        """Have decided what follows from new cases; return them with what does."""
        opened = [read_case(row) for row in rows]
        follow_ups = await self._desk.policy.follow(session, opened)
        for follow in self._desk.followers.values():
            await follow(session, opened)
        return [
            await table.set_details(
                session, row.id, {**row.details, "follow_up": _as_json(follow_ups[row.id])}
            )
            if row.id in follow_ups
            else row
            for row in rows
        ]

    async def _sanctions(
        self, session: AsyncSession, guild_id: int, orders: Sequence[Order]
    ) -> Sanctions:
        people = {order.target.id for order in orders if order.kind not in RECORDS}
        rows = await sanction_table.lock_sanctions(session, guild_id, people)
        return {(row.user_id, row.kind): row for row in rows}

    def _values(
        self,
        order: Order,
        holding: Sanctions,
        lifetime: timedelta | None,
        *,
        happened: bool,
    ) -> Mapping[str, Any]:
        now = self._desk.clock.now()
        before = self._before(order, holding)
        points_until = now + lifetime if order.points and lifetime is not None else None
        expires_at = now + order.duration if order.duration is not None else None
        if order.kind is CaseKind.WARN:
            points_until = expires_at = expires_at or points_until
        is_done = happened or order.kind in RECORDS
        return {
            "dedupe_key": order.dedupe_key,
            "kind": order.kind,
            "state": CaseState.APPLIED if is_done else CaseState.PLANNED,
            "target_id": order.target.id,
            "target_name": order.target.name[:100],
            "target_is_bot": order.target.is_bot,
            "moderator_id": order.moderator.user_id,
            "moderator_name": order.moderator.name[:100],
            "source": order.source,
            "reason": order.reason,
            "points": order.points or 0,
            "points_until": points_until,
            "created_at": now,
            "expires_at": expires_at,
            "role_id": order.role_id or (before.role_id if before else None),
            "delete_seconds": round(order.delete_window.total_seconds()),
            "notify": order.notify,
            "replaces_id": before.case_id if before else None,
            "details": dict(order.details),
        }

    def _before(self, order: Order, holding: Sanctions) -> sanction_table.Sanction | None:
        """Return what the order replaces or lifts; raises `Conflict` for a softban of a banned."""
        kind = HOLDS.get(order.kind) or LIFTS.get(order.kind)
        if order.kind is CaseKind.SOFTBAN and (order.target.id, SanctionKind.BAN) in holding:
            raise Conflict(
                _("They are banned already."),
                hint=_("A softban would lift that ban; lift it yourself if you want it lifted."),
            )
        return holding.get((order.target.id, kind)) if kind else None

    async def _want(
        self,
        session: AsyncSession,
        order: Order,
        row: table.Case,
        holding: Sanctions,
        *,
        happened: bool,
    ) -> None:
        """Change what is wanted of the member, and when it is looked at."""
        if (kind := HOLDS.get(order.kind)) is not None:
            await self._hold(session, row, kind, holding)
        elif (kind := LIFTS.get(order.kind)) is not None:
            before = holding.pop((row.target_id, kind), None)
            if before is not None:
                await self._free(session, row, kind, before, happened=happened)
        if happened and row.replaces_id is not None:
            await self.end_replaced(session, row)

    async def _free(
        self,
        session: AsyncSession,
        row: table.Case,
        kind: SanctionKind,
        before: sanction_table.Sanction,
        *,
        happened: bool,
    ) -> None:
        # What was to happen to the old one is the new case's own job.
        await self._desk.schedule_look(session, before, None)
        if happened:
            await sanction_table.end_sanction(session, before)
        else:
            await put(session, row, kind, LIFTING)

    async def _hold(
        self, session: AsyncSession, row: table.Case, kind: SanctionKind, holding: Sanctions
    ) -> None:
        before = holding.get((row.target_id, kind))
        look_at = next_look(kind, row.expires_at, self._desk.clock.now())
        if before is not None and before.state == LIFTING:
            # A lift may arrive at Discord after this; whoever made it can't tell us.
            again = self._desk.clock.now() + LIFT_IN_FLIGHT
            look_at = again if look_at is None else min(look_at, again)
        is_first = before is None
        after = holding[row.target_id, kind] = await put(session, row, kind, HOLDING)
        if look_at is not None or not is_first:
            await self._desk.schedule_look(session, after, look_at)

    async def end_replaced(self, session: AsyncSession, row: table.Case) -> table.Case | None:
        """End the case in whose place this one has come; `None` when it had ended already."""
        if row.replaces_id is None:
            return None
        before = await table.get_case_by_id(session, row.replaces_id)
        if before is None or CaseKind(before.kind) not in HOLDS:
            # A lift that never came about ends by itself.
            return None
        ended = await table.change_case(
            session,
            before.id,
            expected=(CaseState.APPLIED, CaseState.PLANNED),
            state=CaseState.ENDED,
            ended_at=self._desk.clock.now(),
            ended_by=row.moderator_id or None,
        )
        if ended is not None:
            await self._announcer.log(session, ended)
        return ended

    async def _plan(self, session: AsyncSession, row: table.Case) -> None:
        await plan(self._desk, session, row, self._desk.clock.now() + GRACE)


def _as_json(follow_up: FollowUp) -> dict[str, Any]:
    seconds = follow_up.duration.total_seconds() if follow_up.duration else None
    return {"points": follow_up.points, "kind": str(follow_up.kind), "seconds": seconds}


async def plan(desk: Desk, session: AsyncSession, row: table.Case, due_at: datetime) -> None:
    """Have a case carried out at that time, if it has not been by then."""
    await desk.jobs.schedule(
        session,
        ENFORCE_JOB,
        due_at,
        {"case_id": row.id},
        dedupe_key=f"{ENFORCE_JOB}:{row.id}",
        guild_id=row.guild_id,
    )


async def put(
    session: AsyncSession, row: table.Case, kind: SanctionKind, state: str
) -> sanction_table.Sanction:
    """Want what the case says of its member from now on."""
    return await sanction_table.put_sanction(
        session,
        guild_id=row.guild_id,
        user_id=row.target_id,
        kind=kind,
        case_id=row.id,
        state=state,
        ends_at=row.expires_at if state == HOLDING else None,
        role_id=row.role_id,
        stamp=make_stamp(),
    )
