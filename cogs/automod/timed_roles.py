"""Roles that are given for a time: a durable job takes each back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.cases import CaseService, Target
from bot.core.errors import AppError
from bot.core.jobs import Job, JobService
from cogs.automod.plans import Json, orders_of
from db import automod as table
from db import automod_roles as role_table
from db.engine import Database

if TYPE_CHECKING:
    from bot.core.clock import Clock

log = structlog.get_logger(__name__)

ROLE_JOB = "automod.role_end"


class TimedRoles:
    """Plans the end of roles, and ends them."""

    def __init__(
        self, database: Database, clock: Clock, jobs: JobService, cases: CaseService
    ) -> None:
        self._database = database
        self._clock = clock
        self._jobs = jobs
        self._cases = cases

    def start(self) -> None:
        """Take up the work of earlier runs."""
        self._jobs.register(ROLE_JOB, effect=self._end_role, max_attempts=30, outlasts_absence=True)

    async def schedule(
        self,
        session: AsyncSession,
        incident: table.Incident,
        user_id: int,
        steps: Sequence[Json],
    ) -> None:
        """Have the roles that a member was given for a time by these steps taken back after it."""
        for step in steps:
            if step["kind"] == "add_role" and step.get("duration"):
                ends_at = self._clock.now() + timedelta(seconds=step["duration"])
                row_id = await role_table.put_timed_role(
                    session,
                    guild_id=incident.guild_id,
                    user_id=user_id,
                    role_id=int(step["role_id"]),
                    incident_id=incident.id,
                    ends_at=ends_at,
                )
                # The job names nobody: it is needed also when the member's data is erased.
                await self._jobs.schedule(
                    session,
                    ROLE_JOB,
                    ends_at,
                    {"row_id": row_id},
                    dedupe_key=f"{ROLE_JOB}:{row_id}",
                    guild_id=incident.guild_id,
                )

    async def _end_role(self, job: Job) -> None:
        """Take back a role that was given for a time, unless it was taken back already."""
        if "row_id" not in job.payload:
            # From before there were rows.
            incident_id, role_id = job.payload["incident_id"], int(job.payload["role_id"])
            await self._take(incident_id, job.guild_id or 0, int(job.payload["user_id"]), role_id)
            return
        async with self._database.read() as session:
            due = await role_table.get_due_role(session, job.payload["row_id"], self._clock.now())
        if due is None:
            return
        await self._take(due.incident_id, due.guild_id, due.user_id, due.role_id)
        async with self._database.write() as session:
            await role_table.end_timed_role(session, due)

    async def _take(self, incident_id: int, guild_id: int, user_id: int, role_id: int) -> None:
        async with self._database.read() as session:
            incident = await table.get_incident(session, incident_id)
        if incident is not None and incident.state == table.UNDONE:
            return
        # No version of the plan: what ends is none of its steps.
        step = {"kind": "remove_role", "role_id": str(role_id), "version": 0}
        for order in orders_of(
            incident_id, guild_id, Target(user_id, ""), {}, [step], notify=False
        ):
            try:
                await self._cases.order(order)
            except AppError as error:
                log.info("automod_role_not_taken", code=error.code)
