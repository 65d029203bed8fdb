"""What every request goes through, and in which order."""

from __future__ import annotations

from aiohttp.typedefs import Middleware
from aiohttp_session import session_middleware

from web.middlewares.body import limit_body
from web.middlewares.errors import answer_errors
from web.middlewares.guard import guard
from web.middlewares.listener import keep_to_listener
from web.middlewares.observe import observe
from web.middlewares.origin import check_origin
from web.middlewares.pace import pace
from web.middlewares.proxy import see_through_proxies
from web.session import DatabaseStorage


def middlewares(storage: DatabaseStorage) -> list[Middleware]:
    """Return the middlewares, the outermost first; the order is a matter of safety.

    1. `observe` is outermost, so that every answer has a request id, a log line and a count.
    2. `see_through_proxies` finds out who asks; limits and access depend on it.
    3. `answer_errors` stands outside all that may refuse, so that refusals have one shape.
    4. `keep_to_listener` hides what the listener does not serve before anything is told of it.
    5. `pace` counts before anything costly is done for the request.
    6. `limit_body` reads what was sent, so that no handler meets an oversized or foreign body.
    7. The session is prepared; it is loaded only when somebody asks for it.
    8. `check_origin` keeps other sites from using a person's cookie.
    9. `guard` asks the route's access rule last, when it is known who asks and from where.
    """
    return [
        observe,
        see_through_proxies,
        answer_errors,
        keep_to_listener,
        pace,
        limit_body,
        session_middleware(storage),
        check_origin,
        guard,
    ]
