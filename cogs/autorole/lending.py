"""The /role commands: roles that members have for a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import guild_id_of
from bot.core.durations import Span, parse_duration
from bot.core.errors import InvalidInput, NotFound
from bot.core.features import RateClass
from bot.core.i18n import _
from bot.core.preflight import Action
from bot.replies import answer
from bot.state import member_facts
from bot.written import written
from cogs.autorole.desk import Interaction, anybody, ensure_giving
from cogs.autorole.temporary import LONGEST, SHORTEST, Loan, TemporaryRoles

if TYPE_CHECKING:
    from bot.client import Pegasus

_MOST_SHOWN = 30
_MAX_REASON = 400
_STAFF: dict[Any, Any] = {"rate_class": RateClass.ADMIN}


class Lending(commands.Cog):
    """Gives members roles for a time."""

    role = app_commands.Group(
        name="role",
        description="Roles for a time",
        guild_only=True,
        default_permissions=discord.Permissions(manage_roles=True),
    )

    def __init__(self, bot: Pegasus) -> None:
        kernel = bot.kernel
        self.bot = bot
        self.loans = TemporaryRoles(
            kernel.database, kernel.clock, jobs=kernel.jobs, roles=kernel.roles
        )

    async def cog_load(self) -> None:
        """Go on with what earlier runs have given."""
        self.loans.start()

    @role.command(
        description="Give a member a role for a time",
        extras={**_STAFF, **written("member", "role", "duration", "reason")},
    )
    @app_commands.describe(
        member="Who gets the role",
        role="The role; if they have it for a time already, the end is set anew",
        duration="How long from now, such as 2h or 7 days",
        reason="For Discord's audit log",
    )
    async def temp(
        self,
        interaction: Interaction,
        member: discord.User,
        role: discord.Role,
        duration: str,
        reason: app_commands.Range[str, 1, _MAX_REASON] | None = None,
    ) -> None:
        """Give a role, and plan its end."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        span = parse_duration(duration, minimum=SHORTEST, maximum=LONGEST)
        if interaction.client.user is not None and member.id == interaction.client.user.id:
            raise InvalidInput(
                _("I can't give a role to myself for a time."), hint=_("Choose another member.")
            )
        target = member_facts(member) if isinstance(member, discord.Member) else None
        await ensure_giving(interaction, role, target)
        loan = Loan(guild_id_of(interaction), member.id, role.id)
        known = await self.loans.list(loan.guild_id, loan.user_id)
        is_repeat = any(one.role_id == role.id for one in known)
        ends_at = await self.loans.give(
            loan, span, actor_id=interaction.user.id, reason=_reason(interaction, reason)
        )
        values = {
            "member": member.mention,
            "role": role.mention,
            "duration": Span(span),
            "when": discord.utils.format_dt(ends_at, "f"),
        }
        if is_repeat:
            text = _("✅ {member} now has {role} until {when}.", **values)
        elif target is not None and role.id in target.role_ids:
            text = _("✅ {member} had {role} already; I take it from them on {when}.", **values)
        else:
            text = _("✅ {member} gets {role} for {duration}, until {when}.", **values)
        await answer(interaction, text)

    @role.command(
        description="Take a role before its time is over",
        extras={**_STAFF, **written("member", "role", "reason")},
    )
    @app_commands.describe(
        member="Who has the role", role="The role", reason="For Discord's audit log"
    )
    async def end(
        self,
        interaction: Interaction,
        member: discord.User,
        role: discord.Role,
        reason: app_commands.Range[str, 1, _MAX_REASON] | None = None,
    ) -> None:
        """Take a role that was given for a time."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        # Whoever has left must not get it back either.
        target = member_facts(member) if isinstance(member, discord.Member) else None
        await ensure_giving(
            interaction, role, target or anybody(guild_id_of(interaction)), Action.REMOVE_ROLE
        )
        loan = Loan(guild_id_of(interaction), member.id, role.id)
        if not await self.loans.end(loan, _reason(interaction, reason)):
            raise NotFound(
                _(
                    "{member} does not have {role} for a time.",
                    member=member.mention,
                    role=role.mention,
                ),
                hint=_("See what ends when with /role list."),
            )
        done = _("✅ I take {role} from {member}.", role=role.mention, member=member.mention)
        await answer(interaction, done)

    @role.command(
        name="list",
        description="Show which roles members have for a time",
        extras={**_STAFF, **written("member")},
    )
    @app_commands.describe(member="Only their roles")
    async def list_loans(
        self, interaction: Interaction, member: discord.User | None = None
    ) -> None:
        """Show what ends when, the next first."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        guild_id, state = guild_id_of(interaction), self.bot.kernel.state()
        # The job that ends a role cares for those that were deleted, too; nobody has them any more.
        found = [
            one
            for one in await self.loans.list(guild_id, member.id if member else None)
            if state.role(guild_id, one.role_id) is not None
        ]
        if not found:
            await answer(interaction, _("Nobody has a role for a time."))
            return
        lines = [
            f"- <@{one.user_id}> <@&{one.role_id}> {discord.utils.format_dt(one.ends_at, 'R')}"
            for one in found[:_MOST_SHOWN]
        ]
        if len(found) > _MOST_SHOWN:
            lines.append("-# …")
        await answer(interaction, "\n".join(lines))


def _reason(interaction: Interaction, reason: str | None) -> str:
    """Return what Discord's audit log says; it is read by staff, in the words of whoever acts."""
    return f"{interaction.user.name}: {reason}" if reason else interaction.user.name
