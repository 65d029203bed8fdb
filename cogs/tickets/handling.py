"""The commands with which tickets are opened and handled; a base of the cog."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import in_time
from bot.core.durations import Span, parse_duration
from bot.core.errors import InvalidInput
from bot.core.features import RateClass
from bot.core.i18n import Message, _
from bot.localization import locale_of
from bot.replies import answer
from cogs.tickets.access import (
    Access,
    Interaction,
    complete_panel,
    complete_ticket,
    only_staff_for_others,
    only_staff_reopen,
)
from cogs.tickets.asking import Asker, request_of
from cogs.tickets.buttons import ask_to_close, ensure_may_close
from cogs.tickets.deadlines import find_silent_end
from cogs.tickets.ending import LONGEST_DELAY, LONGEST_REASON, SHORTEST_DELAY
from cogs.tickets.naming import waits_until
from cogs.tickets.panel import Panel, Priority
from cogs.tickets.wording import PRIORITIES

if TYPE_CHECKING:
    from bot.client import Pegasus
    from cogs.tickets.service import TicketService
    from db.tickets import Ticket

# Staff do many things in a row.
_STAFF: Any = {"rate_class": RateClass.MODERATION}
_Reason = app_commands.Range[str, 1, LONGEST_REASON]


class Handling(commands.Cog):
    """What members and staff do with tickets."""

    bot: Pegasus
    service: TicketService
    access: Access
    asker: Asker

    # --- opening -------------------------------------------------------------------------------

    @app_commands.command(description="Open a ticket")
    @app_commands.describe(
        panel="What kind of ticket", member="For whom, if not for you; for the staff"
    )
    @app_commands.autocomplete(panel=complete_panel)
    async def open(
        self,
        interaction: Interaction,
        panel: str | None = None,
        member: discord.Member | None = None,
    ) -> None:
        """Open a ticket, for oneself or, as staff, for somebody else."""
        async with in_time():
            guild_id = interaction.guild_id or 0
            row = await (
                self.access.find_panel(guild_id, panel)
                if panel is not None
                else self.access.only_panel(guild_id)
            )
            if member is not None and member.id != interaction.user.id:
                await self._ensure_sees_to(interaction, row.id)
        await self.asker.begin(interaction, request_of(interaction, row.id, member=member))

    async def _ensure_sees_to(self, interaction: Interaction, panel_id: int) -> None:
        if panel_id not in await self.access.seen_panels(interaction):
            raise only_staff_for_others()

    # --- the end -------------------------------------------------------------------------------

    @app_commands.command(description="Close a ticket, now or after a while", extras=_STAFF)
    @app_commands.describe(
        reason="Why; everybody in the ticket can read it",
        after="How long until then, such as 2h or 3d; now if left out",
    )
    async def close(
        self, interaction: Interaction, reason: _Reason | None = None, after: str | None = None
    ) -> None:
        """Close the ticket of this room; without a reason a form asks for it."""
        async with in_time():
            standing = await self.access.find(interaction)
            ensure_may_close(standing)
        if reason is None and after is None:
            await ask_to_close(interaction, standing)
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        if after is None:
            await self.service.life.close(standing.ticket.id, interaction.user.id, reason)
            await answer(interaction, _("The ticket is closed."))
            return
        ticket = await self.service.life.schedule_close(
            standing.ticket.id, interaction.user.id, _span(after), reason
        )
        when = f"<t:{int(ticket.close_at.timestamp())}:R>" if ticket.close_at else ""
        await answer(interaction, _("The ticket is closed {when}.", when=when))

    @app_commands.command(description="Ask whether a ticket can be closed", extras=_STAFF)
    @app_commands.describe(
        reason="What speaks for it",
        after="Close it without an answer after so long, such as 2h or 3d; never if left out",
    )
    async def closerequest(
        self, interaction: Interaction, reason: _Reason | None = None, after: str | None = None
    ) -> None:
        """Ask the opener."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        standing = await self.access.ensure_staff(interaction)
        span = _span(after) if after is not None else None
        await self.service.life.request_close(standing.ticket.id, interaction.user.id, reason, span)
        await answer(interaction, _("Whoever opened this ticket is asked."))

    @app_commands.command(description="Open a closed ticket again", extras=_STAFF)
    @app_commands.describe(ticket="Which one, if not the one of this room")
    @app_commands.autocomplete(ticket=complete_ticket)
    async def reopen(self, interaction: Interaction, ticket: str | None = None) -> None:
        """Open it in its room, or in a new one that begins with the transcript."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        standing = await self.access.find(interaction, ticket)
        if not standing.is_staff:
            raise only_staff_reopen()
        await self.service.life.reopen(standing.ticket.id, interaction.user.id)
        made = await self.service.keeper.wait(standing.ticket.id, 20.0)
        if made is not None and made.channel_id is not None and made.status == "open":
            where = f"<#{made.channel_id}>"
            await answer(interaction, _("The ticket is open again: {where}", where=where))
        else:
            await answer(interaction, _("The ticket is being opened again."))

    @app_commands.command(
        description="Keep a ticket open however long nobody writes", extras=_STAFF
    )
    @app_commands.describe(off="Let it close by itself again")
    async def keep(self, interaction: Interaction, off: bool = False) -> None:
        """Take a ticket out of what closes by itself."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        standing = await self.access.ensure_staff(interaction)
        ticket = await self.service.life.set_exempt(
            standing.ticket.id, interaction.user.id, exempt=not off
        )
        if not off:
            await answer(interaction, _("The ticket stays open until somebody closes it."))
            return
        now = self.service.office.clock.now()
        locale = locale_of(interaction)
        lines = [one.render(locale) for one in _how_it_closes(ticket, standing.panel, now)]
        await answer(interaction, "\n".join(lines))

    # --- who sees to it --------------------------------------------------------------------------

    @app_commands.command(description="See to this ticket yourself", extras=_STAFF)
    async def claim(self, interaction: Interaction) -> None:
        """Claim the ticket of this room."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        standing = await self.access.ensure_staff(interaction)
        await self.service.life.claim(standing.ticket.id, interaction.user.id)
        await answer(interaction, _("You see to this ticket now."))

    @app_commands.command(description="Let go of this ticket", extras=_STAFF)
    async def unclaim(self, interaction: Interaction) -> None:
        """Let go of the ticket of this room."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        standing = await self.access.ensure_staff(interaction)
        await self.service.life.unclaim(
            standing.ticket.id, interaction.user.id, manages=standing.is_manager
        )
        await answer(interaction, _("Nobody sees to this ticket now."))

    @app_commands.command(description="Hand this ticket to somebody else", extras=_STAFF)
    @app_commands.describe(
        member="To whom", owner="Make it their ticket, instead of having them see to it"
    )
    async def transfer(
        self, interaction: Interaction, member: discord.Member, owner: bool = False
    ) -> None:
        """Hand it to somebody of the staff, or make it another member's."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        standing = await self.access.ensure_staff(interaction)
        if member.bot:
            raise InvalidInput(_("A bot can't have a ticket."), hint=_("Choose another member."))
        life, own_id = self.service.life, interaction.user.id
        if owner:
            await life.give_to(standing.ticket.id, own_id, member.id)
            text = _("This is the ticket of {member} now.", member=member.mention)
        else:
            await self.access.ensure_sees_to(standing, member)
            await life.transfer(standing.ticket.id, own_id, member.id)
            text = _("{member} sees to this ticket now.", member=member.mention)
        await answer(interaction, text)

    @app_commands.command(description="Let somebody into this ticket", extras=_STAFF)
    @app_commands.describe(member="Whom")
    async def add(self, interaction: Interaction, member: discord.Member) -> None:
        """Let a member into the ticket of this room."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        standing = await self.access.ensure_staff(interaction)
        await self.service.life.add(standing.ticket.id, interaction.user.id, member.id)
        await answer(interaction, _("{member} is in this ticket now.", member=member.mention))

    @app_commands.command(description="Take somebody out of this ticket", extras=_STAFF)
    @app_commands.describe(member="Whom")
    async def remove(self, interaction: Interaction, member: discord.User) -> None:
        """Take somebody who was added out of the ticket of this room."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        standing = await self.access.ensure_staff(interaction)
        await self.service.life.remove(standing.ticket.id, interaction.user.id, member.id)
        text = _("{member} is not in this ticket any more.", member=member.mention)
        await answer(interaction, text)

    # --- what it is ------------------------------------------------------------------------------

    @app_commands.command(description="Make this a ticket of another panel", extras=_STAFF)
    @app_commands.describe(panel="Of which")
    @app_commands.autocomplete(panel=complete_panel)
    async def move(self, interaction: Interaction, panel: str) -> None:
        """Move the ticket of this room to another panel's staff and place."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        standing = await self.access.ensure_staff(interaction)
        row = await self.access.find_panel(standing.ticket.guild_id, panel)
        await self.service.life.move(standing.ticket.id, interaction.user.id, row)
        await answer(interaction, _("The ticket is one of {panel} now.", panel=row.name))

    @app_commands.command(description="Give this ticket's room another name", extras=_STAFF)
    @app_commands.describe(name="The new name")
    async def rename(self, interaction: Interaction, name: app_commands.Range[str, 1, 100]) -> None:
        """Rename the room; Discord takes two new names in ten minutes."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        standing = await self.access.ensure_staff(interaction)
        ticket = await self.service.life.rename(standing.ticket.id, interaction.user.id, name)
        ready_at = waits_until(ticket.renamed_at, self.service.office.clock.now())
        if ready_at is None:
            await answer(interaction, _("The room is being renamed."))
            return
        when = f"<t:{int(ready_at.timestamp())}:R>"
        await answer(
            interaction,
            _(
                "Discord takes two new names in ten minutes: the next one follows {when}.",
                when=when,
            ),
        )

    @app_commands.command(description="Say how urgent this ticket is", extras=_STAFF)
    @app_commands.describe(priority="How urgent")
    @app_commands.choices(
        priority=[
            app_commands.Choice(name="Low", value="low"),
            app_commands.Choice(name="Medium", value="normal"),
            app_commands.Choice(name="High", value="high"),
            app_commands.Choice(name="Urgent", value="urgent"),
        ]
    )
    async def priority(self, interaction: Interaction, priority: app_commands.Choice[str]) -> None:
        """Set the priority of the ticket of this room."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        standing = await self.access.ensure_staff(interaction)
        chosen = Priority(priority.value)
        await self.service.life.set_priority(standing.ticket.id, interaction.user.id, chosen)
        shown = _(PRIORITIES[chosen])
        await answer(interaction, _("The priority is {priority} now.", priority=shown))

    @app_commands.command(description="Put labels on this ticket", extras=_STAFF)
    @app_commands.describe(
        labels="All its labels, with commas between them; none takes them off",
        ticket="Which one, if not the one of this room",
    )
    @app_commands.autocomplete(ticket=complete_ticket)
    async def label(
        self, interaction: Interaction, labels: str | None = None, ticket: str | None = None
    ) -> None:
        """Set the labels of a ticket."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        standing = await self.access.ensure_staff(interaction, ticket)
        wanted = (labels or "").split(",")
        changed = await self.service.life.set_labels(
            standing.ticket.id, interaction.user.id, wanted
        )
        if changed.labels:
            shown = ", ".join(discord.utils.escape_markdown(one) for one in changed.labels)
            await answer(interaction, _("The labels are: {labels}", labels=shown))
        else:
            await answer(interaction, _("The ticket has no labels now."))


def _span(text: str) -> timedelta:
    return parse_duration(text, minimum=SHORTEST_DELAY, maximum=LONGEST_DELAY)


def _how_it_closes(ticket: Ticket, panel: Panel, now: datetime) -> Iterator[Message]:
    """Yield what closes a ticket by itself, now that it is not kept open any more."""
    closing = panel.closing
    end = find_silent_end(ticket, panel)
    if end is not None and end > now:
        when = f"<t:{int(end.timestamp())}:R>"
        yield _("The ticket closes by itself {when} if nobody writes until then.", when=when)
    elif end is not None:
        yield _("Nobody has written for long: the ticket closes by itself soon after a warning.")
    elif closing.unanswered_after is not None:
        yield _(
            "The ticket closes by itself when whoever opened it leaves the staff without an answer "
            "for {span}.",
            span=Span(closing.unanswered_after),
        )
    elif not closing.on_leave:
        yield _(
            "Tickets of this kind don't close by themselves: it stays open until somebody "
            "closes it."
        )
    if closing.on_leave:
        yield _("It closes when whoever opened it leaves the server.")
