"""Carries out what an incident asks for: cases against members, changes of channels.

What is done is marked at once, so that whoever goes on after a crash does the rest only.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.cases import CaseState, Order, Target
from bot.core.errors import AppError, Denied
from bot.core.i18n import _
from bot.core.message_json import message_to_json
from cogs.automod.calls import Gone, NotAllowed, TryAgain
from cogs.automod.deletions import is_since
from cogs.automod.parts import Parts
from cogs.automod.plans import Json, ban_window, orders_of, steps_after
from cogs.automod.timed_roles import TimedRoles
from cogs.automod.turns import AT_ONCE
from db import automod as table
from db import automod_messages as message_table

# More people than this are not written to: Discord takes that for spam.
MOST_NOTIFIED = 5


class Executor:
    """Does to members and channels what is wanted and not done yet, each once."""

    def __init__(self, parts: Parts) -> None:
        self._database = parts.database
        self._clock = parts.clock
        self._cases = parts.cases
        self._effects = parts.effects
        self._deletions = parts.deletions
        self._troubles = parts.troubles
        self._logbook = parts.logbook
        self._turns = parts.turns
        self._pace = parts.pace
        self._roles = TimedRoles(parts.database, parts.clock, parts.jobs, parts.cases)

    def start(self) -> None:
        """Take up the work of earlier runs."""
        self._roles.start()

    async def carry_out(self, incident_id: int) -> None:
        """Do to members and channels what is wanted and not done yet."""
        async with self._turns.of(f"incident:{incident_id}"):
            async with self._database.read() as session:
                incident = await table.get_incident(session, incident_id)
                members = await table.list_unfinished(session, incident_id)
                many = await table.count_members(session, incident_id) > MOST_NOTIFIED
            if incident is None or incident.state == table.UNDONE:
                return
            slots = asyncio.Semaphore(AT_ONCE)

            async def one(member: table.IncidentMember) -> None:
                async with slots:
                    await self._punish(incident, member, notify=not many)

            async with asyncio.TaskGroup() as group:
                for member in members:
                    group.create_task(one(member))
            await self._bring_about(incident)
        self._logbook.refresh(incident_id)

    async def _punish(
        self, incident: table.Incident, member: table.IncidentMember, *, notify: bool
    ) -> None:
        given = sum(one.get("points", 0) for one in member.outcome.get("list", ()))
        steps = steps_after(member.steps, member.carried_out)
        target = Target(member.user_id, member.name, bool(member.steps.get("is_bot")))
        orders = orders_of(
            incident.id,
            incident.guild_id,
            target,
            member.steps,
            steps,
            given=given,
            notify=notify,
        )
        outcomes = [await self._order(order) for order in orders]
        async with self._database.write() as session:
            # Locked before its members, as by everybody.
            await table.get_incident(session, incident.id, lock=True)
            await table.finish_member(
                session,
                incident.id,
                member.user_id,
                version=member.version,
                outcomes=outcomes,
            )
            if orders:
                await table.touch(session, incident.id)
            await self._roles.schedule(session, incident, member.user_id, steps)
        if window := ban_window(steps):
            banned = any(
                order.delete_window and outcome.get("applied")
                for order, outcome in zip(orders, outcomes, strict=True)
            )
            await self._after_ban(incident, member.user_id, window if banned else None)

    async def _order(self, order: Order) -> Json:
        """Carry one order out; returns what is told of it. What Discord refuses is no crash."""
        outcome: Json = {"kind": str(order.kind), "points": order.points or 0}
        await self._pace.wait()
        try:
            case = await self._cases.order(order)
        except AppError as error:
            if isinstance(error, Denied):
                await self._troubles.cannot_punish(order, error)
            return outcome | {"error": message_to_json(error.message), "points": 0}
        applied = case.state is CaseState.APPLIED
        if applied:
            await self._troubles.could_punish(order)
        return outcome | {"case": case.number, "applied": applied}

    async def _after_ban(
        self, incident: table.Incident, user_id: int, window: timedelta | None
    ) -> None:
        """Count what the ban deleted as gone; what it did not reach has to be deleted yet.

        Without a `window` there is no ban: Discord has refused it, or has not come to it so far.
        """
        now = self._clock.now()
        async with self._database.write() as session:
            rows = await message_table.list_pending(session, incident.id, user_id=user_id)
            gone = {
                row.message_id
                for row in rows
                if window is not None and is_since(row.message_id, now - window)
            }
            await message_table.mark_messages(session, gone, message_table.DELETED)
        for row in rows:
            if row.message_id in gone:
                self._deletions.discard(row.channel_id, [row.message_id])
            else:
                self._deletions.add(incident.guild_id, {row.channel_id: [row.message_id]})

    async def _bring_about(self, incident: table.Incident) -> None:
        """Do to channels what is wanted; each is marked once it is done."""
        async with self._database.read() as session:
            current = await table.get_incident(session, incident.id)
        if current is None:
            return
        for number, effect in enumerate(current.effects.get("list", ())):
            if effect.get("done") or "error" in effect:
                continue
            result: Json = {"done": True}
            try:
                await self._effects.begin(incident.id, incident.guild_id, effect)
            except NotAllowed:
                refusal = await self._troubles.cannot_change(incident.guild_id, effect)
                result = {"error": message_to_json(refusal)}
            except Gone:
                result = {"error": message_to_json(_("It is not there any more."))}
            except TryAgain:
                continue
            async with self._database.write() as session:
                await _mark_effect(session, incident.id, number, effect, result)


async def _mark_effect(
    session: AsyncSession, incident_id: int, number: int, effect: Json, result: Json
) -> None:
    """Note what came of an effect, unless another is wanted by now."""
    incident = await table.get_incident(session, incident_id, lock=True)
    if incident is None:
        return
    listed: list[Any] = list(incident.effects.get("list", ()))
    if number < len(listed) and listed[number] == effect:
        listed[number] = {**effect, **result}
        incident.effects = {"list": listed}
        incident.revision += 1
