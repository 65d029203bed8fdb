"""What the web needs of the rest of the process; the composition root fills it in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.audit import AuditLog
from bot.core.clock import Clock
from bot.core.contracts import BotState
from bot.core.features import FeatureRegistry
from bot.core.health import HealthSampler
from bot.core.loginlinks import LoginLinks
from bot.core.metrics import Metrics
from bot.core.metrics.exposition import MetricsExposition
from bot.core.metrics.live import Pool
from bot.core.namesearch import MemberSearch, search_nowhere
from bot.core.problems import ProblemService
from bot.core.resources import Resources
from bot.core.settings import SettingsStore
from bot.core.usage import UsageStatistics
from db.engine import Database
from web.options import WebOptions

Counter = Callable[[AsyncSession], Awaitable[int]]


class ErrorReporter(Protocol):
    """Tells the operator of an error that nobody expected; never waits, never raises."""

    def error(self, where: str, error: BaseException | str, *, reference: str = "") -> object:
        """Queue a report; `where` is the same each time the same thing goes wrong."""
        ...


class CommandUsage(Protocol):
    """What people use, as the statistics show it."""

    async def statistics(self) -> UsageStatistics:
        """Return the numbers, a few seconds old at most."""
        ...


class CommandLimits(Protocol):
    """The command rate limiter, as the statistics show it."""

    def snapshot(self) -> Mapping[str, Any]:
        """Return `totalEntries`, `blacklistedCount` and `topOffenders`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WebServices:
    """Everything that handlers and middlewares use.

    `state` and `owners` are asked each time, because both change when Discord is connected.
    `counters` are the features' own numbers for the statistics. `process_id` names this process's
    own heartbeat, whose numbers are read live instead.
    """

    options: WebOptions
    database: Database
    clock: Clock
    state: Callable[[], BotState]
    registry: FeatureRegistry
    settings: SettingsStore
    problems: ProblemService
    health: HealthSampler
    metrics: Metrics
    exposition: MetricsExposition
    usage: CommandUsage
    limits: CommandLimits
    webhooks: ErrorReporter
    login_links: LoginLinks
    audit: AuditLog
    owners: Callable[[], Collection[int]]
    resources: Resources = field(default_factory=Resources)
    pool: Callable[[], Pool] = Pool
    members: MemberSearch = search_nowhere
    process_id: str = ""
    counters: Mapping[str, Counter] = field(default_factory=dict)
