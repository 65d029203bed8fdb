"""The panel of one menu: how it stands, a menu of what can be changed, and one of its roles.

Every change is saved at once, and only if the menu still is what the panel shows. The messages that
show it follow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import discord
from discord import ui

from bot.checks import ensure_manages, in_time
from bot.core.errors import AppError, Conflict, Denied, InvalidInput
from bot.core.fields.text import shorten
from bot.core.i18n import N_, Message, _
from bot.forms import Input, Interaction, Question, Submitted, Values, ask
from bot.panels.owned import OwnedPanel, message_of
from cogs.rolemenus.editing import (
    LONGEST_DESCRIPTION,
    LONGEST_LABEL,
    LONGEST_TEXT,
    LONGEST_TITLE,
    MOST_PLACES,
    read_count,
    with_conditions,
    with_option,
    with_roles,
    with_texts,
    without_roles,
)
from cogs.rolemenus.emoji import show_emoji
from cogs.rolemenus.offering import confirm_dangerous, ensure_may_offer
from cogs.rolemenus.reading import KEY
from cogs.rolemenus.rules import MOST_ROLES, PAGE, Menu, Mode, Style
from cogs.rolemenus.summaries import menu_summary
from cogs.rolemenus.views import names_in
from cogs.rolemenus.wording import MODE_TITLES, STYLE_TITLES, label_of, pages_of

if TYPE_CHECKING:
    from cogs.rolemenus.cog import RoleMenus

_ID = "rolemenus:panel:{}"
_LONGEST_LINE = 100

Change = Callable[[Menu], Menu]


def texts_inputs(menu: Menu) -> list[Input]:
    """Return the inputs for a menu's title and text."""
    return [
        Input("title", _("Title"), value=menu.title, required=True, longest=LONGEST_TITLE),
        Input("text", _("Text"), value=menu.text, kind="paragraph", longest=LONGEST_TEXT),
    ]


def _texts_question(menu: Menu, _locale: str) -> Question:
    return Question(_("Title and text"), texts_inputs(menu))


def _read_texts(menu: Menu, values: Values) -> Menu:
    return with_texts(menu, values["title"], values["text"])


def _working_question(menu: Menu, locale: str) -> Question:
    modes = [(one.value, _(title).render(locale)) for one, title in MODE_TITLES.items()]
    styles = [(one.value, _(title).render(locale)) for one, title in STYLE_TITLES.items()]
    limit = Input(
        "most",
        _("How many of its roles a member may have"),
        _("A number; empty for any"),
        value=str(menu.most or ""),
        longest=_LONGEST_LINE,
    )
    return Question(
        _("How it works"),
        [
            Input("style", _("Style"), value=(menu.style,), kind="choices", choices=styles),
            Input("mode", _("Mode"), value=(menu.mode,), kind="choices", choices=modes),
            limit,
        ],
    )


def _read_working(menu: Menu, values: Values) -> Menu:
    style, mode = values["style"] or (menu.style,), values["mode"] or (menu.mode,)
    most = read_count(values["most"], MOST_ROLES)
    return replace(menu, style=Style(style[0]), mode=Mode(mode[0]), most=most)


def _conditions_question(menu: Menu, _locale: str) -> Question:
    required = Input(
        "required",
        _("Required roles"),
        _("Members need one of them"),
        value=sorted(menu.required),
        kind="roles",
    )
    forbidden = Input(
        "forbidden",
        _("Forbidden roles"),
        _("Members must have none of them"),
        value=sorted(menu.forbidden),
        kind="roles",
    )
    return Question(_("Who may use it"), [required, forbidden])


def _read_conditions(menu: Menu, values: Values) -> Menu:
    return with_conditions(menu, map(int, values["required"]), map(int, values["forbidden"]))


_PARTS: Mapping[str, tuple[str, str, Callable[[Menu, str], Question], Any]] = {
    "texts": (N_("Title and text"), "✏️", _texts_question, _read_texts),
    "working": (N_("How it works"), "⚙️", _working_question, _read_working),
    "conditions": (N_("Who may use it"), "🚪", _conditions_question, _read_conditions),
}


class MenuPanel(OwnedPanel):
    """Shows and changes one menu for the person who opened it."""

    def __init__(self, cog: RoleMenus, interaction: Interaction, menu: Menu) -> None:
        super().__init__(interaction)
        self._cog = cog
        self._name_of = names_in(interaction)
        self._menu = menu
        self._page = 0
        self._notice = ""
        self._draw()

    async def ensure_may(self, interaction: Interaction) -> None:
        """Raise `Denied` for who does not manage this any more."""
        async with in_time():
            await ensure_manages(interaction, KEY)

    def closed(self) -> ui.Item[Any]:
        """Return how the menu stands, without the controls that are dead by now."""
        return ui.Container(ui.TextDisplay(self._text()))

    # --- drawing ------------------------------------------------------------------------------

    def _draw(self) -> None:
        self._page = min(self._page, pages_of(self._menu.options) - 1)
        container: ui.Container[Any] = ui.Container(ui.TextDisplay(self._text()))
        if self._notice:
            container.add_item(ui.Separator()).add_item(ui.TextDisplay(self._notice))
        container.add_item(ui.ActionRow(self._parts_select()))
        if self._menu.options:
            container.add_item(ui.ActionRow(self._roles_select()))
        container.add_item(ui.ActionRow(*self._buttons()))
        self.clear_items().add_item(container)

    def _text(self) -> str:
        return menu_summary(self._menu, self._name_of, self._locale)

    def _parts_select(self) -> ui.Select[Any]:
        select: ui.Select[Any] = ui.Select(
            custom_id=_ID.format("edit"),
            placeholder=_("What do you want to change?").render(self._locale),
            options=[
                discord.SelectOption(label=_(title).render(self._locale), value=key, emoji=emoji)
                for key, (title, emoji, _question, _read) in _PARTS.items()
            ],
        )

        async def picked(interaction: Interaction) -> None:
            _title, _emoji, question, read = _PARTS[select.values[0]]
            await self._ask(interaction, question(self._menu, self._locale), read)

        select.callback = picked
        return select

    def _shown(self) -> list[tuple[str, str]]:
        options = self._menu.options[self._page * PAGE : (self._page + 1) * PAGE]
        return [(str(one.role_id), label_of(one, self._name_of)) for one in options]

    def _roles_select(self) -> ui.Select[Any]:
        select: ui.Select[Any] = ui.Select(
            custom_id=_ID.format("role"),
            placeholder=_("Change how a role is shown, and its places").render(self._locale),
            options=[
                discord.SelectOption(label=shorten(label, 100), value=value)
                for value, label in self._shown()
            ],
        )

        async def picked(interaction: Interaction) -> None:
            await self._ask_about_role(interaction, int(select.values[0]))

        select.callback = picked
        return select

    def _buttons(self) -> list[ui.Button[Any]]:
        buttons = [self._button("add", _("Add roles"), self._ask_for_roles)]
        if self._menu.options:
            buttons.append(self._button("drop", _("Take roles out"), self._ask_to_drop))
        last = pages_of(self._menu.options) - 1
        if last:
            buttons += [
                self._button("back", _("Back"), self._turn(-1), disabled=self._page == 0),
                self._button("next", _("Next"), self._turn(1), disabled=self._page == last),
            ]
        return buttons

    def _button(
        self, name: str, label: Message, pressed: Any, *, disabled: bool = False
    ) -> ui.Button[Any]:
        button: ui.Button[Any] = ui.Button(
            label=label.render(self._locale), custom_id=_ID.format(name), disabled=disabled
        )
        button.callback = pressed
        return button

    def _turn(self, step: int) -> Callable[[Interaction], Any]:
        async def pressed(interaction: Interaction) -> None:
            self._page += step
            self._notice = ""
            self._draw()
            await interaction.response.edit_message(view=self)

        return pressed

    # --- changing -----------------------------------------------------------------------------

    async def _ask(
        self, interaction: Interaction, question: Question, read: Callable[[Menu, Values], Menu]
    ) -> None:
        async def work(_pressed: Interaction, values: Values) -> None:
            await self._save(lambda menu: read(menu, values))

        await self._open(interaction, question, work)

    async def _open(self, interaction: Interaction, question: Question, work: Submitted) -> None:
        """Open a form, whose work shows in the panel, wherever the form was sent from."""
        home = message_of(interaction)

        async def submitted(pressed: Interaction, values: Values) -> None:
            # First: what the form was opened by can't show the panel any more.
            await pressed.response.defer()
            if is_here := message_of(pressed) == home:
                self._latest = pressed
            await ensure_manages(pressed, KEY)
            self._notice = ""
            try:
                await work(pressed, values)
            except (InvalidInput, Denied):
                self._notice = f"⚠️ {_('Not saved.').render(self._locale)}"
                await self._show()
                raise
            if not is_here:
                # Sent from the answer to an earlier try, which is not the panel's message.
                said = self._notice or _("Not saved.").render(self._locale)
                await pressed.edit_original_response(content=said, view=None)

        await ask(interaction, KEY, question, submitted)

    async def _ask_about_role(self, interaction: Interaction, role_id: int) -> None:
        option = self._menu.option(role_id)
        if option is None:
            return
        emoji = show_emoji(option.emoji) if option.emoji else ""
        name = Input(
            "label",
            _("Label"),
            _("Empty for the role's name"),
            value=option.label or "",
            longest=LONGEST_LABEL,
        )
        described = option.description or ""
        question = Question(
            Message(label_of(option, self._name_of)),
            [
                name,
                Input(
                    "emoji",
                    _("Emoji"),
                    _("Such as 🎨 or <:name:id>"),
                    value=emoji,
                    longest=_LONGEST_LINE,
                ),
                Input(
                    "description", _("Description"), value=described, longest=LONGEST_DESCRIPTION
                ),
                Input(
                    "cap",
                    _("Places"),
                    _("How many members may have it from this menu; empty for any number"),
                    value=str(option.cap or ""),
                    longest=len(str(MOST_PLACES)),
                ),
            ],
        )

        def read(menu: Menu, values: Values) -> Menu:
            return with_option(menu, role_id, **values)

        await self._ask(interaction, question, read)

    async def _ask_for_roles(self, interaction: Interaction) -> None:
        roles = Input("roles", _("Roles"), _("Up to 25 at a time"), value=(), kind="roles")

        async def work(pressed: Interaction, values: Values) -> None:
            chosen = [int(one) for one in values["roles"]]
            offered = await ensure_may_offer(pressed, chosen)
            # Too many are refused before anything is asked.
            with_roles(self._menu, chosen)
            trusted = await confirm_dangerous(pressed, offered)
            if trusted is not None:
                await self._save(lambda menu: with_roles(menu, chosen, trusted))

        await self._open(interaction, Question(_("Add roles"), [roles]), work)

    async def _ask_to_drop(self, interaction: Interaction) -> None:
        shown = self._shown()
        roles = Input(
            "roles",
            _("Roles"),
            _("Members keep what they have"),
            value=(),
            kind="choices",
            choices=shown,
            most=len(shown),
        )

        def read(menu: Menu, values: Values) -> Menu:
            return without_roles(menu, {int(one) for one in values["roles"]})

        await self._ask(interaction, Question(_("Take roles out"), [roles]), read)

    async def _save(self, make: Change) -> None:
        """Save a change and show it; raises what is wrong with it, for the form to offer again."""
        try:
            self._menu = await self._cog.desk.change(self._menu, make)
        except Conflict as error:
            await self._show_current(error)
            return
        self._notice = f"✅ {_('Saved.').render(self._locale)}"
        await self._show()
        self._cog.review(self._menu.guild_id)

    async def _show_current(self, error: AppError) -> None:
        self._menu = await self._cog.desk.get(self._menu.guild_id, self._menu.id)
        self._notice = f"⚠️ {error.render(self._locale)}"
        await self._show()

    async def _show(self) -> None:
        self._draw()
        await self._latest.edit_original_response(view=self)
