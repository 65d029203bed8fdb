"""Counts requests per address and refuses those that come too soon."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.core.errors import RateLimited
from bot.core.i18n import _
from web.keys import CLIENT, PACED, PACER, SERVICES, route_of
from web.routes import Pace


@web.middleware
async def pace(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let the request through while its address keeps to the limits; unknown paths count too."""
    route = route_of(request)
    kind = route.pace if route else Pace.LIMITED
    if kind is Pace.EXEMPT:
        return await handler(request)
    pacer, bucket = request.app[PACER], request[CLIENT].bucket
    count = {Pace.LOGIN: pacer.login, Pace.PAGE: pacer.page}.get(kind, pacer.request)
    paced = count(bucket)
    request[PACED] = paced
    if policy := paced.refused_by:
        request.app[SERVICES].metrics.request_refused(policy.name)
        raise RateLimited(
            _(
                "Too many requests: {limit} in {seconds} seconds are allowed.",
                limit=policy.limit,
                seconds=policy.seconds,
            ),
            hint=_("Try again in {seconds} s.", seconds=paced.retry_after),
            retry_after=paced.retry_after,
        )
    return await handler(request)
