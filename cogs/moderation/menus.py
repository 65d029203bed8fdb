"""Context menus on members and messages, with the forms they open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import discord
from discord import app_commands

from bot.checks import in_time
from bot.core.cases import MAX_REASON, CaseKind
from bot.core.durations import compact_duration
from bot.core.errors import InvalidInput, NotFound
from bot.core.fields.text import escape_markdown, shorten
from bot.core.i18n import N_, Message, _
from bot.core.preflight import Action, can_act
from bot.localization import locale_of
from bot.replies import answer, unique_id
from cogs.moderation.casepages import show_cases
from cogs.moderation.deeds import Deed, User, carry_out, ensure_can
from cogs.moderation.people import (
    Interaction,
    actor_facts,
    bot_facts,
    ensure_in_channel,
    raise_refusal,
    settings_of,
)
from cogs.moderation.rules.reading import read_duration

_FORM_SECONDS = 840.0
_MAX_TITLE = 45
# What the metrics count the forms under.
_NAMESPACE = "moderation"


class DeedForm(discord.ui.Modal):
    """Asks for a reason, and a duration where one is needed; sent twice, it acts once."""

    def __init__(
        self,
        opened: Interaction,
        kind: CaseKind,
        target: User,
        *,
        title: Message,
        duration: str | None = None,
        message: discord.Message | None = None,
        link: str | None = None,
    ) -> None:
        locale = locale_of(opened)
        super().__init__(
            title=shorten(title.render(locale), _MAX_TITLE),
            timeout=_FORM_SECONDS,
            custom_id=unique_id(_NAMESPACE),
        )
        self._occasion = opened.id
        self._kind, self._target, self._message = kind, target, message
        self._link = message.jump_url if message is not None else link
        self._duration: discord.ui.TextInput[DeedForm] | None = None
        if duration is not None:
            self._duration = discord.ui.TextInput(
                custom_id="duration", default=duration, max_length=50
            )
            self._ask(_("Duration"), _("For example 30m, 1h 30m or 2 days"), self._duration, locale)
        # More than a reason may have: too long is refused in words, Discord would cut it.
        self._reason: discord.ui.TextInput[DeedForm] = discord.ui.TextInput(
            custom_id="reason",
            style=discord.TextStyle.paragraph,
            required=kind is CaseKind.WARN,
            max_length=2 * MAX_REASON,
        )
        self._ask(_("Reason"), _("Kept with the case and told to the member"), self._reason, locale)

    def _ask(
        self, text: Message, description: Message, item: discord.ui.Item[Any], locale: str
    ) -> None:
        label = discord.ui.Label(
            text=text.render(locale), description=description.render(locale), component=item
        )
        self.add_item(label)

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        """Do it; the preflight is made again, for time has passed."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        details: dict[str, Any] = {"link": self._link} if self._link else {}
        deed = Deed(
            kind=self._kind,
            target=self._target,
            reason=self._reason.value,
            duration=read_duration(self._duration.value) if self._duration else None,
            details=details,
        )
        if self._message is not None:
            await ensure_in_channel(interaction, Action.PURGE, _channel_of(self._message))
        await carry_out(interaction, deed, occasion=self._occasion)
        if self._message is not None:
            await _remove(interaction, self._message)

    async def on_error(self, interaction: discord.Interaction[Any], error: Exception) -> None:
        """Hand the error to the one place that answers errors."""
        await interaction.client.tree.on_error(interaction, error)


async def _remove(interaction: Interaction, message: discord.Message) -> None:
    try:
        await interaction.client.http.delete_message(message.channel.id, message.id)
    except discord.NotFound:
        await answer(interaction, _("The message was gone already."))


async def warn_member(interaction: Interaction, member: discord.User) -> None:
    """Open the form of a warning."""
    async with in_time():
        await ensure_can(interaction, CaseKind.WARN, member)
    await interaction.response.send_modal(await deed_form(interaction, CaseKind.WARN, member))


async def time_member_out(interaction: Interaction, member: discord.User) -> None:
    """Open the form of a timeout."""
    async with in_time():
        await ensure_can(interaction, CaseKind.TIMEOUT, member)
        form = await deed_form(interaction, CaseKind.TIMEOUT, member)
    await interaction.response.send_modal(form)


async def deed_form(
    interaction: Interaction, kind: CaseKind, member: User, *, link: str | None = None
) -> DeedForm:
    """Return the form of a warning or a timeout; `link` is the message that it is about."""
    if kind is CaseKind.WARN:
        title = _("Warn {name}", name=member.display_name)
        return DeedForm(interaction, kind, member, title=title, link=link)
    settings = await settings_of(interaction)
    return DeedForm(
        interaction,
        kind,
        member,
        title=_("Time {name} out", name=member.display_name),
        duration=compact_duration(settings.timeout_length),
        link=link,
    )


async def show_member_cases(interaction: Interaction, member: discord.User) -> None:
    """List a member's cases."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    actor = await actor_facts(interaction)
    raise_refusal(can_act(Action.RECORD, bot=bot_facts(interaction), actor=actor))
    heading = _("Cases of {name}", name=escape_markdown(member.display_name))
    await show_cases(interaction, target_id=member.id, heading=heading)


async def delete_and_warn(interaction: Interaction, message: discord.Message) -> None:
    """Open the form of a warning whose message is deleted with it."""
    if message.webhook_id is not None:
        raise InvalidInput(
            _("A webhook wrote that: there is nobody to warn."),
            hint=_("Delete the message in Discord itself."),
        )
    async with in_time():
        # What a message brings of its author has no roles.
        author = await member_of(interaction, message.author.id)
        await ensure_can(interaction, CaseKind.WARN, author)
        await ensure_in_channel(interaction, Action.PURGE, _channel_of(message))
    title = _("Delete and warn {name}", name=author.display_name)
    await interaction.response.send_modal(
        DeedForm(interaction, CaseKind.WARN, author, title=title, message=message)
    )


async def member_of(interaction: Interaction, user_id: int) -> User:
    """Return a member with the roles that a rank is judged by; raises `NotFound`."""
    guild = interaction.guild
    if guild is None:
        raise NotFound(_("I am not in this server any more."))
    try:
        return await guild.fetch_member(user_id)
    except discord.NotFound:
        raise NotFound(
            _("That person is not a member of this server."),
            hint=_("They may have left; someone who is gone can only be banned or unbanned."),
        ) from None


def _channel_of(message: discord.Message) -> discord.abc.GuildChannel | discord.Thread:
    channel = message.channel
    if isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        return channel
    raise NotFound(_("I can't see that channel."))


# What a menu is called, what it does, and the right without which Discord hides it.
_MENUS: Sequence[tuple[str, Any, dict[str, bool]]] = (
    (N_("Warn"), warn_member, {"moderate_members": True}),
    (N_("Timeout"), time_member_out, {"moderate_members": True}),
    (N_("Cases"), show_member_cases, {"moderate_members": True}),
    (N_("Delete and warn"), delete_and_warn, {"manage_messages": True, "moderate_members": True}),
)


def context_menus() -> list[app_commands.ContextMenu]:
    """Return the menus, made anew for each client."""
    menus = []
    for name, callback, rights in _MENUS:
        menu = app_commands.ContextMenu(name=name, callback=callback)
        menu.guild_only = True
        menu.default_permissions = discord.Permissions(**rights)
        menus.append(menu)
    return menus
