"""One webhook's messages on their way: a bounded queue, delivered one at a time, within its limits.

Knows nothing of what the messages say.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import aiohttp
import structlog

from bot.core.clock import Clock
from bot.core.ratelimit import SlidingWindow

log = structlog.get_logger(__name__)

Kind = Literal["error", "audit"]
Outcome = Literal["delivered", "failed", "dropped", "coalesced"]

MOST_QUEUED = 100
# Discord allows about 30 messages a minute and webhook: no more of them keeps most 429s away, and
# what is refused all the same is sent again.
MOST_PER_MINUTE = 30
ATTEMPTS = 5
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
REQUEST_SECONDS = 10.0


@dataclass(slots=True, eq=False)
class _Letter:
    """One message on its way; two with the same words are still two."""

    payload: dict[str, Any]


class Mailbox:
    """The messages for one webhook; `count` is told the outcome of each.

    When it is full the oldest message is dropped. A webhook that Discord does not know any more is
    not asked again.
    """

    def __init__(
        self,
        kind: Kind,
        url: str,
        session: aiohttp.ClientSession,
        clock: Clock,
        count: Callable[[Kind, Outcome], None],
    ) -> None:
        self._kind: Kind = kind
        self._url: str | None = url
        self._session = session
        self._clock = clock
        self._count = count
        self._queue: deque[_Letter] = deque()
        self._filled = asyncio.Event()
        self._delivering = asyncio.Lock()
        self._window: SlidingWindow[Kind] = SlidingWindow(MOST_PER_MINUTE, 60.0)

    @property
    def pending(self) -> int:
        """How many messages wait to be delivered."""
        return len(self._queue)

    @property
    def is_open(self) -> bool:
        """Whether there is still a webhook to send to."""
        return self._url is not None

    def put(self, payload: dict[str, Any]) -> None:
        """Queue a message."""
        self._queue.append(_Letter(payload))
        if len(self._queue) > MOST_QUEUED:
            self._queue.popleft()
            self._count(self._kind, "dropped")
        self._filled.set()

    async def run(self) -> None:
        """Deliver what is queued, for ever."""
        while True:
            await self._filled.wait()
            await self._deliver_next()

    async def empty(self) -> None:
        """Deliver what is queued now."""
        while self._queue:
            await self._deliver_next()

    def give_up(self) -> None:
        """Drop what is queued, and count it."""
        if self._queue:
            log.warning("webhook_messages_given_up", kind=self._kind, count=self.pending)
        while self._queue:
            self._queue.popleft()
            self._count(self._kind, "dropped")
        self._filled.clear()

    async def _deliver_next(self) -> None:
        async with self._delivering:
            if not self._queue:
                self._filled.clear()
                return
            letter = self._queue[0]
            delivered = await self._deliver(letter)
            self._count(self._kind, "delivered" if delivered else "failed")
            # The queue may have been full meanwhile and let go of this one as its oldest.
            if self._queue and self._queue[0] is letter:
                self._queue.popleft()

    async def _deliver(self, letter: _Letter) -> bool:
        pause = FIRST_PAUSE
        for _attempt in range(ATTEMPTS):
            if self._url is None:
                return False
            await self._wait_for_turn()
            answer = await self._post(self._url, letter.payload)
            if answer.ok:
                return True
            if answer.final:
                self._note_refusal(answer)
                return False
            wanted = pause if answer.retry_after is None else answer.retry_after
            await asyncio.sleep(min(wanted, LONGEST_PAUSE))
            pause = min(pause * 2, LONGEST_PAUSE)
        log.warning("webhook_not_delivered", kind=self._kind, attempts=ATTEMPTS)
        return False

    async def _wait_for_turn(self) -> None:
        # A window that is full empties by itself; there is nobody to signal it.
        while not (decision := self._window.hit(self._kind, self._clock.monotonic())).allowed:  # noqa: ASYNC110
            await asyncio.sleep(decision.retry_after)

    async def _post(self, url: str, payload: dict[str, Any]) -> _Answer:
        try:
            async with self._session.post(
                url,
                json=payload,
                # A redirect could lead anywhere, inside the operator's network too.
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS),
            ) as response:
                return await _read_answer(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # Its text may hold the URL, which is the secret.
            return _Answer(reason=type(error).__name__)

    def _note_refusal(self, answer: _Answer) -> None:
        log.warning("webhook_refused", kind=self._kind, status=answer.status)
        if answer.status in (401, 403, 404):
            # Deleted, or its token changed: asking again would only count towards Discord's ban.
            self._url = None


@dataclass(frozen=True, slots=True)
class _Answer:
    """What became of one request; without a status there was no answer at all."""

    status: int | None = None
    retry_after: float | None = None
    reason: str = ""

    @property
    def ok(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def final(self) -> bool:
        return self.status is not None and self.status != 429 and self.status < 500


async def _read_answer(response: aiohttp.ClientResponse) -> _Answer:
    if response.status != 429:
        return _Answer(response.status)
    text = response.headers.get("Retry-After", "")
    try:
        body = await response.json(content_type=None)
        seconds = float(body["retry_after"])
    except (ValueError, KeyError, TypeError):
        # A proxy before Discord answers in other words; the header is then all there is.
        seconds = float(text) if text.isdecimal() else FIRST_PAUSE
    return _Answer(429, retry_after=max(seconds, 0.0))
