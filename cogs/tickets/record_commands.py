"""The commands about what is on record: transcripts, search, notes, figures, who is blocked."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import MANAGES, actor_of, ensure_manages, guild_id_of
from bot.core.durations import format_duration
from bot.core.errors import Conflict, InvalidInput
from bot.core.features import RateClass
from bot.core.fields.text import escape_markdown, shorten
from bot.core.i18n import Message, _, ngettext
from bot.localization import locale_of
from bot.replies import answer, confirm
from cogs.tickets.access import (
    Access,
    Interaction,
    complete_ticket,
    not_any_staff,
    not_staff,
)
from cogs.tickets.changing import LONGEST_NOTE
from cogs.tickets.figures import Figures
from cogs.tickets.machine import Action
from cogs.tickets.paging import show_lines
from cogs.tickets.settings import KEY
from db import tickets as table
from db.ticket_messages import TicketMessage
from db.tickets import Ticket, TicketEvent

if TYPE_CHECKING:
    from bot.client import Pegasus
    from cogs.tickets.service import TicketService

_STAFF: Any = {"rate_class": RateClass.MODERATION}
_MANAGED: Any = {"rate_class": RateClass.ADMIN, MANAGES: KEY}
_PER_PAGE = 10
# No id is greater than what the database holds, which has nineteen digits.
_LINK = re.compile(
    r"(?:https://(?:\w+\.)?discord\.com/channels/\d+/\d+/)?(\d{15,18}|[1-8]\d{18})/?"
)
_BARS = " ▁▂▃▄▅▆▇█"


class RecordCommands(commands.Cog):
    """Reads, searches and redacts what was written; a base of the cog."""

    bot: Pegasus
    service: TicketService
    access: Access

    blocklist = app_commands.Group(name="blocklist", description="People who can't open tickets")

    # --- the record ------------------------------------------------------------------------------

    @app_commands.command(description="Get a ticket's transcript as a file", extras=_STAFF)
    @app_commands.describe(
        ticket="Which one, if not the one of this room", form="A page to read, or JSON for machines"
    )
    @app_commands.autocomplete(ticket=complete_ticket)
    @app_commands.choices(
        form=[
            app_commands.Choice(name="Page", value="html"),
            app_commands.Choice(name="JSON, for machines", value="json"),
        ]
    )
    @app_commands.rename(form="format")
    async def transcript(
        self,
        interaction: Interaction,
        ticket: str | None = None,
        form: app_commands.Choice[str] | None = None,
    ) -> None:
        """Send the transcript to whoever asks; the staff's has their notes."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        standing = await self.access.find(interaction, ticket)
        kind = form.value if form else "html"
        data = await self.service.archive.render(
            standing.ticket.id,
            locale=locale_of(interaction),
            for_staff=standing.is_staff,
            as_json=kind == "json",
        )
        name = f"ticket-{standing.ticket.number:04}.{kind}"
        limit = min(interaction.filesize_limit, 25 * 1024 * 1024)
        if len(data) > limit:
            raise InvalidInput(
                _("This transcript is too large for Discord."),
                hint=_("As a page it is cut to what fits."),
            )
        file = discord.File(io.BytesIO(data), filename=name)
        text = _("The transcript of ticket {number}.", number=standing.ticket.number)
        await answer(interaction, text, file=file)

    @app_commands.command(description="Search what was written in tickets", extras=_STAFF)
    @app_commands.describe(words="Words that have to be in a message; the last may be a beginning")
    async def search(
        self, interaction: Interaction, words: app_commands.Range[str, 1, 200]
    ) -> None:
        """Show the newest messages in the tickets that the person sees to."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        seen = await self.access.seen_panels(interaction)
        if not seen and not await self.access.is_any_staff(interaction):
            raise not_any_staff()
        everything = await self.access.sees_all(interaction)
        found = await self.service.archive.search(
            guild_id_of(interaction), words, panel_ids=None if everything else seen
        )
        if not found:
            await answer(interaction, _("No message in a ticket has these words in it."))
            return
        lines = [_found_line(message, ticket) for message, ticket in found]
        await show_lines(interaction, _("Found in tickets"), lines, most=5)

    @app_commands.command(
        description="Remove a message from a ticket's record for good", extras=_STAFF
    )
    @app_commands.describe(
        message="The message's link or id", ticket="Of which ticket, if not the one of this room"
    )
    @app_commands.autocomplete(ticket=complete_ticket)
    async def redact(
        self, interaction: Interaction, message: str, ticket: str | None = None
    ) -> None:
        """Ask, then remove what a message said, with its files and earlier versions."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        standing = await self.access.ensure_staff(interaction, ticket)
        match = _LINK.fullmatch(message.strip())
        if match is None:
            raise InvalidInput(
                _("That is no link to a message."),
                hint=_("Copy the message's link from its menu, and paste it here."),
            )
        message_id = int(match[1])
        await self.service.archive.ensure_redactable(standing.ticket, message_id)
        question = _(
            "Remove this message from the record of ticket {number}? Its text, files and earlier "
            "versions are gone for good; in Discord it stays as it is.",
            number=standing.ticket.number,
        )

        async def recheck(pressed: discord.Interaction[Any]) -> None:
            if not (await self.access.find_by_id(pressed, standing.ticket.id)).is_staff:
                raise not_staff()

        if await confirm(interaction, question, recheck=recheck):
            await self.service.archive.redact(standing.ticket, message_id, interaction.user.id)
            await answer(interaction, _("Removed from the record."))

    @app_commands.command(description="Leave a note for the staff, or read theirs", extras=_STAFF)
    @app_commands.describe(
        text="The note; left out, all notes are shown",
        ticket="Which one, if not the one of this room",
    )
    @app_commands.autocomplete(ticket=complete_ticket)
    async def note(
        self,
        interaction: Interaction,
        text: app_commands.Range[str, 1, LONGEST_NOTE] | None = None,
        ticket: str | None = None,
    ) -> None:
        """Keep a note that no member reads."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        standing = await self.access.ensure_staff(interaction, ticket)
        if text is not None:
            await self.service.life.add_note(standing.ticket.id, interaction.user.id, text)
            await answer(interaction, _("Noted. Only the staff can read it."))
            return
        async with self.bot.kernel.database.read() as session:
            notes = await table.list_events(session, standing.ticket.id, kinds=[Action.NOTE])
        if not notes:
            await answer(interaction, _("There are no notes on this ticket."))
            return
        title = _("Notes on ticket {number}", number=standing.ticket.number)
        await show_lines(interaction, title, list(map(_note_line, notes)), most=3, gap="\n\n")

    @app_commands.command(description="Show the open tickets", extras=_STAFF)
    async def list(self, interaction: Interaction) -> None:
        """Show the open tickets that the person sees to, or their own."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        guild_id = guild_id_of(interaction)
        everything = await self.access.sees_all(interaction)
        seen = await self.access.seen_panels(interaction)
        async with self.bot.kernel.database.read() as session:
            rows = await table.list_tickets(
                session,
                guild_id,
                statuses=table.UNFINISHED,
                panel_ids=None if everything or not seen else seen,
                user_id=None if everything or seen else interaction.user.id,
                limit=200,
            )
        if not rows:
            sees_others = everything or bool(seen)
            none_here, none_own = _("There are no open tickets."), _("You have no open tickets.")
            await answer(interaction, none_here if sees_others else none_own)
            return
        lines = [_ticket_line(one) for one in rows]
        title = ngettext("{count} open ticket", "{count} open tickets", len(rows))
        await show_lines(interaction, title, lines, most=_PER_PAGE)

    # --- figures ---------------------------------------------------------------------------------

    @app_commands.command(description="Show how tickets are seen to", extras=_STAFF)
    @app_commands.describe(days="Over how many days; 30 if left out")
    async def stats(
        self, interaction: Interaction, days: app_commands.Range[int, 1, 365] = 30
    ) -> None:
        """Show medians, ratings, who did what and when tickets are opened."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        if not await self.access.is_any_staff(interaction):
            raise not_any_staff()
        figures = await self.service.quality.figures(guild_id_of(interaction), days)
        await answer(interaction, embed=_figures_embed(figures, days, locale_of(interaction)))

    # --- who can't open tickets ------------------------------------------------------------------

    @blocklist.command(
        name="add", description="Keep somebody from opening tickets", extras=_MANAGED
    )
    @app_commands.describe(member="Whom", reason="Why, for the staff")
    async def blocklist_add(
        self, interaction: Interaction, member: discord.User, reason: str | None = None
    ) -> None:
        """Block somebody; their open tickets stay."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_manages(interaction, KEY)
        guild_id = guild_id_of(interaction)
        if not await self.service.quality.block(guild_id, member.id, actor_of(interaction), reason):
            raise Conflict(_("{member} is blocked already.", member=member.mention))
        text = _("{member} can't open tickets any more.", member=member.mention)
        await answer(interaction, text)

    @blocklist.command(
        name="remove", description="Let somebody open tickets again", extras=_MANAGED
    )
    @app_commands.describe(member="Whom")
    async def blocklist_remove(self, interaction: Interaction, member: discord.User) -> None:
        """Block somebody no more."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_manages(interaction, KEY)
        guild_id = guild_id_of(interaction)
        if not await self.service.quality.unblock(guild_id, member.id, actor_of(interaction)):
            raise Conflict(_("{member} is not blocked.", member=member.mention))
        await answer(interaction, _("{member} can open tickets again.", member=member.mention))

    @blocklist.command(name="list", description="Show who can't open tickets", extras=_MANAGED)
    async def blocklist_list(self, interaction: Interaction) -> None:
        """Show them, the latest first."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_manages(interaction, KEY)
        blocks = await self.service.quality.list_blocks(guild_id_of(interaction))
        if not blocks:
            await answer(interaction, _("Nobody is blocked from tickets."))
            return
        lines = [
            f"<@{one.user_id}> · <t:{int(one.blocked_at.timestamp())}:d>"
            + (f" · {escape_markdown(shorten(one.reason, 80))}" if one.reason else "")
            for one in blocks
        ]
        await show_lines(interaction, _("Blocked from tickets"), lines, most=25)


def _found_line(message: TicketMessage, ticket: Ticket) -> str:
    excerpt = escape_markdown(shorten(" ".join((message.content or "").split()), 160))
    name = escape_markdown(message.author_name or "?")
    where = f" <#{ticket.channel_id}>" if ticket.channel_id else ""
    when = f"<t:{int(message.created_at.timestamp())}:d>"
    return f"**#{ticket.number}**{where} · {name} · {when}\n> {excerpt}"


def _note_line(event: TicketEvent) -> str:
    text = escape_markdown(event.text or "")
    who = f"<@{event.actor_id}>" if event.actor_id else "?"
    return f"{who} · <t:{int(event.at.timestamp())}:f>\n{text}"


def _ticket_line(ticket: Ticket) -> str:
    where = f" <#{ticket.channel_id}>" if ticket.channel_id else ""
    category = escape_markdown(ticket.category)
    parts = [f"**#{ticket.number}**{where}", category, f"<@{ticket.user_id}>"]
    if ticket.claimed_by:
        parts.append(f"➜ <@{ticket.claimed_by}>")
    if ticket.priority in ("high", "urgent"):
        parts.append("❗" if ticket.priority == "high" else "‼️")
    parts.append(f"<t:{int(ticket.created_at.timestamp())}:R>")
    return " · ".join(parts)


def _figures_embed(figures: Figures, days: int, locale: str) -> discord.Embed:
    title = ngettext("Tickets of the last day", "Tickets of the last {count} days", days)
    embed = discord.Embed(title=title.render(locale))

    def put(name: Message, value: Message | str) -> None:
        shown = value.render(locale) if isinstance(value, Message) else value
        embed.add_field(name=name.render(locale), value=shown, inline=True)

    def span(value: Any) -> Message | str:
        return format_duration(value, locale) if value is not None else _("none yet")

    put(_("Opened"), str(figures.opened))
    put(_("Closed"), str(figures.closed))
    put(_("Without an answer"), str(figures.unanswered))
    put(_("First answer, median"), span(figures.first_answer))
    put(_("Time to the end, median"), span(figures.resolution))
    stars = f"{figures.stars:.1f} ★ ({figures.ratings})" if figures.stars else _("none yet")
    put(_("Rating"), stars)
    late = figures.late
    put(
        _("Answered late"),
        _(
            "reminders: {reminded}, others called: {escalated}, the lead: {led}",
            reminded=late.reminded,
            escalated=late.escalated,
            led=late.led,
        ),
    )
    if figures.staff:
        embed.description = "\n".join(_share_line(one, locale) for one in figures.staff)
    if most := max(figures.hours):
        bars = "".join(_BARS[-(-count * 8 // most)] for count in figures.hours)
        name = _("Opened by hour, 0 to 23").render(locale)
        embed.add_field(name=name, value=f"`{bars}`", inline=False)
    if figures.is_cut:
        note = _("There were more: these are the newest {count}.", count=figures.opened)
        embed.set_footer(text=note.render(locale))
    return embed


def _share_line(share: Any, locale: str) -> str:
    count = ngettext("{count} ticket", "{count} tickets", share.tickets)
    parts = [f"<@{share.user_id}>", count.render(locale)]
    if share.first_answer is not None:
        parts.append(format_duration(share.first_answer, locale))
    if share.stars is not None:
        parts.append(f"{share.stars:.1f} ★")
    return " · ".join(parts)
