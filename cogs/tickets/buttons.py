"""What is pressed in a ticket's room; known by its id alone, so it works for ever."""

from __future__ import annotations

import re
from typing import Any, Self, cast

import discord

from bot.checks import in_time
from bot.core.errors import Denied
from bot.core.i18n import _
from bot.forms import Input, Question, Values, ask
from bot.replies import LastingButton, answer
from cogs.tickets.access import Interaction, Standing, not_staff, only_staff_reopen
from cogs.tickets.changing import ensure_open
from cogs.tickets.ending import LONGEST_REASON
from cogs.tickets.settings import KEY

_Button = discord.ui.DynamicItem[discord.ui.Button[Any]]


class TicketButton(
    LastingButton,
    _Button,
    template=r"tickets:(?P<verb>claim|unclaim|close|reopen|accept|decline|keep):(?P<ticket>\d{1,18})",
):
    """Claims, closes, opens again, and answers whether a ticket can be closed."""

    def __init__(self, item: discord.ui.Button[Any], match: re.Match[str]) -> None:
        super().__init__(item)  # pyright: ignore[reportCallIssue] - the other base's
        self._match = match

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003 - the library's signature
        item: discord.ui.Item[Any],
        match: re.Match[str],
        /,
    ) -> Self:
        """Make the button anew from its id."""
        return cls(cast("discord.ui.Button[Any]", item), match)

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Do what the button says."""
        cog: Any = interaction.client.get_cog("Tickets")
        async with in_time():
            standing = await cog.access.find_by_id(interaction, int(self._match["ticket"]))
        match self._match["verb"]:
            case "close":
                await ask_to_close(interaction, standing)
            case "accept" | "decline" | "keep" as verb:
                await _answer_question(interaction, standing, verb)
            case verb:
                await _do(interaction, standing, verb)


async def _do(interaction: Interaction, standing: Standing, verb: str) -> None:
    if not standing.is_staff:
        raise only_staff_reopen() if verb == "reopen" else not_staff()
    await interaction.response.defer(ephemeral=True, thinking=True)
    cog: Any = interaction.client.get_cog("Tickets")
    life, ticket_id, own_id = cog.service.life, standing.ticket.id, interaction.user.id
    match verb:
        case "claim":
            await life.claim(ticket_id, own_id)
            text = _("You see to this ticket now.")
        case "unclaim":
            await life.unclaim(ticket_id, own_id, manages=standing.is_manager)
            text = _("Nobody sees to this ticket now.")
        case _:
            await life.reopen(ticket_id, own_id)
            text = _("The ticket is being opened again.")
    await answer(interaction, text)


async def _answer_question(interaction: Interaction, standing: Standing, verb: str) -> None:
    if not (standing.is_opener or standing.is_staff):
        raise Denied(_("Only whoever opened this ticket can answer that."))
    cog: Any = interaction.client.get_cog("Tickets")
    life, ticket_id = cog.service.life, standing.ticket.id
    await interaction.response.defer(ephemeral=True, thinking=True)
    if verb == "accept":
        await life.accept_close(ticket_id, interaction.user.id)
        own, other = _("Thank you. The ticket is closed."), _("The ticket is closed.")
        text = own if standing.is_opener else other
    elif verb == "decline":
        await life.decline_close(ticket_id, interaction.user.id)
        own = _("The ticket stays open. Write what is still missing.")
        text = own if standing.is_opener else _("The ticket stays open.")
    else:
        await life.keep_open(ticket_id, interaction.user.id)
        text = _("The ticket stays open.")
    await answer(interaction, text)


async def ask_to_close(interaction: Interaction, standing: Standing) -> None:
    """Open the form in which somebody says why, and so confirms, that a ticket be closed."""
    ensure_may_close(standing)
    ensure_open(standing.ticket)
    cog: Any = interaction.client.get_cog("Tickets")
    ticket = standing.ticket

    async def submitted(pressed: Interaction, values: Values) -> None:
        await pressed.response.defer(ephemeral=True, thinking=True)
        ensure_may_close(await cog.access.find_by_id(pressed, ticket.id))
        await cog.service.life.close(ticket.id, pressed.user.id, values["reason"])
        await answer(pressed, _("The ticket is closed."))

    reason = Input(
        "reason",
        _("Reason"),
        _("Everybody in the ticket can read it. You can leave it empty."),
        kind="paragraph",
        longest=LONGEST_REASON,
    )
    title = _("Close ticket {number}", number=ticket.number)
    await ask(interaction, KEY, Question(title, [reason]), submitted)


def ensure_may_close(standing: Standing) -> None:
    """Raise `Denied` unless somebody may close the ticket."""
    if standing.is_staff or (standing.is_opener and standing.panel.closing.opener_may_close):
        return
    if standing.is_opener:
        raise Denied(
            _("Only the staff can close tickets of this kind."),
            hint=_("Tell them in the ticket that it is settled."),
        )
    raise not_staff()
