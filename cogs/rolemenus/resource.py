"""Role menus as the API reads and deletes them; free of discord.py.

They are made in Discord, where emoji, roles and places are chosen from what there is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

from bot.core.errors import NotFound
from bot.core.fields import choice
from bot.core.fields.bodies import channel_text, role_text, role_texts
from bot.core.i18n import N_, Message, _, ngettext
from bot.core.resources import Item, Resource
from cogs.rolemenus.rules import Menu, Mode, Style
from cogs.rolemenus.wording import MODE_TITLES, STYLE_TITLES

if TYPE_CHECKING:
    from bot.core.contracts import Actor
    from cogs.rolemenus.desk import MenuDesk
    from db.role_menus import RoleMenuPost


class OptionBody(BaseModel):
    """A role of a menu; `places` is how many members may have it from there."""

    role_id: Annotated[str, role_text()] = Field(title=N_("Role"))
    label: str | None = Field(title=N_("Label"))
    emoji: str | None = Field(title=N_("Emoji"))
    description: str | None = Field(title=N_("Description"))
    places: int | None = Field(title=N_("Places"))


class PostBody(BaseModel):
    """A message that shows a menu; `deleted` when somebody has deleted it."""

    channel_id: Annotated[str, channel_text()] = Field(title=N_("Channel"))
    message_id: str | None = Field(title=N_("Message"))
    deleted: bool = Field(title=N_("Deleted"))


class MenuDetail(BaseModel):
    """A role menu; `limit` is how many of its roles a member may have."""

    id: str
    title: str = Field(title=N_("Title"))
    text: str = Field(title=N_("Text"))
    style: Annotated[Style, choice(**STYLE_TITLES)] = Field(title=N_("Style"))
    mode: Annotated[Mode, choice(**MODE_TITLES)] = Field(title=N_("Mode"))
    limit: int | None = Field(title=N_("How many of its roles a member may have"))
    required_role_ids: Annotated[list[str], role_texts()] = Field(title=N_("Required roles"))
    forbidden_role_ids: Annotated[list[str], role_texts()] = Field(title=N_("Forbidden roles"))
    options: list[OptionBody] = Field(title=N_("Roles"))
    posts: list[PostBody] = Field(title=N_("Messages"))


def _facts(menu: MenuDetail) -> Sequence[Message | str]:
    return [ngettext("{count} role", "{count} roles", len(menu.options)), _(MODE_TITLES[menu.mode])]


RESOURCE = Resource(
    name="role-menus",
    one="role menu",
    many="role menus",
    title=N_("Role menus"),
    label=attrgetter("title"),
    model=MenuDetail,
    facts=_facts,
)


class MenuResource:
    """Answers for role menus; `removed` is told of the messages and the guild of a deleted one."""

    def __init__(
        self, desk: MenuDesk, removed: Callable[[int, Sequence[RoleMenuPost]], None]
    ) -> None:
        self._desk = desk
        self._removed = removed

    async def list(self, guild_id: int) -> Sequence[Item]:
        """Return a guild's menus by title."""
        return [_item(menu, posts) for menu, posts in await self._desk.list(guild_id)]

    async def get(self, guild_id: int, item_id: int) -> Item:
        """Return one menu; raises `NotFound`."""
        for one in await self.list(guild_id):
            if one.id == item_id:
                return one
        raise NotFound(_("This menu has been deleted."))

    async def remove(self, guild_id: int, item_id: int, revision: int, actor: Actor) -> None:
        """Delete a menu that nobody has changed meanwhile, with its messages."""
        menu = await self._desk.get(guild_id, item_id)
        if menu.revision != revision:
            raise self._desk.changed_meanwhile()
        self._removed(guild_id, await self._desk.delete(menu, actor, exactly=True))


def _item(menu: Menu, posts: Sequence[RoleMenuPost]) -> Item:
    body = MenuDetail(
        id=str(menu.id),
        title=menu.title,
        text=menu.text,
        style=menu.style,
        mode=menu.mode,
        limit=menu.most,
        required_role_ids=[str(one) for one in sorted(menu.required)],
        forbidden_role_ids=[str(one) for one in sorted(menu.forbidden)],
        options=[
            OptionBody(
                role_id=str(one.role_id),
                label=one.label,
                emoji=one.emoji,
                description=one.description,
                places=one.cap,
            )
            for one in menu.options
        ],
        posts=[
            PostBody(
                channel_id=str(one.channel_id),
                message_id=None if one.message_id is None else str(one.message_id),
                deleted=one.gone,
            )
            for one in posts
        ],
    )
    return Item(menu.id, menu.revision, body)
