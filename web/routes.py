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
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Part = Literal["health", "metrics", "api", "dashboard"]
PARTS: tuple[Part, ...] = ("health", "metrics", "api", "dashboard")

# What a request's body may measure in bytes. Settings hold long texts, and a form writes an emoji
# in twelve characters: thirty welcome texts of nothing else fit.
BODY_LIMIT = 64 * 1024
SETTINGS_LIMIT = 640 * 1024


class Access(StrEnum):
    """Who may call a route."""

    ANYONE = "anyone"
    # Anyone gets an answer; networks, keys and owners that are trusted get the whole of it.
    DETAIL = "detail"
    OPERATOR = "operator"
    # Whoever may manage the guild that the path names; see `web.access.admit_to_guild`.
    GUILD = "guild"
    # Whoever is logged in, owner or not.
    SESSION = "session"


class Pace(Enum):
    """Whether a route's calls are counted; probes and static files must not use the limit up."""

    LIMITED = "limited"
    # Counted apart and less strictly: somebody who clicks through pages is no program.
    PAGE = "page"
    EXEMPT = "exempt"
    # Counted apart and strictly, because each call could be a guess.
    LOGIN = "login"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer a route gives, for OpenAPI: a model where the body is JSON.

    `versioned` answers carry an `ETag`. The body of one with `settings` is the settings of the
    feature that the path names.
    """

    description: str
    model: type[BaseModel] | None = None
    media_type: str = "application/json"
    many: bool = False
    versioned: bool = False
    settings: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation: method and path template, its handler, and what it promises.

    `part` says which listeners serve it. `accepts` lists the media types of request bodies, `body`
    is the model of a JSON one, `limit` its greatest size in bytes. `if_match` says whether a change
    names the version that it is meant for. `name` is the operation's in OpenAPI, where the
    handler's own does not tell it.
    """

    method: Method
    path: str
    handler: Handler
    part: Part
    access: Access
    pace: Pace
    summary: str
    replies: Mapping[int, Reply]
    query: type[BaseModel] | None = None
    accepts: tuple[str, ...] = field(default=())
    body: type[BaseModel] | None = None
    limit: int = BODY_LIMIT
    if_match: Literal["required", "optional"] | None = None
    name: str = ""

    def __post_init__(self) -> None:
        """Raise `ValueError` for a route that names a guild and would pass by its guard."""
        if ("{guild_id}" in self.path) is not (self.access is Access.GUILD):
            raise ValueError(f"{self.path}: access to a guild is for Access.GUILD, and only for it")
