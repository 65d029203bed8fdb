"""Resources: what a feature keeps besides its settings, as the API lists, shows and changes it.

A feature declares each in its manifest and, when it loads, hands over the service that its commands
use. Knows neither what a resource is nor how it is served.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel

from bot.core.contracts import Actor
from bot.core.errors import DiscordFailed
from bot.core.i18n import _


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A kind of thing that a guild has several of, at `/v1/guilds/{guild_id}/<name>`.

    `one` and `many` name it in English, for OpenAPI. `model` is what is answered, `body` what is
    sent; without a `body` it can be read and deleted only. `document` names a JSON file that there
    is of each, below its address. `key` is the name of both in Python.
    """

    name: str
    one: str
    many: str
    model: type[BaseModel]
    body: type[BaseModel] | None = None
    document: str = ""

    @property
    def key(self) -> str:
        """The name as an identifier."""
        return self.name.replace("-", "_")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of a kind as it stands; its `revision` grows with each change."""

    id: int
    revision: int
    body: BaseModel


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON file, which is compressed where its name ends in `.gz`."""

    filename: str
    data: bytes


class ResourceService(Protocol):
    """Reads and changes the things of one kind; each change goes to the audit log.

    Raises `NotFound` for what is not there, `InvalidInput` with an error per wrong field, and
    `Conflict` for what speaks against a change, such as one made by somebody else meanwhile. A
    `revision` is the one that the change is meant for.
    """

    async def list(self, guild_id: int) -> Sequence[Item]:
        """Return all of a guild, in the order in which people see them."""
        ...

    async def get(self, guild_id: int, item_id: int) -> Item:
        """Return one."""
        ...

    async def remove(self, guild_id: int, item_id: int, revision: int, actor: Actor) -> None:
        """Remove one that is as it was seen."""
        ...


class WritableService(ResourceService, Protocol):
    """One whose resource has a `body`, which is what it is sent."""

    async def add(self, guild_id: int, body: Any, actor: Actor) -> Item:
        """Add one."""
        ...

    async def put(
        self, guild_id: int, item_id: int, revision: int, body: Any, actor: Actor
    ) -> Item:
        """Put what was sent in the place of one that is as it was seen."""
        ...


class DocumentedService(ResourceService, Protocol):
    """One whose resource names a `document`."""

    async def document(self, guild_id: int, item_id: int) -> Document:
        """Return the file of one."""
        ...


class Resources:
    """The services of this process, by the names of their resources."""

    def __init__(self) -> None:
        self._services: dict[str, ResourceService] = {}

    def register(self, name: str, service: ResourceService) -> None:
        """Have a service answer for a resource from now on."""
        self._services[name] = service

    def get(self, name: str) -> ResourceService:
        """Return a resource's service; raises `DiscordFailed` before its feature has loaded."""
        if (service := self._services.get(name)) is not None:
            return service
        raise DiscordFailed(
            _("This part of the bot is not running."),
            hint=_("Try again in a moment; if it stays so, the bot's log says why."),
        )
