"""One running process: workers, web server and connection, started and stopped in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

import aiohttp
import structlog
from discord.asset import Asset
from discord.http import Route
from sqlalchemy.exc import SQLAlchemyError

from bot import reconnects, websocket
from bot.acknowledgements import Acknowledgements
from bot.assembly import LiveState, build_kernel
from bot.client import Pegasus
from bot.connection import Connection
from bot.core.clock import SystemClock
from bot.core.config import Config
from bot.core.features import discover
from bot.core.heartbeat import Heartbeat
from bot.core.i18n import Message, load_catalogues, set_fallback
from bot.core.log import watch_records
from bot.core.metrics.exposition import MetricsExposition
from bot.core.metrics.live import LiveMetrics, pool_of
from bot.core.metrics.work import WorkSampler
from bot.core.nullstate import NullState
from bot.core.problems import ProblemSolved
from bot.core.retention import Retention
from bot.intake import Intake
from bot.namesearch import DiscordSearch
from bot.sessions import Sessions
from bot.state import DiscordState
from db.engine import Database
from db.notify import make_notifier
from web.app import make_app
from web.options import options_from
from web.server import WebServer
from web.services import WebServices

log = structlog.get_logger(__name__)

# What closing the connections takes once the open requests have had their time.
DRAIN_MARGIN = 0.3
StopStep = tuple[str, float, Callable[[], Awaitable[object]]]


class Runtime:
    """Owns everything that runs: `start()` once, then every one of `stop_steps()` in order."""

    def __init__(self, config: Config, http: aiohttp.ClientSession) -> None:
        self.config = config
        self._http = http
        set_fallback(config.i18n.default_locale)
        load_catalogues()
        self._state = LiveState()
        database = Database(
            config.database.url.get_secret_value(),
            pool_size=config.database.pool_size,
            busy_timeout=config.database.busy_timeout,
        )
        self._notifier = make_notifier(database)
        self.kernel = build_kernel(
            config,
            database=database,
            clock=SystemClock(),
            http=http,
            registry=discover(),
            state=self._state,
            notifier=self._notifier,
        )
        self._heartbeat = Heartbeat(
            database, self.kernel.clock, self._state, config.discord.shard_ids
        )
        self._intake = Intake(
            self.kernel.clock,
            self.kernel.supervisor.spawn,
            fast_lane=config.intake.fast_lane,
            on_failure=self.kernel.faults.part_failed,
        )
        self._sessions = Sessions(self._note_session_limits)
        self._acknowledgements = Acknowledgements(self.kernel.metrics, self.kernel.clock.now)
        self._work = WorkSampler(
            self.kernel.jobs,
            self.kernel.outbox,
            database,
            roles=self.kernel.roles,
            gauges=[gauge for feature in self.kernel.registry.all() for gauge in feature.gauges],
        )
        self._exposition = MetricsExposition(self.kernel.metrics.registry, self.kernel.clock)
        self.web = self._make_web()
        self._connection = Connection(
            self._make_client,
            config.discord.token.get_secret_value() if config.discord.token else "",
            on_refused=self._note_refusal,
        )

    def _make_web(self) -> WebServer:
        kernel = self.kernel
        options = options_from(self.config)
        kernel.metrics.register(
            LiveMetrics(
                state=self._state,
                health=kernel.health,
                supervisor=kernel.supervisor,
                pool=pool_of(kernel.database),
                intake=self._intake.snapshot,
                work=self._work,
            )
        )
        app = make_app(
            WebServices(
                options=options,
                database=kernel.database,
                clock=kernel.clock,
                state=self._state,
                registry=kernel.registry,
                settings=kernel.settings,
                problems=kernel.problems,
                health=kernel.health,
                metrics=kernel.metrics,
                exposition=self._exposition,
                limits=kernel.limits,
                usage=kernel.usage,
                webhooks=kernel.webhooks,
                login_links=kernel.login_links,
                audit=kernel.audit,
                owners=self._owners,
                pool=pool_of(kernel.database),
                resources=kernel.resources,
                members=DiscordSearch(lambda: self._connection.client).search,
                process_id=self._heartbeat.process_id,
                counters={
                    name: counter
                    for feature in kernel.registry.all()
                    for name, counter in feature.counters.items()
                },
            )
        )
        return WebServer(app, options.listeners, shutdown_timeout=options.shutdown_timeout)

    def _owners(self) -> Collection[int]:
        if self.config.discord.owner_ids:
            return self.config.discord.owner_ids
        client = self._connection.client
        if client is None:
            return ()
        owners = client.owner_ids or ({client.owner_id} if client.owner_id else set())
        return frozenset(owners)

    def _make_client(self) -> Pegasus:
        client = Pegasus(
            self.kernel,
            self._intake,
            sessions=self._sessions,
            acknowledgements=self._acknowledgements,
        )
        earlier = self._state.current
        self._state.current = DiscordState(
            client,
            self.kernel.clock,
            last_event_age=self._intake.last_event_age,
            earlier=earlier.gateway(),
        )
        for event in ("on_ready", "on_shard_resumed", "on_shard_disconnect"):
            client.add_listener(self._note_change, event)
        return client

    async def _note_change(self, *_shard: int) -> None:
        """Let health and the other processes know at once how the connection stands."""
        self._look_at_health()
        try:
            await self._heartbeat.beat()
        except (SQLAlchemyError, OSError) as error:
            log.warning("heartbeat_not_written", error=type(error).__name__)

    def _look_at_health(self) -> None:
        self.kernel.supervisor.spawn("health_sample", self.kernel.health.sample())

    def _note_session_limits(self, remaining: int) -> None:
        if isinstance(self._state.current, DiscordState):
            self._state.current.set_identify_remaining(remaining)

    def _note_refusal(self, code: str, advice: Message) -> None:
        earlier = self._state.current.gateway()
        self._state.current = NullState(fatal=str(advice), earlier=earlier)
        self._look_at_health()
        self.kernel.webhooks.error(f"gateway {code}", str(advice))

    async def start(self) -> None:
        """Bind the web, start the workers, serve, and begin to connect to Discord.

        Raises `ConfigurationError` when an address is taken, or the database is another bot's.
        """
        await self.web.bind()
        # discord.py holds these for all clients alike; there is one bot in a process.
        Route.BASE = self.config.discord.api_base_url
        websocket.install()
        reconnects.install()
        Asset.BASE = self.config.discord.cdn_base_url  # pyright: ignore[reportAttributeAccessIssue]
        kernel = self.kernel
        token = self.config.discord.token
        await kernel.ownership.check_token(token.get_secret_value() if token else "")
        watch_records(kernel.metrics.log_recorded)
        kernel.login_links.base_url = self.base_url
        await kernel.limits.load()
        await kernel.delivery_problems.load()
        await kernel.cases.start()
        await kernel.roles.start()
        retention = Retention(
            kernel.database, kernel.clock, kernel.jobs, self.config.retention, kernel.registry
        )
        await retention.schedule()
        kernel.bus.subscribe(ProblemSolved, self._resume_parked)
        self._start_workers()
        await self.web.serve()
        kernel.supervisor.start("discord", self._connection.run)

    def _start_workers(self) -> None:
        kernel = self.kernel
        for name, work in (
            ("event_loop_lag", kernel.lag.run),
            ("health", kernel.health.run),
            ("metrics", self._exposition.run),
            ("notices", self._notifier.run),
            ("settings", kernel.settings.run),
            ("problems", kernel.problems.run),
            ("jobs", kernel.jobs.run),
            ("outbox", kernel.outbox.run),
            ("roles", kernel.roles.run),
            ("usage", kernel.usage.run),
            ("roster", kernel.roster.run),
            ("webhooks", kernel.webhooks.run),
            ("heartbeat", self._heartbeat.run),
            ("work", self._work.run),
            ("interactions", self._acknowledgements.run),
        ):
            kernel.supervisor.start(name, work)

    async def _resume_parked(self, event: ProblemSolved) -> None:
        await self.kernel.outbox.resume_parked(guild_id=event.guild_id)
        await self.kernel.jobs.resume_parked(guild_id=event.guild_id)

    @property
    def base_url(self) -> str:
        """Where people reach the web: the public address, else the first that is bound."""
        return self.config.web.public_url or self.web.base_url

    def stop_steps(self) -> list[StopStep]:
        """Return what to do to stop, each with the seconds that it may take.

        Together they stay under the ten seconds after which Docker kills.
        """
        kernel = self.kernel
        return [
            ("readiness", 0.1, self._drain),
            ("jobs", 1.5, lambda: asyncio.gather(kernel.jobs.stop(1.0), kernel.roles.stop(1.0))),
            ("outbox", 1.5, lambda: kernel.outbox.stop(1.0)),
            ("web", self.config.web.shutdown_timeout + DRAIN_MARGIN, self.web.stop),
            ("gateway", 1.0, self._connection.close),
            ("webhooks", 0.5, lambda: kernel.webhooks.flush(0.4)),
            ("workers", 0.5, lambda: kernel.supervisor.stop(0.2)),
            # Not sooner: until here commands and events that were under way may add to them.
            ("usage", 1.0, kernel.usage.flush),
            ("roster", 0.5, kernel.roster.flush),
            ("heartbeat", 0.3, self._heartbeat.stop),
            ("database", 0.5, kernel.database.close),
            ("http", 0.2, self._http.close),
        ]

    async def _drain(self) -> None:
        self.kernel.health.begin_draining()
