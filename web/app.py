"""Puts the web application together: routes, middlewares, sessions, and what they share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from aiohttp import web

from bot.core.features import Feature
from web import api, dashboard, ops
from web.api import resources
from web.keys import (
    DECLARED,
    OPENAPI,
    PACER,
    PARTS_BY_ADDRESS,
    ROUTES,
    SECURITY_HEADERS,
    SERVICES,
)
from web.middlewares import middlewares
from web.middlewares.headers import security_headers, set_headers
from web.middlewares.proxy import WARNED
from web.pacing import Pacer
from web.routes import SETTINGS_LIMIT, Route
from web.services import WebServices
from web.session import DatabaseStorage


def declared_routes(features: Iterable[Feature]) -> tuple[Route, ...]:
    """Return every route there is, those that features declare included."""
    return (*ops.ROUTES, *api.ROUTES, *resources.routes_of(features), *dashboard.ROUTES)


def make_app(services: WebServices) -> web.Application:
    """Return the application; the same one runs in production and in tests."""
    options = services.options
    storage = DatabaseStorage(services.database, services.clock, is_https=options.is_https)
    app = web.Application(middlewares=middlewares(storage), client_max_size=SETTINGS_LIMIT)
    app[SERVICES] = services
    app[PACER] = Pacer(services.clock, per_minute=options.per_minute, per_hour=options.per_hour)
    app[PARTS_BY_ADDRESS] = {}
    app[WARNED] = set()
    app[SECURITY_HEADERS] = security_headers(options.image_origin)
    app[OPENAPI] = []
    app[DECLARED] = declared_routes(services.registry.all())
    app[ROUTES] = _add_routes(app, app[DECLARED])
    app.on_response_prepare.append(set_headers)
    return app


def _add_routes(app: web.Application, routes: tuple[Route, ...]) -> dict[web.AbstractRoute, Route]:
    """Register the routes, a HEAD beside each GET, and return which is which."""
    by_path: defaultdict[str, list[Route]] = defaultdict(list)
    for route in routes:
        by_path[route.path].append(route)
    registered: dict[web.AbstractRoute, Route] = {}
    for path, declared in by_path.items():
        resource = app.router.add_resource(path)
        for route in declared:
            methods = ("GET", "HEAD") if route.method == "GET" else (route.method,)
            for method in methods:
                registered[resource.add_route(method, route.handler)] = route
    return registered
