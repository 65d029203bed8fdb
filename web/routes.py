"""How a route is declared: everything that the server, the access rules and OpenAPI need of it.

A route that declares no access can't be made, so none can be forgotten.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Literal

from aiohttp import web
from pydantic import BaseModel

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Part = Literal["health", "metrics", "api", "dashboard"]
PARTS: tuple[Part, ...] = ("health", "metrics", "api", "dashboard")


class Access(StrEnum):
    """Who may call a route."""

    ANYONE = "anyone"
    # Anyone gets an answer; networks, keys and owners that are trusted get the whole of it.
    DETAIL = "detail"
    OPERATOR = "operator"
    # Whoever is logged in, owner or not.
    SESSION = "session"


class Pace(Enum):
    """Whether a route's calls are counted; probes and static files must not use the limit up."""

    LIMITED = "limited"
    EXEMPT = "exempt"
    # Counted apart and strictly, because each call could be a guess.
    LOGIN = "login"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer a route gives, for OpenAPI: a model where the body is JSON."""

    description: str
    model: type[BaseModel] | None = None
    media_type: str = "application/json"
    many: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation: method and path template, its handler, and what it promises.

    `part` says which listeners serve it. `accepts` lists the media types of request bodies.
    """

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    part: Part
    access: Access
    pace: Pace
    summary: str
    replies: Mapping[int, Reply]
    query: type[BaseModel] | None = None
    accepts: tuple[str, ...] = field(default=())
