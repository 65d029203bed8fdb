"""The JSON API; one module per resource."""

from __future__ import annotations

from web.api import health, logs, openapi, stats
from web.routes import Route

ROUTES: tuple[Route, ...] = (health.ROUTE, stats.ROUTE, logs.ROUTE, openapi.ROUTE)
