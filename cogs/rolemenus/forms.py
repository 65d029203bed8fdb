"""Forms that keep what was typed when it is refused: a button opens them again as filled in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import discord

from bot.core.errors import Denied, InvalidInput
from bot.core.fields.text import shorten
from bot.core.i18n import Message, _
from bot.localization import locale_of
from bot.replies import OwnedView, answer, unique_id
from cogs.rolemenus.reading import KEY

if TYPE_CHECKING:
    from bot.client import Pegasus

Interaction: TypeAlias = "discord.Interaction[Pegasus]"
Values = Mapping[str, Any]
Submitted = Callable[[Interaction, Values], Awaitable[None]]

# Discord's limits: titles and labels, descriptions, choices of a menu.
_MAX_TITLE = 45
_MAX_DESCRIPTION = 100
_MAX_CHOSEN = 25
_SECONDS = 840


@dataclass(frozen=True, slots=True)
class Input:
    """One input: a line or a paragraph, a menu of roles, or one of `choices` (value and label).

    The value is a text, or a sequence of ids or values for a menu.
    """

    name: str
    label: Message
    description: Message | None = None
    value: Any = ""
    kind: Literal["line", "paragraph", "roles", "choices"] = "line"
    required: bool = False
    longest: int = 100
    choices: Sequence[tuple[str, str]] = ()
    most: int = 1

    def build(self, locale: str) -> discord.ui.Label[Any]:
        """Return the input as a form shows it."""
        description = self.description.render(locale) if self.description else None
        return discord.ui.Label(
            text=shorten(self.label.render(locale), _MAX_TITLE),
            description=shorten(description, _MAX_DESCRIPTION) if description else None,
            component=self._component(),
        )

    def _component(self) -> Any:
        if self.kind == "roles":
            chosen = [
                discord.SelectDefaultValue(id=int(one), type=discord.SelectDefaultValueType.role)
                for one in self.value
            ]
            return discord.ui.RoleSelect[Any](
                custom_id=self.name,
                default_values=chosen,
                required=False,
                min_values=0,
                max_values=_MAX_CHOSEN,
            )
        if self.kind == "choices":
            return discord.ui.Select[Any](
                custom_id=self.name,
                required=self.required,
                min_values=1 if self.required else 0,
                max_values=min(self.most, len(self.choices)),
                options=[
                    discord.SelectOption(
                        value=value, label=shorten(label, 100), default=value in self.value
                    )
                    for value, label in self.choices
                ],
            )
        return discord.ui.TextInput[Any](
            custom_id=self.name,
            style=discord.TextStyle.paragraph
            if self.kind == "paragraph"
            else discord.TextStyle.short,
            default=self.value or None,
            required=self.required,
            max_length=self.longest,
        )


@dataclass(frozen=True, slots=True)
class Question:
    """A form: its title and at most five inputs."""

    title: Message
    inputs: Sequence[Input]

    def filled(self, values: Values) -> Question:
        """Return the form as it was filled in."""
        inputs = [replace(one, value=values.get(one.name, one.value)) for one in self.inputs]
        return replace(self, inputs=inputs)


class _Modal(discord.ui.Modal):
    def __init__(self, question: Question, locale: str, submitted: Submitted) -> None:
        super().__init__(
            title=shorten(question.title.render(locale), _MAX_TITLE),
            timeout=_SECONDS,
            custom_id=unique_id(KEY),
        )
        self._submitted = submitted
        self._labels = [one.build(locale) for one in question.inputs]
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
    return component.custom_id, tuple(str(getattr(one, "id", one)) for one in component.values)


async def ask(interaction: Interaction, question: Question, submitted: Submitted) -> None:
    """Open the form as the answer to a command or a press."""

    async def receive(pressed: Interaction, values: Values) -> None:
        try:
            await submitted(pressed, values)
        except (InvalidInput, Denied) as error:
            again = _Again(pressed, question.filled(values), submitted)
            await answer(pressed, error.render(locale_of(pressed)), view=again)

    await interaction.response.send_modal(_Modal(question, locale_of(interaction), receive))


class _Again(OwnedView):
    """One button, which opens the form again as it was filled in."""

    def __init__(self, interaction: Interaction, question: Question, submitted: Submitted) -> None:
        super().__init__(interaction.user.id, timeout=_SECONDS)
        self._question = question
        self._submitted = submitted
        button: discord.ui.Button[_Again] = discord.ui.Button(
            label=_("Correct it").render(locale_of(interaction)),
            style=discord.ButtonStyle.primary,
            custom_id=unique_id(KEY),
        )
        button.callback = self._open
        self.add_item(button)

    async def _open(self, interaction: Interaction) -> None:
        await ask(interaction, self._question, self._submitted)
