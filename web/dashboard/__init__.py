"""Pages for people: rendered on the server, usable without scripts, in the reader's language."""

from __future__ import annotations

from web.dashboard import login, start, static
from web.routes import Route

ROUTES: tuple[Route, ...] = (start.ROUTE, *login.ROUTES, *static.ROUTES)
