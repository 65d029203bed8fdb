"""Tells staff of lifts and renewals that wait for a permission, and goes on once it is back.

A problem stands for all that waits for the same thing in a guild: it is told once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.cases.calls import Caller, Need
from bot.core.cases.desk import COMPARE_JOB, SANCTION_JOB, UNDO_JOB, Desk
from bot.core.i18n import _
from bot.core.jobs import JobParked
from bot.core.preflight import Action
from bot.core.problems.rules import Problem
from db.jobs import list_jobs
from db.leases import WorkState
from db.problems import list_guilds_with

if TYPE_CHECKING:
    from bot.core.problems import ProblemService
    from bot.core.supervisor import TaskSupervisor

FEATURE = "moderation"
CAUSE = "sanction_parked"
_KINDS = (SANCTION_JOB, COMPARE_JOB, UNDO_JOB)
_PREFIX = "cases."
# More guilds than this with something parked are looked at as their permissions change.
_MOST_PARKED = 10_000


def reason_of(need: Need) -> str:
    """Return the reason to park a job with that lacks this."""
    return f"{_PREFIX}{need.action}:{need.role_id or ''}"


class ParkedSanctions:
    """Keeps the problems of what waits; `look_again` is called when permissions change."""

    def __init__(
        self, desk: Desk, problems: ProblemService, supervisor: TaskSupervisor, caller: Caller
    ) -> None:
        self._desk = desk
        self._problems = problems
        self._supervisor = supervisor
        self._caller = caller
        # Guilds come by the thousand when the bot connects; nearly all have no such problem.
        self._guilds: set[int] = set()

    async def start(self) -> None:
        """Take up what earlier runs have parked."""
        self._desk.bus.subscribe(JobParked, self._on_parked)
        async with self._desk.database.read() as session:
            self._guilds |= await list_guilds_with(session, FEATURE, CAUSE)
            for kind in _KINDS:
                parked = await list_jobs(
                    session, kind=kind, state=WorkState.PARKED, limit=_MOST_PARKED
                )
                self._guilds |= {job.guild_id for job in parked if job.guild_id is not None}

    async def _on_parked(self, event: JobParked) -> None:
        if event.job.kind not in _KINDS or not event.reason.startswith(_PREFIX):
            return
        guild_id = event.job.guild_id or 0
        subject = event.reason.removeprefix(_PREFIX)
        need = _read_need(guild_id, subject)
        refusal = self._caller.refusal_of(need)
        if refusal is not None:
            message, fix = refusal.message, refusal.fix
        else:
            message = _("Discord does not let me lift or renew a punishment.")
            fix = _("Move my role above the member's in Server Settings > Roles; I try again then.")
        self._guilds.add(guild_id)
        await self._problems.report(guild_id, Problem(FEATURE, CAUSE, subject, message, fix))

    def look_again(self, guild_id: int) -> None:
        """Close the problems that nothing known speaks for any more; returns at once.

        What waits for them is then tried again.
        """
        if guild_id in self._guilds:
            self._supervisor.spawn("case_problems", self.solve(guild_id))

    async def solve(self, guild_id: int) -> None:
        """Close a guild's problems of this sort that are solved, as far as can be seen."""
        is_open = False
        for one in await self._problems.list(guild_id):
            problem = one.problem
            if (problem.feature, problem.cause) != (FEATURE, CAUSE):
                continue
            if self._caller.refusal_of(_read_need(guild_id, problem.subject)) is None:
                await self._problems.solve(guild_id, FEATURE, CAUSE, problem.subject)
            else:
                is_open = True
        if not is_open:
            self._guilds.discard(guild_id)
            await self._desk.jobs.resume_parked(guild_id=guild_id)


def _read_need(guild_id: int, subject: str) -> Need:
    action, _colon, role_id = subject.partition(":")
    # The member's own rank is not known; theirs is not what a guild's problem is about.
    return Need(guild_id, 0, Action(action), int(role_id) if role_id else None)
