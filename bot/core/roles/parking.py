"""Tells staff of role changes that wait for a permission or a role's place, and goes on after it.

A problem stands for all that waits for the same thing in a guild: it is told once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.core.contracts import BotState, MemberFacts
from bot.core.i18n import _
from bot.core.preflight import Action, Cause, Refusal, can_act
from bot.core.problems.rules import Problem
from db import role_wishes as table
from db.problems import list_guilds_with

if TYPE_CHECKING:
    from bot.core.clock import Clock
    from bot.core.problems import OpenProblem, ProblemService
    from bot.core.supervisor import TaskSupervisor
    from db.engine import Database

# The feature that holds the guild's basics, to which such a problem is put down: several features
# may want the same role.
FEATURE = "general"
PARKED = "roles_parked"
GONE = "role_gone"
# The cause where Discord refuses what nothing known speaks against.
REFUSED = "refused"
# A role that is gone stays gone, so that such a problem would be open for ever. Whoever still wants
# the role by then has it opened again.
GONE_SHOWN = timedelta(days=1)


class ParkedRoles:
    """Keeps the problems of what waits; `wake` is called when something can go on."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        problems: ProblemService,
        *,
        supervisor: TaskSupervisor,
        state: Callable[[], BotState],
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._problems = problems
        self._supervisor = supervisor
        self._state = state
        self._wake = wake
        self._turn = asyncio.Lock()
        # Guilds come by the thousand when the bot connects; nearly all have no such problem.
        self._guilds: set[int] = set()

    async def start(self) -> None:
        """Take up what earlier runs have parked or told."""
        async with self._database.read() as session:
            self._guilds |= await table.list_guilds_in(session, table.PARKED)
            for cause in (PARKED, GONE):
                self._guilds |= await list_guilds_with(session, FEATURE, cause)

    def refusal_of(self, guild_id: int, role_id: int) -> Refusal | None:
        """Return why the bot can't give or take a role, as far as it sees.

        Members are not cached, and their own rank does not matter to Discord here.
        """
        state = self._state()
        me = state.me(guild_id)
        if me is None:
            return None
        target = MemberFacts(0, guild_id, "", top_role_position=-1)
        role = state.role(guild_id, role_id)
        return can_act(Action.ADD_ROLE, bot=me, target=target, role=role)

    def expect(self, guild_id: int) -> None:
        """Say that something is about to be parked, so that no change from now on is missed."""
        self._guilds.add(guild_id)

    async def tell_parked(self, guild_id: int, cause: str, role_id: int) -> None:
        """Have a problem for what was just parked; go on if its cause has gone meanwhile."""
        if cause == REFUSED:
            await self._problems.report(guild_id, self._problem(guild_id, cause, role_id, None))
        else:
            await self._compare(guild_id, retry_refused=False)

    async def tell_gone(self, guild_id: int, role_id: int) -> None:
        """Have a problem for a role that is wanted but is no more."""
        self._guilds.add(guild_id)
        message = _(
            "A role that I was to give or take no longer exists (its ID was {role}).",
            role=str(role_id),
        )
        fix = _("Choose another role wherever it is set; /settings show lists what is missing.")
        await self._problems.report(guild_id, Problem(FEATURE, GONE, str(role_id), message, fix))

    def look_again(self, guild_id: int) -> None:
        """Go on with what nothing known speaks against any more; returns at once."""
        if guild_id in self._guilds:
            self._supervisor.spawn("role_problems", self.solve(guild_id))

    async def solve(self, guild_id: int) -> None:
        """Have tried again what may work now, and close the problems that nothing waits for."""
        await self._compare(guild_id, retry_refused=True)

    async def _compare(self, guild_id: int, *, retry_refused: bool) -> None:
        async with self._turn:
            standing = await self._resume(guild_id, retry_refused=retry_refused)
            is_open = bool(standing)
            for problem in standing.values():
                # One that is on record already is not told again.
                await self._problems.report(guild_id, problem)
            for one in await self._problems.list(guild_id):
                if self._is_over(one, standing):
                    problem = one.problem
                    await self._problems.solve(guild_id, FEATURE, problem.cause, problem.subject)
                elif one.problem.cause == GONE:
                    is_open = True
            if not is_open:
                self._guilds.discard(guild_id)

    async def _resume(self, guild_id: int, *, retry_refused: bool) -> dict[str, Problem]:
        """Resume what may work now; return the problems of the rest by subject."""
        standing: dict[str, Problem] = {}
        resumed = 0
        async with self._database.write() as session:
            for cause, role_id in await table.list_parked(session, guild_id):
                refusal = self.refusal_of(guild_id, role_id)
                if cause == (refusal.cause if refusal else REFUSED) and not (
                    refusal is None and retry_refused
                ):
                    problem = self._problem(guild_id, cause, role_id, refusal)
                    standing[problem.subject] = problem
                else:
                    resumed += await table.resume_wishes(session, guild_id, cause, role_id)
        if resumed:
            self._wake()
        return standing

    def _is_over(self, one: OpenProblem, standing: dict[str, Problem]) -> bool:
        problem = one.problem
        if problem.feature != FEATURE:
            return False
        if problem.cause == GONE:
            return one.found_at + GONE_SHOWN < self._clock.now()
        return problem.cause == PARKED and problem.subject not in standing

    def _problem(self, guild_id: int, cause: str, role_id: int, refusal: Refusal | None) -> Problem:
        subject = f"{cause}:{'' if is_of_guild(cause) else role_id}"
        if refusal is not None:
            return Problem(FEATURE, PARKED, subject, refusal.message, refusal.fix)
        role = self._state().role(guild_id, role_id)
        message = _(
            "Discord does not let me give or take the role {role}.",
            role=role.name if role else str(role_id),
        )
        fix = _("Move my role above it in Server Settings > Roles; I try again then.")
        return Problem(FEATURE, PARKED, subject, message, fix)


def is_of_guild(cause: str) -> bool:
    """Return whether a cause keeps from every role of a guild."""
    return cause == Cause.BOT_PERMISSION
