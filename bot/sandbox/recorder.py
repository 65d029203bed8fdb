"""What happened.

A bounded record of REST calls and gateway messages, and waiting for one to come.
"""

from __future__ import annotations

import asyncio
import fnmatch
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from .models import Json

T = TypeVar("T")
Predicate = Callable[[T], bool]


@dataclass(slots=True)
class RestCall:
    """One REST call as the sandbox saw and answered it.

    `route` is the matched template, "" when none matched.
    `body` is the JSON body (of a multipart request its `payload_json`), `duration` is in seconds.
    """

    number: int
    at: datetime
    method: str
    path: str
    route: str
    query: dict[str, str]
    body: Any
    files: list[str]
    content_type: str
    status: int = 0
    response: Any = None
    duration: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)

    def matches(self, method: str | None, pattern: str | None) -> bool:
        """Whether the call has this method and its path fits the glob `/channels/*/messages`."""
        if method is not None and method.upper() != self.method:
            return False
        return pattern is None or fnmatch.fnmatchcase(self.path, pattern) or pattern == self.route

    def to_json(self) -> Json:
        """Return it for the control API."""
        return {
            "number": self.number,
            "at": self.at.isoformat(),
            "method": self.method,
            "path": self.path,
            "route": self.route,
            "query": self.query,
            "body": self.body,
            "files": self.files,
            "status": self.status,
            "response": self.response,
            "duration": round(self.duration, 6),
        }


@dataclass(slots=True)
class GatewayFrame:
    """One message a client sent over the gateway; the token in it is masked."""

    number: int
    at: datetime
    session_id: str | None
    op: int
    data: Any

    def to_json(self) -> Json:
        """Return it for the control API."""
        return {
            "number": self.number,
            "at": self.at.isoformat(),
            "session_id": self.session_id,
            "op": self.op,
            "d": self.data,
        }


class Journal(Generic[T]):
    """The newest entries of one kind, with listeners and with waiters for one that fits."""

    def __init__(self, limit: int) -> None:
        self._entries: deque[T] = deque(maxlen=limit)
        self._waiters: list[tuple[Predicate[T], asyncio.Future[T]]] = []
        self.listeners: list[Callable[[T], None]] = []
        self.total = 0

    def __iter__(self):
        return iter(list(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def next_number(self) -> int:
        """Return the number of the next entry; numbers start at 1 and never repeat."""
        self.total += 1
        return self.total

    def add(self, entry: T) -> None:
        """Record an entry, tell listeners and wake whoever waits for one like it."""
        self._entries.append(entry)
        for listener in tuple(self.listeners):
            listener(entry)
        self.check(entry)

    def check(self, entry: T) -> None:
        """Wake the waiters whose condition this entry meets."""
        for waiter in tuple(self._waiters):
            predicate, future = waiter
            if not future.done() and predicate(entry):
                future.set_result(entry)

    async def wait_for(
        self, predicate: Predicate[T], *, within: float = 5.0, past: bool = True
    ) -> T:
        """Return the first entry that fits, an earlier one too when `past`.

        Raises TimeoutError after `within` seconds.
        """
        if past:
            for entry in self._entries:
                if predicate(entry):
                    return entry
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        waiter = (predicate, future)
        self._waiters.append(waiter)
        try:
            return await asyncio.wait_for(future, within)
        finally:
            self._waiters.remove(waiter)

    def clear(self) -> None:
        """Forget what is recorded (numbers go on)."""
        self._entries.clear()


class Recorder:
    """The journals of the sandbox: `calls` (REST) and `frames` (gateway messages from clients)."""

    def __init__(self, limit: int = 5_000) -> None:
        self.calls: Journal[RestCall] = Journal(limit)
        self.frames: Journal[GatewayFrame] = Journal(limit)

    def calls_to(self, method: str | None = None, pattern: str | None = None) -> list[RestCall]:
        """Return the calls with this method whose path or route fits, oldest first."""
        return [call for call in self.calls if call.matches(method, pattern)]

    async def wait_for_call(
        self,
        method: str | None = None,
        pattern: str | None = None,
        *,
        where: Predicate[RestCall] | None = None,
        within: float = 5.0,
        after: int = 0,
    ) -> RestCall:
        """Return the first call that fits, once it is answered.

        `after` skips calls up to that number.
        """

        def fits(call: RestCall) -> bool:
            return (
                call.number > after
                and call.matches(method, pattern)
                and (where is None or where(call))
            )

        return await self.calls.wait_for(fits, within=within)
