"""Makes, changes, posts and deletes menus; free of discord.py.

A change and the edits of the messages that show the menu are one transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.core.audit import AuditLog
from bot.core.clock import Clock
from bot.core.contracts import Actor, BotState
from bot.core.errors import Conflict, Denied, InvalidInput, NotFound
from bot.core.fields.text import quote
from bot.core.guild_locale import locale_of_guild
from bot.core.i18n import _
from bot.core.jobs import JobService
from bot.core.outbox import OutboxService
from bot.core.outbox.deliveries import Delivery
from bot.core.preflight import can_post
from bot.core.settings import SettingsStore
from cogs.rolemenus.editing import checked
from cogs.rolemenus.emoji import own_id_of, show_emoji
from cogs.rolemenus.reading import KEY, menu_values, option_rows, read_menu, title_key
from cogs.rolemenus.rules import Menu, Style
from cogs.rolemenus.wording import menu_message
from db import role_menus as table
from db.engine import Database
from db.role_menus import RoleMenuPost

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

MOST_MENUS = 50
MOST_POSTS = 10
POST_JOB = "rolemenus.post"
_NEEDS = ("embed_links",)
_NEEDS_OF_REACTIONS = ("embed_links", "add_reactions", "read_message_history")

Change = Callable[[Menu], Menu]
# Returns whether a guild has an emoji of its own.
KnowsEmoji = Callable[[int, int], Awaitable[bool]]


async def _any_emoji(_guild_id: int, _emoji_id: int) -> bool:
    return True


def delivery_key(post_id: int) -> str:
    """Return the outbox's key of the message that a post is."""
    return f"rolemenus:post:{post_id}"


class MenuDesk:
    """Keeps the menus of all guilds, and has their messages follow."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: SettingsStore,
        *,
        jobs: JobService,
        outbox: OutboxService,
        audit: AuditLog,
        state: Callable[[], BotState],
        knows_emoji: KnowsEmoji = _any_emoji,
    ) -> None:
        self._knows_emoji = knows_emoji
        self._database = database
        self._clock = clock
        self._settings = settings
        self._jobs = jobs
        self._outbox = outbox
        self._audit = audit
        self._state = state

    async def list(self, guild_id: int) -> list[tuple[Menu, list[RoleMenuPost]]]:
        """Return a guild's menus by title, each with where it is posted."""
        async with self._database.read() as session:
            menus = [read_menu(one) for one in await table.list_menus(session, guild_id)]
            posts = await table.list_posts(session, guild_id=guild_id)
        return [(menu, [one for one in posts if one.menu_id == menu.id]) for menu in menus]

    async def get(self, guild_id: int, menu_id: int) -> Menu:
        """Return a menu; raises `NotFound`."""
        async with self._database.read() as session:
            return await self._read(session, guild_id, menu_id)

    async def find(self, guild_id: int, name: str) -> Menu:
        """Return the menu of a number as it is offered, or of a title; raises `NotFound`."""
        wanted = title_key(" ".join(name.split()))
        for menu, _posts in await self.list(guild_id):
            if str(menu.id) == name.strip() or title_key(menu.title) == wanted:
                return menu
        raise NotFound(
            _("There is no menu called {name}.", name=quote(name)),
            hint=_("/rolemenu list shows all; /rolemenu create makes one."),
        )

    async def create(self, menu: Menu) -> Menu:
        """Keep a new menu and return it with its id; raises `Conflict`, `InvalidInput`."""
        menu = checked(menu)
        async with self._database.write() as session:
            if len(await table.list_menus(session, menu.guild_id)) >= MOST_MENUS:
                raise InvalidInput(
                    _("A server has at most {count} role menus.", count=MOST_MENUS),
                    hint=_("Delete one with /rolemenu delete first."),
                )
            values = {"guild_id": menu.guild_id, **menu_values(menu)}
            menu_id = await table.add_menu(session, values)
            if menu_id is None:
                raise _title_taken(menu)
            await table.put_options(session, menu_id, option_rows(menu))
        return replace(menu, id=menu_id, revision=1)

    async def change(self, menu: Menu, make: Change) -> Menu:
        """Change a menu that still is as given, with its messages, and return it as it is now.

        Raises `Conflict` when somebody else has changed it or has its title, `NotFound` when it is
        gone, `InvalidInput` for an emoji that the guild does not have, and what `make` raises.
        """
        await self._check_emoji(menu, make(menu))
        locale = await self._locale(menu.guild_id)
        async with self._database.write() as session:
            current = await self._read(session, menu.guild_id, menu.id, lock=True)
            if current.revision != menu.revision:
                raise self.changed_meanwhile()
            changed = checked(make(current))
            if changed == current:
                return current
            key = title_key(changed.title)
            if await table.is_title_taken(session, menu.guild_id, key, without=menu.id):
                raise _title_taken(changed)
            await table.change_menu(session, menu.id, **menu_values(changed))
            await table.put_options(session, menu.id, option_rows(changed))
            changed = replace(changed, revision=current.revision + 1)
            await self._update_posts(session, current, changed, locale)
        return changed

    async def post(self, menu: Menu, channel_id: int) -> None:
        """Have a menu posted in a channel.

        Raises `Denied` with the fix where the bot lacks a permission, and `InvalidInput` for a menu
        without roles or one that is posted often enough.
        """
        self._check_channel(menu, channel_id)
        locale = await self._locale(menu.guild_id)
        async with self._database.write() as session:
            menu = await self._read(session, menu.guild_id, menu.id, lock=True)
            if not menu.options:
                raise InvalidInput(
                    _("This menu has no roles yet."), hint=_("Add some with /rolemenu edit.")
                )
            posts = await table.list_posts(session, menu_id=menu.id)
            if sum(not one.gone for one in posts) >= MOST_POSTS:
                raise InvalidInput(
                    _("A menu is posted at most {count} times.", count=MOST_POSTS),
                    hint=_("Delete one of its messages first; /rolemenu list shows where."),
                )
            post_id = await table.add_post(session, menu.id, menu.guild_id, channel_id)
            delivery = Delivery.message(
                channel_id,
                self._message(menu, locale),
                dedupe_key=delivery_key(post_id),
                guild_id=menu.guild_id,
            )
            await self._outbox.send(session, delivery)
            await self.look_after(session, menu.guild_id, post_id)

    async def delete(
        self, menu: Menu, actor: Actor, *, exactly: bool = False
    ) -> Sequence[RoleMenuPost]:
        """Delete a menu with its messages, and return which; raises `NotFound`.

        Members keep the roles that they have. With `exactly` a menu that was changed since it was
        seen stays, for a `Conflict`.
        """
        async with self._database.write() as session:
            current = await self._read(session, menu.guild_id, menu.id, lock=True)
            if exactly and current.revision != menu.revision:
                raise self.changed_meanwhile()
            details = {"feature": KEY, "title": current.title}
            await self._audit.record(
                session, actor, menu.guild_id, f"{KEY}.delete", "settings", details
            )
            posts = await table.delete_menu(session, menu.id)
            for post in posts:
                await self._delete_message(session, post)
        return posts

    async def _check_emoji(self, before: Menu, menu: Menu) -> None:
        """Raise for a new emoji that Discord would refuse the message for."""
        known = {one.emoji for one in before.options}
        for emoji in {one.emoji for one in menu.options if one.emoji} - known:
            emoji_id = own_id_of(emoji)
            if emoji_id is not None and not await self._knows_emoji(menu.guild_id, emoji_id):
                raise InvalidInput(
                    _("{emoji} is no emoji of this server.", emoji=quote(show_emoji(emoji))),
                    hint=_("Choose one of this server, or one that is everywhere."),
                )

    @staticmethod
    def changed_meanwhile() -> Conflict:
        """Return the refusal of a change to a menu that is not as it was seen."""
        return Conflict(
            _("Somebody else has changed this menu meanwhile."),
            hint=_("Open it again with /rolemenu edit."),
        )

    # --- in a transaction ---------------------------------------------------------------------

    async def _read(
        self, session: AsyncSession, guild_id: int, menu_id: int, *, lock: bool = False
    ) -> Menu:
        stored = await table.get_menu(session, guild_id, menu_id, lock=lock)
        if stored is None:
            raise NotFound(_("This menu has been deleted."))
        return read_menu(stored)

    async def _delete_message(self, session: AsyncSession, post: RoleMenuPost) -> None:
        key = delivery_key(post.id)
        if post.gone or (post.message_id is None and await self._outbox.cancel(session, key)):
            return
        delivery = Delivery.delete(
            post.channel_id,
            post.message_id or key,
            dedupe_key=f"{key}:deleted",
            guild_id=post.guild_id,
        )
        await self._outbox.send(session, delivery)

    async def _update_posts(
        self, session: AsyncSession, before: Menu, menu: Menu, locale: str | None
    ) -> None:
        for post in await table.list_posts(session, menu_id=menu.id):
            if post.gone:
                continue
            key = delivery_key(post.id)
            delivery = Delivery.edit(
                post.channel_id,
                post.message_id or key,
                self._message(menu, locale),
                dedupe_key=f"{key}:{menu.revision}",
                guild_id=post.guild_id,
            )
            await self._outbox.send(session, delivery)
            if Style.REACTIONS in (before.style, menu.style):
                await self.look_after(session, post.guild_id, post.id)

    async def look_after(self, session: AsyncSession, guild_id: int, post_id: int) -> None:
        """Have a post's message noted and its reactions set, after the commit."""
        await self._jobs.schedule(
            session,
            POST_JOB,
            self._clock.now(),
            {"post_id": post_id},
            dedupe_key=f"{POST_JOB}:{post_id}",
            guild_id=guild_id,
        )

    async def renew(self, guild_id: int, post_id: int) -> None:
        """Have the reactions of a post set again."""
        async with self._database.write() as session:
            await self.look_after(session, guild_id, post_id)

    # --- Discord's side -----------------------------------------------------------------------

    def _check_channel(self, menu: Menu, channel_id: int) -> None:
        channel = self._state().channel(menu.guild_id, channel_id)
        if channel is None:
            raise NotFound(_("I can't see that channel."))
        needs = _NEEDS_OF_REACTIONS if menu.style is Style.REACTIONS else _NEEDS
        refusal = can_post(channel, needs)
        if refusal is not None:
            raise Denied(refusal.message, hint=refusal.fix)

    def _message(self, menu: Menu, locale: str | None) -> dict[str, object]:
        def name_of(role_id: int) -> str | None:
            role = self._state().role(menu.guild_id, role_id)
            return role.name if role else None

        return menu_message(menu, name_of, locale)

    async def _locale(self, guild_id: int) -> str | None:
        return await locale_of_guild(self._settings, self._state(), guild_id)


def _title_taken(menu: Menu) -> Conflict:
    return Conflict(
        _("There is a menu called {name} already.", name=quote(menu.title)),
        hint=_("Give this one another title."),
    )
