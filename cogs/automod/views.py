"""The buttons under an incident's log message; they work after restarts, for who may press them.

Races are decided in the database: whoever comes second is told so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import discord

from bot.checks import ensure_manages, guild_id_of, in_time, manages
from bot.core.errors import AppError, Denied
from bot.core.fields.text import escape_markdown, shorten
from bot.core.i18n import Message, _, ngettext
from bot.localization import locale_of
from bot.replies import LastingButton, OwnedView, answer, unique_id
from cogs.automod.planning import KEY
from cogs.automod.wording import explanation
from db.automod import Incident, IncidentMember
from db.automod_messages import IncidentMessage

if TYPE_CHECKING:
    from bot.client import Pegasus  # noqa: F401 - in the string below
    from cogs.automod.cog import Automod

Interaction = discord.Interaction["Pegasus"]

# What one has to be allowed to undo what was done to a member; anything else takes messages.
_NEEDS = {
    "ban": "ban_members",
    "tempban": "ban_members",
    "kick": "kick_members",
    "timeout": "moderate_members",
    "mute": "moderate_members",
    "warn": "moderate_members",
    "add_role": "manage_roles",
    "remove_role": "manage_roles",
}
_MOST_SHOWN = 1500
_MOST_EXEMPT = 4


class IncidentButton(
    LastingButton,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"automod:(?P<what>explain|undo|pardon):(?P<id>\d{1,18})",
):
    """One of *Explain*, *Undo* and *Not a violation*, known by its id alone."""

    def __init__(self, item: discord.ui.Button[Any], what: str, incident_id: int) -> None:
        super().__init__(item)
        self._what = what
        self._incident_id = incident_id

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
        """Explain the incident or undo it, for who may."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        cog: Automod = interaction.client.get_cog("Automod")  # pyright: ignore[reportAssignmentType]
        async with in_time():
            incident = await cog.service.get(guild_id_of(interaction), self._incident_id)
            if self._what == "explain":
                await ensure_may_read(interaction)
            else:
                await ensure_may_undo(interaction, incident, await cog.members_of(incident.id))
        if self._what == "explain":
            await answer(interaction, explanation(incident, locale_of(interaction)))
        else:
            await cog.undo(interaction, incident, pardon=self._what == "pardon")


async def ensure_may_read(interaction: Interaction) -> None:
    """Raise `Denied` for those who are neither staff nor manage Automod."""
    if interaction.permissions.manage_messages or await manages(interaction, KEY):
        return
    await ensure_manages(interaction, KEY)


async def ensure_may_undo(
    interaction: Interaction, incident: Incident, members: Sequence[IncidentMember]
) -> None:
    """Raise `Denied` unless the person manages Automod, or may do to others what was done."""
    if await manages(interaction, KEY):
        return
    user = interaction.user
    if user.id in {incident.user_id, *(one.user_id for one in members)}:
        raise Denied(
            _("What was done here was done to you."), hint=_("Ask another moderator to look at it.")
        )
    done = [one for member in members for one in member.outcome.get("list", ())]
    wanted = {_NEEDS.get(one["kind"], "manage_messages") for one in done} or {"manage_messages"}
    if incident.effects.get("list"):
        wanted.add("manage_channels")
    may = interaction.permissions.administrator or all(
        getattr(interaction.permissions, one) for one in wanted
    )
    roles = {int(one["role_id"]) for member in members for one in _role_steps(member)}
    if not may or not _ranks_above(user, roles):
        raise Denied(
            _("You may not undo this: it takes the permissions for what was done."),
            hint=_("Ask somebody who manages this server."),
        )


def _role_steps(member: IncidentMember) -> list[dict[str, Any]]:
    steps = member.steps.get("steps", ())
    return [one for one in steps if one["kind"] in ("add_role", "remove_role")]


def _ranks_above(user: discord.User | discord.Member, role_ids: set[int]) -> bool:
    """Return whether somebody's highest role is above all of these that still exist."""
    if not isinstance(user, discord.Member):
        return False
    if user.id == user.guild.owner_id:
        return True
    found = filter(None, map(user.guild.get_role, role_ids))
    return all(role < user.top_role for role in found)


def undone_text(
    shown: Sequence[IncidentMessage], failures: Sequence[AppError], locale: str, *, pardon: bool
) -> str:
    """Return what is told to whoever has undone an incident, with what had been deleted."""
    lines: list[str] = []
    if failures:
        lines.append(_("Not everything could be taken back:").render(locale))
        lines += [f"• {one.render(locale)}" for one in dict.fromkeys(failures)][:5]
        lines.append(_("Once that is put right, press the button again.").render(locale))
    elif pardon:
        text = _("Undone, and noted as no violation. It counts against nobody.")
        lines.append(text.render(locale))
    else:
        lines.append(_("Undone. It counts against nobody.").render(locale))
    if shown:
        title: Message = ngettext(
            "This was deleted; I can't put it back:",
            "These were deleted; I can't put them back:",
            len(shown),
        )
        lines.append(title.render(locale))
        lines.append(_quoted(shown))
    return shorten("\n".join(lines), 2000)


def _quoted(shown: Sequence[IncidentMessage]) -> str:
    lines, length = [], 0
    for one in shown:
        line = f"• <#{one.channel_id}> ||{escape_markdown(shorten(one.content or '', 300))}||"
        length += len(line)
        if length > _MOST_SHOWN:
            break
        lines.append(line)
    return "\n".join(lines)


class ExemptionOffer(OwnedView):
    """Offers to spare a member or a channel from the rules of an incident that was none."""

    def __init__(self, cog: Automod, incident: Incident, owner_id: int, locale: str) -> None:
        super().__init__(owner_id, timeout=300)
        self._cog = cog
        rules = list(incident.findings.get("rules", {}))[:_MOST_EXEMPT]
        if incident.user_id is not None and incident.scope != "campaign":
            self._offer("member", incident.user_id, rules, _("Spare this member"), locale)
        if incident.channel_id is not None:
            self._offer("channel", incident.channel_id, rules, _("Spare this channel"), locale)

    def _offer(
        self, what: str, target_id: int, rules: list[str], label: Message, locale: str
    ) -> None:
        button: discord.ui.Button[ExemptionOffer] = discord.ui.Button(
            label=label.render(locale), custom_id=unique_id("automod_exempt")
        )

        async def pressed(interaction: Interaction) -> None:
            await ensure_manages(interaction, KEY)
            await self._cog.exempt(interaction, what, target_id, rules)

        button.callback = pressed
        self.add_item(button)
