"""Turns what was given up for good, a message or a job, into problems that a guild's staff can see.

Nothing can be tried again here, so nothing tells when the cause is gone: such a problem closes when
the feature's settings change, or when the same has not failed for a day.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.core.contracts import BotState
from bot.core.i18n import Message, _
from bot.core.jobs.values import Job, JobFailed
from bot.core.outbox.deliveries import OutboxFailed
from bot.core.places import label_of
from bot.core.problems.rules import Problem
from bot.core.settings.model import SettingsChanged

if TYPE_CHECKING:
    from bot.core.clock import Clock
    from bot.core.events import EventBus
    from bot.core.features import FeatureRegistry
    from bot.core.jobs import JobService
    from bot.core.problems import ProblemService
    from db.engine import Database

DELIVERY_CAUSE = "delivery_failed"
JOB_CAUSE = "job_failed"
# The job that closes a problem.
KIND = "close_problem"
QUIET_FOR = timedelta(days=1)
# The feature that holds the guild's basics, to which goes what belongs to no other.
_BASICS = "general"
# What nobody can put right, and what a feature's own check says better.
_NOT_TOLD = frozenset(
    {"expired", "too_old", "message_gone", "user_gone", "channel_gone", "not_our_message"}
)
_UNWELCOME_TEXT = frozenset({"invalid_payload", "empty_message"})


class FailureProblems:
    """Listens for deliveries and jobs that were given up, and tells each cause once."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        problems: ProblemService,
        jobs: JobService,
        *,
        registry: FeatureRegistry,
        state: Callable[[], BotState],
    ) -> None:
        self._database = database
        self._clock = clock
        self._problems = problems
        self._jobs = jobs
        self._registry = registry
        self._state = state
        jobs.register(KIND, effect=self._close)

    def listen(self, bus: EventBus) -> None:
        """Take up the work."""
        bus.subscribe(OutboxFailed, self._on_delivery_failed)
        bus.subscribe(JobFailed, self._on_job_failed)
        bus.subscribe(SettingsChanged, self._on_settings_changed)

    async def _on_delivery_failed(self, event: OutboxFailed) -> None:
        if event.guild_id is None or event.reason in _NOT_TOLD:
            return
        message, fix = explain(event.reason, self._place(event.guild_id, event.channel_id))
        # The channel comes first: what ends in a channel's id is a problem of posting there.
        subject = f"{event.channel_id or 'dm'}:{event.reason}"
        feature = self._feature_of(event.dedupe_key)
        await self._report(event.guild_id, Problem(feature, DELIVERY_CAUSE, subject, message, fix))

    async def _on_job_failed(self, event: JobFailed) -> None:
        job = event.job
        # What belongs to no guild is the operator's, and in the log.
        if job.guild_id is None or job.kind == KIND:
            return
        problem = Problem(
            self._feature_of(job.kind),
            JOB_CAUSE,
            job.kind,
            _(
                "Something that was due failed again and again, and I gave it up ({job}).",
                job=job.kind,
            ),
            _("Tell the owner of this bot: its log says why, at job_failed."),
        )
        await self._report(job.guild_id, problem)

    async def _report(self, guild_id: int, problem: Problem) -> None:
        await self._problems.report(guild_id, problem)
        what = (problem.feature, problem.cause, problem.subject)
        async with self._database.write() as session:
            await self._jobs.schedule(
                session,
                KIND,
                self._clock.now() + QUIET_FOR,
                dict(zip(("feature", "cause", "subject"), what, strict=True)),
                dedupe_key=":".join((KIND, str(guild_id), *what)),
                guild_id=guild_id,
            )

    async def _close(self, job: Job) -> None:
        if job.guild_id is not None:
            await self._problems.solve(job.guild_id, **job.payload)

    async def _on_settings_changed(self, event: SettingsChanged) -> None:
        for one in await self._problems.list(event.guild_id):
            found = one.problem
            if (found.feature, found.cause) == (event.feature, DELIVERY_CAUSE):
                await self._problems.solve(
                    event.guild_id, found.feature, found.cause, found.subject
                )

    def _feature_of(self, key: str) -> str:
        # Keys of deliveries and kinds of jobs begin with the feature: welcome.join:…, welcome:….
        name = key.partition(":")[0].partition(".")[0]
        return name if name in self._registry else _BASICS

    def _place(self, guild_id: int, channel_id: int | None) -> Message | str:
        if channel_id is None:
            return _("direct messages")
        channel = self._state().channel(guild_id, channel_id)
        return label_of(channel) if channel else f"#{channel_id}"


def explain(reason: str, place: Message | str) -> tuple[Message, Message]:
    """Return what to tell about a message that Discord will never take, and what helps."""
    if reason in _UNWELCOME_TEXT:
        return (
            _(
                "Discord did not take a message of mine in {place}: it was empty or too long, or "
                "something in it is not allowed.",
                place=place,
            ),
            _("Change the texts in this feature's settings."),
        )
    match reason:
        case "blocked_by_automod":
            return (
                _("Discord's AutoMod stopped a message of mine in {place}.", place=place),
                _("Exempt my role from the AutoMod rule, or change the text that it stops."),
            )
        case "not_a_text_channel":
            return (
                _("No messages can be sent in {place}.", place=place),
                _("Choose another channel in this feature's settings."),
            )
        case "thread_archived" | "thread_locked":
            return (
                _("I can't write in {place}: the thread is closed.", place=place),
                _("Open the thread again, or choose another channel."),
            )
    return (
        _("Discord refused a message of mine in {place} ({reason}).", place=place, reason=reason),
        _(
            "Look through this feature's settings. If nothing is wrong there, tell the owner of "
            "this bot."
        ),
    )
