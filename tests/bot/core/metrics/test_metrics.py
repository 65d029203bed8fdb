"""The metrics: the whole catalogue, bounded labels, true values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from yarl import URL

from bot.core.contracts import BotCounts, GatewayStatus, ShardStatus
from bot.core.features import Gauge
from bot.core.health import HealthSampler
from bot.core.health.lag import LoopLagProbe
from bot.core.health.vitals import HostProbe
from bot.core.jobs.values import JobsSnapshot
from bot.core.metrics import LabelSet, Metrics
from bot.core.metrics.live import LiveMetrics, Pool, pool_of
from bot.core.metrics.queries import operation_of, watch_queries
from bot.core.metrics.rest import ROUTE_GROUPS, route_group
from bot.core.nullstate import NullState
from bot.core.outbox.deliveries import OutboxSnapshot
from bot.core.roles import RolesSnapshot
from bot.core.supervisor import TaskSupervisor
from db.engine import Database
from tests.fakes import FakeClock

P = "pegasus_bot_"
# Every metric of the operating guide that this process has something to say of.
CATALOGUE = {
    "build_info",
    "guilds",
    "users",
    "unavailable_guilds",
    "channels",
    "gateway_up",
    "gateway_latency_seconds",
    "gateway_heartbeat_ack_age_seconds",
    "gateway_last_event_age_seconds",
    "gateway_events_total",
    "gateway_disconnects_total",
    "gateway_sessions_total",
    "gateway_identify_remaining",
    "commands_total",
    "command_duration_seconds",
    "command_latency_seconds",
    "interaction_ack_seconds",
    "component_interactions_total",
    "command_errors_total",
    "discord_http_requests_total",
    "discord_http_request_duration_seconds",
    "discord_ratelimited_total",
    "discord_invalid_requests_total",
    "scheduled_pending",
    "role_changes_pending",
    "role_changes_parked",
    "role_change_lag_seconds",
    "role_changes_total",
    "job_duration_seconds",
    "usage_dropped_total",
    "job_runs_total",
    "job_lag_seconds",
    "background_task_up",
    "db_up",
    "db_ping_seconds",
    "db_size_bytes",
    "db_wal_bytes",
    "db_query_duration_seconds",
    "db_pool_connections",
    "db_errors_total",
    "http_requests_total",
    "http_request_duration_seconds",
    "http_inflight_requests",
    "http_rate_limited_total",
    "auth_logins_total",
    "config_changes_total",
    "event_loop_lag_seconds",
    "asyncio_tasks",
    "log_records_total",
    "webhook_deliveries_total",
    "backup_last_success_timestamp_seconds",
    "health_status",
    "messages_total",
    "messages_rejected_total",
}


@dataclass
class _Intake:
    messages: int = 12
    edits: int = 3
    built: int = 2
    effects: int = 1
    rejected: dict[str, int] = field(default_factory=lambda: {"spam": 4})
    events: dict[str, int] = field(default_factory=lambda: {"MESSAGE_CREATE": 12})
    malformed: dict[str, int] = field(default_factory=dict)


@dataclass
class _Work:
    jobs: JobsSnapshot | None = field(
        default_factory=lambda: JobsSnapshot(
            pending=3,
            oldest_overdue=4.5,
            runs={("pond.tick", "done"): 9, ("pond.tock", "done"): 1, ("pond.tock", "retry"): 2},
            durations={"pond.tick": (9, 4.5), "pond.tock": (3, 0.5)},
        )
    )
    outbox: OutboxSnapshot | None = field(default_factory=OutboxSnapshot)
    roles: RolesSnapshot | None = field(
        default_factory=lambda: RolesSnapshot(waiting=2, outcomes={("sticky", "applied"): 7})
    )
    last_backup_at: datetime | None = None
    gauges: dict[Gauge, int] = field(
        default_factory=lambda: {Gauge("ponds_open", "Ponds that are open", _count): 45}
    )


async def _count(_session: AsyncSession) -> int:
    return 0


class _State(NullState):
    shards = (
        ShardStatus(0, connected=True, latency=0.045, ack_age=10.0),
        ShardStatus(1, connected=False, latency=float("nan")),
    )

    def gateway(self) -> GatewayStatus:
        return GatewayStatus(self.shards, first_ready=True, last_event_age=2.0)

    def counts(self) -> BotCounts:
        return BotCounts(guilds=150, users=50_000, channels={"text": 7})


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(revision="abc123", discordpy="2.7.1")


@pytest.fixture
async def live(sqlite_database: Database, clock: FakeClock, metrics: Metrics) -> Metrics:
    """The metrics of a process in which everything exists."""
    supervisor = TaskSupervisor()
    health = HealthSampler(
        sqlite_database,
        _State,
        supervisor,
        clock,
        lag=LoopLagProbe(),
        host=HostProbe(database_path=sqlite_database.path),
    )
    await health.sample()
    metrics.register(
        LiveMetrics(
            state=_State,
            health=health,
            supervisor=supervisor,
            pool=pool_of(sqlite_database),
            intake=_Intake,
            work=_Work(),  # type: ignore[arg-type]
        )
    )
    return metrics


def _families(registry: CollectorRegistry) -> set[str]:
    names = set()
    for family in registry.collect():
        names.add(family.name + ("_total" if family.type == "counter" else ""))
    return names


def _value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(P + name, labels)


async def test_metrics_whole_catalogue(live: Metrics) -> None:
    missing = {P + name for name in CATALOGUE} - _families(live.registry)
    assert missing == set()


async def test_metrics_every_name_has_the_prefix_or_is_the_clients_own(live: Metrics) -> None:
    own = ("process_", "python_")
    assert all(name.startswith((P, *own)) for name in _families(live.registry))


async def test_metrics_live_values(live: Metrics) -> None:
    assert _value(live, "guilds") == 150
    assert _value(live, "users") == 50_000
    assert _value(live, "channels", type="text") == 7
    assert _value(live, "gateway_up", shard="0") == 1
    assert _value(live, "gateway_up", shard="1") == 0
    assert _value(live, "gateway_latency_seconds", shard="0") == 0.045
    assert _value(live, "messages_total") == 12
    assert _value(live, "messages_rejected_total", gate="spam") == 4
    assert _value(live, "gateway_events_total", event="MESSAGE_CREATE") == 12
    assert _value(live, "role_changes_pending") == 2
    assert _value(live, "role_changes_total", source="sticky", outcome="applied") == 7
    assert _value(live, "job_runs_total", job="pond", outcome="done") == 10
    assert _value(live, "job_runs_total", job="pond", outcome="retry") == 2
    assert _value(live, "job_duration_seconds_count", job="pond") == 12
    assert _value(live, "job_duration_seconds_sum", job="pond") == 5
    assert _value(live, "job_lag_seconds") == 4.5
    assert _value(live, "ponds_open") == 45
    assert _value(live, "db_up") == 1
    assert _value(live, "health_status", check="gateway") == 0


async def test_metrics_what_is_not_known_is_left_out(live: Metrics) -> None:
    assert _value(live, "gateway_latency_seconds", shard="1") is None
    assert _value(live, "gateway_identify_remaining") is None
    assert _value(live, "backup_last_success_timestamp_seconds") is None


def test_metrics_build_info(metrics: Metrics) -> None:
    [sample] = [
        sample
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == f"{P}build_info"
    ]
    assert sample.value == 1
    assert sample.labels["revision"] == "abc123"
    assert sample.labels["discordpy"] == "2.7.1"


def test_metrics_keep_the_seeds_names(metrics: Metrics) -> None:
    metrics.command_finished("giveaway", "slash", "ok", 0.2)
    labels = {"command": "giveaway", "kind": "slash", "outcome": "ok"}
    assert _value(metrics, "commands_total", **labels) == 1
    assert _value(metrics, "command_duration_seconds_sum", command="giveaway") == 0.2
    assert _value(metrics, "command_latency_seconds_count", kind="slash") == 1


def test_metrics_say_nothing_of_creation_times(metrics: Metrics) -> None:
    metrics.command_finished("giveaway", "slash", "ok", 0.2)
    names = {sample.name for family in metrics.registry.collect() for sample in family.samples}
    assert not any(name.endswith("_created") for name in names)


def test_metrics_two_processes_in_one_test_do_not_collide() -> None:
    assert Metrics().registry is not Metrics().registry


def test_labels_are_bounded(metrics: Metrics) -> None:
    for number in range(1000):
        metrics.command_finished(f"command {number}", "slash", f"outcome {number}", 0.1)
        metrics.component_used(f"namespace {number}", "ok")
        metrics.command_failed(type(f"Error{number}", (Exception,), {})())
        metrics.settings_changed(f"feature {number}", "web")
        metrics.task_failed(f"task {number}", ValueError())
        metrics.request_finished("GET", f"/path/{number}", f"group {number}", 200, 0.1)
        metrics.login_attempted(f"outcome {number}")
        metrics.query_failed(type(f"Error{number}", (Exception,), {})())
        metrics.webhook_delivered("error", f"outcome {number}")
        metrics.log_recorded(f"level {number}")
        metrics.listener_failed(f"on_{number}")
    samples = sum(len(family.samples) for family in metrics.registry.collect())
    # The budget of a scrape that stays cheap; an unbounded label would be at 12,000 and more.
    assert samples < 1500
    assert _value(metrics, "commands_total", command="other", kind="slash", outcome="other") == 700


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("discord_ratelimited_total", {"scope": "global"}),
        ("discord_invalid_requests_total", {"status": "401"}),
        ("http_rate_limited_total", {"policy": "key"}),
        ("auth_logins_total", {"outcome": "wrong_key"}),
        ("gateway_sessions_total", {"kind": "resume"}),
        ("webhook_deliveries_total", {"kind": "error", "outcome": "failed"}),
        ("interaction_ack_seconds_count", {"kind": "command"}),
        ("log_records_total", {"level": "error"}),
    ],
)
def test_metrics_known_series_begin_at_zero(
    metrics: Metrics, name: str, labels: dict[str, str]
) -> None:
    assert _value(metrics, name, **labels) == 0


def test_metrics_listeners_begin_at_zero(metrics: Metrics) -> None:
    metrics.know_listeners(["on_member_join"])
    assert _value(metrics, "listener_failures_total", listener="on_member_join") == 0


async def test_metrics_events_that_could_be_malformed_begin_at_zero(live: Metrics) -> None:
    assert _value(live, "gateway_malformed_events_total", event="MESSAGE_CREATE") == 0


def test_label_set() -> None:
    labels = LabelSet(2, known=["a"])
    assert [labels.of(value) for value in ("a", "b", "c", "b", "", None)] == [
        "a",
        "b",
        "other",
        "b",
        "other",
        "other",
    ]


def test_one_features_events_take_no_names_from_anothers(metrics: Metrics) -> None:
    for number in range(11):
        metrics.feature_event("pond", f"quack {number}")
    metrics.feature_event("welcome", "join")
    assert _value(metrics, "feature_events_total", feature="pond", event="other") == 1
    assert _value(metrics, "feature_events_total", feature="welcome", event="join") == 1


def test_task_families_are_one_label(metrics: Metrics) -> None:
    for number in range(3):
        metrics.task_failed(f"gate:spam{number}", ValueError())
    assert _value(metrics, "background_task_failures_total", task="gate") == 3


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("/api/v10/channels/1/messages", "messages"),
        ("/api/v10/channels/1/messages/2", "messages"),
        ("/api/v10/channels/1/messages/2/reactions/x/@me", "reactions"),
        ("/api/v10/channels/1/messages/2/threads", "threads"),
        ("/api/v10/channels/1", "channels"),
        ("/api/v10/guilds/1/members/2/roles/3", "roles"),
        ("/api/v10/guilds/1/members/2", "members"),
        ("/api/v10/guilds/1/bans/2", "bans"),
        ("/api/v10/guilds/1", "guilds"),
        ("/api/v10/interactions/1/token/callback", "interactions"),
        ("/api/v10/webhooks/1/token/messages/@original", "messages"),
        ("/api/v10/applications/1/guilds/2/commands", "commands"),
        ("/api/v10/users/@me", "users"),
        ("/api/v10/gateway/bot", "gateway"),
        ("/api/v10/invites/abc", "invites"),
        ("/elsewhere/123", "other"),
    ],
)
def test_rest_route_groups(path: str, group: str) -> None:
    assert route_group(URL(f"https://discord.com{path}")) == group
    assert len(ROUTE_GROUPS) + 1 <= 15


async def test_rest_requests_are_measured(metrics: Metrics) -> None:
    async def answer(request: web.Request) -> web.Response:
        status = int(request.query["status"])
        return web.Response(status=status, headers={"X-RateLimit-Scope": request.query["scope"]})

    app = web.Application()
    app.router.add_get("/channels/1/messages", answer)
    async with (
        TestServer(app) as server,
        aiohttp.ClientSession(trace_configs=[metrics.http_trace()]) as session,
    ):
        for status, scope in ((200, "user"), (429, "shared"), (429, "global"), (403, "user")):
            url = server.make_url(f"/channels/1/messages?status={status}&scope={scope}")
            async with session.get(url):
                pass
        with pytest.raises(aiohttp.ClientError):
            await session.get("http://127.0.0.1:1/users/@me")
    group = {"route_group": "messages"}
    assert _value(metrics, "discord_http_requests_total", status="2xx", **group) == 1
    assert _value(metrics, "discord_http_requests_total", status="4xx", **group) == 3
    failed = {"route_group": "users", "status": "failed"}
    assert _value(metrics, "discord_http_requests_total", **failed) == 1
    assert _value(metrics, "discord_http_request_duration_seconds_count", **group) == 4
    assert _value(metrics, "discord_ratelimited_total", scope="shared") == 1
    assert _value(metrics, "discord_ratelimited_total", scope="global") == 1
    assert _value(metrics, "discord_invalid_requests_total", status="429") == 1
    assert _value(metrics, "discord_invalid_requests_total", status="403") == 1


@pytest.mark.parametrize(
    ("statement", "operation"),
    [
        ("SELECT 1", "select"),
        ("\n  insert INTO x", "insert"),
        ("UPDATE x", "update"),
        ("DELETE FROM x", "delete"),
        ("BEGIN IMMEDIATE", "other"),
        ("(SELECT 1) UNION", "select"),
        ("", "other"),
    ],
)
def test_query_operations(statement: str, operation: str) -> None:
    assert operation_of(statement) == operation


async def test_queries_are_measured_on_both_engines(database: Database, metrics: Metrics) -> None:
    watch_queries(database, metrics)
    async with database.read() as session:
        await session.execute(text("SELECT 1"))
    assert (_value(metrics, "db_query_duration_seconds_count", op="select") or 0) >= 1
    with pytest.raises(SQLAlchemyError):
        async with database.read() as session:
            await session.execute(text("SELECT nothing FROM nowhere"))
    errors = [
        sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == f"{P}db_errors_total"
    ]
    assert sum(errors) == 1


async def test_pool_is_read_live(database: Database) -> None:
    read = pool_of(database)
    async with database.read() as session:
        await session.execute(text("SELECT 1"))
        assert read().used == 1
    assert read() == Pool(idle=1)
