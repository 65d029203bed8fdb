"""Injected trouble: failing, slow or limited REST calls, and a gateway that misbehaves."""

from __future__ import annotations

import asyncio
import fnmatch
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from .codec import encode
from .connection import Connection, Op
from .rest.ratelimits import rate_limited_body, refuse

if TYPE_CHECKING:
    from .gateway import Gateway

_SCOPES = ("user", "shared", "global")
Answer = tuple[int, Any, dict[str, str]]


@dataclass(slots=True)
class RestFault:
    """Trouble for REST calls whose method and path glob fit, `times` times (None: until cleared).

    `delay` is in seconds and comes first. A `status` of 429 uses `retry_after` (seconds) and
    `scope` ("user", "shared", "global"). Without a status the call goes on after the delay.
    """

    status: int | None = None
    method: str | None = None
    pattern: str = "*"
    times: int | None = 1
    delay: float = 0.0
    code: int = 0
    message: str | None = None
    retry_after: float = 0.2
    scope: str = "user"

    def __post_init__(self) -> None:
        """Raise ValueError for trouble that could not be made when a call comes."""
        if self.status is not None:
            HTTPStatus(self.status)
        if self.scope not in _SCOPES:
            raise ValueError(f"a scope is one of {', '.join(_SCOPES)}, not {self.scope}")

    def fits(self, method: str, path: str) -> bool:
        """Whether the fault acts on this call."""
        return self.method in (None, method) and fnmatch.fnmatchcase(path, self.pattern)

    def answer(self) -> Answer | None:
        """Return the status, body and headers to answer with, or None to go on."""
        if self.status is None:
            return None
        if self.status == HTTPStatus.TOO_MANY_REQUESTS:
            verdict = refuse(self.retry_after, self.scope)
            return self.status, rate_limited_body(verdict), verdict.headers
        text = self.message or f"{self.status}: {HTTPStatus(self.status).phrase}"
        return self.status, {"message": text, "code": self.code}, {}


class Faults:
    """The switchboard of injected trouble."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._rest: list[RestFault] = []

    # -- REST -------------------------------------------------------------------------------------

    def add(self, fault: RestFault) -> RestFault:
        """Arm a fault; of several that fit a call the oldest acts."""
        self._rest.append(fault)
        return fault

    def clear(self) -> None:
        """Disarm every REST fault and make the gateway behave again."""
        self._rest.clear()
        self._gateway.ignore_heartbeats = False
        self._gateway.ignore_sessions = False
        self._gateway.refuse_until = 0.0

    async def before_call(self, method: str, path: str) -> Answer | None:
        """Let the first fitting fault act on a call; return its answer, or None to go on."""
        fault = next((entry for entry in self._rest if entry.fits(method, path)), None)
        if fault is None:
            return None
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._rest.remove(fault)
        if fault.delay:
            await asyncio.sleep(fault.delay)
        return fault.answer()

    # -- gateway ----------------------------------------------------------------------------------

    def _connections(self, shard_id: int | None) -> list[Connection]:
        return [
            connection
            for connection in self._gateway.connections
            if connection.session is not None and shard_id in (None, connection.session.shard_id)
        ]

    def drop(self, shard_id: int | None = None) -> int:
        """Cut connections without a close frame; return how many."""
        connections = self._connections(shard_id)
        for connection in connections:
            connection.drop()
        return len(connections)

    async def close(self, code: int, shard_id: int | None = None) -> int:
        """Close connections with a code; return how many.

        From 4004 on most codes end the session.
        """
        connections = self._connections(shard_id)
        for connection in connections:
            if (
                code in (4004, 4007, 4009, 4010, 4011, 4012, 4013, 4014)
                and connection.session is not None
            ):
                self._gateway.close_session(connection.session)
            await connection.close(code)
        return len(connections)

    def reconnect(self, shard_id: int | None = None) -> int:
        """Ask clients to reconnect and resume (op 7)."""
        return self._send(Op.RECONNECT, None, shard_id)

    def invalidate(self, *, resumable: bool = False, shard_id: int | None = None) -> int:
        """Declare sessions invalid (op 9); unless `resumable` they are gone for good."""
        if not resumable:
            for connection in self._connections(shard_id):
                if connection.session is not None:
                    self._gateway.close_session(connection.session)
        return self._send(Op.INVALID_SESSION, resumable, shard_id)

    def _send(self, op: int, data: Any, shard_id: int | None) -> int:
        connections = self._connections(shard_id)
        for connection in connections:
            connection.send_op(op, data)
        return len(connections)

    def ignore_heartbeats(self, *, ignore: bool = True) -> None:
        """Leave heartbeats unanswered, or answer them again."""
        self._gateway.ignore_heartbeats = ignore

    def ignore_sessions(self, *, ignore: bool = True) -> None:
        """Leave it unanswered when a client begins or resumes a session, or answer again."""
        self._gateway.ignore_sessions = ignore

    def refuse_connections(self, seconds: float) -> None:
        """Answer gateway connections with 503 for a time; 0 ends it."""
        self._gateway.refuse_until = time.monotonic() + seconds if seconds > 0 else 0.0

    def send_dispatch(self, event: str, data: Any, *, guild_id: int | None = None) -> None:
        """Send an event exactly as given, however malformed, to every session of the shard.

        Bytes go as they are, so an event can be no JSON, in a replay as well.
        """
        body = data if isinstance(data, bytes) else encode(data)
        self._gateway.send_encoded(event, body, guild_id=guild_id)

    def send_garbage(self, shard_id: int | None = None, text: str = '{"op":0,"t":') -> int:
        """Send a message that is no event; the given one is no JSON."""
        connections = self._connections(shard_id)
        for connection in connections:
            connection.enqueue(text.encode())
        return len(connections)

    def truncate(self, shard_id: int | None = None) -> int:
        """Cut the next message of each connection in half after compressing it."""
        connections = self._connections(shard_id)
        for connection in connections:
            connection.cut_next = True
        return len(connections)
