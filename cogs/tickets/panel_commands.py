"""The commands about panels, and what members press on the messages that show them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self, cast

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import MANAGES, actor_of, ensure_manages, guild_id_of
from bot.core.errors import DiscordFailed, InvalidInput
from bot.core.features import RateClass
from bot.core.fields.text import escape_markdown, quote
from bot.core.fields.values import read_colour
from bot.core.i18n import Message, _, ngettext
from bot.core.outbox import Receipt
from bot.localization import locale_of
from bot.replies import LastingButton, answer, confirm
from cogs.tickets.access import Access, Interaction, complete_panel
from cogs.tickets.asking import request_of
from cogs.tickets.desk import PanelDesk, read_panel
from cogs.tickets.form_editing import leads_to
from cogs.tickets.paging import show_lines
from cogs.tickets.panel import Panel
from cogs.tickets.panel_editor import PanelEditor
from cogs.tickets.sections import ROOMS
from cogs.tickets.settings import KEY
from cogs.tickets.showcase import MOST_SHOWN

if TYPE_CHECKING:
    from bot.client import Pegasus
    from db.ticket_panels import TicketPanel, TicketPost

_MANAGED: Any = {"rate_class": RateClass.ADMIN, MANAGES: KEY}
_PER_PAGE = 10
# Of an answer with up to two hundred characters each.
_MOST_LINES = 8
_LINK = re.compile(r"(?:https://(?:\w+\.)?discord\.com/channels/\d+/\d+/)?(\d{15,20})/?")


class PanelCommands(commands.Cog):
    """Makes, edits, posts, lists and deletes panels; a base of the cog."""

    bot: Pegasus
    access: Access
    desk: PanelDesk

    panel = app_commands.Group(name="panel", description="What tickets there are, and who may")

    @panel.command(name="create", description="Make a kind of ticket", extras=_MANAGED)
    @app_commands.describe(
        name="What it is called",
        room="Where its tickets are talked over; private threads if left out",
        place="The text channel of threads, or the category of channels; where it is posted if "
        "left out",
        staff="A role that sees to these tickets",
    )
    @app_commands.choices(
        room=[
            app_commands.Choice(name="Private thread", value="thread"),
            app_commands.Choice(name="Channel of its own", value="channel"),
        ]
    )
    async def create(
        self,
        interaction: Interaction,
        name: app_commands.Range[str, 1, 45],
        room: app_commands.Choice[str] | None = None,
        place: discord.TextChannel | discord.CategoryChannel | None = None,
        staff: discord.Role | None = None,
    ) -> None:
        """Keep a panel with sensible defaults, and show its editor."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_manages(interaction, KEY)
        kind = room.value if room else "thread"
        if room is None and isinstance(place, discord.CategoryChannel):
            kind = "channel"
        panel = read_panel(
            {
                "name": name,
                "room": kind,
                "parent_id": str(place.id) if place else None,
                "staff_roles": [str(staff.id)] if staff else [],
            }
        )
        row = await self.desk.create(guild_id_of(interaction), panel, actor_of(interaction))
        await answer(interaction, view=PanelEditor(interaction, self.desk, row))
        kept = _("{panel} is kept. /ticket panel post shows it to members.", panel=quote(row.name))
        warning = self.desk.warn_of_staff(row.guild_id, panel)
        await answer(interaction, _lines([kept, *([warning] if warning else [])]))

    @panel.command(name="edit", description="Change a kind of ticket and its form", extras=_MANAGED)
    @app_commands.describe(panel="Which")
    @app_commands.autocomplete(panel=complete_panel)
    async def edit(self, interaction: Interaction, panel: str) -> None:
        """Show the editor."""
        row = await self._begin(interaction, panel)
        await answer(interaction, view=PanelEditor(interaction, self.desk, row))

    @panel.command(
        name="post", description="Post a message from which tickets are opened", extras=_MANAGED
    )
    @app_commands.describe(
        panel="Which to show; several with commas between them, all if left out",
        channel="Where; here if left out",
        style="What members press; buttons if left out",
        title="The title above them",
        text="The text below it",
        colour="The colour beside it, such as #5865f2 or blue",
        message="The link of such a message, to change it instead of posting another",
    )
    @app_commands.autocomplete(panel=complete_panel)
    @app_commands.choices(
        style=[
            app_commands.Choice(name="Buttons", value="buttons"),
            app_commands.Choice(name="Select", value="select"),
        ]
    )
    async def post(  # noqa: PLR0917 - each is an option of the command
        self,
        interaction: Interaction,
        panel: str | None = None,
        channel: discord.TextChannel | None = None,
        style: app_commands.Choice[str] | None = None,
        title: app_commands.Range[str, 1, 100] | None = None,
        text: app_commands.Range[str, 1, 2000] | None = None,
        colour: app_commands.Range[str, 1, 20] | None = None,
        message: str | None = None,
    ) -> None:
        """Post one or several panels in one message, or change one that is posted."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_manages(interaction, KEY)
        guild_id = guild_id_of(interaction)
        looks = {
            "style": style.value if style else None,
            "title": title,
            "text": text,
            "colour": read_colour(colour) if colour is not None else None,
        }
        if message is not None:
            await self._change_post(interaction, message, panel, looks)
            return
        rows = await self._named(guild_id, panel)
        channel_id = channel.id if channel else interaction.channel_id or 0
        post = await self.desk.post(
            guild_id,
            channel_id,
            rows,
            actor_of(interaction),
            style=looks["style"] or "buttons",
            title=title or "",
            text=text or "",
            colour=looks["colour"],
        )
        where = f"<#{channel_id}>"
        done = _("Posted in {channel}.", channel=where)
        said = _said_of(await self.desk.wait_for(post), where, done)
        panels = [Panel.model_validate(one.config) for one in rows]
        warnings = [self.desk.warn_of_staff(guild_id, one) for one in panels]
        await answer(interaction, _lines([said, *filter(None, warnings)]))
        if panel is None and (left := len(await self.desk.list(guild_id)) - len(rows)):
            note = ngettext(
                "A message shows 25 panels; {count} more is not in it: name it with panel.",
                "A message shows 25 panels; {count} more are not in it: name them with panel.",
                left,
            )
            await answer(interaction, note)

    async def _change_post(
        self, interaction: Interaction, link: str, panel: str | None, looks: dict[str, Any]
    ) -> None:
        """Change what was given of a posted message, and leave the rest as it is."""
        guild_id = guild_id_of(interaction)
        match = _LINK.fullmatch(link.strip())
        if match is None:
            raise InvalidInput(
                _("That is no link to a message."),
                hint=_("Copy the message's link from its menu, and paste it here."),
            )
        rows = await self._named(guild_id, panel) if panel is not None else None
        given = {name: one for name, one in looks.items() if one is not None}
        post = await self.desk.change_post(
            guild_id, int(match[1]), rows, actor_of(interaction), **given
        )
        where = f"<#{post.channel_id}>"
        done = _("The message in {channel} is changed.", channel=where)
        said = _said_of(await self.desk.wait_for(post), where, done)
        await answer(interaction, said)

    async def _named(self, guild_id: int, names: str | None) -> list[TicketPanel]:
        if names is None:
            rows = list(await self.desk.list(guild_id))
            if not rows:
                raise InvalidInput(
                    _("There are no panels yet."),
                    hint=_("Make one with /ticket panel create."),
                )
            return rows[:MOST_SHOWN]
        # A name may have a comma in it.
        known = {one.name_key: one for one in await self.desk.list(guild_id)}
        if (whole := known.get(" ".join(names.split()).casefold())) is not None:
            return [whole]
        parts = [one for one in names.split(",") if one.strip()]
        found = [await self.access.find_panel(guild_id, one) for one in parts]
        return list({one.id: one for one in found}.values())

    @panel.command(name="list", description="Show what tickets there are", extras=_MANAGED)
    async def list(self, interaction: Interaction) -> None:
        """Show all panels, and where each is posted."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_manages(interaction, KEY)
        guild_id = guild_id_of(interaction)
        rows = await self.desk.list(guild_id)
        if not rows:
            text = _("There are no panels yet. Make one with /ticket panel create.")
            await answer(interaction, text)
            return
        posts = await self.desk.list_posts(guild_id)
        locale = locale_of(interaction)
        lines = [_line(one, posts, locale) for one in rows]
        await show_lines(interaction, _("Ticket panels"), lines, most=_PER_PAGE)

    @panel.command(name="delete", description="Delete a kind of ticket", extras=_MANAGED)
    @app_commands.describe(panel="Which")
    @app_commands.autocomplete(panel=complete_panel)
    async def delete(self, interaction: Interaction, panel: str) -> None:
        """Ask, then delete it; its tickets stay."""
        row = await self._begin(interaction, panel)
        question = _(
            "Delete {panel}? It disappears from the messages that show it; its tickets stay, with "
            "their transcripts.",
            panel=quote(row.name),
        )
        if (led := await self._leading_to(row)) is not None:
            question = _lines([question, led])

        async def recheck(pressed: discord.Interaction[Any]) -> None:
            await ensure_manages(pressed, KEY)

        if await confirm(interaction, question, recheck=recheck):
            await self.desk.delete(row, actor_of(interaction))
            await answer(interaction, _("{panel} is deleted.", panel=quote(row.name)))

    async def _leading_to(self, row: TicketPanel) -> Message | None:
        """Return which forms have answers that lead to a panel."""
        rows = await self.desk.list(row.guild_id)
        found = [
            quote(one.name)
            for one in rows
            if one.id != row.id and leads_to(Panel.model_validate(one.config), row.name)
        ]
        if not found:
            return None
        return _(
            "Answers in the forms of {panels} lead to it: such tickets stay there then.",
            panels=", ".join(found),
        )

    async def _begin(self, interaction: Interaction, panel: str) -> TicketPanel:
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_manages(interaction, KEY)
        return await self.access.find_panel(guild_id_of(interaction), panel)


def _lines(texts: Sequence[Message]) -> Message:
    """Return the texts one below the other, as many as a message holds."""
    shown = {f"line{number}": one for number, one in enumerate(texts[:_MOST_LINES])}
    return Message("\n".join(f"{{{name}}}" for name in shown), shown)


def _said_of(receipt: Receipt | None, where: str, done: Message) -> Message:
    """Return what became of a message; raises `DiscordFailed` where it was refused."""
    if receipt is not None and receipt.sent_at is not None:
        return done
    if receipt is not None and receipt.is_open and not receipt.is_parked:
        return _("It is on its way to {channel}.", channel=where)
    hint = (
        _("It follows by itself once the problem that /ticket settings shows is solved.")
        if receipt is not None and receipt.is_parked
        else _("Look at the texts and the emoji of the panels, and post them again.")
    )
    raise DiscordFailed(
        _("Discord did not take the message in {channel}.", channel=where), hint=hint
    )


def _line(row: TicketPanel, posts: Any, locale: str) -> str:
    panel = Panel.model_validate(row.config)
    shown: list[TicketPost] = [one for one in posts if row.id in one.panel_ids]
    where = ", ".join(map(_link_to, shown))
    state = "" if panel.enabled else f" ({_('off').render(locale)})"
    name = f"{panel.emoji} {escape_markdown(panel.name)}".strip()
    kind = _(ROOMS[panel.room]).render(locale)
    return f"**{name}**{state} · {kind}\n{where or _('not posted').render(locale)}"


def _link_to(post: TicketPost) -> str:
    # Without its id yet, which a job notes, there is no link to the message.
    if post.message_id is None:
        return f"<#{post.channel_id}>"
    return f"https://discord.com/channels/{post.guild_id}/{post.channel_id}/{post.message_id}"


class _Opening(LastingButton):
    """What the parts of a posted message share: they are made anew from their ids."""

    def __init__(self, item: Any, match: re.Match[str]) -> None:
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
        """Make the component anew from its id."""
        return cls(item, match)


class OpenButton(
    _Opening,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"tickets:open:(?P<panel>\d{1,18})",
):
    """A panel among the buttons of a message."""

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Begin a ticket of that panel."""
        cog: Any = interaction.client.get_cog("Tickets")
        await cog.begin(interaction, request_of(interaction, int(self._match["panel"])))


class PanelSelect(
    _Opening,
    discord.ui.DynamicItem[discord.ui.Select[Any]],
    template=r"tickets:choose:(?P<post>\d{1,18})",
):
    """The select of a message: each option is a panel."""

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Begin a ticket of the chosen panel."""
        data = cast("Any", interaction.data)
        cog: Any = interaction.client.get_cog("Tickets")
        try:
            await cog.begin(interaction, request_of(interaction, int(data["values"][0])))
        finally:
            # What was chosen would stay so in the client, and could not be chosen again.
            await cog.desk.renew(int(self._match["post"]))
