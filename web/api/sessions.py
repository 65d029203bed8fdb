"""`/v1/sessions`: where the person who asks is logged in, and logging out there."""

from __future__ import annotations

from aiohttp import web
from pydantic import BaseModel, Field

from web.browsers import browser_of
from web.locale import locale_of
from web.logins import end_login, end_other_logins, logins_of
from web.responses import json_response, timestamp
from web.routes import Access, Pace, Reply, Route


class SessionBody(BaseModel):
    """A browser that is logged in; `browser` is in the language of the answer."""

    id: str = Field(examples=["2c26b46b68ffc68f"])
    browser: str = Field(examples=["Firefox on Linux"])
    user_agent: str | None = Field(description="What the browser said of itself, shortened.")
    created_at: str = Field(examples=["2024-01-01T00:00:00.000Z"])
    seen_at: str = Field(description="When it was last used, to the minute or so.")
    current: bool = Field(description="Whether this is the session that asks.")


class EndedBody(BaseModel):
    """How many sessions were ended."""

    ended: int


async def get_sessions(request: web.Request) -> web.Response:
    """Answer with the sessions of the person who is logged in, the last used first."""
    logins, current = await logins_of(request)
    locale = locale_of(request)
    bodies = [
        SessionBody(
            id=one.handle,
            browser=browser_of(one.user_agent).render(locale),
            user_agent=one.user_agent,
            created_at=timestamp(one.created_at),
            seen_at=timestamp(one.seen_at),
            current=one.handle == current,
        )
        for one in logins
    ]
    return json_response([one.model_dump() for one in bodies])


async def delete_session(request: web.Request) -> web.Response:
    """End one session of the person who is logged in, be it the one that asks."""
    await end_login(request, request.match_info["session_id"])
    return web.Response(status=204)


async def delete_other_sessions(request: web.Request) -> web.Response:
    """End every session of the person who is logged in but the one that asks."""
    return json_response(EndedBody(ended=await end_other_logins(request)))


ROUTES = (
    Route(
        method="GET",
        path="/v1/sessions",
        handler=get_sessions,
        part="api",
        access=Access.SESSION,
        pace=Pace.LIMITED,
        summary="Where you are logged in",
        replies={200: Reply("The sessions", SessionBody, many=True)},
    ),
    Route(
        method="DELETE",
        path="/v1/sessions",
        handler=delete_other_sessions,
        part="api",
        access=Access.SESSION,
        pace=Pace.LIMITED,
        summary="Log out in every other browser",
        replies={200: Reply("How many that were", EndedBody)},
    ),
    Route(
        method="DELETE",
        path="/v1/sessions/{session_id}",
        handler=delete_session,
        part="api",
        access=Access.SESSION,
        pace=Pace.LIMITED,
        summary="Log out in one browser",
        replies={204: Reply("It is logged out", media_type="")},
    ),
)
