"""Resources: what a feature keeps besides its settings, as the API lists, shows and changes it.

A feature declares each in its manifest and, when it loads, hands over the service that its commands
use. Knows neither what a resource is nor how it is served.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from pydantic import BaseModel

from bot.core.contracts import Actor
from bot.core.errors import DiscordFailed
from bot.core.i18n import N_, Message, _


def _always(_item: Any) -> bool:
    return True


def _nothing(_item: Any) -> Sequence[Message | str]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What can be done with one thing of a kind: `POST …/{item_id}/<name>`, with a `body` or none.

    `summary` says in English what it does to "one of the …", for OpenAPI; `title` is what its
    button says, marked with `N_()`. `is_offered` says of one as it stands
    whether there is a button, which decides nothing: the service does. People are asked before
    they do what `is_final`, since it can't be undone.
    """

    name: str
    summary: str
    title: str
    body: type[BaseModel] | None = None
    is_offered: Callable[[Any], bool] = _always
    is_final: bool = False

    @property
    def key(self) -> str:
        """The name as an identifier."""
        return self.name.replace("-", "_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A kind of thing that a guild has several of, at `/v1/guilds/{guild_id}/<name>`.

    `one` and `many` name it in English, for OpenAPI. `model` is what is answered, `addition` what
    is sent to add one, `change` what is put in the place of one; without them, none can be added or
    changed. `removal` is what the button that removes one says, "" where none can be removed; with
    `stays`, such as a giveaway that is cancelled, it can be read afterwards.
    `page` is how many are listed at once, the newest first, 0 for all. What has one can be
    searched where `search` says what for. `document` names a file that there is of each, below its
    address. `key` is the name in Python.

    For people, `title` names the kind and `label` one of them, by its model; texts are marked with
    `N_()`. `facts` are what a list says of one besides, in a few words each. The fields of what is
    sent have their titles and descriptions. `is_changeable`, `is_removable` and `has_document` say
    of one as it stands whether its page offers that, which decides nothing: the service does.
    """

    name: str
    one: str
    many: str
    title: str
    label: Callable[[Any], Message | str]
    model: type[BaseModel]
    addition: type[BaseModel] | None = None
    change: type[BaseModel] | None = None
    removal: str = N_("Delete")
    stays: bool = False
    actions: tuple[Action, ...] = ()
    page: int = 0
    search: str = ""
    document: str = ""
    facts: Callable[[Any], Sequence[Message | str]] = _nothing
    is_changeable: Callable[[Any], bool] = _always
    is_removable: Callable[[Any], bool] = _always
    has_document: Callable[[Any], bool] = _always

    @property
    def key(self) -> str:
        """The name as an identifier."""
        return self.name.replace("-", "_")

    def action(self, name: str) -> Action | None:
        """Return what can be done by its name."""
        return next((one for one in self.actions if one.name == name), None)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of a kind as it stands; its `revision` is another after each change."""

    id: int
    revision: int
    body: BaseModel

    @classmethod
    def as_shown(cls, item_id: int, body: BaseModel) -> Self:
        """Return one whose changes nobody counts, or not only those of what is shown.

        Its revision is told from the body.
        """
        shown = hashlib.blake2b(body.model_dump_json().encode(), digest_size=7)
        return cls(item_id, int.from_bytes(shown.digest()), body)


@dataclass(frozen=True, slots=True)
class Document:
    """A file: a page where its name ends in `.html`, else JSON, compressed where in `.gz`."""

    filename: str
    data: bytes


class ResourceService(Protocol):
    """Reads the things of one kind, and changes them; each change goes to the audit log.

    Raises `NotFound` for what is not there, `InvalidInput` with an error per wrong field, and
    `Conflict` for what speaks against a change, such as one made by somebody else meanwhile. A
    `revision` is the one that the change is meant for. What a resource does not declare is not
    asked for.
    """

    async def get(self, guild_id: int, item_id: int) -> Item:
        """Return one."""
        ...


class ListedService(ResourceService, Protocol):
    """One whose resource has no `page`."""

    async def list(self, guild_id: int) -> Sequence[Item]:
        """Return all of a guild, in the order in which people see them."""
        ...


class PagedService(ResourceService, Protocol):
    """One whose resource has a `page`."""

    async def list_page(self, guild_id: int, *, before: int | None, limit: int) -> Sequence[Item]:
        """Return so many of a guild with lesser ids, or the newest, the greatest id first."""
        ...


class SearchedService(PagedService, Protocol):
    """One whose resource has a `search`."""

    async def search(self, guild_id: int, text: str, actor: Actor) -> Sequence[Item]:
        """Return those of a guild that a text finds, the best first, a page of them at most.

        Raises `InvalidInput` for a text that finds nothing anywhere, `Denied` for who may not look.
        """
        ...


class AddingService(ResourceService, Protocol):
    """One whose resource has an `addition`."""

    async def add(self, guild_id: int, body: Any, actor: Actor) -> Item:
        """Add one."""
        ...


class ChangingService(ResourceService, Protocol):
    """One whose resource has a `change`."""

    async def put(
        self, guild_id: int, item_id: int, revision: int, body: Any, actor: Actor
    ) -> Item:
        """Put what was sent in the place of one that is as it was seen."""
        ...


class RemovingService(ResourceService, Protocol):
    """One whose resource has a `removal`."""

    async def remove(self, guild_id: int, item_id: int, revision: int, actor: Actor) -> None:
        """Remove one that is as it was seen."""
        ...


class ActingService(ResourceService, Protocol):
    """One whose resource has `actions`."""

    async def act(self, guild_id: int, seen: Item, action: str, body: Any, actor: Actor) -> Item:
        """Do what the action of this name says with one that is as it was seen."""
        ...


class DocumentedService(ResourceService, Protocol):
    """One whose resource names a `document`."""

    async def document(self, guild_id: int, item_id: int, actor: Actor) -> Document:
        """Return the file of one; raises `Denied` for who may not have it."""
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
