"""Answers to interactions: translated, ephemeral unless said otherwise, and without mentions.

Every cog answers through here, so that deferring, follow-ups and languages are handled once.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import discord
import structlog

from bot.checks import in_time
from bot.core.errors import AppError
from bot.core.features import RateClass
from bot.core.i18n import Message, _
from bot.localization import locale_of

log = structlog.get_logger(__name__)

CONFIRM_SECONDS = 120.0
_MAX_CONTENT = 2000

Recheck = Callable[[discord.Interaction[Any]], Awaitable[None]]


async def answer(
    interaction: discord.Interaction,
    text: Message | str | None = None,
    *,
    ephemeral: bool = True,
    **options: Any,
) -> None:
    """Answer an interaction, by follow-up when it was deferred or answered already.

    `options` go to discord.py unchanged (embed, view, file …). A deferred answer keeps the
    visibility that it was deferred with.
    """
    content = text.render(locale_of(interaction)) if isinstance(text, Message) else text
    if content is not None:
        options["content"] = content
    options.setdefault("allowed_mentions", discord.AllowedMentions.none())
    if interaction.response.is_done():
        await interaction.followup.send(ephemeral=ephemeral, **options)
    else:
        await interaction.response.send_message(ephemeral=ephemeral, **options)


async def answer_error(interaction: discord.Interaction, error: AppError) -> None:
    """Tell the person what went wrong and what to do, for their eyes only."""
    await answer(interaction, error.render(locale_of(interaction)))


def unique_id(namespace: str) -> str:
    """Return a custom id that no other component has; the metrics count by its namespace.

    discord.py tells forms, and views whose message it does not know, apart by their ids alone.
    """
    return f"{namespace}:{secrets.token_hex(8)}"


class OwnedView(discord.ui.View):
    """A view whose components answer only to the person it was made for."""

    def __init__(self, owner_id: int, *, timeout: float | None = CONFIRM_SECONDS) -> None:
        super().__init__(timeout=timeout)
        self._owner_id = owner_id

    async def interaction_check(self, interaction: discord.Interaction) -> bool:
        """Turn away everyone but the owner, in words."""
        if interaction.user.id == self._owner_id:
            return True
        await answer(interaction, _("Only the person who ran the command can use these buttons."))
        return False

    async def on_error(
        self,
        interaction: discord.Interaction,
        error: Exception,
        item: discord.ui.Item[Any],  # noqa: ARG002 - the library's signature
    ) -> None:
        """Hand the error to the one place that answers errors."""
        await interaction.client.tree.on_error(interaction, error)  # pyright: ignore[reportAttributeAccessIssue]


class LastingButton:
    """A `DynamicItem` with a limit, whose errors are answered where all are; it stands before that.

    The library makes it a bare view, so there is no `on_error` of ours: it would log the error
    without a word to the person.
    """

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Do what the button says, unless the person presses too often."""
        try:
            async with in_time():
                await interaction.client.kernel.limits.check(interaction.user.id, RateClass.PRESS)
            await self.press(interaction)
        except Exception as error:  # noqa: BLE001 - answered where all errors are
            await interaction.client.tree.on_error(interaction, error)

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Answer the press; what it raises is told to the person."""
        raise NotImplementedError


class _Confirmation(OwnedView):
    def __init__(self, owner_id: int, yes: str, no: str, *, danger: bool) -> None:
        super().__init__(owner_id)
        self.accepted = False
        self.pressed: discord.Interaction | None = None
        style = discord.ButtonStyle.danger if danger else discord.ButtonStyle.primary
        accept: discord.ui.Button[_Confirmation] = discord.ui.Button(
            label=yes, style=style, custom_id=unique_id("confirmation")
        )
        refuse: discord.ui.Button[_Confirmation] = discord.ui.Button(
            label=no, custom_id=unique_id("confirmation")
        )
        accept.callback = self._accept
        refuse.callback = self._refuse
        self.add_item(accept).add_item(refuse)

    async def _accept(self, interaction: discord.Interaction) -> None:
        self.accepted = True
        await self._finish(interaction)

    async def _refuse(self, interaction: discord.Interaction) -> None:
        await self._finish(interaction)

    async def _finish(self, interaction: discord.Interaction) -> None:
        self.pressed = interaction
        self.stop()
        await interaction.response.defer()


async def confirm(
    interaction: discord.Interaction,
    question: Message,
    *,
    accept: Message | None = None,
    danger: bool = True,
    recheck: Recheck | None = None,
) -> bool:
    """Ask before something that can't be undone; returns true only for an explicit yes.

    When answered, or after two minutes, the buttons give way to a line that says how the question
    ended. `recheck` is called with the press of a yes and raises when the person may no longer.
    """
    locale = locale_of(interaction)
    yes = (accept or _("Yes, go ahead")).render(locale)
    no = _("Cancel").render(locale)
    view = _Confirmation(interaction.user.id, yes, no, danger=danger)
    if not interaction.response.is_done():
        await interaction.response.defer(ephemeral=True, thinking=True)
    prompt = await interaction.followup.send(
        question.render(locale),
        view=view,
        ephemeral=True,
        wait=True,
        allowed_mentions=discord.AllowedMentions.none(),
    )
    await view.wait()
    late = _("Not answered in time.").render(locale)
    outcome = late if view.pressed is None else yes if view.accepted else no
    await _close(prompt, f"{question.render(locale)}\n-# ➜ {outcome}")
    if view.accepted and view.pressed is not None and recheck is not None:
        await recheck(view.pressed)
    if view.pressed is None:
        await answer(interaction, _("Nothing was changed: the question was not answered in time."))
    elif not view.accepted:
        await answer(interaction, _("Nothing was changed."))
    return view.accepted


async def _close(prompt: discord.WebhookMessage, text: str) -> None:
    try:
        await prompt.edit(content=text[:_MAX_CONTENT], view=None)
    except discord.HTTPException as error:
        # Dismissed by its reader: what was answered counts all the same.
        log.info("question_not_closed", code=error.code)


class Pages(OwnedView):
    """Leafs through embeds that were all built beforehand."""

    def __init__(self, owner_id: int, pages: Sequence[discord.Embed], *, locale: str) -> None:
        super().__init__(owner_id, timeout=600)
        self._pages = pages
        self._index = 0
        self._back: discord.ui.Button[Pages] = discord.ui.Button(
            label=_("Back").render(locale), custom_id=unique_id("pages")
        )
        self._next: discord.ui.Button[Pages] = discord.ui.Button(
            label=_("Next").render(locale), custom_id=unique_id("pages")
        )
        self._back.callback = self._turn_back
        self._next.callback = self._turn_on
        self.add_item(self._back).add_item(self._next)
        self._update_buttons()

    def _update_buttons(self) -> None:
        self._back.disabled = self._index == 0
        self._next.disabled = self._index == len(self._pages) - 1

    async def _turn_back(self, interaction: discord.Interaction) -> None:
        await self._show(interaction, self._index - 1)

    async def _turn_on(self, interaction: discord.Interaction) -> None:
        await self._show(interaction, self._index + 1)

    async def _show(self, interaction: discord.Interaction, index: int) -> None:
        self._index = min(max(index, 0), len(self._pages) - 1)
        self._update_buttons()
        await interaction.response.edit_message(embed=self._pages[self._index], view=self)


async def paginate(interaction: discord.Interaction, pages: Sequence[discord.Embed]) -> None:
    """Answer with the first page, and with buttons when there are several."""
    if len(pages) == 1:
        await answer(interaction, embed=pages[0])
        return
    view = Pages(interaction.user.id, pages, locale=locale_of(interaction))
    await answer(interaction, embed=pages[0], view=view)
