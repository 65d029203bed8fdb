"""Many orders at once: bans through Discord's bulk endpoint, anything else a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.cases.announcing import Announcer
from bot.core.cases.calls import Caller
from bot.core.cases.desk import ENFORCE_JOB, Desk, read_case
from bot.core.cases.opening import Opener
from bot.core.cases.outcomes import EnforcementError
from bot.core.cases.rules import HOLDS, audit_reason, check_order
from bot.core.cases.values import MOST_BANS, Case, CaseKind, CaseOpened, CaseState, Order
from bot.core.errors import AppError
from db import cases as table
from db import sanctions as sanction_table
from db.jobs import cancel_many

AT_ONCE = 4
_BANS = (CaseKind.BAN, CaseKind.TEMPBAN)

Progress = Callable[[int, int], Awaitable[None]]
OrderOne = Callable[[Order], Awaitable[Case]]
Outcome = Case | AppError


class MassOrders:
    """Carries many orders out; each ends with its own case or error."""

    def __init__(
        self, desk: Desk, caller: Caller, announcer: Announcer, opener: Opener, one: OrderOne
    ) -> None:
        self._desk = desk
        self._caller = caller
        self._announcer = announcer
        self._opener = opener
        self._order = one

    async def order(self, orders: Sequence[Order], progress: Progress | None) -> list[Outcome]:
        """Return the outcomes in the orders' order; raises `InvalidInput` before any is begun."""
        checked = [check_order(order) for order in orders]
        report = _Reporter(len(orders), progress)
        if len(checked) > 1 and _are_alike_bans(checked):
            return await self._ban_all(checked, report)
        return await self._each(checked, report)

    async def _each(self, orders: Sequence[Order], report: _Reporter) -> list[Outcome]:
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(order: Order) -> Outcome:
            async with slots:
                try:
                    outcome: Outcome = await self._order(order)
                except AppError as error:
                    outcome = error
            await report.add(1)
            return outcome

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(order)) for order in orders]
        return [task.result() for task in tasks]

    async def _ban_all(self, orders: Sequence[Order], report: _Reporter) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for start in range(0, len(orders), MOST_BANS):
            outcomes += await self._ban_chunk(orders[start : start + MOST_BANS], report)
        return outcomes

    async def _ban_chunk(self, orders: Sequence[Order], report: _Reporter) -> list[Outcome]:
        # In a raid nobody is written to: Discord takes many of those for spam.
        details = {"bulk": True}
        plain = [
            replace(order, notify=False, details={**order.details, **details}) for order in orders
        ]
        complete = [await self._opener.complete(order) for order in plain]
        guild_id = orders[0].guild_id
        async with self._desk.turn(guild_id, [order.target.id for order in orders]):
            async with self._desk.database.write() as session:
                opened = await self._opener.open(session, complete)
            planned = [case for case in opened.cases if case.state == CaseState.PLANNED]
            for case in planned:
                if case.id in opened.new:
                    now = self._desk.clock.now()
                    self._desk.spread(CaseOpened(at=now, case=read_case(case)))
            done = await self._ban_planned(planned)
        await report.add(len(done))
        return await self._finish(orders, opened.cases, done, report)

    async def _ban_planned(self, planned: Sequence[table.Case]) -> dict[int, Case]:
        """Ban as many as Discord takes at once; return the settled cases by id."""
        if not planned:
            return {}
        first = planned[0]
        people = list({case.target_id: None for case in planned})
        reason = audit_reason(first.reason, [case.number for case in planned])
        window = timedelta(seconds=first.delete_seconds)
        try:
            failed = await self._caller.enforcer.ban_many(
                first.guild_id, people, reason=reason, delete_window=window
            )
        except EnforcementError:
            # One by one each gets its own answer, or its own later try.
            return {}
        banned = [case for case in planned if case.target_id not in failed]
        async with self._desk.database.write() as session:
            settled = await self._settle(session, banned)
        cases = {case.id: read_case(case) for case in settled}
        for case in cases.values():
            self._desk.publish(case, "applied")
        return cases

    async def _settle(
        self, session: AsyncSession, banned: Sequence[table.Case]
    ) -> Sequence[table.Case]:
        if not banned:
            return ()
        guild_id = banned[0].guild_id
        people = {case.target_id for case in banned}
        held = await sanction_table.lock_sanctions(session, guild_id, people, HOLDS[CaseKind.BAN])
        current = {sanction.case_id for sanction in held}
        # What something newer has overtaken is left to its job, which sees to that.
        ids = [case.id for case in banned if case.id in current]
        settled = await table.change_cases(
            session, ids, expected=(CaseState.PLANNED,), state=CaseState.APPLIED
        )
        for case in settled:
            if case.replaces_id is not None:
                await self._opener.end_replaced(session, case)
        await cancel_many(
            session, [f"{ENFORCE_JOB}:{case_id}" for case_id in ids], now=self._desk.clock.now()
        )
        if settled:
            in_order = sorted(settled, key=lambda case: case.number)
            await self._announcer.log_many(session, in_order)
        return settled

    async def _finish(
        self,
        orders: Sequence[Order],
        cases: Sequence[table.Case],
        done: dict[int, Case],
        report: _Reporter,
    ) -> list[Outcome]:
        """Take those that were not banned together one by one: their orders are known by key."""
        left = [order for order, case in zip(orders, cases, strict=True) if case.id not in done]
        outcomes = dict(
            zip((one.dedupe_key for one in left), await self._each(left, report), strict=True)
        )
        return [
            done[case.id] if case.id in done else outcomes[order.dedupe_key]
            for order, case in zip(orders, cases, strict=True)
        ]


class _Reporter:
    """Tells how many are done."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total = total
        self._progress = progress
        self._done = 0

    async def add(self, count: int) -> None:
        """Count some more as done and tell."""
        self._done = min(self._total, self._done + count)
        if self._progress is not None and count:
            await self._progress(self._done, self._total)


def _are_alike_bans(orders: Sequence[Order]) -> bool:
    """Return whether one call can ban them all: Discord takes one reason and one window."""
    first = orders[0]
    return all(
        order.kind in _BANS
        and order.guild_id == first.guild_id
        and order.reason == first.reason
        and order.delete_window == first.delete_window
        for order in orders
    )
