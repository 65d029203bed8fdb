"""The text that Prometheus scrapes: a snapshot at most a second old, made beside the requests.

Values are collected and encoded on the event loop, where they live, family by family, so that
requests are answered in between; a thread would keep the interpreter's lock from them for longer.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from bot.core.clock import Clock

MAX_AGE = 1.0
# How long after the last scrape the next one is prepared for; Prometheus asks every 15 s or so.
EXPECTING_SECONDS = 60.0
_OPENMETRICS_ACCEPT = "application/openmetrics-text; version=1.0.0"
_END = b"# EOF\n"


@dataclass(frozen=True, slots=True)
class Exposition:
    """All metrics in one format, plain and compressed."""

    content_type: str
    body: bytes
    compressed: bytes


@dataclass(frozen=True, slots=True)
class _Snapshot:
    taken: float
    plain: Exposition
    openmetrics: Exposition


class _Collected(Collector):
    """A family that was collected already, in the shape that the encoders read."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        """Return it."""
        return (self._family,)


class MetricsExposition:
    """Hands out snapshots of a registry; many scrapers at once cost one rendering a second."""

    def __init__(self, registry: CollectorRegistry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock
        self._snapshot: _Snapshot | None = None
        self._rendering: asyncio.Task[_Snapshot] | None = None
        self._last_asked = -EXPECTING_SECONDS

    async def latest(self, accept: str) -> Exposition:
        """Return the metrics in the format that an `Accept` header prefers."""
        self._last_asked = self._clock.monotonic()
        snapshot = self._snapshot
        if snapshot is None or self._last_asked - snapshot.taken > MAX_AGE:
            snapshot = await self._render_once()
        _, content_type = choose_encoder(accept)
        return (
            snapshot.openmetrics
            if content_type.startswith("application/openmetrics-text")
            else snapshot.plain
        )

    async def run(self) -> None:
        """Keep the snapshot fresh while somebody scrapes, until cancelled."""
        while True:
            await asyncio.sleep(MAX_AGE * 0.8)
            if self._clock.monotonic() - self._last_asked < EXPECTING_SECONDS:
                await self._render_once()

    async def _render_once(self) -> _Snapshot:
        """Join the rendering under way, or begin one; a scraper that leaves does not end it."""
        if self._rendering is None or self._rendering.done():
            self._rendering = asyncio.create_task(self._render(), name="metrics_rendering")
        return await asyncio.shield(self._rendering)

    async def _render(self) -> _Snapshot:
        taken = self._clock.monotonic()
        encode_plain, _ = choose_encoder("")
        encode_openmetrics, _ = choose_encoder(_OPENMETRICS_ACCEPT)
        plain, openmetrics = bytearray(), bytearray()
        for family in self._registry.collect():
            plain += encode_plain(_Collected(family))
            openmetrics += encode_openmetrics(_Collected(family)).removesuffix(_END)
            await asyncio.sleep(0)
        self._snapshot = _Snapshot(
            taken,
            await _pack(CONTENT_TYPE_PLAIN_0_0_4, bytes(plain)),
            await _pack(CONTENT_TYPE_LATEST, bytes(openmetrics) + _END),
        )
        return self._snapshot


async def _pack(content_type: str, body: bytes) -> Exposition:
    # Compressing lets go of the interpreter's lock.
    compressed = await asyncio.to_thread(gzip.compress, body, compresslevel=5, mtime=0)
    return Exposition(content_type, body, compressed)
