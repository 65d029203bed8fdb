"""What members press: the buttons of a menu, and the select that only they see.

Everything is known by its id alone, so it works after restarts and for as long as the menu is
there. A press is decided before it is answered: answers that come first would change the order.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import discord

from bot.checks import guild_id_of, in_time
from bot.core.errors import AppError
from bot.core.fields.text import shorten
from bot.localization import locale_of
from bot.replies import LastingButton, answer
from cogs.rolemenus.pressing import Interpret, Outcome, Presser, PressService
from cogs.rolemenus.rules import Menu, Press, chosen, toggled
from cogs.rolemenus.wording import NameOf, outcome_text, page_rows, page_text

if TYPE_CHECKING:
    from bot.client import Pegasus  # noqa: F401 - in the string below
    from cogs.rolemenus.cog import RoleMenus

Interaction = discord.Interaction["Pegasus"]

_LONGEST = 2000
_INVALID_FORM = 50035

Send = Callable[[str, discord.ui.View], Awaitable[None]]


def presser_of(interaction: Interaction) -> Presser:
    """Return who presses, with the roles that came with the press."""
    user = interaction.user
    member = user if isinstance(user, discord.Member) else None
    roles = frozenset(one.id for one in member.roles) if member else frozenset[int]()
    pending = member.pending if member else False
    return Presser(guild_id_of(interaction), user.id, roles, pending)


def names_in(interaction: Interaction) -> NameOf:
    """Return what tells the names of the guild's roles."""
    state, guild_id = interaction.client.kernel.state(), guild_id_of(interaction)

    def name_of(role_id: int) -> str | None:
        role = state.role(guild_id, role_id)
        return role.name if role else None

    return name_of


def _service(interaction: Interaction) -> PressService:
    cog: RoleMenus = interaction.client.get_cog("RoleMenus")  # pyright: ignore[reportAssignmentType]
    return cog.presses


async def _press(interaction: Interaction, menu_id: int, interpret: Interpret) -> Outcome:
    async with in_time():
        return await _service(interaction).press(presser_of(interaction), menu_id, interpret)


class _MenuItem(LastingButton):
    """What they have in common: a menu, and a role or a page of it."""

    def __init__(self, item: Any, match: Mapping[str, str]) -> None:
        super().__init__(item)  # pyright: ignore[reportCallIssue] - the library's base, which follows
        self._menu_id = int(match["menu"])
        self._match = match

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003 - the library's signature
        item: discord.ui.Item[Any],
        match: re.Match[str],
        /,
    ) -> Self:
        """Make it anew from its id."""
        return cls(item, match.groupdict())


class RoleButton(
    _MenuItem,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"rolemenus:role:(?P<menu>\d{1,18}):(?P<role>\d{1,20})",
):
    """The button of one role."""

    async def press(self, interaction: Interaction) -> None:
        """Give the role or take it."""
        role_id = int(self._match["role"])

        def interpret(_menu: Menu, held: frozenset[int]) -> Press:
            return toggled(held, role_id)

        outcome = await _press(interaction, self._menu_id, interpret)
        await answer(interaction, outcome_text(outcome, locale_of(interaction)))


class OpenButton(
    _MenuItem,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"rolemenus:open:(?P<menu>\d{1,18})",
):
    """The button of a menu that is a select: shows it, to the member alone."""

    async def press(self, interaction: Interaction) -> None:
        """Show the first page, in which what the member has is chosen."""
        async with in_time():
            menu, held = await _service(interaction).look(presser_of(interaction), self._menu_id)

        async def send(text: str, view: discord.ui.View) -> None:
            await answer(interaction, text, view=view)

        await _show(interaction, send, menu, held, page=0)


class PageButton(
    _MenuItem,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"rolemenus:page:(?P<menu>\d{1,18}):(?P<page>\d{1,2})",
):
    """A button that leafs through the pages of a select."""

    async def press(self, interaction: Interaction) -> None:
        """Show the page in the place of the present one."""
        async with in_time():
            menu, held = await _service(interaction).look(presser_of(interaction), self._menu_id)
        page = int(self._match["page"])
        await _show(interaction, _editing(interaction), menu, held, page=page)


class RoleSelect(
    _MenuItem,
    discord.ui.DynamicItem[discord.ui.Select[Any]],
    template=r"rolemenus:choose:(?P<menu>\d{1,18}):(?P<page>\d{1,2})",
):
    """One page of a select."""

    async def press(self, interaction: Interaction) -> None:
        """Have the member's roles follow what is chosen on this page, and show how it ended."""
        select: discord.ui.Select[Any] = self.item  # pyright: ignore[reportAttributeAccessIssue]
        # What the member saw: the menu may have been changed since.
        shown = [int(one.value) for one in select.options]
        picked = [int(one) for one in select.values]

        def interpret(_menu: Menu, _held: frozenset[int]) -> Press:
            return chosen(shown, picked)

        locale = locale_of(interaction)
        try:
            outcome = await _press(interaction, self._menu_id, interpret)
            menu, held, said = outcome.menu, outcome.held, outcome_text(outcome, locale)
        except AppError as error:
            # The select goes back to what the member has; it would show what was refused.
            async with in_time():
                menu, held = await _service(interaction).look(
                    presser_of(interaction), self._menu_id
                )
            said = f"⚠️ {error.render(locale)}"
        page = int(self._match["page"])
        await _show(interaction, _editing(interaction), menu, held, page=page, said=said)


def _editing(interaction: Interaction) -> Send:
    async def send(text: str, view: discord.ui.View) -> None:
        await interaction.response.edit_message(content=text, view=view)

    return send


async def _show(
    interaction: Interaction,
    send: Send,
    menu: Menu,
    held: frozenset[int],
    *,
    page: int,
    said: str = "",
) -> None:
    """Show a page, without its emoji if Discord refuses one: a server's own may be gone."""
    locale = locale_of(interaction)
    text = shorten(f"{page_text(menu, held, locale)}\n\n{said}".rstrip(), _LONGEST)
    rows = page_rows(menu, held, page, names_in(interaction), locale)
    try:
        await send(text, _view_of(rows))
    except discord.HTTPException as error:
        if error.code != _INVALID_FORM:
            raise
        plain = replace(menu, options=tuple(replace(one, emoji=None) for one in menu.options))
        rows = page_rows(plain, held, page, names_in(interaction), locale)
        await send(text, _view_of(rows))


def _view_of(rows: Sequence[Mapping[str, Any]]) -> discord.ui.View:
    """Return components as the library sends them; the dynamic items above answer for them."""
    view = discord.ui.View(timeout=None)
    for number, row in enumerate(rows):
        for one in row["components"]:
            view.add_item(_item_of(one, number))
    # One that has stopped is not kept in memory.
    view.stop()
    return view


def _item_of(one: Mapping[str, Any], row: int) -> discord.ui.Item[Any]:
    if one["type"] == discord.ComponentType.button.value:
        return discord.ui.Button(
            style=discord.ButtonStyle(one["style"]),
            label=one["label"],
            custom_id=one["custom_id"],
            disabled=one.get("disabled", False),
            row=row,
        )
    options: list[Any] = list(one["options"])
    return discord.ui.Select(
        custom_id=one["custom_id"],
        placeholder=one["placeholder"],
        min_values=one["min_values"],
        max_values=one["max_values"],
        options=[discord.SelectOption.from_dict(option) for option in options],
        row=row,
    )
