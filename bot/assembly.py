"""Builds the kernel: every service from the configuration, given only what it needs.

Nothing is started here and no connection is opened; tests build the same kernel around a fake
clock and an empty view of Discord.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
import discord
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.approvals import ApprovalService
from bot.core.audit import AuditLog, AuditRecorded
from bot.core.batches import BatchService
from bot.core.cases import CaseService
from bot.core.clock import Clock
from bot.core.config import Config, HealthConfig
from bot.core.contracts import BotState
from bot.core.delivery_problems import DeliveryProblems
from bot.core.events import EventBus
from bot.core.failure_problems import FailureProblems
from bot.core.faults import FaultReporter
from bot.core.features import FeatureRegistry
from bot.core.health import HealthSampler
from bot.core.health.lag import LoopLagProbe
from bot.core.health.rules import MIB, limits_from
from bot.core.health.vitals import HostProbe
from bot.core.jobs import JobService
from bot.core.kernel import Kernel
from bot.core.loginlinks import LoginLinks
from bot.core.metrics import Metrics
from bot.core.metrics.queries import watch_queries
from bot.core.nullstate import NullState
from bot.core.outbox import OutboxService
from bot.core.ownership import DatabaseOwnership
from bot.core.permissions import PermissionService
from bot.core.problems import ProblemService
from bot.core.problems.news import LogChannelTeller
from bot.core.ratelimit import CommandLimiter
from bot.core.resources import Resources
from bot.core.roles import RoleService
from bot.core.roster import Roster
from bot.core.settings import SettingsStore
from bot.core.settings.announcements import SettingsAnnouncer
from bot.core.supervisor import TaskSupervisor
from bot.core.unwritten import Unwritten
from bot.core.usage import UsageRecorder
from bot.core.webhooks import WebhookSender
from db.engine import Database
from db.leases import Shards
from db.notify import Notifier, make_notifier
from db.version import is_at_head


class LiveState:
    """The view of Discord that services hold: empty at first, then each client's in turn."""

    def __init__(self) -> None:
        self.current: BotState = NullState()

    def __call__(self) -> BotState:
        """Return the view of the client that is connected now."""
        return self.current


@dataclass(frozen=True, slots=True, kw_only=True)
class _Basics:
    """What nearly every service is built on."""

    config: Config
    database: Database
    clock: Clock
    supervisor: TaskSupervisor
    bus: EventBus
    notifier: Notifier
    registry: FeatureRegistry
    state: LiveState


def build_kernel(
    config: Config,
    *,
    database: Database,
    clock: Clock,
    http: aiohttp.ClientSession,
    registry: FeatureRegistry,
    state: LiveState,
    notifier: Notifier | None = None,
) -> Kernel:
    """Return a kernel whose workers are not running yet; `bot.runtime` runs them."""
    metrics = _metrics(database)
    webhooks = WebhookSender(config, http, clock, on_delivery=metrics.webhook_delivered)
    faults = FaultReporter(metrics, webhooks)
    basics = _Basics(
        config=config,
        database=database,
        clock=clock,
        supervisor=TaskSupervisor(faults.task_failed),
        bus=EventBus(faults.listener_failed),
        notifier=notifier or make_notifier(database),
        registry=registry,
        state=state,
    )
    faults.listen(basics.bus)
    # What is changed is told of by the audit log: to the operator, and to the metrics.
    basics.bus.subscribe(AuditRecorded, webhooks.hear)
    basics.bus.subscribe(AuditRecorded, _counting_changes(metrics))
    return _kernel(basics, metrics, faults, webhooks)


def _approvals(
    basics: _Basics, store: SettingsStore, jobs: JobService, outbox: OutboxService, audit: AuditLog
) -> ApprovalService:
    return ApprovalService(
        basics.database,
        basics.clock,
        store,
        jobs=jobs,
        outbox=outbox,
        audit=audit,
        bus=basics.bus,
        state=basics.state,
    )


def _kernel(
    basics: _Basics, metrics: Metrics, faults: FaultReporter, webhooks: WebhookSender
) -> Kernel:
    config, database, clock, state = basics.config, basics.database, basics.clock, basics.state
    bus, supervisor, registry = basics.bus, basics.supervisor, basics.registry
    audit = AuditLog(clock, bus, supervisor)
    store = _settings(basics, audit)
    lag = LoopLagProbe(faults.loop_lagged)
    outbox, jobs = _deferred_work(basics)
    problems = _problems(basics, store, outbox)
    cases = _cases(basics, store, jobs, outbox, problems)
    roles = _roles(basics, store, problems)
    usage = UsageRecorder(database, clock, on_dropped=metrics.usage_dropped)
    roster = _roster(basics, jobs, outbox, cases, roles)
    FailureProblems(database, clock, problems, jobs, registry=registry, state=state).listen(bus)
    return Kernel(
        config=config,
        clock=clock,
        database=database,
        supervisor=supervisor,
        bus=bus,
        metrics=metrics,
        faults=faults,
        registry=registry,
        settings=store,
        problems=problems,
        delivery_problems=DeliveryProblems(database, problems, bus, supervisor, state),
        jobs=jobs,
        outbox=outbox,
        cases=cases,
        approvals=_approvals(basics, store, jobs, outbox, audit),
        roles=roles,
        batches=BatchService(database, clock, jobs=jobs, outbox=outbox),
        usage=usage,
        audit=audit,
        limits=_limits(basics),
        permissions=PermissionService(database, clock, registry, audit),
        roster=roster,
        unwritten=_unwritten(usage, roster),
        ownership=DatabaseOwnership(database),
        health=_health(basics, lag),
        lag=lag,
        webhooks=webhooks,
        login_links=LoginLinks(database, clock, ""),
        resources=Resources(),
        state=state,
    )


def _roster(
    basics: _Basics,
    jobs: JobService,
    outbox: OutboxService,
    cases: CaseService,
    roles: RoleService,
) -> Roster:
    """The roster, which ends or suspends what was to be done in a guild that the bot has left."""

    async def drop_work(session: AsyncSession, guild_id: int) -> None:
        await jobs.suspend(session, guild_id)
        await outbox.suspend(session, guild_id)
        await roles.suspend(session, guild_id)

    async def take_up(session: AsyncSession, guild_id: int) -> None:
        await jobs.take_up(session, guild_id)
        await outbox.take_up(session, guild_id)
        await roles.take_up(session, guild_id)
        await cases.take_up(session, guild_id)

    return Roster(basics.database, on_left=drop_work, on_returned=take_up)


def _unwritten(usage: UsageRecorder, roster: Roster) -> Unwritten:
    unwritten = Unwritten()
    unwritten.register("usage", usage.flush)
    unwritten.register("roster", roster.flush)
    return unwritten


def _limits(basics: _Basics) -> CommandLimiter:
    limits = CommandLimiter(basics.config.limits, basics.clock, basics.database)
    limits.share(basics.notifier, basics.supervisor)
    return limits


def _metrics(database: Database) -> Metrics:
    revision = os.environ.get("PEGASUS_REVISION") or "unknown"
    metrics = Metrics(revision=revision, discordpy=discord.__version__)
    watch_queries(database, metrics)
    return metrics


def _settings(basics: _Basics, audit: AuditLog) -> SettingsStore:
    announcer = SettingsAnnouncer(basics.notifier)
    store = SettingsStore(
        basics.database,
        basics.clock,
        basics.bus,
        basics.registry,
        audit,
        state=basics.state,
        announcer=announcer,
    )
    announcer.connect(store, basics.supervisor)
    return store


def _deferred_work(basics: _Basics) -> tuple[OutboxService, JobService]:
    """What is done later: both wake by notices and keep to this process's shards."""
    database, clock, supervisor = basics.database, basics.clock, basics.supervisor
    bus, notifier, shards = basics.bus, basics.notifier, _shards(basics.config)
    limits = basics.config.jobs
    return (
        OutboxService(database, clock, supervisor, bus=bus, shards=shards, notifier=notifier),
        JobService(database, clock, limits, supervisor, bus=bus, shards=shards, notifier=notifier),
    )


def _problems(basics: _Basics, settings: SettingsStore, outbox: OutboxService) -> ProblemService:
    return ProblemService(
        basics.database,
        basics.clock,
        basics.bus,
        basics.registry,
        settings,
        state=basics.state,
        intents=privileged_intents(basics.config),
        teller=LogChannelTeller(settings, basics.registry, outbox, basics.clock, basics.state),
    )


def _cases(
    basics: _Basics,
    settings: SettingsStore,
    jobs: JobService,
    outbox: OutboxService,
    problems: ProblemService,
) -> CaseService:
    return CaseService(
        basics.database,
        basics.clock,
        settings,
        bus=basics.bus,
        jobs=jobs,
        outbox=outbox,
        problems=problems,
        supervisor=basics.supervisor,
        state=basics.state,
    )


def _roles(basics: _Basics, settings: SettingsStore, problems: ProblemService) -> RoleService:
    return RoleService(
        basics.database,
        basics.clock,
        settings,
        bus=basics.bus,
        problems=problems,
        supervisor=basics.supervisor,
        state=basics.state,
        shards=_shards(basics.config),
        notifier=basics.notifier,
    )


def _health(basics: _Basics, lag: LoopLagProbe) -> HealthSampler:
    database, registry, config = basics.database, basics.registry, basics.config.health
    return HealthSampler(
        database,
        basics.state,
        basics.supervisor,
        basics.clock,
        lag=lag,
        host=HostProbe(memory_limit=_memory_limit(config), database_path=database.path),
        limits=limits_from(config),
        every=config.sample_seconds,
        failed_features=lambda: sorted(registry.failed),
        schema_current=_schema_check(database),
    )


def _counting_changes(metrics: Metrics) -> Callable[[AuditRecorded], Awaitable[None]]:
    # Unlike SettingsChanged, this comes only in the process where the change was made.
    async def count(event: AuditRecorded) -> None:
        if event.category == "settings":
            metrics.settings_changed(str(event.details["feature"]), event.actor.source)

    return count


def privileged_intents(config: Config) -> frozenset[str]:
    """Return the privileged intents that are configured, as features name them."""
    switched = {
        "members": config.discord.members_intent,
        "message_content": config.discord.message_content_intent,
    }
    return frozenset(name for name, on in switched.items() if on)


def _memory_limit(config: HealthConfig) -> int | None:
    return None if config.memory_limit_mb is None else config.memory_limit_mb * MIB


def _shards(config: Config) -> Shards | None:
    ids, count = config.discord.shard_ids, config.discord.shard_count
    return Shards(frozenset(ids), count) if ids and count else None


def _schema_check(database: Database) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return await is_at_head(database)

    return check
