"""What every panel has in common: it is one person's, and says so when it is no longer alive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import discord
import structlog
from discord import ui

from bot.core.i18n import _
from bot.localization import locale_of
from bot.replies import answer

if TYPE_CHECKING:
    from bot.client import Pegasus

log = structlog.get_logger(__name__)

# An interaction's token lasts 15 minutes; the last word must be said before that.
TIMEOUT_SECONDS = 14 * 60.0

Interaction: TypeAlias = "discord.Interaction[Pegasus]"


def message_of(interaction: Interaction) -> int | None:
    """Return the message in which somebody has pressed, or from which a form came that was sent."""
    return interaction.message.id if interaction.message is not None else None


class OwnedPanel(ui.LayoutView):
    """Answers only to the person who opened it, until nobody has pressed for fourteen minutes."""

    def __init__(self, interaction: Interaction) -> None:
        super().__init__(timeout=TIMEOUT_SECONDS)
        self._owner_id = interaction.user.id
        self._locale = locale_of(interaction)
        self._latest = interaction

    async def ensure_may(self, interaction: Interaction) -> None:
        """Raise `Denied` for an owner who may not use the panel any more; asked at each press."""

    def closed(self) -> ui.Item[Any]:
        """Return what is shown once the controls are dead."""
        raise NotImplementedError

    # --- discord.py's hooks -------------------------------------------------------------------

    async def interaction_check(self, interaction: Interaction) -> bool:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Let only the owner in, and only while they may."""
        if interaction.user.id != self._owner_id:
            await answer(interaction, _("Only the person who ran the command can use this."))
            return False
        await self.ensure_may(interaction)
        self._latest = interaction
        return True

    async def on_error(
        self,
        interaction: discord.Interaction[Any],
        error: Exception,
        item: ui.Item[Any],  # noqa: ARG002 - the library's signature
    ) -> None:
        """Hand the error to the one place that answers errors."""
        await interaction.client.tree.on_error(interaction, error)

    async def on_timeout(self) -> None:
        """Say that the panel is no longer alive."""
        self.clear_items().add_item(self.closed())
        try:
            await self._latest.edit_original_response(view=self)
        except discord.HTTPException as error:
            # Dismissed by its reader, or its token is gone: nobody sees it any more.
            log.info("panel_not_closed", code=error.code)
