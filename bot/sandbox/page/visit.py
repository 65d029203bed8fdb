"""What one visitor asks of the page, with look-ups limited to what they may see."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..actor import Actor
from ..channel import Channel
from ..guild import Guild
from ..models import Json, Message
from .visitors import Visitor, Visitors

if TYPE_CHECKING:
    from ..server import Sandbox


class UnfitError(ValueError):
    """What the visitor sent can't be taken; the text says why."""


class NobodyError(Exception):
    """The browser has no account here, or no longer."""


class NotThereError(LookupError):
    """The request names something that does not exist, or that the visitor may not see."""


@dataclass(slots=True)
class Visit:
    """What a visitor asks: path parameters, query and body, with look-ups of what they may see.

    `locale` is the language the page is in, which the visitor's interactions bear as theirs.
    Look-ups raise NotThereError; missing or malformed fields raise UnfitError.
    """

    sandbox: Sandbox
    visitors: Visitors
    guest: Visitor | None
    params: dict[str, str]
    query: dict[str, str]
    body: Json
    locale: str

    @property
    def visitor(self) -> Visitor:
        """Who asks; raises NobodyError when the browser has no account yet."""
        if self.guest is None:
            raise NobodyError
        return self.guest

    def need(self, key: str) -> Any:
        """Return a field of the body; raises UnfitError when it is missing."""
        if key not in self.body:
            raise UnfitError(f"the field {key!r} is missing")
        return self.body[key]

    def text(self, key: str) -> str:
        """Return a text of the body; raises UnfitError when it is none."""
        value = self.need(key)
        if not isinstance(value, str):
            raise UnfitError(f"the field {key!r} is no text")
        return value

    def guild(self) -> Guild:
        """Return the path's guild."""
        found = self.sandbox.world.guilds.get(int(self.params["guild_id"]))
        if found is None:
            raise NotThereError("this guild is gone")
        return found

    def channel(self) -> Channel:
        """Return the path's channel."""
        found = self.sandbox.world.channels.get(int(self.params["channel_id"]))
        if found is None or self.visitor.viewer_of(found) is None:
            raise NotThereError("this channel is gone, or not for you to see")
        return found

    def message(self) -> Message:
        """Return the path's message, also an ephemeral one that only this visitor sees."""
        channel, message_id = self.channel(), int(self.params["message_id"])
        found = channel.messages.get(message_id)
        if found is None:
            shown = self.visitor.private_messages(channel)
            found = next((entry for entry in shown if entry.id == message_id), None)
        if found is None:
            raise NotThereError("this message is gone")
        return found

    def actor(self, place: Channel | Guild) -> Actor:
        """Return the person the visitor acts as in a channel or guild."""
        if isinstance(place, Guild):
            return self.sandbox.actor(self.visitor.person(place), place, locale=self.locale)
        viewer = self.visitor.viewer_of(place)
        if viewer is None:
            raise NotThereError("this channel is gone, or not for you to see")
        return self.sandbox.actor(viewer, place.guild, locale=self.locale)

    @staticmethod
    def file(value: Any) -> tuple[str, bytes]:
        """Return a file of the body, `{"filename": …, "data": base64}`; raises UnfitError."""
        try:
            content = base64.b64decode(str(value["data"]), validate=True)
        except (binascii.Error, KeyError, TypeError) as failure:
            raise UnfitError("a file can't be read") from failure
        name = str(value.get("filename") or "file").replace("/", "_").replace(" ", "_")
        return name[:100], content


Action = Callable[[Visit], Awaitable[Any]]

actions: list[tuple[str, str, Action]] = []


def action(method: str, path: str) -> Callable[[Action], Action]:
    """Register an action of the page under `/page`."""

    def register(handler: Action) -> Action:
        actions.append((method, path, handler))
        return handler

    return register
