"""One REST call on its way through a handler.

Its parts, and the look-ups and checks that handlers share.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..channel import Channel
from ..guild import Guild
from ..models import Application, Member, Message, Role, User
from ..permissions import Permission, channel_permissions, guild_permissions, outranks
from ..starts import StartBudget
from ..world import World
from .errors import RestError, invalid_form, missing_access, missing_permissions, not_found

if TYPE_CHECKING:
    from ..interactions import InteractionEngine

Json = dict[str, Any]


@dataclass(slots=True)
class Upload:
    """A file of a multipart request; `key` is its form field, `files[0]` and so on."""

    key: str
    filename: str
    content: bytes = field(repr=False)
    content_type: str = "application/octet-stream"


@dataclass(slots=True)
class Reply:
    """An answer with a status of its own.

    A handler that returns plain JSON answers 200, None 204.
    """

    status: int
    body: Any = None


@dataclass(slots=True)
class Context:
    """What every call has at hand."""

    world: World
    interactions: InteractionEngine
    gateway_url: str
    starts: StartBudget = field(default_factory=StartBudget)
    recommended_shards: int | None = None
    # (channel, author, nonce) -> message id, for enforced nonces; bounded by the messages resource.
    nonces: dict[tuple[int, int, str], int] = field(default_factory=dict)


@dataclass(slots=True)
class Call:
    """A request as its handler sees it. Snowflake look-ups raise Discord's "unknown" errors."""

    context: Context
    method: str
    path: str
    params: dict[str, str]
    query: dict[str, str]
    body: Any = None
    uploads: list[Upload] = field(default_factory=list)
    reason: str | None = None
    application: Application | None = None

    @property
    def world(self) -> World:
        """The world the call is about."""
        return self.context.world

    @property
    def caller(self) -> Application:
        """The calling bot's application; raises 401 for a call without one."""
        if self.application is None:
            raise RestError(401, 0, "401: Unauthorized")
        return self.application

    @property
    def bot(self) -> User:
        """The account of the calling bot."""
        return self.caller.user

    @property
    def json(self) -> Json:
        """The body as an object; raises 50109 when it is none."""
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            raise RestError(400, 50109, "The request body contains invalid JSON.")
        return self.body

    def entries(self) -> list[Json]:
        """Return the body as a list; raises 50035 when it is none."""
        if not isinstance(self.body, list):
            message = "Only iterables may be used in a ListType."
            raise invalid_form("_", "LIST_TYPE_CONVERT", message)
        return self.body

    # -- path parameters --------------------------------------------------------------------------

    def snowflake(self, name: str) -> int:
        """Return a path parameter as an id; `@me` is the bot itself.

        Raises 50035 when it is no snowflake.
        """
        return self.parse_snowflake(self.params[name], name)

    def parse_snowflake(self, text: Any, name: str) -> int:
        """Return an id given as text or number; raises 50035 naming the field."""
        if text == "@me" and self.application is not None:
            return self.application.user.id
        if isinstance(text, bool) or not str(text).isdecimal() or len(str(text)) > 20:
            raise invalid_form(name, "NUMBER_TYPE_COERCE", f'Value "{text}" is not snowflake.')
        return int(text)

    def guild(self) -> Guild:
        """Return the path's guild; raises 10004 unless the bot is in it."""
        guild = self.world.guilds.get(self.snowflake("guild_id"))
        if guild is None or self.bot.id not in guild.members:
            raise not_found(10004)
        return guild

    def me(self, guild: Guild) -> Member:
        """Return the bot's own membership."""
        return guild.members[self.bot.id]

    def channel(self) -> Channel:
        """Return the path's channel.

        Raises 10003 when unknown and 50001 when the bot may not see it.
        """
        channel = self.world.channels.get(self.snowflake("channel_id"))
        if channel is None:
            raise not_found(10003)
        if channel.guild is None:
            if self.bot not in channel.recipients:
                raise not_found(10003)
        elif self.bot.id not in channel.guild.members or not self.permissions_in(channel):
            raise missing_access()
        return channel

    def message(self, channel: Channel) -> Message:
        """Return the path's message; raises 10008."""
        message = channel.messages.get(self.snowflake("message_id"))
        if message is None:
            raise not_found(10008)
        return message

    def role(self, guild: Guild) -> Role:
        """Return the path's role; raises 10011."""
        role = guild.roles.get(self.snowflake("role_id"))
        if role is None:
            raise not_found(10011)
        return role

    def member(self, guild: Guild) -> Member:
        """Return the path's member; raises 10007, or 10013 when there is no such account at all."""
        user_id = self.snowflake("user_id")
        member = guild.members.get(user_id)
        if member is None:
            raise not_found(10007 if user_id in self.world.users else 10013)
        return member

    def user(self) -> User:
        """Return the path's user; raises 10013."""
        user = self.world.users.get(self.snowflake("user_id"))
        if user is None:
            raise not_found(10013)
        return user

    # -- permissions ------------------------------------------------------------------------------

    def permissions_in(self, channel: Channel) -> int:
        """Return what the bot may do in a channel; in a direct message everything."""
        if channel.guild is None:
            return Permission.ALL
        return channel_permissions(self.me(channel.guild), channel)

    def require(self, place: Channel | Guild, permissions: int) -> None:
        """Raise 50013 unless the bot holds all these permissions in the channel or guild."""
        held = (
            guild_permissions(self.me(place))
            if isinstance(place, Guild)
            else self.permissions_in(place)
        )
        if held & permissions != permissions:
            raise missing_permissions()

    def require_above(self, guild: Guild, target: Member) -> None:
        """Raise 50013 unless the bot's top role lies above the target's."""
        if not outranks(self.me(guild), target):
            raise missing_permissions()

    def query_number(self, name: str, default: int, low: int, high: int) -> int:
        """Return a number from the query; raises 50035 outside its range."""
        text = self.query.get(name)
        if text is None:
            return default
        if not text.lstrip("-").isdecimal() or not low <= int(text) <= high:
            raise invalid_form(
                name, "NUMBER_TYPE_MAX", f"int value should be between {low} and {high}."
            )
        return int(text)

    def query_snowflake(self, name: str) -> int | None:
        """Return an id from the query, None when it is not given."""
        text = self.query.get(name)
        return None if text is None else self.parse_snowflake(text, name)
