"""What the web's tests share: services made of fakes around a real database, and a client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.core.audit import AuditLog
from bot.core.contracts import (
    BotCounts,
    ChannelSummary,
    GatewayStatus,
    GuildSummary,
    RoleSummary,
    ShardStatus,
)
from bot.core.events import EventBus
from bot.core.features import discover
from bot.core.health import HealthSampler
from bot.core.health.lag import LoopLagProbe
from bot.core.health.vitals import HostProbe
from bot.core.loginlinks import LoginLinks
from bot.core.metrics import Metrics
from bot.core.metrics.exposition import MetricsExposition
from bot.core.metrics.live import LiveMetrics, Pool
from bot.core.nullstate import NullState
from bot.core.problems import ProblemService
from bot.core.settings import SettingsStore
from bot.core.supervisor import TaskSupervisor
from bot.core.usage import UsageRecorder
from db.engine import Database
from tests.fakes import FakeClock
from web.app import make_app
from web.keys import SERVICES
from web.options import WebOptions
from web.services import WebServices

OWNER, STRANGER = 1001, 2002
JOINED = datetime(2026, 1, 2, tzinfo=UTC)
KEY = "k" * 40
# The test client comes from 127.0.0.1; with that address as a proxy it can speak for anybody.
BEHIND_PROXY = {"trusted_proxies": (ip_network("127.0.0.0/8"),)}
FROM_OUTSIDE = {"X-Forwarded-For": "203.0.113.7"}


REGISTRY = discover()
# A guild with hostile names, and another one that the bot is in.
GUILD, OTHER_GUILD = 7, 8
GUILD_NAME = '<script>alert("guild")</script>'
CHANNEL, VOICE, FOREIGN_CHANNEL, ROLE = 50, 51, 80, 60
CHANNEL_NAME = '"><img src=x onerror=alert(1)>'
WRITABLE = frozenset({"view_channel", "send_messages", "embed_links", "attach_files"})


class FakeState(NullState):
    """A bot that is connected with one shard, unless a test says otherwise.

    It is in two guilds, the first of which has a text channel, a voice channel and a role.
    """

    def __init__(self) -> None:
        super().__init__()
        self.status = GatewayStatus(
            shards=(ShardStatus(0, connected=True, latency=0.045, ack_age=10.0),),
            first_ready=True,
            last_event_age=1.0,
            identify_remaining=990,
        )
        self.known = {
            GUILD: GuildSummary(GUILD, GUILD_NAME, OWNER, 10, joined_at=JOINED),
            OTHER_GUILD: GuildSummary(OTHER_GUILD, "Elsewhere", STRANGER, 3),
        }
        self.rooms = [
            ChannelSummary(CHANNEL, GUILD, CHANNEL_NAME, "text", bot_permissions=WRITABLE),
            ChannelSummary(VOICE, GUILD, "talk", "voice", bot_permissions=WRITABLE),
            ChannelSummary(FOREIGN_CHANNEL, OTHER_GUILD, "there", "text"),
        ]
        self.ranks = [RoleSummary(ROLE, GUILD, "<b>Crew</b>", 2)]
        self.numbers = BotCounts(guilds=150, users=50_000, channels={"text": 2500, "voice": 500})

    def gateway(self) -> GatewayStatus:
        return self.status

    def counts(self) -> BotCounts:
        return self.numbers

    def guild(self, guild_id: int) -> GuildSummary | None:
        return self.known.get(guild_id)

    def guilds(self) -> Sequence[GuildSummary]:
        return tuple(self.known.values())

    def channels(self, guild_id: int) -> Sequence[ChannelSummary]:
        return [one for one in self.rooms if one.guild_id == guild_id]

    def channel(self, guild_id: int, channel_id: int) -> ChannelSummary | None:
        return next((one for one in self.channels(guild_id) if one.id == channel_id), None)

    def roles(self, guild_id: int) -> Sequence[RoleSummary]:
        return [one for one in self.ranks if one.guild_id == guild_id]

    def role(self, guild_id: int, role_id: int) -> RoleSummary | None:
        return next((one for one in self.roles(guild_id) if one.id == role_id), None)

    def disconnect(self, seconds: float) -> None:
        shard = ShardStatus(0, connected=False, disconnected_for=seconds)
        self.status = replace(self.status, shards=(shard,))


class FakeLimits:
    """A command limiter with one offender."""

    def snapshot(self) -> Mapping[str, Any]:
        offender = {"user_id": "77", "violations": 12, "blocked_until": None}
        return {"totalEntries": 50, "blacklistedCount": 2, "topOffenders": [offender]}


@dataclass
class FakeWebhooks:
    """Remembers what was reported."""

    reports: list[tuple[str, BaseException | str, str]] = field(default_factory=list)

    def error(self, where: str, error: BaseException | str, *, reference: str = "") -> None:
        self.reports.append((where, error, reference))


@dataclass
class World:
    """One web application with everything around it."""

    services: WebServices
    state: FakeState
    clock: FakeClock
    webhooks: FakeWebhooks
    client: TestClient[web.Request, web.Application]

    @property
    def app(self) -> web.Application:
        return self.client.server.app  # type: ignore[attr-defined]

    async def measure(self) -> None:
        await self.services.health.sample()

    async def log_in(self, user_id: int = OWNER) -> None:
        link = await self.services.login_links.create(user_id)
        path = "/login/" + link.rpartition("/")[2]
        response = await self.client.post(
            path, headers={"Sec-Fetch-Site": "same-origin"}, allow_redirects=False
        )
        assert response.status == 303


def make_services(
    database: Database, clock: FakeClock, state: FakeState, webhooks: FakeWebhooks, **options: Any
) -> WebServices:
    supervisor = TaskSupervisor()
    metrics = Metrics()
    health = HealthSampler(
        database,
        lambda: state,
        supervisor,
        clock,
        lag=LoopLagProbe(metrics.loop_lagged),
        host=HostProbe(database_path=database.path),
    )
    metrics.register(
        LiveMetrics(state=lambda: state, health=health, supervisor=supervisor, pool=Pool)
    )
    bus = EventBus()
    audit = AuditLog(clock, bus, supervisor)
    settings = SettingsStore(database, clock, bus, REGISTRY, audit, state=lambda: state)
    return WebServices(
        options=WebOptions(**options),
        database=database,
        clock=clock,
        state=lambda: state,
        registry=REGISTRY,
        settings=settings,
        problems=ProblemService(database, clock, bus, REGISTRY, settings, state=lambda: state),
        health=health,
        metrics=metrics,
        exposition=MetricsExposition(metrics.registry, clock),
        usage=UsageRecorder(database, clock),
        limits=FakeLimits(),
        webhooks=webhooks,
        login_links=LoginLinks(database, clock, "http://127.0.0.1"),
        audit=audit,
        owners=lambda: {OWNER},
        process_id="this-one",
    )


async def open_world(database: Database, clock: FakeClock, **options: Any) -> World:
    """Return a world whose client is started; its health has been measured once."""
    state, webhooks = FakeState(), FakeWebhooks()
    services = make_services(database, clock, state, webhooks, **options)
    client = TestClient(TestServer(make_app(services)))
    await client.start_server()
    world = World(services, state, clock, webhooks, client)
    await world.measure()
    return world


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


__all__ = ["BEHIND_PROXY", "FROM_OUTSIDE", "KEY", "OWNER", "SERVICES", "STRANGER", "World"]
