"""Decides on presses, one menu's one after another, and has the roles changed; free of discord.py.

The roles of a member come with the press and are out of date when another press is not carried out
yet: what was chosen a moment ago, and what still waits, counts in their stead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from bot.core.clock import Clock
from bot.core.contracts import BotState, MemberFacts
from bot.core.errors import Conflict, Denied, NotFound
from bot.core.i18n import _
from bot.core.power import is_powerful
from bot.core.preflight import Action, Refusal, can_act
from bot.core.roles import PRIORITIES, RoleChange, RoleChanged, RoleService, RoleSource
from bot.core.settings import SettingsStore
from cogs.rolemenus.mentions import RoleList
from cogs.rolemenus.reading import KEY, read_menu
from cogs.rolemenus.rules import Menu, Mode, Press, Ruling, decide
from db import role_menus as table
from db import role_wishes
from db.engine import Database
from db.role_menu_reactions import delete_strays

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

# For so long a press may come with the roles of before the last one: the change has to reach
# Discord, and its news the member's client.
FRESH = timedelta(seconds=60)
# News of a member's roles may be as old as this when it comes.
NEWS_DELAY = timedelta(seconds=30)
KEPT_PUT_OFF = timedelta(days=1)

Interpret = Callable[[Menu, frozenset[int]], Press]


@dataclass(frozen=True, slots=True)
class Presser:
    """Who presses, with the roles that Discord says they have; `None` when it does not say.

    Then they are taken to have what they put off. `pending`: they have yet to accept the rules.
    """

    guild_id: int
    user_id: int
    role_ids: frozenset[int] | None
    pending: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a press led to; `blocked` are roles that have to wait, with why.

    `coming` are roles that were pressed again, of a menu that only gives, before they were given.
    """

    menu: Menu
    ruling: Ruling
    held: frozenset[int]
    blocked: Sequence[tuple[int, Refusal]] = ()
    pending: bool = False
    coming: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Full:
    """A role of a menu of which somebody wanted a place, and none was left."""

    guild_id: int
    menu_id: int
    role_id: int


class PressService:
    """Takes presses on the menus of all guilds; `on_full` hears of places that were missing."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: SettingsStore,
        roles: RoleService,
        state: Callable[[], BotState],
        *,
        on_full: Callable[[Full], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._roles = roles
        self._state = state
        self._on_full = on_full
        # Keeps the order in which presses came, so that the last one has the last word. That no two
        # are decided at once, in whatever process, is the database's part.
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        # Guilds in which somebody has a place: members are updated all the time, everywhere.
        self._guilds: set[int] = set()

    async def start(self) -> None:
        """Know in which guilds members have places since earlier runs."""
        async with self._database.read() as session:
            self._guilds |= await table.list_guilds_with_choices(session)

    async def press(self, who: Presser, menu_id: int, interpret: Interpret) -> Outcome:
        """Decide on a press and have its changes made.

        `interpret` makes of the menu and the member's roles what the press says. Raises `NotFound`
        for a menu that is no more, `Denied` or `Conflict` where the rules speak against it.
        """
        # Before anything is waited for, or a later press could come first.
        turn = self._turns.setdefault(menu_id, asyncio.Lock())
        async with turn:
            await self.ensure_on(who.guild_id)
            try:
                menu, held, ruling, coming = await self._decide(who, menu_id, interpret)
            except Conflict as error:
                if (role_id := error.context.get("full_role_id")) is not None:
                    self._on_full(Full(who.guild_id, menu_id, role_id))
                raise
        after = (held - frozenset(ruling.removed)) | frozenset(ruling.added)
        blocked = self._blocked(who.guild_id, (*ruling.added, *ruling.removed, *coming))
        return Outcome(menu, ruling, after, blocked, who.pending, coming)

    async def _decide(
        self, who: Presser, menu_id: int, interpret: Interpret
    ) -> tuple[Menu, frozenset[int], Ruling, tuple[int, ...]]:
        async with self._database.write() as session:
            stored = await table.get_menu(session, who.guild_id, menu_id, lock=True)
            if stored is None:
                raise _no_menu()
            menu = read_menu(stored)
            held = await self._held(session, who, menu)
            said = interpret(menu, held)
            coming = await self._coming(session, who, menu, said)
            said = replace(said, unwanted=said.unwanted.difference(coming))
            self._check_roles(menu, said.wanted - held)
            capped = [one.role_id for one in menu.options if one.cap and one.role_id in said.wanted]
            taken = await table.count_held(session, menu_id, capped, without=who.user_id)
            ruling = decide(menu, held, taken, said)
            await self._check_outweighed(session, who, ruling)
            await self._carry_out(session, who, menu, ruling)
        return menu, held, ruling, coming

    async def look(self, who: Presser, menu_id: int) -> tuple[Menu, frozenset[int]]:
        """Return a menu and which roles the member has or is about to have; raises `NotFound`."""
        await self.ensure_on(who.guild_id)
        async with self._database.read() as session:
            stored = await table.get_menu(session, who.guild_id, menu_id)
            if stored is None:
                raise _no_menu()
            menu = read_menu(stored)
            return menu, await self._held(session, who, menu)

    async def ensure_on(self, guild_id: int) -> None:
        """Raise `Denied` where the feature is switched off."""
        if not (await self._settings.get(guild_id, KEY)).enabled:
            raise Denied(
                _("Role menus are switched off in this server."),
                hint=_("An admin can switch them on with /feature enable."),
            )

    async def _held(self, session: AsyncSession, who: Presser, menu: Menu) -> frozenset[int]:
        since = self._clock.now() - FRESH
        held = set(menu.role_ids if who.role_ids is None else who.role_ids)
        for wish in await role_wishes.list_wishes(session, who.guild_id, who.user_id):
            if wish.source == RoleSource.MENU:
                _set(held, wish.role_id, there=wish.want)
        for one in await table.list_choices_since(session, who.guild_id, who.user_id, since):
            _set(held, one.role_id, there=one.held)
        return frozenset(held)

    async def _coming(
        self, session: AsyncSession, who: Presser, menu: Menu, said: Press
    ) -> tuple[int, ...]:
        """Return what a press on a menu that only gives is about and the member is yet to get."""
        pressed = said.unwanted - (who.role_ids or frozenset())
        if menu.mode is not Mode.ADD or who.role_ids is None or not pressed:
            return ()
        wishes = await role_wishes.list_wishes(session, who.guild_id, who.user_id)
        wanted = {one.role_id for one in wishes if one.source == RoleSource.MENU and one.want}
        return tuple(one for one in menu.role_ids if one in pressed & wanted)

    def _check_roles(self, menu: Menu, wanted: Collection[int]) -> None:
        """Raise for roles that are gone, or have become dangerous since they were offered."""
        for option in menu.options:
            if option.role_id not in wanted:
                continue
            role = self._state().role(menu.guild_id, option.role_id)
            if role is None:
                raise NotFound(
                    _("That role no longer exists."),
                    hint=_("Tell the staff: they can take it out with /rolemenu edit."),
                )
            if not option.trusted and is_powerful(role):
                raise Denied(
                    _(
                        "{role} gives power over this server, so this menu does not give it.",
                        role=RoleList([role.id]),
                    ),
                    hint=_("An admin can allow it with /rolemenu edit."),
                )

    async def _check_outweighed(self, session: AsyncSession, who: Presser, ruling: Ruling) -> None:
        """Raise `Denied` where what waits weighs more than a press: the queue would drop that."""
        pressed = dict.fromkeys(ruling.added, True) | dict.fromkeys(ruling.removed, False)
        against: dict[bool, list[int]] = {True: [], False: []}
        for wish in await role_wishes.list_wishes(session, who.guild_id, who.user_id):
            weighs_more = wish.priority > PRIORITIES[RoleSource.MENU]
            if weighs_more and pressed.get(wish.role_id, wish.want) != wish.want:
                against[wish.want].append(wish.role_id)
        hint = _("Nothing was changed. Ask the staff, or try again once it is done.")
        if taken := against[False]:
            text = _("The staff are taking {roles} from you.", roles=RoleList(taken))
            raise Denied(text, hint=hint)
        if given := against[True]:
            text = _("The staff are giving you {roles}.", roles=RoleList(given))
            raise Denied(text, hint=hint)

    async def _carry_out(
        self, session: AsyncSession, who: Presser, menu: Menu, ruling: Ruling
    ) -> None:
        now = self._clock.now()
        wanted = dict.fromkeys(ruling.added, True) | dict.fromkeys(ruling.removed, False)
        await table.put_choices(
            session,
            [
                {
                    "menu_id": menu.id,
                    "role_id": role_id,
                    "user_id": who.user_id,
                    "guild_id": who.guild_id,
                    "held": want,
                    "decided_at": now,
                }
                for role_id, want in wanted.items()
            ],
        )
        reason = _("Role menu {title}", title=menu.title)
        changes = [
            RoleChange(
                guild_id=who.guild_id,
                user_id=who.user_id,
                role_id=role_id,
                want=want,
                source=RoleSource.MENU,
                reason=reason,
                after_screening=want and who.pending,
            )
            for role_id, want in wanted.items()
        ]
        if changes:
            self._guilds.add(who.guild_id)
            await self._roles.want(session, changes)

    def _blocked(self, guild_id: int, role_ids: Sequence[int]) -> list[tuple[int, Refusal]]:
        """Return which roles the bot can't give or take now; the queue keeps them and tells."""
        state = self._state()
        me = state.me(guild_id)
        if me is None:
            return []
        # The member's own rank does not matter to Discord here.
        target = MemberFacts(0, guild_id, "", top_role_position=-1)
        found: list[tuple[int, Refusal]] = []
        for role_id in role_ids:
            role = state.role(guild_id, role_id)
            refusal = can_act(Action.ADD_ROLE, bot=me, target=target, role=role)
            if refusal is not None:
                found.append((role_id, refusal))
        return found

    # --- who has lost a role otherwise --------------------------------------------------------

    async def role_changed(self, event: RoleChanged) -> None:
        """Free the place of a member who has lost a role through another feature."""
        if event.given or event.source is RoleSource.MENU:
            return
        async with self._database.write() as session:
            await table.release_choices(
                session, event.guild_id, event.user_id, until=event.at, role_id=event.role_id
            )

    def has_places(self, guild_id: int) -> bool:
        """Return whether members of a guild may have places."""
        return guild_id in self._guilds

    async def member_has(self, guild_id: int, user_id: int, role_ids: Collection[int]) -> None:
        """Free the places of a member who has only these roles by now."""
        until = self._clock.now() - NEWS_DELAY
        async with self._database.read() as session:
            held = await table.list_held(session, guild_id, user_id)
        if held <= frozenset(role_ids):
            return
        async with self._database.write() as session:
            await table.release_choices(session, guild_id, user_id, until=until, having=role_ids)

    async def member_left(self, guild_id: int, user_id: int) -> None:
        """Free the places of somebody who has left."""
        async with self._database.write() as session:
            await table.forget_member(session, guild_id, user_id)


async def purge_choices(session: AsyncSession, now: datetime) -> None:
    """Delete what was put off for so long that no press can be older."""
    await table.delete_put_off(session, now - KEPT_PUT_OFF)
    await delete_strays(session)


def _no_menu() -> NotFound:
    return NotFound(_("This menu no longer exists."), hint=_("Ask the staff for the new one."))


def _set(held: set[int], role_id: int, *, there: bool) -> None:
    if there:
        held.add(role_id)
    else:
        held.discard(role_id)
