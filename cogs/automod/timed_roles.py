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
        self._jobs.register(ROLE_JOB, effect=self._end_role, max_attempts=30)

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
                role_id = step["role_id"]
                await self._jobs.schedule(
                    session,
                    ROLE_JOB,
                    self._clock.now() + timedelta(seconds=step["duration"]),
                    {
                        "incident_id": incident.id,
                        "user_id": str(user_id),
                        "role_id": role_id,
                    },
                    dedupe_key=f"{ROLE_JOB}:{incident.guild_id}:{user_id}:{role_id}",
                    guild_id=incident.guild_id,
                    subject_id=user_id,
                )

    async def _end_role(self, job: Job) -> None:
        """Take back a role that was given for a time, unless it was taken back already."""
        incident_id, user_id = job.payload["incident_id"], int(job.payload["user_id"])
        role_id = int(job.payload["role_id"])
        async with self._database.read() as session:
            incident = await table.get_incident(session, incident_id)
        if incident is not None and incident.state == table.UNDONE:
            return
        # No version of the plan: what ends is none of its steps.
        step = {"kind": "remove_role", "role_id": str(role_id), "version": 0}
        for order in orders_of(
            incident_id, job.guild_id or 0, Target(user_id, ""), {}, [step], notify=False
        ):
            try:
                await self._cases.order(order)
            except AppError as error:
                log.info("automod_role_not_taken", code=error.code)
