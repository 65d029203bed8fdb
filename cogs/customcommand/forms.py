"""The form in which a command's answer is written, and the preview from which it is saved.

What was typed is never lost: a mistake is answered with a button that opens the form again as it
was filled in.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import discord

from bot.core.errors import InvalidInput
from bot.core.fields.text import shorten
from bot.core.fields.values import VARIANT_LINE, read_colour
from bot.core.i18n import Message, _
from bot.localization import locale_of
from bot.replies import OwnedView, answer, unique_id
from cogs.customcommand.evaluation import Occasion
from cogs.customcommand.invocations import occasion_of
from cogs.customcommand.language import MAX_SOURCE
from cogs.customcommand.rules import (
    MAX_URL,
    Draft,
    EmbedTexts,
    Response,
    check_response,
    payload_of,
    read_texts,
)
from cogs.customcommand.wording import describe

if TYPE_CHECKING:
    from bot.client import Pegasus

Interaction: TypeAlias = "discord.Interaction[Pegasus]"
Save = Callable[[Interaction, Draft], Awaitable[Message]]

_NAMESPACE = "customcommand"
_SECONDS = 840
_MAX_PREVIEW = 1400
_MAX_EMBED_TITLE = 300
_MAX_COLOUR = 30
_MAX_CHOSEN = 25


@dataclass(frozen=True, slots=True)
class Entered:
    """What stands in the form's inputs."""

    text: str = ""
    title: str = ""
    body: str = ""
    image: str = ""
    colour: str = ""

    @classmethod
    def of(cls, response: Response) -> Entered:
        """Return what to put into the form to edit an answer."""
        embed = response.embed or EmbedTexts()
        return cls(
            f"\n{VARIANT_LINE}\n".join(response.texts),
            embed.title,
            embed.body,
            embed.image,
            f"#{embed.colour:06x}" if embed.colour is not None else "",
        )

    def read(self) -> Response:
        """Return the answer; raises `InvalidInput` for the first thing wrong in it."""
        embed = None
        if self.title.strip() or self.body.strip() or self.image.strip() or self.colour.strip():
            colour = read_colour(self.colour.strip()) if self.colour.strip() else None
            embed = EmbedTexts(self.title.strip(), self.body.strip(), self.image.strip(), colour)
        response = Response(read_texts(self.text), embed)
        check_response(response)
        return response


def _inputs(entered: Entered, locale: str) -> dict[str, discord.ui.Label[Any]]:
    """Return the inputs by name; a long text in a form of one line would be cut off."""
    several = _("Part several texts by a line of three hyphens: chance picks one.")
    rows: tuple[tuple[str, Message, Message | None, int, bool], ...] = (
        ("text", _("Text"), several, MAX_SOURCE, True),
        ("title", _("Embed title"), None, _MAX_EMBED_TITLE, False),
        ("body", _("Embed text"), None, MAX_SOURCE, True),
        (
            "image",
            _("Picture in the embed"),
            _("An address that begins with https"),
            MAX_URL,
            False,
        ),
        ("colour", _("Colour of the embed"), _("A name or #rrggbb"), _MAX_COLOUR, False),
    )
    return {
        name: discord.ui.Label(
            text=label.render(locale),
            description=note.render(locale) if note else None,
            component=discord.ui.TextInput[Any](
                custom_id=name,
                style=discord.TextStyle.paragraph if is_long else discord.TextStyle.short,
                default=getattr(entered, name)[:limit] or None,
                required=False,
                max_length=limit,
            ),
        )
        for name, label, note, limit, is_long in rows
    }


class AnswerForm(discord.ui.Modal):
    """Asks for an answer and goes on to its preview."""

    def __init__(
        self, interaction: Interaction, draft: Draft, entered: Entered, save: Save
    ) -> None:
        locale = locale_of(interaction)
        super().__init__(
            title=shorten(_("The answer of /{name}", name=draft.name).render(locale), 45),
            timeout=_SECONDS,
            custom_id=unique_id(_NAMESPACE),
        )
        self._draft = draft
        self._save = save
        self._inputs = _inputs(entered, locale)
        for label in self._inputs.values():
            self.add_item(label)

    async def on_submit(self, interaction: Interaction) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Show the preview, or what is wrong with a way back into the form."""
        entered = Entered(
            **{name: one.component.value for name, one in self._inputs.items()}  # pyright: ignore[reportAttributeAccessIssue]
        )
        try:
            draft = replace(self._draft, response=entered.read())
        except InvalidInput as error:
            again = _Again(interaction, self._draft, entered, self._save)
            await answer(interaction, error.render(locale_of(interaction)), view=again)
            return
        preview = Preview(interaction, draft, self._save)
        await answer(interaction, **preview.shown(interaction), view=preview)

    async def on_error(self, interaction: discord.Interaction[Any], error: Exception) -> None:
        """Hand the error to the one place that answers errors."""
        await interaction.client.tree.on_error(interaction, error)


def _button(
    label: Message, locale: str, style: discord.ButtonStyle, press: Any
) -> discord.ui.Button[Any]:
    button: discord.ui.Button[Any] = discord.ui.Button(
        label=label.render(locale), style=style, custom_id=unique_id(_NAMESPACE)
    )
    button.callback = press
    return button


class _Again(OwnedView):
    """One button, which opens the form again as it was filled in."""

    def __init__(
        self, interaction: Interaction, draft: Draft, entered: Entered, save: Save
    ) -> None:
        super().__init__(interaction.user.id, timeout=_SECONDS)
        self._draft, self._entered, self._save = draft, entered, save
        style = discord.ButtonStyle.primary
        self.add_item(_button(_("Correct it"), locale_of(interaction), style, self._open))

    async def _open(self, interaction: Interaction) -> None:
        form = AnswerForm(interaction, self._draft, self._entered, self._save)
        await interaction.response.send_modal(form)


class Preview(OwnedView):
    """Shows a command as it would answer, asks for whom and where it is, and saves it."""

    def __init__(self, interaction: Interaction, draft: Draft, save: Save) -> None:
        super().__init__(interaction.user.id, timeout=_SECONDS)
        self._draft = draft
        self._save = save
        locale, style = locale_of(interaction), discord.ButtonStyle
        guild = interaction.guild
        known = {one.id for one in (*guild.roles, *guild.channels)} if guild else set()
        self._roles: discord.ui.RoleSelect[Any] = discord.ui.RoleSelect(
            placeholder=_("Only for members with these roles").render(locale),
            min_values=0,
            max_values=_MAX_CHOSEN,
            default_values=_chosen(draft.role_ids, known, discord.SelectDefaultValueType.role),
            custom_id=unique_id(_NAMESPACE),
        )
        self._channels: discord.ui.ChannelSelect[Any] = discord.ui.ChannelSelect(
            placeholder=_("Only in these channels").render(locale),
            min_values=0,
            max_values=_MAX_CHOSEN,
            default_values=_chosen(
                draft.channel_ids, known, discord.SelectDefaultValueType.channel
            ),
            custom_id=unique_id(_NAMESPACE),
        )
        self._roles.callback = self._choose_roles
        self._channels.callback = self._choose_channels
        self.add_item(self._roles).add_item(self._channels)
        self.add_item(_button(_("Save"), locale, style.success, self._keep))
        self.add_item(_button(_("Change the answer"), locale, style.secondary, self._change))
        self.add_item(_button(_("Cancel"), locale, style.secondary, self._cancel))

    def shown(self, interaction: Interaction) -> dict[str, Any]:
        """Return the text and the embeds of the preview."""
        locale = locale_of(interaction)
        payload = payload_of(self._draft.response, _example(interaction, self._draft), _chance)
        if payload is None:
            said = _("It says nothing to these words.").render(locale)
            embeds = [discord.Embed(description=said)]
        else:
            embeds = [discord.Embed.from_dict(one) for one in payload.get("embeds", ())]
            if content := payload.get("content"):
                embeds.insert(0, discord.Embed(description=shorten(content, _MAX_PREVIEW)))
        title = _("This is how it answers; nothing is saved yet.").render(locale)
        return {"text": f"{title}\n{describe(self._draft, locale)}", "embeds": embeds}

    async def _choose_roles(self, interaction: Interaction) -> None:
        self._draft = replace(self._draft, role_ids=_ids(self._roles))
        await interaction.response.defer()

    async def _choose_channels(self, interaction: Interaction) -> None:
        self._draft = replace(self._draft, channel_ids=_ids(self._channels))
        await interaction.response.defer()

    async def _keep(self, interaction: Interaction) -> None:
        await interaction.response.defer()
        done = await self._save(interaction, self._draft)
        self.stop()
        text = done.render(locale_of(interaction))
        await interaction.edit_original_response(content=text, embeds=[], view=None)

    async def _change(self, interaction: Interaction) -> None:
        entered = Entered.of(self._draft.response)
        form = AnswerForm(interaction, self._draft, entered, self._save)
        await interaction.response.send_modal(form)

    async def _cancel(self, interaction: Interaction) -> None:
        self.stop()
        text = _("Nothing was changed.").render(locale_of(interaction))
        await interaction.response.edit_message(content=text, embeds=[], view=None)


def _ids(menu: Any) -> tuple[int, ...]:
    return tuple(one.id for one in menu.values)


def _chosen(
    ids: tuple[int, ...], known: set[int], kind: discord.SelectDefaultValueType
) -> list[discord.SelectDefaultValue]:
    # Discord refuses a menu that begins with what no longer exists.
    return [discord.SelectDefaultValue(id=one, type=kind) for one in ids if one in known]


def _chance(count: int) -> int:
    return secrets.randbelow(count)


def _example(interaction: Interaction, draft: Draft) -> Occasion:
    """Return the admin's own use of the command, with words to show what becomes of them."""
    return occasion_of(interaction, draft.name, _("some words").render(locale_of(interaction)))
