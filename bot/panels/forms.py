"""The modal in which one setting is edited: a menu to choose from, or a text to type.

Says what was entered and leaves the judgement to the settings model.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import discord

from bot.core.contracts import BotState, ChannelKind
from bot.core.fields import FieldInfo, Widget
from bot.core.fields.text import choice_title, edit_text, read_text, shorten
from bot.core.i18n import N_, Message, _
from bot.replies import unique_id

# What was entered, as a change takes it, and the text to offer again if it is refused.
Submitted = Callable[[Any, FieldInfo, Any, str | None], Awaitable[None]]

_CHANNEL_TYPES: dict[ChannelKind, list[discord.ChannelType]] = {
    "text": [discord.ChannelType.text],
    "news": [discord.ChannelType.news],
    "voice": [discord.ChannelType.voice],
    "stage": [discord.ChannelType.stage_voice],
    "forum": [discord.ChannelType.forum, discord.ChannelType.media],
    "category": [discord.ChannelType.category],
    "thread": [
        discord.ChannelType.public_thread,
        discord.ChannelType.private_thread,
        discord.ChannelType.news_thread,
    ],
}
# What a text may look like where not every text will do.
_EXAMPLES = {
    Widget.DURATION: N_("For example 1h 30m"),
    Widget.COLOUR: N_("For example #5865f2 or blue"),
}
_LONG = {Widget.PARAGRAPH, Widget.TEMPLATE, Widget.TEMPLATES}
_SEVERAL = {Widget.CHANNELS, Widget.ROLES, Widget.MEMBERS}
# Limits of Discord: labels and titles, descriptions, options of a menu, characters of an input.
_MAX_LABEL = 45
_MAX_DESCRIPTION = 100
_MAX_OPTIONS = 25
MAX_INPUT = 4000
# What the metrics count the form under.
NAMESPACE = "form"

Chooser = (
    discord.ui.ChannelSelect[Any]
    | discord.ui.RoleSelect[Any]
    | discord.ui.UserSelect[Any]
    | discord.ui.Select[Any]
)


class FieldModal(discord.ui.Modal):
    """Asks for one setting; `typed` is what was typed before and refused."""

    def __init__(
        self,
        field: FieldInfo,
        value: Any,
        *,
        state: BotState,
        guild_id: int,
        locale: str,
        submitted: Submitted,
        typed: str | None = None,
    ) -> None:
        title = _(field.title).render(locale)
        super().__init__(
            title=shorten(title, _MAX_LABEL), timeout=840, custom_id=unique_id(NAMESPACE)
        )
        self._field = field
        self._locale = locale
        self._submitted = submitted
        self._input = _chooser(field, value, state, guild_id, locale) or _text_input(
            field, edit_text(field, value) if typed is None else typed, locale
        )
        if field.form.variables:
            self.add_item(discord.ui.TextDisplay(_variables(field, locale)))
        self.add_item(
            discord.ui.Label(
                text=shorten(title, _MAX_LABEL),
                description=shorten(_advice(field).render(locale), _MAX_DESCRIPTION),
                component=self._input,
            )
        )

    async def on_submit(self, interaction: discord.Interaction) -> None:
        """Hand on what was entered."""
        field = self._field
        if isinstance(self._input, discord.ui.TextInput):
            typed = self._input.value
            value = read_text(field, typed, self._locale)
            await self._submitted(interaction, field, value, typed)
            return
        chosen = [str(getattr(one, "id", one)) for one in self._input.values]
        if field.form.widget in _SEVERAL:
            await self._submitted(interaction, field, chosen, None)
        else:
            await self._submitted(interaction, field, chosen[0] if chosen else None, None)

    async def on_error(self, interaction: discord.Interaction[Any], error: Exception) -> None:
        """Hand the error to the one place that answers errors."""
        await interaction.client.tree.on_error(interaction, error)


def fits_a_modal(field: FieldInfo, value: Any) -> bool:
    """Tell whether the present value can be edited in a modal's text input."""
    return len(edit_text(field, value)) <= MAX_INPUT


def _advice(field: FieldInfo) -> Message:
    if field.form.widget is Widget.TEMPLATES:
        return _("A line of three dashes (---) separates several texts.")
    return _(field.description)


def _variables(field: FieldInfo, locale: str) -> str:
    """Say which variables a text may use and, where that is declared, what they stand for."""
    # A label's description would have to cut so many.
    if not field.form.meanings:
        names = " ".join(f"`{{{name}}}`" for name in field.form.variables)
        return _("Variables: {names}", names=names).render(locale)
    lines = [f"`{{{name}}}` {_(text).render(locale)}" for name, text in field.form.meanings]
    return "\n".join([_("Variables:").render(locale), *lines])


def _text_input(field: FieldInfo, text: str, locale: str) -> discord.ui.TextInput[Any]:
    long = field.form.widget in _LONG
    example = _EXAMPLES.get(field.form.widget)
    return discord.ui.TextInput(
        custom_id=field.name,
        style=discord.TextStyle.paragraph if long else discord.TextStyle.short,
        default=text or None,
        placeholder=None if example is None else _(example).render(locale),
        required=not field.optional and field.default != [],
        # Too long is refused in words, with the text kept; Discord would cut it.
        max_length=MAX_INPUT,
    )


def _chooser(
    field: FieldInfo, value: Any, state: BotState, guild_id: int, locale: str
) -> Chooser | None:
    match field.form.widget:
        case Widget.CHANNEL | Widget.CHANNELS:
            return _channel_select(field, value, state, guild_id)
        case Widget.ROLE | Widget.ROLES:
            return _role_select(field, value, state, guild_id)
        case Widget.MEMBERS:
            return _member_select(field, value)
        case Widget.CHOICE | Widget.LANGUAGE if len(field.choices) <= _MAX_OPTIONS:
            return _choice_select(field, value, locale)
        case _:
            return None


def _channel_select(
    field: FieldInfo, value: Any, state: BotState, guild_id: int
) -> discord.ui.ChannelSelect[Any]:
    present = [one for one in _ids(value) if state.channel(guild_id, one) is not None]
    return discord.ui.ChannelSelect(
        custom_id=field.name,
        channel_types=[one for name in field.form.kinds for one in _CHANNEL_TYPES[name]],
        default_values=_preselected(present, discord.SelectDefaultValueType.channel),
        **_counts(field),
    )


def _role_select(
    field: FieldInfo, value: Any, state: BotState, guild_id: int
) -> discord.ui.RoleSelect[Any]:
    present = [one for one in _ids(value) if state.role(guild_id, one) is not None]
    return discord.ui.RoleSelect(
        custom_id=field.name,
        default_values=_preselected(present, discord.SelectDefaultValueType.role),
        **_counts(field),
    )


def _member_select(field: FieldInfo, value: Any) -> discord.ui.UserSelect[Any]:
    return discord.ui.UserSelect(
        custom_id=field.name,
        # Who has left stays in the list: they may come back.
        default_values=_preselected(_ids(value), discord.SelectDefaultValueType.user),
        **_counts(field),
    )


def _preselected(
    present: list[int], kind: discord.SelectDefaultValueType
) -> list[discord.SelectDefaultValue]:
    """Return what a menu begins with: Discord refuses one that names what no longer exists."""
    return [discord.SelectDefaultValue(id=one, type=kind) for one in present]


def _choice_select(field: FieldInfo, value: Any, locale: str) -> discord.ui.Select[Any]:
    options = [
        discord.SelectOption(
            label=shorten(choice_title(field, one.value).render(locale), 100),
            value=one.value,
            default=one.value == value,
        )
        for one in field.choices
    ]
    return discord.ui.Select(custom_id=field.name, options=options, **_counts(field))


def _counts(field: FieldInfo) -> dict[str, Any]:
    several = field.form.widget in _SEVERAL
    required = not (field.optional or several)
    most = min(field.form.maximum, _MAX_OPTIONS) if several else 1
    return {"min_values": int(required), "max_values": most, "required": required}


def _ids(value: Any) -> list[int]:
    if value is None:
        return []
    return [int(one) for one in ([value] if isinstance(value, str) else value)]
