"""One request to the control API, the registry of its operations, and how failures are told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ..actor import Actor
from ..channel import Channel
from ..codec import decode, encode
from ..command_data import NotPossibleError
from ..guild import Guild
from ..interactions import NotAnsweredError
from ..models import Json, Message, User

if TYPE_CHECKING:
    from ..server import Sandbox


class UnknownThingError(LookupError):
    """The request names something that does not exist."""


@dataclass(slots=True)
class Ask:
    """What is asked of the sandbox: path parameters, query and body, with look-ups by id.

    Look-ups raise UnknownThingError, missing or malformed fields ValueError.
    """

    sandbox: Sandbox
    params: dict[str, str]
    query: dict[str, str]
    body: Json

    def need(self, key: str) -> Any:
        """Return a field of the body; raises ValueError when it is missing."""
        if key not in self.body:
            raise ValueError(f"the field {key!r} is missing")
        return self.body[key]

    def guild(self) -> Guild:
        """Return the guild that the path or the field `guild_id` names."""
        snowflake = int(self.params.get("guild_id") or self.need("guild_id"))
        return _known(self.sandbox.world.guilds.get(snowflake), f"guild {snowflake}")

    def channel(self) -> Channel:
        """Return the path's channel."""
        snowflake = int(self.params["channel_id"])
        return _known(self.sandbox.world.channels.get(snowflake), f"channel {snowflake}")

    def user(self, snowflake: Any = None) -> User:
        """Return the user that the argument, the path or the field `user_id` names."""
        wanted = int(snowflake or self.params.get("user_id") or self.need("user_id"))
        return _known(self.sandbox.world.users.get(wanted), f"user {wanted}")

    def actor(self, guild: Guild | None = None) -> Actor:
        """Return the person who acts."""
        return self.sandbox.actor(self.user(), guild)

    def message(self) -> Message:
        """Return the path's message, ephemeral ones included."""
        snowflake = int(self.params["message_id"])
        channels = self.sandbox.world.channels
        if "channel_id" in self.params:
            found = self.channel().messages.get(snowflake)
        else:
            held = (channel.messages.get(snowflake) for channel in channels.values())
            found = next((message for message in held if message is not None), None)
        found = found or self.sandbox.interactions.find_message(snowflake)
        return _known(found, f"message {snowflake}")

    def number(self, key: str, default: float) -> float:
        """Return a number from the query."""
        return float(self.query.get(key, default))


def _known(found: Any, name: str) -> Any:
    if found is None:
        raise UnknownThingError(f"there is no {name}")
    return found


Operation = Callable[[Ask], Awaitable[Any]]

operations: list[tuple[str, str, Operation]] = []


def operation(method: str, path: str) -> Callable[[Operation], Operation]:
    """Register an operation of the control API under `/sandbox`."""

    def register(handler: Operation) -> Operation:
        operations.append((method, path, handler))
        return handler

    return register


def web_handler(
    sandbox: Sandbox, handler: Operation
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return the operation as a web handler: JSON in, JSON out, failures as `{"error": …}`."""

    async def handle(request: web.Request) -> web.StreamResponse:
        own_page = f"http://{request.host}"
        if request.headers.get("Origin", own_page) != own_page:
            return _answer(403, {"error": "only the sandbox's own page may ask"})
        try:
            raw = await request.read()
            ask = Ask(sandbox, dict(request.match_info), dict(request.query), _read(raw))
            return _answer(200, await handler(ask))
        except (UnknownThingError, KeyError) as failure:
            return _answer(404, {"error": str(failure)})
        except NotPossibleError as failure:
            return _answer(409, {"error": str(failure)})
        except (NotAnsweredError, TimeoutError) as failure:
            return _answer(504, {"error": str(failure) or "nothing came in time"})
        except (TypeError, ValueError) as failure:
            return _answer(400, {"error": str(failure)})

    return handle


def _read(raw: bytes) -> Json:
    body = decode(raw) if raw else {}
    if not isinstance(body, dict):
        raise TypeError("the body must be an object")
    return body


def _answer(status: int, body: Any) -> web.Response:
    return web.Response(status=status, body=encode(body), content_type="application/json")
