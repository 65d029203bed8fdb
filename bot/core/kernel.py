"""The kernel as one value: the services that cogs and the web server are handed.

No service takes the whole of it; each is given only what it needs, in `bot.application`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.core.approvals import ApprovalService
    from bot.core.audit import AuditLog
    from bot.core.batches import BatchService
    from bot.core.cases import CaseService
    from bot.core.clock import Clock
    from bot.core.config import Config
    from bot.core.contracts import BotState
    from bot.core.delivery_problems import DeliveryProblems
    from bot.core.events import EventBus
    from bot.core.faults import FaultReporter
    from bot.core.features import FeatureRegistry
    from bot.core.health import HealthSampler
    from bot.core.health.lag import LoopLagProbe
    from bot.core.jobs import JobService
    from bot.core.loginlinks import LoginLinks
    from bot.core.metrics import Metrics
    from bot.core.outbox import OutboxService
    from bot.core.ownership import DatabaseOwnership
    from bot.core.permissions import PermissionService
    from bot.core.problems import ProblemService
    from bot.core.ratelimit import CommandLimiter
    from bot.core.resources import Resources
    from bot.core.roles import RoleService
    from bot.core.roster import Roster
    from bot.core.settings import SettingsStore
    from bot.core.supervisor import TaskSupervisor
    from bot.core.unwritten import Unwritten
    from bot.core.usage import UsageRecorder
    from bot.core.webhooks import WebhookSender
    from db.engine import Database


@dataclass(slots=True, kw_only=True)
class Kernel:
    """Every shared service; `state` is asked each time, because clients come and go."""

    config: Config
    clock: Clock
    database: Database
    supervisor: TaskSupervisor
    bus: EventBus
    metrics: Metrics
    faults: FaultReporter
    registry: FeatureRegistry
    settings: SettingsStore
    problems: ProblemService
    delivery_problems: DeliveryProblems
    jobs: JobService
    outbox: OutboxService
    cases: CaseService
    approvals: ApprovalService
    roles: RoleService
    batches: BatchService
    usage: UsageRecorder
    audit: AuditLog
    limits: CommandLimiter
    permissions: PermissionService
    health: HealthSampler
    webhooks: WebhookSender
    login_links: LoginLinks
    lag: LoopLagProbe
    roster: Roster
    unwritten: Unwritten
    ownership: DatabaseOwnership
    resources: Resources
    state: Callable[[], BotState]
