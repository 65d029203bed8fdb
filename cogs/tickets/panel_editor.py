"""The editor of one panel: how it stands, a menu of its parts, and its form.

Every change is saved at once, and only if the panel still is what the editor shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import discord
from discord import ui

from bot.checks import actor_of, ensure_manages, in_time
from bot.core.errors import Conflict
from bot.core.fields.text import escape_markdown, shorten
from bot.core.i18n import N_, Message, _, ngettext
from bot.forms import Input, Interaction, Question, Values, ask
from bot.panels.owned import OwnedPanel
from cogs.tickets import form_editing as editing
from cogs.tickets.hours import say_hours
from cogs.tickets.paging import pack
from cogs.tickets.panel import (
    CHOOSING,
    MOST_PAGES,
    MOST_QUESTIONS,
    MOST_ROUTES,
    Kind,
    Panel,
    Priority,
    Route,
)
from cogs.tickets.panel import Question as Asked
from cogs.tickets.sections import ROOMS, SECTIONS, Section
from cogs.tickets.settings import KEY
from cogs.tickets.wording import PRIORITIES
from db.ticket_panels import TicketPanel

if TYPE_CHECKING:
    from cogs.tickets.desk import PanelDesk

_ID = "tickets:panel:{}"
# All texts of such a message have 4000 characters together.
_LONGEST_LINE, _LONGEST_SHOWN, _LONGEST_NOTICE = 100, 3300, 500
_MAX_CHOICES = 25
_NEW, _ROUTE = "new", "route"

KINDS: dict[str, str] = {
    Kind.LINE: N_("A line of text"),
    Kind.PARAGRAPH: N_("A longer text"),
    Kind.SELECT: N_("A menu of choices"),
    Kind.RADIO: N_("One of some choices"),
    Kind.CHECKBOXES: N_("Any of some choices"),
    Kind.ROLE: N_("Roles"),
    Kind.CHANNEL: N_("Channels"),
    Kind.USER: N_("Members"),
    Kind.FILE: N_("Files"),
}

Change = Callable[[Panel], Panel]


class PanelEditor(OwnedPanel):
    """Shows a panel to whoever may manage tickets, and changes it."""

    def __init__(self, interaction: Interaction, desk: PanelDesk, row: TicketPanel) -> None:
        super().__init__(interaction)
        self._desk = desk
        self._row = row
        self._notice = ""
        self._chosen: str | None = None
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
        panel, say = self._panel, self._say
        state = _("on") if panel.enabled else _("off")
        lines = [
            f"### {panel.emoji} {escape_markdown(panel.name)} ({say(state)})",
            escape_markdown(panel.description),
            say(_("Rooms: {kind}", kind=_(ROOMS[panel.room])))
            + (f" · <#{panel.parent_id}>" if panel.parent_id else ""),
            say(_("Transcripts go to {channel}", channel=f"<#{panel.log_channel_id}>"))
            if panel.log_channel_id
            else "",
            say(_("Staff: {roles}", roles=_mentions(panel.staff_roles) or _("the server's"))),
            say(_("Open tickets of a member: {count}", count=panel.per_member)),
            say(_("Hours: {hours}", hours=say_hours(panel.hours, self._locale))),
            *self._form_lines(panel),
        ]
        return self._fit([one for one in lines if one])

    def _fit(self, lines: list[str]) -> str:
        """Return as many lines as fit, and how many more there are: the menus have them all."""
        shown = pack(lines, len(lines), limit=_LONGEST_SHOWN)
        if len(shown) == 1:
            return shown[0]
        more = len(lines) - shown[0].count("\n") - 1
        text = ngettext(
            "… and {count} more line: the menus below have everything.",
            "… and {count} more lines: the menus below have everything.",
            more,
        )
        return f"{shown[0]}\n{self._say(text)}"

    def _form_lines(self, panel: Panel) -> list[str]:
        lines: list[str] = []
        for number, page in enumerate(panel.pages, 1):
            lines.append(f"**{self._say(_('Page {number}', number=number))}**")
            for one in page.questions:
                needed = " \\*" if one.required else ""
                when = editing.write_condition(one.when, panel)
                when = f" · {self._say(_('only with {condition}', condition=when))}" if when else ""
                kind = self._say(_(KINDS[one.kind]))
                label = escape_markdown(one.label)
                lines.append(f"- {label}{needed} · {kind}{escape_markdown(when)}")
        for route in panel.routes:
            when = escape_markdown(editing.write_condition(route.when, panel))
            lines.append(f"➜ {when}: {self._route_text(route)}")
        return lines

    def _route_text(self, route: Route) -> str:
        parts = [escape_markdown(route.panel or ""), _mentions(route.staff_roles)]
        if route.priority is not None:
            parts.append(self._say(_(PRIORITIES[route.priority])))
        parts += [escape_markdown(one) for one in route.labels]
        return ", ".join(filter(None, parts))

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
        what: list[tuple[str, Message, Any]] = [("drop", _("Remove"), self._drop)]
        if (self._chosen or "").startswith("q:"):
            what = [
                ("edit", _("Edit"), self._edit_question),
                ("more", _("Place and condition"), self._edit_place),
                *what,
            ]
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
            await self._ask(interaction, self._question_form(None), _with_new)
        elif key == _ROUTE:
            names = await self._other_panels()
            form = self._route_form(names)
            await self._ask(interaction, form, lambda panel, it: _with_route(panel, it, names))
        else:
            self._chosen, self._notice = key, ""
            self._draw()
            await interaction.response.edit_message(view=self)

    async def _edit_question(self, interaction: Interaction) -> None:
        question = self._find_chosen()

        def read(panel: Panel, values: Values) -> Panel:
            return editing.with_changed(panel, question.key, lambda one: _changed(one, values))

        await self._ask(interaction, self._question_form(question), read)

    async def _edit_place(self, interaction: Interaction) -> None:
        question, panel = self._find_chosen(), self._panel
        page, position = editing.place_of(panel, question.key)
        lengths = f"{question.shortest}-{question.longest}"
        inputs = [
            Input("page", _("Page"), value=str(page), longest=2, required=True),
            Input("position", _("Position"), value=str(position), longest=2, required=True),
            Input(
                "when",
                _("Only when"),
                _("An earlier question and its choices: Kind: Bug, Other"),
                value=editing.write_condition(question.when, panel),
                longest=300,
            ),
            Input("lengths", _("Characters"), value=lengths, longest=9, required=True),
            Input(
                "most",
                _("How many may be chosen or sent"),
                value=str(question.most),
                longest=2,
                required=True,
            ),
        ]

        def read(panel: Panel, values: Values) -> Panel:
            return _placed(panel, question.key, values)

        await self._ask(interaction, Question(_("Place and condition"), inputs), read)

    async def _drop(self, interaction: Interaction) -> None:
        kind, _colon, which = (self._chosen or "").partition(":")
        self._chosen = None
        await self._begin(interaction)
        if kind == "q":
            await self._save(lambda panel: editing.without_question(panel, which))
        else:
            await self._save(lambda panel: editing.without_route(panel, int(which)))

    def _find_chosen(self) -> Asked:
        key = (self._chosen or "").partition(":")[2]
        return next(one for one in self._panel.questions if one.key == key)

    def _question_form(self, question: Asked | None) -> Question:
        kinds = [(str(key), self._say(_(title))) for key, title in KINDS.items()]
        chosen = question.kind.value if question else Kind.LINE.value
        return Question(
            _("Question"),
            [
                Input("kind", _("Answered with"), value=(chosen,), kind="choices", choices=kinds),
                Input(
                    "label",
                    _("Question"),
                    value=question.label if question else "",
                    longest=45,
                    required=True,
                ),
                Input(
                    "description",
                    _("Explanation"),
                    value=question.description if question else "",
                    longest=100,
                ),
                Input(
                    "choices",
                    _("Choices"),
                    _("One a line, Label | description; for questions with choices"),
                    value=editing.write_choices(question.choices) if question else "",
                    kind="paragraph",
                    longest=2200,
                ),
                Input(
                    "required",
                    _("Has to be answered"),
                    value=("yes" if question is None or question.required else "no",),
                    kind="choices",
                    choices=[("yes", self._say(_("Yes"))), ("no", self._say(_("No")))],
                ),
            ],
        )

    async def _other_panels(self) -> list[str]:
        rows = await self._desk.list(self._row.guild_id)
        return [one.name for one in rows if one.id != self._row.id]

    def _route_form(self, panels: list[str]) -> Question:
        inputs = [
            Input(
                "when",
                _("When"),
                _("A question and its choices: Kind: Bug, Other"),
                longest=300,
                required=True,
            ),
            Input("roles", _("Further staff"), value=(), kind="roles", most=10),
            Input(
                "priority",
                _("Priority"),
                value=(),
                kind="choices",
                choices=[(str(key), self._say(_(title))) for key, title in PRIORITIES.items()],
            ),
            Input("labels", _("Labels"), _("With commas between them"), longest=150),
        ]
        if len(panels) > _MAX_CHOICES:
            inputs.insert(1, Input("panel", _("Panel"), _("Its name"), longest=45))
        elif panels:
            names = [(one, one) for one in panels]
            inputs.insert(1, Input("panel", _("Panel"), value=(), kind="choices", choices=names))
        return Question(_("Route by an answer"), inputs)

    async def _ask(
        self, interaction: Interaction, question: Question, read: Callable[[Panel, Values], Panel]
    ) -> None:
        async def submitted(pressed: Interaction, values: Values) -> None:
            await self._begin(pressed)
            await self._save(lambda panel: read(panel, values))

        await ask(interaction, KEY, question, submitted)

    async def _begin(self, pressed: Interaction) -> None:
        async with in_time():
            await ensure_manages(pressed, KEY)
        self._latest = pressed
        await pressed.response.defer()

    async def _save(self, make: Change) -> None:
        """Save a change and show it; raises what is wrong with it, for the form to offer again."""
        try:
            self._row = await self._desk.change(self._row, make, actor_of(self._latest))
            self._notice = f"✅ {self._say(_('Saved.'))}"
        except Conflict as error:
            self._row = await self._desk.get(self._row.guild_id, self._row.id)
            self._notice = f"⚠️ {error.render(self._locale)}"
        known = {f"q:{one.key}" for one in self._panel.questions}
        if self._chosen not in known:
            self._chosen = None
        self._draw()
        await self._latest.edit_original_response(view=self)


def _picked(interaction: Interaction) -> str:
    data: Any = interaction.data
    return str(data["values"][0])


def _mentions(role_ids: Sequence[int]) -> str:
    return ", ".join(f"<@&{one}>" for one in role_ids)


def _with_new(panel: Panel, values: Values) -> Panel:
    taken = {one.key for one in panel.questions}
    key = editing.make_key(values["label"], taken)
    return editing.with_question(panel, _changed(Asked(key=key, label="-"), values))


def _changed(question: Asked, values: Values) -> Asked:
    kind = Kind(values["kind"][0]) if values["kind"] else question.kind
    choices = editing.read_choices(values["choices"], question.choices)
    return question.model_copy(
        update={
            "kind": kind,
            "label": values["label"].strip(),
            "description": values["description"].strip(),
            "choices": choices if kind in CHOOSING else (),
            "required": not values["required"] or values["required"][0] == "yes",
            "most": len(choices) if kind is Kind.CHECKBOXES and choices else question.most,
        }
    )


def _placed(panel: Panel, key: str, values: Values) -> Panel:
    page, position, most = (_count(values[name]) for name in ("page", "position", "most"))
    panel = editing.moved(panel, key, page, position)
    when = editing.read_condition(values["when"], panel, key)
    shortest, longest = editing.read_lengths(values["lengths"])
    update = {"when": when, "shortest": shortest, "longest": longest, "most": most}
    return editing.with_changed(panel, key, lambda one: one.model_copy(update=update))


def _count(text: str) -> int:
    return int(text) if text.strip().isascii() and text.strip().isdecimal() else 0


def _with_route(panel: Panel, values: Values, panels: Sequence[str]) -> Panel:
    condition = editing.read_condition(values["when"], panel, None)
    assert condition is not None  # noqa: S101 - the form asks for it
    route = Route(
        when=condition,
        panel=editing.panel_named(values.get("panel"), panels),
        staff_roles=tuple(int(one) for one in values["roles"]),
        priority=Priority(values["priority"][0]) if values["priority"] else None,
        labels=tuple(one.strip() for one in values["labels"].split(",") if one.strip()),
    )
    return editing.with_route(panel, route)


def _adding(label: str, value: str) -> discord.SelectOption:
    return discord.SelectOption(label=label, value=value, emoji="\N{HEAVY PLUS SIGN}")
