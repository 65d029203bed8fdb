"""The web's one translator of errors: everything that goes wrong becomes problem details."""

from __future__ import annotations

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from bot.core.errors import AppError, DatabaseUnavailable, DiscordFailed, Unexpected
from web.dashboard.pages import error_page, wants_page
from web.keys import REQUEST_ID, SERVICES, route_of
from web.locale import locale_of
from web.problems import as_app_error
from web.responses import headers_of, problem_response

log = structlog.get_logger(__name__)


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer errors in words and with their code; an unexpected one is logged and reported."""
    try:
        return await handler(request)
    except Exception as error:
        if isinstance(error, web.HTTPException) and error.status < 400:
            raise
        expected = as_app_error(error) or _report(request, error)
        return _answer(request, expected, _allowed_methods(error))


def _allowed_methods(error: Exception) -> dict[str, str]:
    if isinstance(error, web.HTTPMethodNotAllowed):
        return {"Allow": ", ".join(sorted(error.allowed_methods))}
    return {}


def _report(request: web.Request, error: Exception) -> AppError:
    reference = request[REQUEST_ID]
    log.error("request_failed", exc_info=error)
    route = route_of(request)
    where = f"{route.method} {route.path}" if route else "Web request"
    request.app[SERVICES].webhooks.error(where, error, reference=reference)
    return Unexpected(reference)


def _answer(request: web.Request, error: AppError, headers: dict[str, str]) -> web.Response:
    if isinstance(error, DatabaseUnavailable | DiscordFailed):
        log.warning("request_not_served", code=error.code, reason=str(error))
    locale = locale_of(request)
    if wants_page(request):
        return error_page(request, error, locale, headers | headers_of(error))
    return problem_response(error, request[REQUEST_ID], locale, headers)
