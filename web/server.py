"""The web server's life: binds early, serves when told, drains and stops in time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from bot.core.errors import ConfigurationError, Unexpected
from bot.core.i18n import _
from web.keys import PARTS_BY_ADDRESS, SECURITY_HEADERS
from web.locale import locale_of
from web.options import Address
from web.problems import error_for_status
from web.responses import problem_response

log = structlog.get_logger(__name__)

Handle = Callable[[Any], Awaitable[web.StreamResponse]]

BACKLOG = 128
# Longer than the 60 s of common reverse proxies, so that it is they who end idle connections.
KEEP_ALIVE = 75.0
# How long the rest of an unread body is waited for, before the connection is closed.
LINGER = 2.0
_CONNECTION: dict[str, Any] = {
    # The log line of a request is the observe middleware's.
    "access_log": None,
    "keepalive_timeout": KEEP_ALIVE,
    "lingering_time": LINGER,
    # No route takes compressed bodies, so nobody gets to have one unpacked.
    "auto_decompress": False,
}
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - looked up, not bound
# Host and port come first in the addresses of both IPv4 and IPv6.
_Place = tuple[Any, ...]


class WebServer:
    """Serves one application on any number of addresses.

    `bind()` takes the addresses, `serve()` begins to answer, `stop()` lets open requests finish
    within `shutdown_timeout` seconds.
    """

    def __init__(
        self, app: web.Application, listeners: Sequence[Address], *, shutdown_timeout: float = 1.5
    ) -> None:
        self._app = app
        self._listeners = listeners
        self._runner = web.AppRunner(app, shutdown_timeout=shutdown_timeout, access_log=None)
        self._sockets: list[socket.socket] = []
        self._servers: list[asyncio.Server] = []

    @property
    def urls(self) -> list[str]:
        """The addresses that are taken, in the order of the listeners."""
        return [_url_of(taken) for taken in self._sockets]

    @property
    def base_url(self) -> str:
        """Where a browser on this machine finds the pages, once `bind()` has taken the address."""
        served = self._app[PARTS_BY_ADDRESS]
        for taken in self._sockets:
            if "dashboard" in served[taken.getsockname()[:2]]:
                return _url_of(taken)
        return self.urls[0]

    async def bind(self) -> None:
        """Take every address.

        Raises `ConfigurationError`, naming address and key, when one is taken or not to be had;
        those taken before are let go again. Clients that come now wait until `serve()`.
        """
        try:
            for listener in self._listeners:
                await self._bind(listener)
        except ConfigurationError:
            self._close_sockets()
            raise

    async def serve(self) -> None:
        """Begin to answer on every address that `bind()` took."""
        await self._runner.setup()
        if self._runner.server is not None:
            self._runner.server.request_handler = _shaping(self._runner.server.request_handler)
        loop = asyncio.get_running_loop()
        for taken in self._sockets:
            server = await loop.create_server(self._make_protocol, sock=taken, backlog=BACKLOG)
            self._servers.append(server)
        log.info("web_listening", addresses=self.urls)

    async def stop(self) -> None:
        """Take no new connections, let open requests finish, close everything."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        try:
            await self._runner.cleanup()
        finally:
            self._close_sockets()

    async def _bind(self, listener: Address) -> None:
        for family, place in await _resolve(listener):
            taken = _take(listener, family, place)
            self._sockets.append(taken)
            host, port = taken.getsockname()[:2]
            served = self._app[PARTS_BY_ADDRESS]
            served[host, port] = served.get((host, port), frozenset()) | listener.parts

    def _make_protocol(self) -> RequestHandler:
        server = self._runner.server
        if server is None:
            raise RuntimeError("connections are only taken between serve() and stop()")
        return _Protocol(
            server,
            loop=asyncio.get_running_loop(),
            security_headers=self._app[SECURITY_HEADERS],
            **_CONNECTION,
        )

    def _close_sockets(self) -> None:
        for taken in self._sockets:
            taken.close()
        self._sockets.clear()


class _Protocol(RequestHandler):
    """Speaks HTTP on one connection; what is not HTTP is answered in the shape of all errors."""

    def __init__(self, *args: Any, security_headers: Mapping[str, str], **options: Any) -> None:
        super().__init__(*args, **options)
        self._security_headers = security_headers

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - repeats what the stranger sent
    ) -> web.StreamResponse:
        """Answer a request that can't be parsed, or whose failure no middleware saw."""
        if request.writer.output_size > 0:
            raise ConnectionError("a part of the answer is sent already")
        if status >= 500:
            log.error("request_failed", exc_info=exc)
            error = Unexpected("-")
        else:
            error = error_for_status(status)
        response = problem_response(error, "-", None, self._security_headers)
        response.force_close()
        return response


def _shaping(handle: Handle) -> Handle:
    """Give the few errors that aiohttp raises outside the middlewares the shape of all others."""

    async def shaped(request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await handle(request)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            return problem_response(error_for_status(error.status), "-", locale_of(request))

    return shaped


async def _resolve(listener: Address) -> list[tuple[int, _Place]]:
    """Return the socket addresses that a host name stands for, each once."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(
            listener.host, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise _cannot_listen(listener, error) from error
    places = {(int(family), tuple(place)): None for family, _, _, _, place in found}
    return list(places)


def _take(listener: Address, family: int, place: _Place) -> socket.socket:
    taken = socket.socket(family, socket.SOCK_STREAM)
    try:
        # A restart must not wait for the connections of the process before to time out.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        taken.setblocking(False)
        taken.bind(place)
        # Listening is what fails when another process listens there already.
        taken.listen(BACKLOG)
    except OSError as error:
        taken.close()
        raise _cannot_listen(listener, error) from error
    return taken


def _cannot_listen(listener: Address, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        _(
            "The web server can't listen on {place} ({key}): {reason}.",
            place=f"{listener.host}:{listener.port}",
            key=listener.key,
            reason=error.strerror or str(error),
        ),
        hint=_("Choose another port with --port or in config.toml, or stop what uses this one."),
    )


def _url_of(taken: socket.socket) -> str:
    host: str
    host, port = taken.getsockname()[:2]
    # Nobody can connect to "every address"; on this machine the loopback one will do.
    host = _LOOPBACK.get(host, host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
