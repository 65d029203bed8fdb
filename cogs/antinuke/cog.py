"""The Discord side of anti-nuke: hears of the audit log; /antinuke; the button that restores."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import MANAGES, actor_of, ensure_manages, guild_id_of
from bot.core.durations import Span
from bot.core.errors import Denied
from bot.core.features import RateClass
from bot.core.i18n import _
from bot.core.preflight import Action, can_act
from bot.localization import locale_of
from bot.replies import LastingButton, answer, confirm
from cogs.antinuke.approvals import ApprovalButton, SettingsApprovals
from cogs.antinuke.counting import Counting
from cogs.antinuke.desk import FEATURE, StaffDesk
from cogs.antinuke.discord_controls import DiscordControls
from cogs.antinuke.people import own_facts, staff_facts
from cogs.antinuke.service import AntinukeService
from cogs.antinuke.settings import AntinukeSettings, Response
from cogs.antinuke.wording import Report, incident_line, person_text
from db.antinuke import TAKEN

if TYPE_CHECKING:
    from bot.client import Pegasus

Interaction: TypeAlias = "discord.Interaction[Pegasus]"

MANAGED: Mapping[Any, Any] = {
    MANAGES: FEATURE,
    "rate_class": RateClass.ADMIN,
    "works_while_off": True,
}
RESPONSES = {
    Response.ALERT: _("I only tell of it."),
    Response.STRIP: _("I take their dangerous roles."),
    Response.TIMEOUT: _("I take their dangerous roles and time them out."),
    Response.KICK: _("I kick them."),
    Response.BAN: _("I ban them."),
}


@app_commands.guild_only()
class Antinuke(
    commands.GroupCog, group_name="antinuke", group_description="Limits for staff actions"
):
    """Watches staff in one process."""

    def __init__(self, bot: Pegasus) -> None:
        kernel = bot.kernel
        self.bot = bot
        self.desk = StaffDesk(
            database=kernel.database,
            clock=kernel.clock,
            settings=kernel.settings,
            jobs=kernel.jobs,
            outbox=kernel.outbox,
            problems=kernel.problems,
            cases=kernel.cases,
            audit=kernel.audit,
            state=kernel.state,
            controls=DiscordControls(bot),
            count=functools.partial(kernel.metrics.feature_event, FEATURE),
        )
        self.counting = Counting(self.desk)
        self.service = AntinukeService(self.desk)

    async def cog_load(self) -> None:
        """Take up earlier incidents, and begin to listen."""
        self.service.start()
        self.counting.start()
        self.bot.intake.listen("GUILD_AUDIT_LOG_ENTRY_CREATE", FEATURE, self.on_entry)
        self.bot.kernel.approvals.use_policy(SettingsApprovals(self.desk))
        self.bot.add_dynamic_items(RestoreButton, ApprovalButton)

    def on_entry(self, payload: Mapping[str, Any]) -> None:
        """Hand an entry on; raw, since discord.py drops those of members it does not know."""
        if self.bot.user is not None:
            work = self.counting.note_entry(payload, self.bot.user.id)
            self.bot.kernel.supervisor.spawn("antinuke.audit_entry", work)

    @app_commands.command(
        description="See the limits, what follows, and what happened lately", extras={**MANAGED}
    )
    async def status(self, interaction: Interaction) -> None:
        """Answer with how things stand."""
        guild_id = await _begin(interaction)
        kernel, locale = self.bot.kernel, locale_of(interaction)
        state = await kernel.settings.get(guild_id, FEATURE)
        settings: AntinukeSettings = state.settings
        lines = [] if state.enabled else [_("Anti-nuke is switched off here.")]
        lines += [RESPONSES[settings.response], _approval_line(settings)]
        texts = [f"**{line.render(locale)}**" for line in lines]
        problems = await kernel.problems.find(guild_id, FEATURE)
        texts += [f"⚠️ {one.message.render(locale)} {one.fix.render(locale)}" for one in problems]
        incidents = await self.service.recent(guild_id)
        texts += [incident_line(one, locale) for one in incidents]
        if not incidents:
            texts.append(_("Nobody went past a limit lately.").render(locale))
        await answer(interaction, "\n".join(texts)[:1900])

    @app_commands.command(
        description="Give somebody back the roles that I took from them", extras={**MANAGED}
    )
    @app_commands.describe(member="Whose roles to give back")
    async def restore(self, interaction: Interaction, member: discord.User) -> None:
        """Ask, then give back."""
        guild_id = await _begin(interaction)
        await offer_restore(interaction, await self.service.restorable(guild_id, member.id))


def _approval_line(settings: AntinukeSettings) -> Any:
    if not settings.approve_from:
        return _("Mass bans need no second yes.")
    return _(
        "Mass bans of {count} people or more need a second yes within {span}.",
        count=settings.approve_from,
        span=Span(settings.approval_patience),
    )


async def _begin(interaction: Interaction) -> int:
    await interaction.response.defer(ephemeral=True, thinking=True)
    await ensure_manages(interaction, FEATURE)
    return guild_id_of(interaction)


def ensure_may_restore(interaction: Interaction, report: Report) -> None:
    """Raise `Denied` for those who would give themselves power, or more than they have."""
    actor, bot = staff_facts(interaction), own_facts(interaction)
    if report.incident.user_id == actor.id:
        raise Denied(
            _("You can't give yourself these roles back."),
            hint=_("Ask the owner of this server, or another admin."),
        )
    state, guild_id = interaction.client.kernel.state(), guild_id_of(interaction)
    for one in report.roles:
        role = state.role(guild_id, one.role_id) if one.state == TAKEN else None
        if role is None:
            continue
        refusal = can_act(Action.ADD_ROLE, bot=bot, actor=actor, target=bot, role=role)
        if refusal is not None:
            raise Denied(refusal.message, hint=refusal.fix)


async def offer_restore(interaction: Interaction, report: Report) -> None:
    """Ask whether the roles are to be given back, and have it done."""
    ensure_may_restore(interaction, report)
    roles = ", ".join(f"<@&{one.role_id}>" for one in report.roles if one.state == TAKEN)
    incident = report.incident
    question = _(
        "Give {member} these roles back? {roles}",
        member=person_text(incident.user_id, incident.user_name),
        roles=roles or "—",
    )

    async def recheck(pressed: Interaction) -> None:
        await ensure_manages(pressed, FEATURE)
        ensure_may_restore(pressed, report)

    if not await confirm(interaction, question, danger=False, recheck=recheck):
        return
    cog: Any = interaction.client.get_cog("Antinuke")
    await cog.service.restore(incident.guild_id, incident.id, actor_of(interaction))
    await answer(interaction, _("I am giving the roles back."))


class RestoreButton(
    LastingButton,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"antinuke:restore:(?P<id>\d{1,18})",
):
    """The button under an alert, which works for as long as the message stands."""

    def __init__(self, item: discord.ui.Button[Any], incident_id: int) -> None:
        super().__init__(item)
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
        return cls(item, int(match["id"]))  # pyright: ignore[reportArgumentType] - the template is a button's

    async def press(self, interaction: Interaction) -> None:
        """Ask, then give back."""
        guild_id = await _begin(interaction)
        cog: Any = interaction.client.get_cog("Antinuke")
        await offer_restore(interaction, await cog.service.report(guild_id, self._incident_id))
