"""Forms of texts and menus, which keep what was typed when it is refused.

`ask` opens one; what is submitted goes to the caller's function, and an `InvalidInput` or `Denied`
that it raises is answered with a button that opens the form again as it was filled in. A form of a
feature's settings is the settings panel's, in `bot.panels`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import discord

from bot.core.errors import Denied, InvalidInput
from bot.core.fields.text import shorten
from bot.core.i18n import Message, _
from bot.localization import locale_of
from bot.replies import OwnedView, answer, unique_id

if TYPE_CHECKING:
    from bot.client import Pegasus

Interaction: TypeAlias = "discord.Interaction[Pegasus]"
Values = Mapping[str, Any]
Submitted = Callable[[Interaction, Values], Awaitable[None]]
# Whether there still is a role or channel of this id; asked by the kind of the menu.
Exists = Callable[[str, int], bool]

# Limits of Discord: labels and titles, descriptions, characters of an input, choices of a menu.
LONGEST_TITLE = 45
_MAX_DESCRIPTION = 100
MAX_INPUT = 4000
_MAX_CHOSEN = 25
_MAX_OPTION = 100
# As long as an interaction's token lives, nearly.
_SECONDS = 840


Kind = Literal[
    "line",
    "paragraph",
    "roles",
    "channels",
    "members",
    "choices",
    "radio",
    "boxes",
    "files",
]


@dataclass(frozen=True, slots=True)
class Input:
    """One input: a line or a paragraph, a menu of roles, channels or members, or of `choices`.

    The value is a text of `shortest` to `longest` characters; for a menu of roles, channels or
    members a sequence of ids; for a menu, radio buttons or checkboxes of `choices` (value and
    label, `notes` by value) a sequence of values; for files the uploads. `most` bounds sequences.
    """

    name: str
    label: Message
    description: Message | None = None
    value: Any = ""
    kind: Kind = "line"
    required: bool = False
    shortest: int = 0
    longest: int = MAX_INPUT
    placeholder: str = ""
    choices: Sequence[tuple[str, str]] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    most: int | None = None

    def build(self, locale: str, exists: Exists) -> discord.ui.Label[Any]:
        """Return the input as a form shows it."""
        description = self.description.render(locale) if self.description else None
        return discord.ui.Label(
            text=shorten(self.label.render(locale), LONGEST_TITLE),
            description=shorten(description, _MAX_DESCRIPTION) if description else None,
            component=self._component(exists),
        )

    def _component(self, exists: Exists) -> Any:
        if self.kind in _MENUS:
            return self._menu(exists)
        make = {
            "choices": self._select,
            "radio": self._radio,
            "boxes": self._boxes,
            "files": self._files,
        }.get(self.kind, self._text)
        return make()

    def _text(self) -> Any:
        long = self.kind == "paragraph"
        return discord.ui.TextInput[Any](
            custom_id=self.name,
            style=discord.TextStyle.paragraph if long else discord.TextStyle.short,
            default=self.value[: self.longest] or None,
            placeholder=self.placeholder or None,
            required=self.required,
            min_length=self.shortest or None,
            max_length=self.longest,
        )

    def _radio(self) -> Any:
        options = [
            discord.RadioGroupOption(
                value=value,
                label=shorten(label, _MAX_OPTION),
                description=self.notes.get(value) or None,
                default=value in self.value,
            )
            for value, label in self.choices
        ]
        return discord.ui.RadioGroup[Any](
            custom_id=self.name, required=self.required, options=options
        )

    def _boxes(self) -> Any:
        options = [
            discord.CheckboxGroupOption(
                value=value,
                label=shorten(label, _MAX_OPTION),
                description=self.notes.get(value) or None,
                default=value in self.value,
            )
            for value, label in self.choices
        ]
        return discord.ui.CheckboxGroup[Any](
            custom_id=self.name,
            required=self.required,
            min_values=1 if self.required else 0,
            max_values=min(self.most or len(self.choices), len(self.choices)),
            options=options,
        )

    def _files(self) -> Any:
        # What was uploaded can't be offered again: Discord asks for the files anew.
        return discord.ui.FileUpload[Any](
            custom_id=self.name,
            required=self.required,
            min_values=1 if self.required else 0,
            max_values=self.most or 1,
        )

    def _menu(self, exists: Exists) -> Any:
        menu, kind = _MENUS[self.kind]
        # Discord refuses a menu that begins with what no longer exists.
        present = [one for one in self.value if exists(self.kind, int(one))]
        chosen = [discord.SelectDefaultValue(id=int(one), type=kind) for one in present]
        return menu(
            custom_id=self.name,
            default_values=chosen[: self.most or _MAX_CHOSEN],
            required=self.required,
            min_values=1 if self.required else 0,
            max_values=self.most or _MAX_CHOSEN,
        )

    def _select(self) -> Any:
        return discord.ui.Select[Any](
            custom_id=self.name,
            required=self.required,
            min_values=1 if self.required else 0,
            max_values=min(self.most or 1, len(self.choices)),
            options=[
                discord.SelectOption(
                    value=value,
                    label=shorten(label, _MAX_OPTION),
                    description=self.notes.get(value) or None,
                    default=value in self.value,
                )
                for value, label in self.choices
            ],
        )


_MENUS: Mapping[str, tuple[Callable[..., Any], discord.SelectDefaultValueType]] = {
    "roles": (discord.ui.RoleSelect, discord.SelectDefaultValueType.role),
    "channels": (discord.ui.ChannelSelect, discord.SelectDefaultValueType.channel),
    "members": (discord.ui.UserSelect, discord.SelectDefaultValueType.user),
}


@dataclass(frozen=True, slots=True)
class Question:
    """A form: its title, at most five inputs, and a text above them."""

    title: Message
    inputs: Sequence[Input]
    note: Message | None = None

    def filled(self, values: Values) -> Question:
        """Return the form as it was filled in."""
        inputs = [
            one if one.kind == "files" else replace(one, value=values.get(one.name, one.value))
            for one in self.inputs
        ]
        return replace(self, inputs=inputs)


class _Modal(discord.ui.Modal):
    def __init__(self, form: _Form, locale: str, exists: Exists, submitted: Submitted) -> None:
        super().__init__(
            title=shorten(form.question.title.render(locale), LONGEST_TITLE),
            timeout=_SECONDS,
            custom_id=unique_id(form.namespace),
        )
        self._submitted = submitted
        self._labels = [one.build(locale, exists) for one in form.question.inputs]
        if form.question.note is not None:
            self.add_item(discord.ui.TextDisplay(form.question.note.render(locale)))
        for label in self._labels:
            self.add_item(label)

    async def on_submit(self, interaction: Interaction) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        await self._submitted(interaction, dict(map(_entered, self._labels)))

    async def on_error(self, interaction: discord.Interaction[Any], error: Exception) -> None:
        await interaction.client.tree.on_error(interaction, error)


def _entered(label: discord.ui.Label[Any]) -> tuple[str, Any]:
    component: Any = label.component
    if isinstance(component, discord.ui.TextInput):
        return component.custom_id, component.value
    if isinstance(component, discord.ui.RadioGroup):
        return component.custom_id, (component.value,) if component.value else ()
    if isinstance(component, discord.ui.FileUpload):
        return component.custom_id, tuple(component.values)
    # What was chosen of the choices is a text; roles, channels and members have ids.
    return component.custom_id, tuple(getattr(one, "id", one) for one in component.values)


@dataclass(frozen=True, slots=True)
class _Form:
    """What is asked, for which feature, and who takes the answers."""

    namespace: str
    question: Question
    submitted: Submitted

    async def open(self, interaction: Interaction) -> None:
        locale = locale_of(interaction)
        form = _Modal(self, locale, _existing(interaction), self._receive)
        await interaction.response.send_modal(form)

    async def _receive(self, interaction: Interaction, values: Values) -> None:
        try:
            await self.submitted(interaction, values)
        except (InvalidInput, Denied) as error:
            again = _Again(interaction, replace(self, question=self.question.filled(values)))
            await answer(interaction, error.render(locale_of(interaction)), view=again)


def _existing(interaction: Interaction) -> Exists:
    state, guild_id = interaction.client.kernel.state(), interaction.guild_id or 0

    def exists(kind: str, one: int) -> bool:
        if kind == "roles":
            return state.role(guild_id, one) is not None
        # Who has left may come back.
        return kind != "channels" or state.channel(guild_id, one) is not None

    return exists


async def ask(
    interaction: Interaction, namespace: str, question: Question, submitted: Submitted
) -> None:
    """Open the form as the answer to a command or a press.

    `namespace` is the feature's key: the metrics count by it. `submitted` gets the press that sent
    the form, which nobody has answered yet, and what was entered by the inputs' names.
    """
    await _Form(namespace, question, submitted).open(interaction)


class _Again(OwnedView):
    """One button, which opens the form again as it was filled in."""

    def __init__(self, interaction: Interaction, form: _Form) -> None:
        super().__init__(interaction.user.id, timeout=_SECONDS)
        button: discord.ui.Button[_Again] = discord.ui.Button(
            label=_("Correct it").render(locale_of(interaction)),
            style=discord.ButtonStyle.primary,
            custom_id=unique_id(form.namespace),
        )
        button.callback = form.open
        self.add_item(button)
