"""The stream of events to an open page, as server-sent events.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

from ..codec import encode
from ..models import Json
from .feed import Feed
from .request import HEADERS, check_is_own_page, find_visitor, refuse
from .visit import NobodyError
from .visitors import Visitors
from .wording import locale_of

if TYPE_CHECKING:
    from ..server import Sandbox

# A page that is gone is noticed at the next write, so something is written this often (seconds).
_HEARTBEAT = 15.0
_STREAM_HEADERS = HEADERS | {"Content-Type": "text/event-stream"}


def stream_handler(
    sandbox: Sandbox, visitors: Visitors
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return the handler that keeps a page informed until it is closed."""

    async def handle(request: web.Request) -> web.StreamResponse:
        check_is_own_page(request, sandbox)
        visitor = find_visitor(request, sandbox, visitors)
        if visitor is None:
            return refuse(NobodyError(), None, locale_of(""))
        response = web.StreamResponse(headers=_STREAM_HEADERS)
        await response.prepare(request)
        feed = visitor.open_feed()
        try:
            await _send_events(response, feed)
        except ConnectionResetError:
            return response
        finally:
            visitor.close_feed(feed)
        return response

    return handle


async def _send_events(response: web.StreamResponse, feed: Feed) -> None:
    await response.write(_frame({"kind": "hello"}))
    while True:
        event = await feed.next(_HEARTBEAT)
        if event is not None:
            await response.write(_frame(event))
        elif feed.closed:
            return
        else:
            await response.write(b":\n\n")


def _frame(event: Json) -> bytes:
    return b"data: " + encode(event) + b"\n\n"
