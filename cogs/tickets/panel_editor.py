"""The editor of one panel: how it stands, a menu of its parts, and its form.

Every change is saved at once, and only if the panel still is what the editor shows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import discord
from discord import ui

from bot.checks import actor_of, ensure_manages, in_time
from bot.core.errors import Conflict, Denied, InvalidInput
from bot.core.fields.text import quote, shorten
from bot.core.i18n import Message, _
from bot.forms import Interaction, Question, Values, ask
from bot.panels.owned import OwnedPanel, message_of
from cogs.tickets import form_editing as editing
from cogs.tickets.entered import named
from cogs.tickets.panel import MOST_PAGES, MOST_ROUTES, Panel
from cogs.tickets.panel_summary import fit, route_line, summarize
from cogs.tickets.question_forms import (
    changed,
    place_form,
    placed,
    question_form,
    route_form,
    with_new,
    with_route,
    worded,
    words_form,
)
from cogs.tickets.questions import CHOOSING, MOST_QUESTIONS
from cogs.tickets.questions import Question as Asked
from cogs.tickets.sections import SECTIONS, Section
from cogs.tickets.settings import KEY
from db.ticket_panels import TicketPanel

if TYPE_CHECKING:
    from cogs.tickets.desk import PanelDesk

_ID = "tickets:panel:{}"
# All texts of such a message have 4000 characters together.
_LONGEST_LINE, _LONGEST_NOTICE = 100, 650
# Of what goes with a question, as many lines as the notice holds.
_MOST_LOST = 3
_MAX_CHOICES = 25
_NEW, _ROUTE = "new", "route"

Change = Callable[[Panel], Panel]


class PanelEditor(OwnedPanel):
    """Shows a panel to whoever may manage tickets, and changes it."""

    def __init__(self, interaction: Interaction, desk: PanelDesk, row: TicketPanel) -> None:
        super().__init__(interaction)
        self._desk = desk
        self._row = row
        self._notice = ""
        self._chosen: str | None = None
        # The question that goes with all that hangs on it at the next press.
        self._doomed: str | None = None
        self._draw()

    @property
    def _panel(self) -> Panel:
        return Panel.model_validate(self._row.config)

    async def ensure_may(self, interaction: Interaction) -> None:
        """Raise `Denied` for an owner who may not manage tickets any more."""
        await ensure_manages(interaction, KEY)

    def closed(self) -> ui.Item[Any]:
        """Return what is shown once the controls are dead."""
        text = _("This editor is closed. /ticket panel edit opens it again.")
        return ui.TextDisplay(text.render(self._locale))

    # --- what is shown -------------------------------------------------------------------------

    def _draw(self) -> None:
        self.clear_items()
        # The notice is what is new: however long the form is, it is seen.
        text = "\n\n".join(filter(None, (self._summary(), shorten(self._notice, _LONGEST_NOTICE))))
        rows: list[ui.Item[Any]] = [
            ui.TextDisplay(text),
            ui.ActionRow(self._parts()),
            ui.ActionRow(self._questions()),
        ]
        if (routes := self._routes()) is not None:
            rows.append(ui.ActionRow(routes))
        if self._chosen is not None:
            rows.append(ui.ActionRow(*self._buttons()))
        self.add_item(ui.Container(*rows))

    def _summary(self) -> str:
        panel, guild_id = self._panel, self._row.guild_id
        warning = self._desk.warn_of_staff(guild_id, panel)
        staff = self._desk.staff_of(guild_id, panel)
        return fit(summarize(panel, self._locale, staff=staff, warning=warning), self._locale)

    def _parts(self) -> ui.Select[Any]:
        options = [
            discord.SelectOption(label=self._say(_(one.title)), value=one.key) for one in SECTIONS
        ]
        placeholder = _("What do you want to change?")
        return self._select("parts", placeholder, options, self._open_part)

    def _questions(self) -> ui.Select[Any]:
        panel, options = self._panel, []
        # All of them fit once there is no place for another.
        if len(panel.questions) < MOST_PAGES * MOST_QUESTIONS:
            options.append(_adding(self._say(_("Add a question")), _NEW))
        options += [self._option(one.label, f"q:{one.key}") for one in panel.questions]
        placeholder = _("Form: questions")
        return self._select("form", placeholder, options, self._open_question)

    def _routes(self) -> ui.Select[Any] | None:
        panel, options = self._panel, []
        can_route = any(one.kind in CHOOSING for one in panel.questions)
        if can_route and len(panel.routes) < MOST_ROUTES:
            options.append(_adding(self._say(_("Add a route")), _ROUTE))
        for index, route in enumerate(panel.routes):
            when = editing.write_condition(route.when, panel)
            options.append(self._option(f"➜ {when}", f"r:{index}"))
        placeholder = _("Form: routes")
        return (
            self._select("routes", placeholder, options, self._open_question) if options else None
        )

    def _option(self, label: str, value: str) -> discord.SelectOption:
        shown = shorten(label, _LONGEST_LINE)
        return discord.SelectOption(label=shown, value=value, default=self._chosen == value)

    def _select(
        self, name: str, placeholder: Message, options: list[discord.SelectOption], callback: Any
    ) -> ui.Select[Any]:
        select: ui.Select[Any] = ui.Select(
            custom_id=_ID.format(name), placeholder=self._say(placeholder), options=options
        )
        select.callback = callback
        return select

    def _buttons(self) -> list[ui.Button[Any]]:
        what: list[tuple[str, Message, Any]] = [("reroute", _("Edit"), self._edit_route)]
        if (self._chosen or "").startswith("q:"):
            what = [
                ("edit", _("Edit"), self._edit_question),
                ("more", _("Place and condition"), self._edit_place),
                ("words", _("Placeholder and title"), self._edit_words),
            ]
        what.append(("drop", _("Remove"), self._drop))
        made: list[ui.Button[Any]] = []
        for name, label, pressed in what:
            button: ui.Button[Any] = ui.Button(label=self._say(label), custom_id=_ID.format(name))
            button.callback = pressed
            made.append(button)
        return made

    def _say(self, text: Message | str) -> str:
        return text.render(self._locale) if isinstance(text, Message) else text

    # --- what is changed -----------------------------------------------------------------------

    async def _open_part(self, interaction: Interaction) -> None:
        key = _picked(interaction)
        section: Section = next(one for one in SECTIONS if one.key == key)
        await self._ask(interaction, section.question(self._panel, self._locale), section.change)

    async def _open_question(self, interaction: Interaction) -> None:
        key = _picked(interaction)
        if key == _NEW:
            await self._ask(interaction, question_form(None, self._locale), with_new)
        elif key == _ROUTE:
            names = await self._other_panels()
            form = route_form(self._panel, names, self._locale)
            await self._ask(interaction, form, lambda panel, it: with_route(panel, it, names))
        else:
            self._chosen, self._doomed, self._notice = key, None, ""
            self._draw()
            await interaction.response.edit_message(view=self)

    async def _edit_question(self, interaction: Interaction) -> None:
        question = self._find_chosen()

        def read(panel: Panel, values: Values) -> Panel:
            return editing.with_changed(panel, question.key, lambda one: changed(one, values))

        await self._ask(interaction, question_form(question, self._locale), read)

    async def _edit_place(self, interaction: Interaction) -> None:
        question = self._find_chosen()
        form = place_form(self._panel, question)
        await self._ask(interaction, form, lambda panel, it: placed(panel, question.key, it))

    async def _edit_words(self, interaction: Interaction) -> None:
        question = self._find_chosen()
        form = words_form(self._panel, question)
        await self._ask(interaction, form, lambda panel, it: worded(panel, question.key, it))

    async def _edit_route(self, interaction: Interaction) -> None:
        index = int((self._chosen or "").partition(":")[2])
        names = await self._other_panels()
        form = route_form(self._panel, names, self._locale, self._panel.routes[index])
        await self._ask(interaction, form, lambda panel, it: with_route(panel, it, names, index))

    async def _drop(self, interaction: Interaction) -> None:
        chosen = self._chosen or ""
        kind, _colon, which = chosen.partition(":")
        if kind == "q" and self._doomed != chosen and (lost := self._lost_with(which)):
            # Asked once: the next press does it.
            self._doomed, self._notice = chosen, lost
            self._draw()
            await interaction.response.edit_message(view=self)
            return
        self._chosen = self._doomed = None
        await self._begin(interaction)
        if kind == "q":
            await self._save(lambda panel: editing.without_question(panel, which))
        else:
            await self._save(lambda panel: editing.without_route(panel, int(which)))

    def _lost_with(self, key: str) -> str:
        """Return what is lost with a question, and how it is removed all the same."""
        panel = self._panel
        questions, routes = editing.hanging_on(panel, key)
        lines = [
            _("- {question} is asked of everybody then.", question=quote(one.label))
            for one in questions
        ]
        lines += [
            _("- This route goes: {route}", route=route_line(one, panel, self._locale))
            for one in routes
        ]
        if not lines:
            return ""
        intro = _(
            "⚠️ Nothing is removed yet: other parts hang on this question. Press Remove once more, "
            "and it goes with them:"
        )
        return "\n".join(map(self._say, [intro, *lines[:_MOST_LOST]]))

    def _find_chosen(self) -> Asked:
        key = (self._chosen or "").partition(":")[2]
        return next(one for one in self._panel.questions if one.key == key)

    async def _other_panels(self) -> list[str]:
        rows = await self._desk.list(self._row.guild_id)
        return [one.name for one in rows if one.id != self._row.id]

    async def _ask(
        self, interaction: Interaction, question: Question, read: Callable[[Panel, Values], Panel]
    ) -> None:
        home = message_of(interaction)

        async def submitted(pressed: Interaction, values: Values) -> None:
            # First: what the form was opened by can't show the panel any more.
            await pressed.response.defer()
            if is_here := message_of(pressed) == home:
                self._latest = pressed
            await ensure_manages(pressed, KEY)
            try:
                await self._save(lambda panel: read(panel, values))
            except InvalidInput as error:
                raise named(error, question.inputs) from error
            if not is_here:
                # Sent from the answer to an earlier try, which is not the editor's message.
                await pressed.edit_original_response(content=self._notice, view=None)

        await ask(interaction, KEY, question, submitted)

    async def _begin(self, pressed: Interaction) -> None:
        async with in_time():
            await ensure_manages(pressed, KEY)
        await pressed.response.defer()

    async def _save(self, make: Change) -> None:
        """Save a change and show it; raises what is wrong with it, for the form to offer again."""
        try:
            self._row = await self._desk.change(self._row, make, actor_of(self._latest))
        except (InvalidInput, Denied) as error:
            if isinstance(error, Conflict):
                self._row = await self._desk.get(self._row.guild_id, self._row.id)
            await self._show(f"⚠️ {self._say(_('Not saved.'))}")
            raise
        await self._show(f"✅ {self._say(_('Saved.'))}")

    async def _show(self, notice: str) -> None:
        """Show the panel as it is kept now, with a word on what was done last."""
        self._notice, self._doomed = notice, None
        if self._chosen is not None and not self._is_there(self._chosen):
            self._chosen = None
        self._draw()
        await self._latest.edit_original_response(view=self)

    def _is_there(self, chosen: str) -> bool:
        panel = self._panel
        routes = {f"r:{index}" for index in range(len(panel.routes))}
        return chosen in routes | {f"q:{one.key}" for one in panel.questions}


def _picked(interaction: Interaction) -> str:
    data: Any = interaction.data
    return str(data["values"][0])


def _adding(label: str, value: str) -> discord.SelectOption:
    return discord.SelectOption(label=label, value=value, emoji="\N{HEAVY PLUS SIGN}")
