"""Shows how far a batch is to whoever ordered it, with a button that also works after a restart."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import discord

from bot.core.batches import BatchOrder, BatchService
from bot.core.i18n import Message, _
from bot.replies import LastingButton, answer
from db.batches import Batch

if TYPE_CHECKING:
    from bot.client import Pegasus

Interaction: TypeAlias = "discord.Interaction[Pegasus]"

# An interaction can be answered for 15 minutes; later the end is told by direct message.
_SHOW_SECONDS = 850.0
_STEPS = 20

# How a batch stands, and how it ended.
Words = Callable[[Batch], Message]


class StopButton(
    LastingButton,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"moderation:batch:stop:(?P<id>\d{1,18})",
):
    """The button that ends a batch, for whoever ordered it."""

    def __init__(self, item: discord.ui.Button[Any], batch_id: int) -> None:
        super().__init__(item)
        self._batch_id = batch_id

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003 - the library's signature
        item: discord.ui.Item[Any],
        match: re.Match[str],
        /,
    ) -> Self:
        """Make the button anew from its id."""
        return cls(item, int(match["id"]))  # pyright: ignore[reportArgumentType] - the template is a button's

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Stop the batch."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await _batches_of(interaction).stop(self._batch_id, interaction.user.id)
        await answer(interaction, _("⏹️ I stop after what is under way."))


class Screen:
    """An answer that is edited while a batch goes on."""

    def __init__(self, message: discord.WebhookMessage, locale: str) -> None:
        self._message: discord.WebhookMessage | None = message
        self._locale = locale

    async def show(self, text: Message, **changes: Any) -> bool:
        """Show a text instead; False when the answer is there no more."""
        if self._message is None:
            return False
        try:
            await self._message.edit(content=text.render(self._locale), **changes)
        except discord.HTTPException:
            # Dismissed by its reader, or after 15 minutes.
            self._message = None
        return self._message is not None


async def run_batch(
    interaction: Interaction, order: BatchOrder, *, progress: Words, outcome: Words
) -> Batch | None:
    """Begin a batch and show how far it is; returns it ended, `None` if that was not to be shown.

    Cut off by a restart it goes on by itself, and whoever ordered it gets a direct message.
    """
    batch = await _batches_of(interaction).begin(order)
    return await show_batch(
        interaction, batch, locale=order.locale, progress=progress, outcome=outcome
    )


async def show_batch(
    interaction: Interaction, begun: Batch, *, locale: str, progress: Words, outcome: Words
) -> Batch | None:
    """Show how far a batch is, as `run_batch` does."""
    service, batch = _batches_of(interaction), begun
    view = discord.ui.View(timeout=_SHOW_SECONDS)
    view.add_item(
        discord.ui.Button(
            label=_("Stop").render(locale),
            style=discord.ButtonStyle.danger,
            custom_id=f"moderation:batch:stop:{batch.id}",
        )
    )
    message = await interaction.followup.send(
        progress(batch).render(locale), view=view, ephemeral=True, wait=True
    )
    # The button is found by its id, not by this view.
    view.stop()
    screen, step = Screen(message, locale), 0
    try:
        async with asyncio.timeout(_SHOW_SECONDS), aclosing(service.follow(begun.id)) as changes:
            async for batch in changes:
                if not batch.is_open:
                    break
                if (now := batch.done * _STEPS // max(batch.total, 1)) > step:
                    step = now
                    await screen.show(progress(batch))
    except TimeoutError:
        return None
    if batch.is_open or not await screen.show(outcome(batch), view=None):
        return None
    await service.note_told(batch.id)
    return batch


def _batches_of(interaction: discord.Interaction[Any]) -> BatchService:
    return interaction.client.kernel.batches  # pyright: ignore[reportAttributeAccessIssue] - ours
