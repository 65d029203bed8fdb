"""One WebSocket connection to the gateway: the protocol from HELLO to the close code.

https://discord.com/developers/docs/events/gateway
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar

from aiohttp import WSMsgType, web

from .codec import decode, encode
from .compression import Compressor, UnknownCompressionError, compressor_for
from .events import Intent
from .gateway import API_VERSION, Gateway
from .models import Json
from .session import Session

_MAX_PAYLOAD = 4_096
# A client notes when it sent a heartbeat only after sending it; an answer that overtakes the note,
# as only loopback is fast enough for, would look like one to the heartbeat before.
_ACK_SECONDS = 0.02
_QUEUE_LIMIT = 500_000
_GUILDS_PER_SHARD = 2_500


class Op:
    """Gateway opcodes.

    https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-opcodes
    """

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE_UPDATE = 3
    VOICE_STATE_UPDATE = 4
    RESUME = 6
    RECONNECT = 7
    REQUEST_GUILD_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class CloseCode:
    """Gateway close codes.

    https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway
    """

    UNKNOWN_OPCODE = 4001
    DECODE_ERROR = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    INVALID_SEQUENCE = 4007
    RATE_LIMITED = 4008
    SESSION_TIMED_OUT = 4009
    INVALID_SHARD = 4010
    SHARDING_REQUIRED = 4011
    INVALID_API_VERSION = 4012
    INVALID_INTENTS = 4013
    DISALLOWED_INTENTS = 4014


_REASONS = {
    4001: "Unknown opcode.",
    4002: "Error while decoding payload.",
    4003: "Not authenticated.",
    4004: "Authentication failed.",
    4005: "Already authenticated.",
    4007: "Invalid seq.",
    4008: "Rate limited.",
    4009: "Session timed out.",
    4010: "Invalid shard.",
    4011: "Sharding required.",
    4012: "Invalid API version.",
    4013: "Invalid intent(s).",
    4014: "Disallowed intent(s).",
}


class ProtocolError(Exception):
    """The client broke the protocol; `code` is the close code it gets."""

    def __init__(self, code: int) -> None:
        super().__init__(_REASONS.get(code, ""))
        self.code = code


class Connection:
    """Serves one client; `run` returns when the connection is over."""

    def __init__(self, gateway: Gateway, request: web.Request) -> None:
        self.gateway = gateway
        self.session: Session | None = None
        self._request = request
        self._socket = web.WebSocketResponse(max_msg_size=0, compress=False, timeout=1.0)
        self._compressor: Compressor | None = None
        self._queue: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._flushed = asyncio.Event()
        self._received: deque[float] = deque(maxlen=gateway.sends_per_minute)
        self._last_heartbeat = time.monotonic()
        self._closed_by_us = False
        # A fault: of the next message only the first half arrives.
        self.cut_next = False

    @property
    def socket(self) -> web.WebSocketResponse:
        """The WebSocket itself."""
        return self._socket

    async def run(self) -> web.WebSocketResponse:
        """Speak with the client until either side ends it."""
        await self._socket.prepare(self._request)
        try:
            self._compressor = compressor_for(self._request.query.get("compress"))
        except UnknownCompressionError:
            await self.close(CloseCode.DECODE_ERROR)
            return self._socket
        if self._request.query.get("v", str(API_VERSION)) not in ("9", "10"):
            await self.close(CloseCode.INVALID_API_VERSION)
            return self._socket
        await self._serve()
        return self._socket

    async def _serve(self) -> None:
        self.gateway.connections.append(self)
        helpers = [
            asyncio.create_task(self._send_queued()),
            asyncio.create_task(self._watch_heartbeats()),
        ]
        try:
            interval = int(self.gateway.heartbeat_interval * 1000)
            self.send_op(Op.HELLO, {"heartbeat_interval": interval, "_trace": ["sandbox"]})
            await self._receive()
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            self.gateway.connections.remove(self)
            self._let_go()

    def _let_go(self) -> None:
        """Keep the session for a resume, unless the client said goodbye with 1000 or 1001."""
        session, self.session = self.session, None
        if session is None or session.outlet is not self:
            return
        session.detach()
        if self._socket.close_code in (1000, 1001) and not self._closed_by_us:
            self.gateway.close_session(session)

    # -- sending ----------------------------------------------------------------------------------

    def enqueue(self, frame: bytes) -> None:
        """Queue an encoded message; a client too slow for its own events is cut off."""
        if len(self._queue) >= _QUEUE_LIMIT:
            self.drop()
            return
        self._queue.append(frame)
        self._wake.set()

    def send_op(self, op: int, data: Any = None) -> None:
        """Queue a message that is no event."""
        self.enqueue(encode({"t": None, "s": None, "op": op, "d": data}))

    async def _send_queued(self) -> None:
        queue, socket = self._queue, self._socket
        with suppress(ConnectionError):
            while True:
                await self._wake.wait()
                self._wake.clear()
                while queue:
                    frame = queue.popleft()
                    compressor = self._compressor
                    data = frame if compressor is None else compressor.compress(frame)
                    if self.cut_next:
                        self.cut_next, data = False, data[: len(data) // 2]
                    kind = WSMsgType.TEXT if compressor is None else WSMsgType.BINARY
                    await socket.send_frame(data, kind)
                self._flushed.set()

    async def drain(self) -> None:
        """Wait until everything queued so far is written."""
        while self._queue and not self._socket.closed:
            self._flushed.clear()
            await self._flushed.wait()

    # -- receiving --------------------------------------------------------------------------------

    async def _receive(self) -> None:
        try:
            async for message in self._socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    self._handle(message.data)
        except ProtocolError as error:
            await self.close(error.code)

    def _handle(self, data: str | bytes) -> None:
        frame = self._parse(data)
        self._count_message()
        self.gateway.note_frame(self.session, frame)
        if self.gateway.ignore_sessions and frame["op"] in (Op.IDENTIFY, Op.RESUME):
            return
        handler = self._HANDLERS.get(frame["op"])
        if handler is None:
            raise ProtocolError(CloseCode.UNKNOWN_OPCODE)
        try:
            handler(self, frame.get("d"))
        except (AttributeError, KeyError, TypeError, ValueError):
            raise ProtocolError(CloseCode.DECODE_ERROR) from None

    @staticmethod
    def _parse(data: str | bytes) -> Json:
        if len(data) > _MAX_PAYLOAD:
            raise ProtocolError(CloseCode.DECODE_ERROR)
        try:
            frame = decode(data)
        except ValueError:
            raise ProtocolError(CloseCode.DECODE_ERROR) from None
        if not isinstance(frame, dict) or not isinstance(frame.get("op"), int):
            raise ProtocolError(CloseCode.DECODE_ERROR)
        return frame

    def _count_message(self) -> None:
        now = time.monotonic()
        full = len(self._received) == self._received.maxlen
        if full and now - self._received[0] < 60:
            raise ProtocolError(CloseCode.RATE_LIMITED)
        self._received.append(now)

    @property
    def _identified(self) -> Session:
        if self.session is None:
            raise ProtocolError(CloseCode.NOT_AUTHENTICATED)
        return self.session

    def _on_heartbeat(self, _: Any) -> None:
        self._last_heartbeat = time.monotonic()
        if not self.gateway.ignore_heartbeats:
            asyncio.get_running_loop().call_later(_ACK_SECONDS, self._acknowledge)

    def _acknowledge(self) -> None:
        if not self._socket.closed:
            self.send_op(Op.HEARTBEAT_ACK)

    def _on_identify(self, data: Json) -> None:
        if self.session is not None:
            raise ProtocolError(CloseCode.ALREADY_AUTHENTICATED)
        application = self.gateway.application_for(str(data["token"]))
        if application is None:
            raise ProtocolError(CloseCode.AUTHENTICATION_FAILED)
        shard_id, shard_count = data.get("shard") or (0, 1)
        if not 0 <= shard_id < shard_count:
            raise ProtocolError(CloseCode.INVALID_SHARD)
        if len(self.gateway.world.guilds_of(application)) > _GUILDS_PER_SHARD * shard_count:
            raise ProtocolError(CloseCode.SHARDING_REQUIRED)
        intents = data.get("intents")
        if not isinstance(intents, int) or intents & ~Intent.ALL or intents < 0:
            raise ProtocolError(CloseCode.INVALID_INTENTS)
        if intents & Intent.PRIVILEGED & ~application.allowed_intents:
            raise ProtocolError(CloseCode.DISALLOWED_INTENTS)
        if not self.gateway.starts.take():
            # Discord resets the token of a bot that goes on identifying.
            raise ProtocolError(CloseCode.AUTHENTICATION_FAILED)
        session = self.gateway.open_session(application, intents, (shard_id, shard_count))
        session.presence = data.get("presence") or {}
        self._attach(session)
        self.gateway.greet(session)

    def _on_resume(self, data: Json) -> None:
        if self.session is not None:
            raise ProtocolError(CloseCode.ALREADY_AUTHENTICATED)
        application = self.gateway.application_for(str(data["token"]))
        if application is None:
            raise ProtocolError(CloseCode.AUTHENTICATION_FAILED)
        session = self.gateway.find_session(str(data["session_id"]))
        if session is None or session.application is not application:
            self.send_op(Op.INVALID_SESSION, False)
            return
        sequence = int(data["seq"] or 0)
        if sequence > session.sequence:
            raise ProtocolError(CloseCode.INVALID_SEQUENCE)
        missed = session.missed_since(sequence)
        if missed is None:
            self.gateway.close_session(session)
            self.send_op(Op.INVALID_SESSION, False)
            return
        for frame in missed:
            self.enqueue(frame)
        self._attach(session)
        session.push("RESUMED", encode({"_trace": ["sandbox"]}))

    def _attach(self, session: Session) -> None:
        previous = session.outlet
        if isinstance(previous, Connection):
            previous.drop()
        session.outlet, session.detached_at = self, None
        self.session = session

    def _on_presence(self, data: Json) -> None:
        self._identified.presence = dict(data)

    def _on_voice_state(self, data: Json) -> None:
        self.gateway.set_voice_state(self._identified, data)

    def _on_request_members(self, data: Json) -> None:
        self.gateway.send_members(self._identified, data)

    _HANDLERS: ClassVar[dict[int, Callable[[Connection, Any], None]]] = {
        Op.HEARTBEAT: _on_heartbeat,
        Op.IDENTIFY: _on_identify,
        Op.RESUME: _on_resume,
        Op.PRESENCE_UPDATE: _on_presence,
        Op.VOICE_STATE_UPDATE: _on_voice_state,
        Op.REQUEST_GUILD_MEMBERS: _on_request_members,
    }

    async def _watch_heartbeats(self) -> None:
        """Close a connection whose client has missed two heartbeats."""
        while True:
            await asyncio.sleep(self.gateway.heartbeat_interval)
            if time.monotonic() - self._last_heartbeat > self.gateway.heartbeat_interval * 2:
                await self.close(CloseCode.SESSION_TIMED_OUT)
                return

    # -- ending -----------------------------------------------------------------------------------

    async def close(self, code: int) -> None:
        """Close with a code; what is queued goes out first."""
        self._closed_by_us = True
        with suppress(ConnectionError):
            await self._socket.close(code=code, message=_REASONS.get(code, "").encode())

    def drop(self) -> None:
        """Cut the line without a close frame, as a broken network does."""
        self._closed_by_us = True
        transport = self._request.transport
        if transport is not None:
            transport.abort()


async def serve_gateway(gateway: Gateway, request: web.Request) -> web.StreamResponse:
    """Answer a WebSocket upgrade; while connections are refused, with 503."""
    if time.monotonic() < gateway.refuse_until:
        return web.Response(status=503)
    return await Connection(gateway, request).run()
