"""The commands of tags, ratings by button, and the menus on messages and members."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Self, cast

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import MANAGES, actor_of, ensure_manages, guild_id_of, in_time
from bot.core.features import RateClass
from bot.core.fields.text import escape_markdown, quote, shorten
from bot.core.i18n import Message, _, ngettext
from bot.core.money import Number
from bot.forms import Input, Question, Values, ask
from bot.localization import locale_of
from bot.replies import LastingButton, answer
from cogs.tickets.access import Access, Interaction, not_any_staff, only_staff_for_others
from cogs.tickets.asking import Asker, request_of
from cogs.tickets.paging import show_lines
from cogs.tickets.quality import (
    LONGEST_TAG,
    LONGEST_TAG_NAME,
    LONGEST_TRIGGER,
)
from cogs.tickets.rating import LONGEST_COMMENT
from cogs.tickets.settings import KEY
from db.ticket_quality import TicketTag

if TYPE_CHECKING:
    from bot.client import Pegasus
    from cogs.tickets.service import TicketService
    from db.ticket_panels import TicketPanel

_STAFF: Any = {"rate_class": RateClass.MODERATION}
_MANAGED: Any = {"rate_class": RateClass.ADMIN, MANAGES: KEY}
_MAX_OFFERS = 25
_SECONDS = 120.0


async def complete_tag(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """Offer the guild's tags to who may send them."""
    cog: Any = interaction.client.get_cog("Tickets")
    if interaction.guild_id is None or not await cog.access.is_any_staff(interaction):
        return []
    typed = current.strip().casefold()
    tags = await cog.service.quality.list_tags(interaction.guild_id)
    names = [one.name for one in tags if typed in one.name]
    return [app_commands.Choice(name=one, value=one) for one in names[:_MAX_OFFERS]]


class TagCommands(commands.Cog):
    """Ready texts; a base of the cog."""

    bot: Pegasus
    service: TicketService
    access: Access
    asker: Asker

    tag = app_commands.Group(name="tag", description="Ready texts for tickets")

    @tag.command(name="send", description="Send a ready text here", extras=_STAFF)
    @app_commands.describe(tag="Which", member="Whom to mention with it")
    @app_commands.autocomplete(tag=complete_tag)
    async def tag_send(
        self, interaction: Interaction, tag: str, member: discord.Member | None = None
    ) -> None:
        """Send a tag as the answer, for everybody in the room."""
        async with in_time():
            if not await self.access.is_any_staff(interaction):
                raise not_any_staff()
            found = await self.service.quality.use_tag(guild_id_of(interaction), tag)
        content = found.content
        allowed = discord.AllowedMentions.none()
        if member is not None:
            content = shorten(f"{member.mention} {content}", 2000)
            allowed = discord.AllowedMentions(users=[member])
        await answer(interaction, content, ephemeral=False, allowed_mentions=allowed)

    @tag.command(name="add", description="Make a ready text", extras=_MANAGED)
    async def tag_add(self, interaction: Interaction) -> None:
        """Ask for name, text and the words at which it is sent by itself."""
        async with in_time():
            await ensure_manages(interaction, KEY)
        await self._ask(interaction, "", "", None, new=True)

    @tag.command(name="edit", description="Change a ready text", extras=_MANAGED)
    @app_commands.describe(tag="Which")
    @app_commands.autocomplete(tag=complete_tag)
    async def tag_edit(self, interaction: Interaction, tag: str) -> None:
        """Ask with what it says now."""
        async with in_time():
            await ensure_manages(interaction, KEY)
            tags = await self.service.quality.list_tags(guild_id_of(interaction))
        wanted = " ".join(tag.split()).casefold()
        known = next((one for one in tags if one.name == wanted), None)
        if known is None:
            await self.service.quality.use_tag(guild_id_of(interaction), tag)
            return
        await self._ask(interaction, known.name, known.content, known.trigger, new=False)

    async def _ask(
        self, interaction: Interaction, name: str, content: str, trigger: str | None, *, new: bool
    ) -> None:
        inputs = [
            Input(
                "content",
                _("Text"),
                value=content,
                kind="paragraph",
                longest=LONGEST_TAG,
                required=True,
            ),
            Input(
                "trigger",
                _("Sent by itself at these words"),
                _("When an opener writes all of them; empty: only by the staff"),
                value=trigger or "",
                longest=LONGEST_TRIGGER,
            ),
        ]
        if new:
            first = Input("name", _("Name"), longest=LONGEST_TAG_NAME, required=True)
            inputs.insert(0, first)

        async def submitted(pressed: Interaction, values: Values) -> None:
            await pressed.response.defer(ephemeral=True, thinking=True)
            await ensure_manages(pressed, KEY)
            saved = await self.service.quality.save_tag(
                guild_id_of(pressed),
                values.get("name", name),
                values["content"],
                values["trigger"],
                actor_of(pressed),
                new=new,
            )
            await answer(pressed, _("The tag {name} is kept.", name=quote(saved)))

        await ask(interaction, KEY, Question(_("Ready text"), inputs), submitted)

    @tag.command(name="remove", description="Delete a ready text", extras=_MANAGED)
    @app_commands.describe(tag="Which")
    @app_commands.autocomplete(tag=complete_tag)
    async def tag_remove(self, interaction: Interaction, tag: str) -> None:
        """Delete a tag."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_manages(interaction, KEY)
        await self.service.quality.remove_tag(guild_id_of(interaction), tag, actor_of(interaction))
        await answer(interaction, _("The tag {name} is deleted.", name=quote(tag)))

    @tag.command(name="list", description="Show all ready texts", extras=_STAFF)
    async def tag_list(self, interaction: Interaction) -> None:
        """Show the tags with their beginnings."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        if not await self.access.is_any_staff(interaction):
            raise not_any_staff()
        tags = await self.service.quality.list_tags(guild_id_of(interaction))
        if not tags:
            text = _("There are no tags yet. Make one with /ticket tag add.")
            await answer(interaction, text)
            return
        locale = locale_of(interaction)
        lines = [_tag_line(one, locale) for one in tags]
        await show_lines(interaction, _("Ready texts"), lines, most=10)

    # --- from menus ------------------------------------------------------------------------------

    async def open_about(self, interaction: Interaction, message: discord.Message) -> None:
        """Open a ticket about a message."""
        origin = {
            "guild_id": str(interaction.guild_id),
            "channel_id": str(message.channel.id),
            "message_id": str(message.id),
            "author_id": str(message.author.id),
            "content": shorten(message.content.replace("\x00", ""), 1000),
        }

        async def chosen(pressed: Interaction, row: TicketPanel) -> None:
            await self.asker.begin(pressed, request_of(pressed, row.id, origin=origin))

        await self._choose(interaction, chosen, only_seen=False)

    async def open_for(self, interaction: Interaction, member: discord.Member) -> None:
        """Open a ticket for a member, as staff."""

        async def chosen(pressed: Interaction, row: TicketPanel) -> None:
            if row.id not in await self.access.seen_panels(pressed):
                raise only_staff_for_others()
            await self.asker.begin(pressed, request_of(pressed, row.id, member=member))

        await self._choose(interaction, chosen, only_seen=member.id != interaction.user.id)

    async def _choose(self, interaction: Interaction, chosen: Any, *, only_seen: bool) -> None:
        async with in_time():
            seen = await self.access.seen_panels(interaction) if only_seen else None
            rows = [
                one
                for one in await self.access.list_panels(guild_id_of(interaction))
                if seen is None or one.id in seen
            ]
            if only_seen and not rows:
                raise only_staff_for_others()
            if not rows:
                await self.access.only_panel(guild_id_of(interaction))
        if len(rows) == 1:
            await chosen(interaction, rows[0])
            return
        view = _PanelChoice(interaction.user.id, rows, chosen, locale_of(interaction))
        await answer(interaction, _("What is it about?"), view=view)


class _PanelChoice(discord.ui.View):
    """Asks which kind of ticket it is to be; shown to one person alone."""

    def __init__(self, owner_id: int, rows: list[TicketPanel], chosen: Any, locale: str) -> None:
        super().__init__(timeout=_SECONDS)
        self._rows = {str(one.id): one for one in rows}
        self._chosen = chosen
        self._owner_id = owner_id
        placeholder = _("What is it about?").render(locale)
        # A guild has fifty panels at most, and a menu half of them.
        for start in range(0, len(rows), _MAX_OFFERS):
            part = rows[start : start + _MAX_OFFERS]
            span = f" {part[0].name} … {part[-1].name}" if len(rows) > _MAX_OFFERS else ""
            select: discord.ui.Select[_PanelChoice] = discord.ui.Select(
                custom_id=f"tickets:which:{owner_id}:{start}",
                placeholder=shorten(placeholder + span, 150),
                options=[discord.SelectOption(label=it.name, value=str(it.id)) for it in part],
            )
            select.callback = self._pick
            self.add_item(select)

    async def _pick(self, interaction: discord.Interaction[Any]) -> None:
        data = cast("Any", interaction.data)
        await self._chosen(interaction, self._rows[data["values"][0]])

    async def on_error(
        self,
        interaction: discord.Interaction[Any],
        error: Exception,
        item: discord.ui.Item[Any],  # noqa: ARG002 - the library's signature
    ) -> None:
        """Hand the error to the one place that answers errors."""
        await interaction.client.tree.on_error(interaction, error)


class RateButton(
    LastingButton,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"tickets:rate:(?P<ticket>\d{1,18}):(?P<stars>[1-5])",
):
    """One to five stars, under the letter about the end of a ticket."""

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
        """Keep the stars, and ask for a word."""
        cog: Any = interaction.client.get_cog("Tickets")
        ratings, stars = cog.service.ratings, int(self._match["stars"])
        user_id = interaction.user.id
        async with in_time():
            rated = await ratings.rate(int(self._match["ticket"]), user_id, stars)

        async def submitted(pressed: Interaction, values: Values) -> None:
            await pressed.response.defer(ephemeral=True, thinking=True)
            await ratings.comment(rated.ticket, user_id, stars, values["comment"])
            await answer(pressed, _thanks(rated.xp))

        comment = Input(
            "comment",
            _("What was good, what could be better?"),
            _("Your stars are kept already; the staff read this too."),
            kind="paragraph",
            longest=LONGEST_COMMENT,
        )
        title = Message("{stars}", {"stars": "★" * stars + "☆" * (5 - stars)})
        await ask(interaction, KEY, Question(title, [comment]), submitted)


def _thanks(xp: int) -> Message:
    if not xp:
        return _("Thank you!")
    return _("Thank you! {xp} experience is counted for you.", xp=Number(xp))


async def open_about(interaction: Interaction, message: discord.Message) -> None:
    """Open a ticket about a message."""
    cog: Any = interaction.client.get_cog("Tickets")
    await cog.open_about(interaction, message)


async def open_for(interaction: Interaction, member: discord.Member) -> None:
    """Open a ticket for a member."""
    cog: Any = interaction.client.get_cog("Tickets")
    await cog.open_for(interaction, member)


def ticket_menus() -> list[app_commands.ContextMenu]:
    """Return the menus on messages and members, made anew for each client."""
    about = app_commands.ContextMenu(name="Open a ticket about this", callback=open_about)
    for_them = app_commands.ContextMenu(name="Open a ticket for them", callback=open_for)
    # Whoever else sees to tickets can be given it in Server Settings > Integrations.
    for_them.default_permissions = discord.Permissions(manage_messages=True)
    for menu in (about, for_them):
        menu.guild_only = True
    return [about, for_them]


def _tag_line(tag: TicketTag, locale: str) -> str:
    notes = [
        ngettext("sent {count} time", "sent {count} times", tag.uses)
        if tag.uses
        else _("not sent yet")
    ]
    if tag.trigger:
        notes.append(_("at: {words}", words=tag.trigger))
    content = escape_markdown(shorten(" ".join(tag.content.split()), 100))
    said = " · ".join(one.render(locale) for one in notes)
    return f"**{escape_markdown(tag.name)}**: {content}\n-# {said}"
