"""Pages for people: rendered on the server, usable without scripts, in the reader's language."""

from __future__ import annotations

from web.dashboard import guilds, history, kept, login, sessions, settings, start, static
from web.routes import Route

ROUTES: tuple[Route, ...] = (
    start.ROUTE,
    *guilds.ROUTES,
    *settings.ROUTES,
    *history.ROUTES,
    *kept.ROUTES,
    *login.ROUTES,
    *sessions.ROUTES,
    *static.ROUTES,
)
