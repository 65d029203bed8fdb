"""Counts requests per address and refuses those that come too soon."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.core.errors import InvalidInput, RateLimited
from bot.core.i18n import _
from web.dashboard.formdata import read_form
from web.dashboard.pages import wants_page
from web.keys import CLIENT, PACED, PACER, SERVICES, UNSENT, route_of
from web.middlewares.body import read_within_limits
from web.middlewares.origin import is_from_here
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
        if kind is Pace.PAGE and request.method == "POST" and pacer.may_keep(bucket):
            await _keep_form(request)
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


async def _keep_form(request: web.Request) -> None:
    """Have the refusal hold what was typed into the form of a page of ours, to be sent later."""
    if not (wants_page(request) and is_from_here(request)):
        return
    try:
        await read_within_limits(request)
        request[UNSENT] = await read_form(request)
    except (web.HTTPException, InvalidInput):
        # Then it is no form, and the refusal says enough.
        return
