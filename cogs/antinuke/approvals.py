"""Second approvals: what the guild has set about them, and the lasting buttons of their cards."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import discord

from bot.checks import actor_of, guild_id_of
from bot.core.errors import Denied
from bot.core.i18n import _
from bot.core.preflight import can_act
from bot.replies import LastingButton, answer
from cogs.antinuke.desk import FEATURE, StaffDesk
from cogs.antinuke.people import own_facts, staff_facts

if TYPE_CHECKING:
    from bot.client import Pegasus
    from cogs.antinuke.settings import AntinukeSettings

Interaction: TypeAlias = "discord.Interaction[Pegasus]"


class SettingsApprovals:
    """The policy of the guild's settings; while the feature is off nothing needs a second yes."""

    def __init__(self, desk: StaffDesk) -> None:
        self._desk = desk

    async def approve_from(self, guild_id: int) -> int:
        """Return from how many people on a second yes is needed; 0 is never."""
        settings = await self._desk.settings_of(guild_id)
        return settings.approve_from if settings is not None else 0

    async def patience(self, guild_id: int) -> timedelta:
        """Return how long a request stands."""
        state = await self._desk.settings.get(guild_id, FEATURE)
        settings: AntinukeSettings = state.settings
        return settings.approval_patience

    async def channel_id(self, guild_id: int) -> int | None:
        """Return where requests are shown."""
        return await self._desk.log_channel(guild_id)


class ApprovalButton(
    LastingButton,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"antinuke:approval:(?P<what>approve|refuse):(?P<id>\d{1,18})",
):
    """A button of a request's card, for those who may do themselves what is asked for."""

    def __init__(self, item: discord.ui.Button[Any], what: str, approval_id: int) -> None:
        super().__init__(item)
        self._what = what
        self._approval_id = approval_id

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003 - the library's signature
        item: discord.ui.Item[Any],
        match: re.Match[str],
        /,
    ) -> Self:
        """Make the button anew from its id."""
        return cls(item, match["what"], int(match["id"]))  # pyright: ignore[reportArgumentType] - the template is a button's

    async def press(self, interaction: Interaction) -> None:
        """Decide on the request."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        guild_id, approvals = guild_id_of(interaction), interaction.client.kernel.approvals
        approval = await approvals.get(guild_id, self._approval_id)
        is_own = approval.requested_by == interaction.user.id
        if self._what == "approve" or not is_own:
            action = approvals.kind_of(approval).action
            refusal = can_act(action, bot=own_facts(interaction), actor=staff_facts(interaction))
            if refusal is not None:
                raise Denied(refusal.message, hint=refusal.fix)
        if self._what == "approve":
            await approvals.approve(guild_id, approval.id, actor_of(interaction))
            await answer(interaction, _("You approved it; I carry it out now."))
        else:
            await approvals.refuse(guild_id, approval.id, actor_of(interaction))
            await answer(interaction, _("It is refused; nothing is done."))
