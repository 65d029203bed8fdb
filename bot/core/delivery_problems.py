"""Turns deliveries that wait for a permission into problems that a guild's staff can solve.

A feature's own check says more about a channel that it was given, so it is asked first. A problem
is gone when nothing known speaks against posting any more; what was parked is then tried again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.core.contracts import BotState, ChannelSummary
from bot.core.i18n import _
from bot.core.outbox.deliveries import OutboxParked
from bot.core.places import ChannelList, label_of
from bot.core.preflight import can_post
from bot.core.problems.rules import Problem
from db.problems import list_guilds_with

if TYPE_CHECKING:
    from bot.core.events import EventBus
    from bot.core.problems import ProblemService
    from bot.core.supervisor import TaskSupervisor
    from db.engine import Database

# The feature that holds the guild's basics, to which such a problem is put down.
FEATURE = "general"
CAUSE = "delivery_parked"
# What messages need besides the permission to post, as Discord does not say which one is missing.
_NEEDS = ("embed_links", "attach_files")


class DeliveryProblems:
    """Listens for parked deliveries; `look_again` is called when a guild's permissions change."""

    def __init__(
        self,
        database: Database,
        problems: ProblemService,
        bus: EventBus,
        supervisor: TaskSupervisor,
        state: Callable[[], BotState],
    ) -> None:
        self._database = database
        self._problems = problems
        self._supervisor = supervisor
        self._state = state
        # Guilds come by the thousand when the bot connects; nearly all have no such problem.
        self._guilds: set[int] = set()
        bus.subscribe(OutboxParked, self._on_parked)

    async def load(self) -> None:
        """Take up the problems of earlier runs; called at start."""
        async with self._database.read() as session:
            self._guilds |= await list_guilds_with(session, FEATURE, CAUSE)

    async def _on_parked(self, event: OutboxParked) -> None:
        guild_id, channel_id = event.guild_id, event.channel_id
        if guild_id is None or channel_id is None:
            return
        await self._problems.check(guild_id)
        if not await self._is_known(guild_id, channel_id):
            channel = self._state().channel(guild_id, channel_id)
            self._guilds.add(guild_id)
            await self._problems.report(guild_id, problem_in(channel_id, channel))

    async def _is_known(self, guild_id: int, channel_id: int) -> bool:
        subjects = [one.problem.subject for one in await self._problems.list(guild_id)]
        # A field's problem is about "field:id", a feature's own about the id alone.
        return any(subject.rpartition(":")[2] == str(channel_id) for subject in subjects)

    def look_again(self, guild_id: int) -> None:
        """Close the problems whose channel can be posted in now, or is gone; returns at once."""
        if guild_id in self._guilds:
            self._supervisor.spawn("delivery_problems", self._solve(guild_id))

    async def _solve(self, guild_id: int) -> None:
        is_open = False
        for one in await self._problems.list(guild_id):
            problem = one.problem
            if (problem.feature, problem.cause) != (FEATURE, CAUSE):
                continue
            channel = self._state().channel(guild_id, int(problem.subject))
            if channel is None or can_post(channel, _NEEDS) is None:
                await self._problems.solve(guild_id, FEATURE, CAUSE, problem.subject)
            else:
                is_open = True
        if not is_open:
            self._guilds.discard(guild_id)


def problem_in(channel_id: int, channel: ChannelSummary | None) -> Problem:
    """Return what to tell about a channel in which Discord did not let the bot post."""
    refusal = can_post(channel, _NEEDS) if channel else None
    if refusal is not None:
        return Problem(FEATURE, CAUSE, str(channel_id), refusal.message, refusal.fix)
    return Problem(
        FEATURE,
        CAUSE,
        str(channel_id),
        _(
            "Discord does not let me post in {channel}.",
            channel=ChannelList((label_of(channel) if channel else str(channel_id),)),
        ),
        _("Check what my role may do in that channel; I try again when it changes."),
    )
