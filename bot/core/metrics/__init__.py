"""Every Prometheus metric that is counted where something happens, in a registry of its own.

Live values (guilds, latencies, tasks) are read when asked for, in `bot.core.metrics.live`. No label
ever holds a guild, a person, a channel, an address or a text; unknown values become `other`.
"""

from __future__ import annotations

import platform
from collections import defaultdict
from collections.abc import Iterable
from typing import get_args

import prometheus_client
from aiohttp import TraceConfig
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Summary,
    disable_created_metrics,
)
from prometheus_client.registry import Collector

import bot
from bot.core.metrics.rest import RestTrace
from bot.core.webhooks.mailbox import Kind, Outcome

PREFIX = "pegasus_bot_"
OTHER = "other"
LOG_LEVELS = frozenset({"debug", "info", "warning", "error", "critical"})
OUTCOMES = frozenset({"ok", "user_error", "denied", "cooldown", "error"})
INTERACTIONS = frozenset({"command", "autocomplete", "component", "modal"})
# Why a request to the web is refused as too many, and how an attempt to come in there ends.
PACES = frozenset({"minute", "hour", "login", "key"})
LOGINS = frozenset({"ok", "refused", "logout", "wrong_key"})
# A slash command has three seconds to be acknowledged, so the buckets crowd below that.
_LATENCY = (0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 10)
_ACKNOWLEDGED = (0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 3)
_LAG = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)

disable_created_metrics()


class LabelSet:
    """Keeps a label's values bounded: beyond the limit, and for no value, it says `other`."""

    def __init__(self, limit: int, known: Iterable[str] = ()) -> None:
        self._limit = limit
        self._known = set(known)

    def of(self, value: str | None) -> str:
        """Return the value if it is known or there is room to know one more, else `other`."""
        if not value:
            return OTHER
        if value not in self._known:
            if len(self._known) >= self._limit:
                return OTHER
            self._known.add(value)
        return value


class Metrics:
    """Counters and timers, filled by the services; none of its methods waits or raises."""

    def __init__(self, *, revision: str = "unknown", discordpy: str = "unknown") -> None:
        self.registry = CollectorRegistry()
        self._commands = LabelSet(300)
        self._errors = LabelSet(30)
        self._namespaces = LabelSet(30)
        self._features = LabelSet(15)
        # Ten for each feature, or those loaded first would leave no names to the others.
        self._happenings: defaultdict[str, LabelSet] = defaultdict(lambda: LabelSet(10))
        self._automod_triggers = LabelSet(10)
        self._automod_actions = LabelSet(13)
        self._tasks = LabelSet(25)
        self._listeners = LabelSet(60)
        self._database_errors = LabelSet(8)
        self._routes = LabelSet(80)
        self._route_groups = LabelSet(8)
        self._register_commands()
        self._register_gateway()
        self._register_work()
        self._register_database()
        self._register_web()
        self._register_process(revision, discordpy)
        self.rest = RestTrace(self.registry, PREFIX)
        self._begin_at_zero()

    def _register_commands(self) -> None:
        self._command_uses = self._counter(
            "commands", "Commands executed", "command", "kind", "outcome"
        )
        self._command_durations = self._summary(
            "command_duration_seconds", "Seconds from receiving a command to its end", "command"
        )
        self._command_latency = self._histogram(
            "command_latency_seconds",
            "Seconds from receiving a command to its end",
            _LATENCY,
            "kind",
        )
        self._acknowledged = self._histogram(
            "interaction_ack_seconds",
            "Seconds from an interaction's creation to its acknowledgement",
            _ACKNOWLEDGED,
            "kind",
        )
        self._components = self._counter(
            "component_interactions", "Buttons, menus and forms used", "namespace", "outcome"
        )
        self._usage_dropped = self._counter(
            "usage_dropped", "Command uses that could not be written down"
        )
        self._command_errors = self._counter("command_errors", "Commands that failed", "error")

    def _register_gateway(self) -> None:
        self._disconnects = self._counter("gateway_disconnects", "Connections lost", "shard")
        self._sessions = self._counter("gateway_sessions", "Sessions begun or resumed", "kind")
        self._unreadable_frames = self._counter(
            "gateway_unreadable_frames", "Frames that were no JSON or badly compressed", "shard"
        )
        self._listener_failures = self._counter(
            "listener_failures", "Event listeners that raised", "listener"
        )

    def _register_work(self) -> None:
        self._feature_events = self._counter(
            "feature_events", "What features did", "feature", "event"
        )
        self._automod = self._counter(
            "automod_actions", "What automod did about hits", "rule", "action"
        )
        self._config_changes = self._counter(
            "config_changes", "Settings changed", "feature", "source"
        )
        self._task_failures = self._counter(
            "background_task_failures", "Background tasks that died", "task"
        )
        self._webhooks = self._counter(
            "webhook_deliveries", "Messages to the operator's webhooks", "kind", "outcome"
        )

    def _register_database(self) -> None:
        self._queries = self._histogram(
            "db_query_duration_seconds", "Seconds a statement took", _FAST, "op"
        )
        self._query_errors = self._counter("db_errors", "Statements that failed", "kind")
        self._ledger_faults = Gauge(
            f"{PREFIX}ledger_faults",
            "Accounts and transactions that did not balance at the last nightly audit",
            registry=self.registry,
        )

    def _register_web(self) -> None:
        self._requests = self._counter(
            "http_requests", "Requests answered", "method", "route", "status"
        )
        self._request_durations = self._histogram(
            "http_request_duration_seconds", "Seconds to answer a request", _FAST, "route_group"
        )
        self.requests_in_flight = Gauge(
            f"{PREFIX}http_inflight_requests", "Requests being answered", registry=self.registry
        )
        self._rate_limited = self._counter(
            "http_rate_limited", "Requests refused as too many", "policy"
        )
        self._auth_logins = self._counter("auth_logins", "Attempts to log in", "outcome")

    def _register_process(self, revision: str, discordpy: str) -> None:
        self._lag = self._histogram(
            "event_loop_lag_seconds", "How late the event loop came back to a timer", _LAG
        )
        self._log_records = self._counter("log_records", "Lines logged", "level")
        info = Gauge(
            f"{PREFIX}build_info",
            "Always 1; the labels say what runs",
            ("version", "revision", "python", "discordpy"),
            registry=self.registry,
        )
        info.labels(bot.__version__, revision, platform.python_version(), discordpy).set(1)
        prometheus_client.ProcessCollector(registry=self.registry)
        prometheus_client.PlatformCollector(registry=self.registry)
        prometheus_client.GCCollector(registry=self.registry)

    def _begin_at_zero(self) -> None:
        """Show every series whose labels are known: `increase()` can't see one that begins at 1."""
        for kind in INTERACTIONS:
            self._acknowledged.labels(kind)
        for kind in ("identify", "resume"):
            self._sessions.labels(kind)
        for kind in get_args(Kind):
            for outcome in get_args(Outcome):
                self._webhooks.labels(kind, outcome)
        for policy in PACES:
            self._rate_limited.labels(policy)
        for outcome in LOGINS:
            self._auth_logins.labels(outcome)
        for level in LOG_LEVELS:
            self._log_records.labels(level)

    def register(self, collector: Collector) -> None:
        """Add a collector of live values."""
        self.registry.register(collector)

    # Commands and interactions.

    def command_finished(self, command: str, kind: str, outcome: str, seconds: float) -> None:
        """Count one finished command; `outcome` is one of `OUTCOMES`."""
        name = self._commands.of(command)
        self._command_uses.labels(name, kind, outcome if outcome in OUTCOMES else OTHER).inc()
        self._command_durations.labels(name).observe(seconds)
        self._command_latency.labels(kind).observe(seconds)

    def command_failed(self, error: BaseException) -> None:
        """Count a command's error by its class."""
        self._command_errors.labels(self._errors.of(type(error).__name__)).inc()

    def usage_dropped(self, count: int) -> None:
        """Count command uses that found no room while the database was away."""
        self._usage_dropped.inc(count)

    def interaction_acknowledged(self, kind: str, seconds: float) -> None:
        """Note how long Discord waited for the first answer to an interaction."""
        self._acknowledged.labels(kind).observe(seconds)

    def component_used(self, namespace: str, outcome: str) -> None:
        """Count one use of a button, menu or form; its `custom_id` begins with the namespace."""
        self._components.labels(
            self._namespaces.of(namespace), outcome if outcome in OUTCOMES else OTHER
        ).inc()

    # The gateway.

    def http_trace(self) -> TraceConfig:
        """Return the hook that measures REST requests, for `discord.Client(http_trace=…)`."""
        return self.rest.trace_config()

    def know_shards(self, shards: Iterable[int]) -> None:
        """Begin to count what goes wrong with these shards' connections, at 0."""
        for shard in shards:
            self._disconnects.labels(str(shard))
            self._unreadable_frames.labels(str(shard))

    def gateway_disconnected(self, shard: int | None) -> None:
        """Count a lost connection."""
        self._disconnects.labels(OTHER if shard is None else str(shard)).inc()

    def gateway_session(self, *, resumed: bool) -> None:
        """Count a session that was resumed, or begun with an IDENTIFY."""
        self._sessions.labels("resume" if resumed else "identify").inc()

    def gateway_frame_unreadable(self, shard: int) -> None:
        """Count a frame that could not be read at all."""
        self._unreadable_frames.labels(str(shard)).inc()

    def know_listeners(self, listeners: Iterable[str]) -> None:
        """Begin to count these listeners' failures, at 0."""
        for listener in listeners:
            self._listener_failures.labels(self._listeners.of(listener))

    def listener_failed(self, listener: str) -> None:
        """Count an event listener that raised."""
        self._listener_failures.labels(self._listeners.of(listener)).inc()

    # Features and background work.

    def feature_event(self, feature: str, happening: str) -> None:
        """Count something that a feature decided to do, such as a greeting."""
        label = self._features.of(feature)
        self._feature_events.labels(label, self._happenings[label].of(happening)).inc()

    def automod_acted(self, trigger: str, action: str) -> None:
        """Count an action of automod by the type of rule; of the types the first ten are named."""
        self._automod.labels(
            self._automod_triggers.of(trigger), self._automod_actions.of(action)
        ).inc()

    def settings_changed(self, feature: str, source: str) -> None:
        """Count a change of settings and the door it came through."""
        self._config_changes.labels(self._features.of(feature), source).inc()

    def task_failed(self, task: str, error: BaseException) -> None:  # noqa: ARG002
        """Count the death of a background task; fits the supervisor's `on_failure`."""
        # Names such as "gate:spam" or "job:17" are families: only the family is a label.
        self._task_failures.labels(self._tasks.of(task.partition(":")[0])).inc()

    def webhook_delivered(self, kind: str, outcome: str) -> None:
        """Count a message to the operator's error or audit webhook."""
        self._webhooks.labels(kind, outcome if outcome in get_args(Outcome) else OTHER).inc()

    # The database.

    def query_finished(self, operation: str, seconds: float) -> None:
        """Note how long a statement took; `operation` is its first word in lower case."""
        self._queries.labels(operation).observe(seconds)

    def query_failed(self, error: BaseException) -> None:
        """Count a failed statement by the class of its error."""
        self._query_errors.labels(self._database_errors.of(type(error).__name__)).inc()

    def ledgers_audited(self, faults: int) -> None:
        """Note how many accounts and transactions of all guilds did not balance."""
        self._ledger_faults.set(faults)

    # The web.

    def request_finished(
        self, method: str, route: str, group: str, status: int, seconds: float
    ) -> None:
        """Count one answered request; `route` is the route's template, never the path asked for."""
        self._requests.labels(method, self._routes.of(route), f"{status // 100}xx").inc()
        self._request_durations.labels(self._route_groups.of(group)).observe(seconds)

    def request_refused(self, policy: str) -> None:
        """Count a request that came too soon; `policy` is one of `PACES`."""
        self._rate_limited.labels(policy if policy in PACES else OTHER).inc()

    def login_attempted(self, outcome: str) -> None:
        """Count an attempt to log in, or a wrong access key; `outcome` is one of `LOGINS`."""
        self._auth_logins.labels(outcome if outcome in LOGINS else OTHER).inc()

    # The process.

    def loop_lagged(self, seconds: float) -> None:
        """Note one measurement of the event loop's lag."""
        self._lag.observe(seconds)

    def log_recorded(self, level: str) -> None:
        """Count one line of the log; any thread may call it."""
        self._log_records.labels(level if level in LOG_LEVELS else OTHER).inc()

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(PREFIX + name, text, labels, registry=self.registry)

    def _summary(self, name: str, text: str, *labels: str) -> Summary:
        return Summary(PREFIX + name, text, labels, registry=self.registry)

    def _histogram(
        self, name: str, text: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(PREFIX + name, text, labels, buckets=buckets, registry=self.registry)
