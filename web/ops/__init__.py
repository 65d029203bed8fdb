"""The operations endpoints: liveness, health, readiness and metrics.

They answer from what was measured already and are never rate limited.
"""

from __future__ import annotations

from web.ops import health, livez, metrics, ready
from web.routes import Route

ROUTES: tuple[Route, ...] = (livez.ROUTE, health.ROUTE, ready.ROUTE, metrics.ROUTE)
