"""Discord's side of appeals: the button in a direct message, its form, and the staff's buttons."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Self

import discord
from discord.ext import commands

from bot.checks import actor_of, guild_id_of, in_time
from bot.core.i18n import _
from bot.core.preflight import Action, can_act
from bot.localization import locale_of
from bot.replies import LastingButton, answer, unique_id
from cogs.moderation.appealing import AppealService
from cogs.moderation.people import actor_facts, bot_facts, raise_refusal
from db.appeals import ACCEPTED, OPEN, REJECTED

if TYPE_CHECKING:
    from bot.client import Pegasus

_FORM_SECONDS = 840.0
_MAX_TEXT = 1500
_VOTES = {"accept": ACCEPTED, "reject": REJECTED}
_OUTCOMES = {
    OPEN: _("Your vote is counted."),
    ACCEPTED: _("The appeal is accepted; I lift the case."),
    REJECTED: _("The appeal is rejected."),
}


class Appeals(commands.Cog):
    """Appeals against timeouts, mutes and bans."""

    def __init__(self, bot: Pegasus) -> None:
        self.bot = bot
        kernel = bot.kernel
        self.service = AppealService(
            kernel.database,
            kernel.clock,
            kernel.settings,
            cases=kernel.cases,
            jobs=kernel.jobs,
            outbox=kernel.outbox,
            state=kernel.state,
        )

    async def cog_load(self) -> None:
        """Have the buttons of earlier runs work."""
        self.service.start()
        self.bot.add_dynamic_items(AppealButton, VoteButton)


def _service(interaction: discord.Interaction[Any]) -> AppealService:
    cog: Any = interaction.client.get_cog("Appeals")
    return cog.service


class AppealForm(discord.ui.Modal):
    """Asks why a case should be lifted."""

    def __init__(self, opened: discord.Interaction[Any], case_id: int) -> None:
        locale = locale_of(opened)
        super().__init__(
            title=_("Appeal").render(locale),
            timeout=_FORM_SECONDS,
            custom_id=unique_id("moderation"),
        )
        self._case_id = case_id
        self._text: discord.ui.TextInput[AppealForm] = discord.ui.TextInput(
            custom_id="text", style=discord.TextStyle.paragraph, max_length=_MAX_TEXT
        )
        text = _("Why should it be lifted?").render(locale)
        self.add_item(discord.ui.Label(text=text, component=self._text))

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        """Hand the appeal in."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await _service(interaction).appeal(self._case_id, interaction.user.id, self._text.value)
        await answer(interaction, _("Thank you. The moderators see your appeal."))

    async def on_error(self, interaction: discord.Interaction[Any], error: Exception) -> None:
        """Hand the error to the one place that answers errors."""
        await interaction.client.tree.on_error(interaction, error)


class AppealButton(
    LastingButton,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"moderation:appeal:(?P<id>\d{1,18})",
):
    """The button under a message about a case; it works for the person it is about."""

    def __init__(self, item: discord.ui.Button[Any], case_id: int) -> None:
        super().__init__(item)
        self._case_id = case_id

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
        """Open the form."""
        async with in_time():
            await _service(interaction).ensure_may(self._case_id, interaction.user.id)
        await interaction.response.send_modal(AppealForm(interaction, self._case_id))


class VoteButton(
    LastingButton,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"moderation:appeal:(?P<what>accept|reject):(?P<id>\d{1,18})",
):
    """A button of an appeal's card, for the staff."""

    def __init__(self, item: discord.ui.Button[Any], what: str, appeal_id: int) -> None:
        super().__init__(item)
        self._what = what
        self._appeal_id = appeal_id

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

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Count the vote."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        # Who may ban may lift a ban: the hardest of what can be appealed.
        actor = await actor_facts(interaction)
        raise_refusal(can_act(Action.UNBAN, bot=bot_facts(interaction), actor=actor))
        state = await _service(interaction).vote(
            guild_id_of(interaction), self._appeal_id, actor_of(interaction), _VOTES[self._what]
        )
        await answer(interaction, _OUTCOMES[state])
