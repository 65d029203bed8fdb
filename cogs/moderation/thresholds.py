"""Has something follow when a member's warn points reach a threshold.

Which case reaches it is decided in the transaction that opens the case, where a guild's cases have
an order: one of several warnings at once crosses a threshold, and no other. A job acts on it, so
that a crash loses nothing; its case has a key, so that it happens once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from bot.core.cases import Case, CaseKind, CaseService, CaseState, Order, SanctionKind
from bot.core.cases.rules import COUNTING, HOLDS
from bot.core.cases.values import FollowUp
from bot.core.clock import Clock
from bot.core.contracts import SYSTEM, BotState
from bot.core.errors import Conflict, Denied, DiscordFailed, InvalidInput, NotFound
from bot.core.guild_locale import locale_of_guild
from bot.core.i18n import ngettext
from bot.core.jobs import Job, JobService
from bot.core.settings import SettingsStore
from cogs.moderation.pointlines import Threshold, reached, read_thresholds
from db.cases import sum_points_of

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

log = structlog.get_logger(__name__)

KEY = "moderation"
JOB = "moderation.threshold"

_BANS = frozenset({CaseKind.BAN, CaseKind.TEMPBAN})
# Whoever they were done to is gone: nothing but a ban reaches them.
_REMOVALS = frozenset({CaseKind.KICK, CaseKind.SOFTBAN}) | _BANS


class Thresholds:
    """Watches the points of all guilds' members."""

    def __init__(
        self,
        cases: CaseService,
        settings: SettingsStore,
        jobs: JobService,
        clock: Clock,
        state: Callable[[], BotState],
    ) -> None:
        self._cases = cases
        self._settings = settings
        self._jobs = jobs
        self._clock = clock
        self._state = state

    def start(self) -> None:
        """Carry out from now on what was decided."""
        self._jobs.register(JOB, effect=self.carry_out)

    async def decide(self, session: AsyncSession, cases: Sequence[Case]) -> dict[int, FollowUp]:
        """Plan what follows from new cases of one guild, in the transaction that opens them.

        Returns it by the id of the case that sets it off.
        """
        counted = [case for case in cases if case.points]
        if not counted:
            return {}
        guild_id = counted[0].guild_id
        state = await self._settings.get(guild_id, KEY)
        thresholds = read_thresholds(state.settings.point_thresholds) if state.enabled else ()
        if not thresholds:
            return {}
        people = {case.target.id for case in counted}
        now = self._clock.now()
        totals = await sum_points_of(session, guild_id, people, now, COUNTING)
        planned: dict[int, FollowUp] = {}
        for case, threshold in _crossings(counted, totals, thresholds):
            if case.kind not in _REMOVALS or threshold.kind in _BANS:
                await self._plan(session, case, threshold, now)
                planned[case.id] = FollowUp(threshold.points, threshold.kind, threshold.duration)
        return planned

    async def _plan(
        self, session: AsyncSession, case: Case, threshold: Threshold, now: datetime
    ) -> None:
        seconds = threshold.duration.total_seconds() if threshold.duration else None
        await self._jobs.schedule(
            session,
            JOB,
            now,
            {
                "case_id": case.id,
                "kind": threshold.kind,
                "seconds": seconds,
                "points": threshold.points,
            },
            dedupe_key=f"{JOB}:{case.id}",
            guild_id=case.guild_id,
            replace=False,
        )

    async def carry_out(self, job: Job) -> None:
        """Do what a threshold asks for; a refusal is on record as a failed case."""
        values = job.payload
        duration = timedelta(seconds=values["seconds"]) if values["seconds"] else None
        threshold = Threshold(values["points"], CaseKind(values["kind"]), duration)
        try:
            case = await self._cases.get_by_id(values["case_id"])
            if await self._still_follows(case, threshold):
                await self._cases.order(await self._order(case, threshold))
        except (Conflict, Denied, DiscordFailed, InvalidInput, NotFound) as error:
            log.info("threshold_refused", case_id=values["case_id"], reason=error.render("en"))

    async def _still_follows(self, case: Case, threshold: Threshold) -> bool:
        if case.state is CaseState.UNDONE or case.deleted_at is not None or not case.target.id:
            return False
        return not (
            await self._outlasts(case, SanctionKind.BAN, threshold)
            or await self._outlasts(case, HOLDS.get(threshold.kind), threshold)
        )

    async def _outlasts(self, case: Case, kind: SanctionKind | None, threshold: Threshold) -> bool:
        """Tell whether a sanction that is there already goes further than the threshold's."""
        if kind is None:
            return False
        found = await self._cases.sanction_of(case.guild_id, case.target.id, kind)
        if found is None:
            return False
        if threshold.kind not in _BANS and kind is SanctionKind.BAN:
            return True
        if found.ends_at is None or threshold.duration is None:
            return found.ends_at is None
        return found.ends_at >= self._clock.now() + threshold.duration

    async def _order(self, case: Case, threshold: Threshold) -> Order:
        locale = await locale_of_guild(self._settings, self._state(), case.guild_id)
        reason = ngettext(
            "{count} warn point reached, with case {number}",
            "{count} warn points reached, with case {number}",
            threshold.points,
            number=case.number,
        )
        return Order(
            guild_id=case.guild_id,
            kind=threshold.kind,
            target=case.target,
            moderator=SYSTEM,
            source="system",
            dedupe_key=f"threshold:{case.id}",
            reason=reason.render(locale),
            duration=threshold.duration,
            # Else one threshold could reach the next.
            points=0,
        )


def _crossings(
    cases: Sequence[Case], totals: Mapping[int, int], thresholds: Sequence[Threshold]
) -> list[tuple[Case, Threshold]]:
    """Return which of the newest cases reach what, given the points that all of them make."""
    found = []
    after = defaultdict(int, totals)
    for case in sorted(cases, key=lambda one: one.number, reverse=True):
        before = after[case.target.id] - case.points
        threshold = reached(thresholds, before, after[case.target.id])
        if threshold is not None:
            found.append((case, threshold))
        after[case.target.id] = before
    return found
