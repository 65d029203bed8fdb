"""The sandbox as a running server: one port for REST, gateway, CDN, control API and page."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from .actor import Actor
from .cdn import add_cdn_routes
from .channel import Channel
from .connection import serve_gateway
from .control import add_control_routes
from .events import Dispatch, Intent
from .faults import Faults
from .gateway import Gateway
from .guild import Guild
from .interactions import InteractionEngine
from .models import Application, Invite, Json, Message, User
from .openapi import RequestValidator
from .page import add_page
from .recorder import GatewayFrame, Journal, Recorder
from .rest import load_routes
from .rest.call import Context
from .rest.endpoint import RestEndpoint
from .rest.ratelimits import RateLimits
from .session import Session
from .world import BOT_PERMISSIONS, DEFAULT_PERMISSIONS, World

# The same in every run, because a bot's database belongs to one bot.
APPLICATION_ID = 1_191_121_920_000_000_001
DEFAULT_TOKEN = "sandbox.token.not-a-secret"  # noqa: S105 - opens nothing but this sandbox
_MAX_REQUEST = 30 * 1024 * 1024


def _is_fault(record: logging.LogRecord) -> bool:
    """Tell a fault from a client that went before its answer was written, as any may."""
    return not (record.exc_info and isinstance(record.exc_info[1], ConnectionResetError))


_log = logging.getLogger(__name__)
_log.addFilter(_is_fault)


class Sandbox:
    """A simulated Discord on loopback, with one bot application made at start.

    `port` 0 takes a free one. `global_limit` is the global REST limit per second (0: none).
    Times are in seconds. Use as an async context manager, or call `start` and `stop`.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str = DEFAULT_TOKEN,
        name: str = "Pegasus",
        allowed_intents: int = Intent.ALL,
        heartbeat_interval: float = 41.25,
        resume_window: float = 180.0,
        replay_limit: int = 20_000,
        message_limit: int = 1_000,
        global_limit: int = 50,
        ack_window: float = 3.0,
        token_lifetime: float = 900.0,
        recommended_shards: int | None = None,
        control: bool = True,
    ) -> None:
        self.host = host
        self.port = port
        self.world = World(message_limit=message_limit)
        self.application: Application = self.world.add_application(
            name, token, allowed_intents=allowed_intents, application_id=APPLICATION_ID
        )
        self.gateway = Gateway(
            self.world,
            heartbeat_interval=heartbeat_interval,
            resume_window=resume_window,
            replay_limit=replay_limit,
        )
        self.interactions = InteractionEngine(
            self.world, ack_window=ack_window, token_lifetime=token_lifetime
        )
        self.recorder = Recorder()
        self.validator: RequestValidator | None = None
        self.messages: Journal[Message] = Journal(2_000)
        self.faults = Faults(self.gateway)
        self.limits = RateLimits()
        self.limits.set_overall(global_limit)
        self._context = Context(
            self.world, self.interactions, "", self.gateway.starts, recommended_shards
        )
        self.rest = RestEndpoint(
            self._context, self.gateway, self.recorder, self.faults, self.limits
        )
        self.app = self._build(control=control)
        self._runner: web.AppRunner | None = None
        self.gateway.frame_listeners.append(self._record_frame)
        self.world.listeners.append(self._note_message)

    @property
    def token(self) -> str:
        """The bot's token."""
        return self.application.token

    @property
    def base_url(self) -> str:
        """The server's address."""
        return f"http://{self.host}:{self.port}"

    @property
    def api_base_url(self) -> str:
        """What `discord.http.Route.BASE` must be for a client of this sandbox."""
        return f"{self.base_url}/api/v10"

    @property
    def gateway_url(self) -> str:
        """Where the gateway is."""
        return f"ws://{self.host}:{self.port}/gateway"

    @property
    def cdn_url(self) -> str:
        """Where attachments and avatars are (what `discord.asset.Asset.BASE` must be)."""
        return f"{self.base_url}/cdn"

    @property
    def control_url(self) -> str:
        """Where the control API is."""
        return f"{self.base_url}/sandbox"

    # -- life -------------------------------------------------------------------------------------

    def _build(self, *, control: bool) -> web.Application:
        load_routes()
        app = web.Application(client_max_size=_MAX_REQUEST)
        app.router.add_route("*", r"/api/v{version:\d+}/{path:.*}", self.rest.handle)
        app.router.add_get("/gateway", self._gateway)
        app.router.add_get("/gateway/resume", self._gateway)
        add_cdn_routes(app.router, self.world)
        if control:
            add_control_routes(app.router, self)
            add_page(app, self)
        return app

    async def _gateway(self, request: web.Request) -> web.StreamResponse:
        return await serve_gateway(self.gateway, request)

    async def start(self) -> Sandbox:
        """Listen; raises OSError when the port is taken."""
        self._runner = web.AppRunner(self.app, access_log=None, logger=_log, shutdown_timeout=2.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.world.api_url = self.api_base_url
        self.world.cdn_url = self.cdn_url
        self.gateway.url = self._context.gateway_url = self.gateway_url
        return self

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        await self.gateway.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Sandbox:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def validate_with(self, validator: RequestValidator) -> None:
        """Hold every further REST request against a document (see `/sandbox/violations`)."""
        self.validator = validator
        self.recorder.calls.listeners.append(validator.observe)

    # -- acting and waiting -----------------------------------------------------------------------

    def actor(self, user: User, guild: Guild | None = None, *, locale: str | None = None) -> Actor:
        """Return someone to act as; with a guild they need not be in it yet (see `Actor.join`).

        `locale` is the language of their client, that of their account unless said.
        """
        return Actor(self, user, guild, locale=locale)

    def join(self, guild: Guild, name: str, *, pending: bool = False, **account: Any) -> Actor:
        """Open an account, let it join the guild and return it.

        `account` as for `World.add_user`.
        """
        actor = Actor(self, self.world.add_user(name, **account), guild)
        actor.join(pending=pending)
        return actor

    def add_guild(
        self,
        name: str,
        *,
        channels: Iterable[str] = ("general",),
        owner: User | None = None,
        locale: str = "en-US",
        permissions: int = BOT_PERMISSIONS,
        everyone: int = DEFAULT_PERMISSIONS,
    ) -> Guild:
        """Found a guild with text channels and the bot in it.

        `permissions` are those of the bot's role (administrator unless said), `everyone` those that
        every member has, the bot too.
        """
        guild = self.world.add_guild(name, owner, locale=locale)
        guild.default_role.permissions = everyone
        for channel in channels:
            guild.add_channel(channel)
        self.world.install(self.application, guild, permissions=permissions)
        return guild

    def invite_elsewhere(self, name: str, *, code: str | None = None, members: int = 20) -> Invite:
        """Found a guild that the bot is not in, and return an invite to it."""
        guild = self.world.add_guild(name)
        guild.fill_members(self.world.add_user(f"stranger-{n}") for n in range(members - 1))
        return self.world.add_invite(guild.add_channel("general"), code=code)

    async def wait_for_message(
        self,
        channel: Channel | None = None,
        *,
        author: User | None = None,
        containing: str = "",
        within: float = 5.0,
        after: int = 0,
    ) -> Message:
        """Return the first message that fits, posted already or later.

        `after` skips ids up to that one.
        `containing` is looked for in all a person reads. Raises TimeoutError.
        """

        def fits(message: Message) -> bool:
            if message.id <= after or (channel is not None and message.channel is not channel):
                return False
            return (author is None or message.author is author) and containing in message.text()

        return await self.messages.wait_for(fits, within=within)

    async def wait_for_connection(self, *, within: float = 5.0) -> Session:
        """Wait until a bot is connected and identified, and return its session."""

        def identified(frame: GatewayFrame) -> bool:
            return frame.op in (2, 6)

        connected = [entry for entry in self.gateway.sessions.values() if entry.outlet is not None]
        if not connected:
            await self.recorder.frames.wait_for(identified, within=within, past=False)
            await asyncio.sleep(0)
            connected = [
                entry for entry in self.gateway.sessions.values() if entry.outlet is not None
            ]
        return connected[0]

    def _note_message(self, dispatch: Dispatch) -> None:
        if dispatch.message is None:
            return
        if dispatch.event == "MESSAGE_CREATE":
            self.messages.add(dispatch.message)
        else:
            self.messages.check(dispatch.message)

    def _record_frame(self, session: Session | None, frame: Json) -> None:
        data = frame.get("d")
        if isinstance(data, dict) and "token" in data:
            data = {**data, "token": "***"}
        frames = self.recorder.frames
        session_id = session.id if session else None
        frames.add(
            GatewayFrame(frames.next_number(), datetime.now(UTC), session_id, frame["op"], data)
        )


async def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    started: asyncio.Future[Sandbox] | None = None,
    **options: Any,
) -> None:
    """Run a sandbox until cancelled; `started` is resolved with it once it listens.

    `options` as for Sandbox.
    """
    async with Sandbox(host=host, port=port, **options) as sandbox:
        if started is not None and not started.done():
            started.set_result(sandbox)
        await asyncio.Event().wait()
