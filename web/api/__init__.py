"""The JSON API; one module per resource."""

from __future__ import annotations

from web.api import features, guilds, health, logs, openapi, sessions, settings, stats
from web.routes import Route

ROUTES: tuple[Route, ...] = (
    health.ROUTE,
    stats.ROUTE,
    logs.ROUTE,
    openapi.ROUTE,
    *guilds.ROUTES,
    *features.ROUTES,
    *settings.ROUTES,
    *sessions.ROUTES,
)
