"""Discord's side of reports: two context menus, their form, and the buttons of the staff's card."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import guild_id_of, in_time
from bot.core.cases import CaseKind
from bot.core.fields.text import shorten
from bot.core.i18n import Message, _
from bot.core.preflight import Action, can_act
from bot.localization import locale_of
from bot.replies import LastingButton, answer, unique_id
from cogs.moderation.deeds import User, ensure_can, target_of
from cogs.moderation.menus import DeedForm, deed_form, member_of
from cogs.moderation.people import Interaction, actor_facts, bot_facts, raise_refusal
from cogs.moderation.reportcards import message_link, reporters_text
from cogs.moderation.reporting import ReportService, Subject, Taken
from db.reports import DISMISSED, RESOLVED

if TYPE_CHECKING:
    from bot.client import Pegasus

_FORM_SECONDS = 840.0
_MAX_TITLE = 45
_MAX_WHY = 500
_THANKS = {
    Taken.NEW: _("Thank you. The moderators see your report; nobody else learns who made it."),
    Taken.ADDED: _("Thank you. Others reported it, too; yours was added."),
    Taken.KNOWN: _("You have reported that already; the moderators know."),
}
_CLOSED = {"resolve": RESOLVED, "dismiss": DISMISSED}
_DEEDS = {"warn": CaseKind.WARN, "timeout": CaseKind.TIMEOUT}


class Reports(commands.Cog):
    """Reports of members and messages."""

    def __init__(self, bot: Pegasus) -> None:
        self.bot = bot
        kernel = bot.kernel
        self.service = ReportService(
            kernel.database, kernel.clock, kernel.settings, kernel.outbox, kernel.state
        )

    async def cog_load(self) -> None:
        """Have the buttons of earlier runs work."""
        self.bot.add_dynamic_items(ReportButton)


def _service(interaction: discord.Interaction[Any]) -> ReportService:
    cog: Any = interaction.client.get_cog("Reports")
    return cog.service


class ReportForm(discord.ui.Modal):
    """Asks what is wrong with what is reported."""

    def __init__(self, opened: Interaction, subject: Subject, title: Message) -> None:
        locale = locale_of(opened)
        super().__init__(
            title=shorten(title.render(locale), _MAX_TITLE),
            timeout=_FORM_SECONDS,
            custom_id=unique_id("moderation"),
        )
        self._subject = subject
        self._why: discord.ui.TextInput[ReportForm] = discord.ui.TextInput(
            custom_id="why", style=discord.TextStyle.paragraph, max_length=_MAX_WHY
        )
        label = discord.ui.Label(
            text=_("What is wrong?").render(locale),
            description=_("Only the moderators read it").render(locale),
            component=self._why,
        )
        self.add_item(label)

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        """Hand the report in."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        taken = await _service(interaction).report(
            self._subject, interaction.user.id, self._why.value
        )
        await answer(interaction, _THANKS[taken])

    async def on_error(self, interaction: discord.Interaction[Any], error: Exception) -> None:
        """Hand the error to the one place that answers errors."""
        await interaction.client.tree.on_error(interaction, error)


async def report_member(interaction: Interaction, member: discord.User) -> None:
    """Open the form that reports a member."""
    subject = Subject(guild_id=guild_id_of(interaction), target=target_of(member))
    await _open(interaction, subject, member)


async def report_message(interaction: Interaction, message: discord.Message) -> None:
    """Open the form that reports a message; what it says now is kept."""
    files = [f"📎 {one.filename}" for one in message.attachments]
    subject = Subject(
        guild_id=guild_id_of(interaction),
        target=target_of(message.author),
        channel_id=message.channel.id,
        message_id=message.id,
        excerpt="\n".join([message.content, *files]).strip(),
    )
    await _open(interaction, subject, message.author)


async def _open(interaction: Interaction, subject: Subject, target: User) -> None:
    async with in_time():
        await _service(interaction).ensure_open(subject.guild_id)
    title = _("Report {name}", name=target.display_name)
    await interaction.response.send_modal(ReportForm(interaction, subject, title))


class ReportButton(
    LastingButton,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"moderation:report:(?P<what>claim|warn|timeout|resolve|dismiss|who):(?P<id>\d{1,18})",
):
    """A button of a report's card, known by its id alone."""

    def __init__(self, item: discord.ui.Button[Any], what: str, report_id: int) -> None:
        super().__init__(item)
        self._what = what
        self._report_id = report_id

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
        """Do what the button says, for moderators."""
        if self._what in _DEEDS:
            await self._act(interaction)
        else:
            await interaction.response.defer(ephemeral=True, thinking=True)
            await self._settle(interaction)

    async def _settle(self, interaction: Interaction) -> None:
        raise_refusal(
            can_act(Action.RECORD, bot=bot_facts(interaction), actor=await actor_facts(interaction))
        )
        service, guild_id = _service(interaction), guild_id_of(interaction)
        if self._what == "who":
            report = await service.get(guild_id, self._report_id)
            text = reporters_text(await service.reporters(report), locale_of(interaction))
            await answer(interaction, text)
        elif self._what == "claim":
            await service.claim(guild_id, self._report_id, interaction.user.id)
            await answer(interaction, _("The report is yours."))
        else:
            state = _CLOSED[self._what]
            await service.close(guild_id, self._report_id, interaction.user.id, state)
            await answer(interaction, _("The report is closed."))

    async def _act(self, interaction: Interaction) -> None:
        """Open the form of the deed; a form can't follow a deferred answer."""
        async with in_time():
            report = await _service(interaction).get(guild_id_of(interaction), self._report_id)
            target = await member_of(interaction, report.target_id)
            await ensure_can(interaction, _DEEDS[self._what], target)
            form: DeedForm = await deed_form(
                interaction, _DEEDS[self._what], target, link=message_link(report)
            )
        await interaction.response.send_modal(form)


def report_menus() -> list[app_commands.ContextMenu]:
    """Return the menus for everybody, made anew for each client."""
    menus = [
        app_commands.ContextMenu(name="Report member", callback=report_member),
        app_commands.ContextMenu(name="Report message", callback=report_message),
    ]
    for menu in menus:
        menu.guild_only = True
    return menus
