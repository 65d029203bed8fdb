"""Hears of joins, departures and changes of members; the /autorole commands.

Nothing is decided here. Members are not cached, so news of them comes from raw payloads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.batchscreens import StopButton, run_batch, show_batch
from bot.checks import MANAGES, actor_of, ensure_manages, guild_id_of, manages
from bot.core.batches import Later, Refused
from bot.core.durations import parse_duration
from bot.core.errors import Denied, DiscordFailed, InvalidInput, NotFound
from bot.core.features import RateClass
from bot.core.fields.text import shorten
from bot.core.i18n import _, ngettext
from bot.core.power import is_powerful
from bot.core.roles.sweeps import progress_of
from bot.localization import locale_of
from bot.replies import answer, confirm
from cogs.autorole.backfill import (
    KIND,
    Backfill,
    Count,
    order_backfill,
    outcome_of,
    with_roles,
)
from cogs.autorole.desk import Interaction, anybody, ensure_giving, ensure_no_reward
from cogs.autorole.editing import (
    JoinRoles,
    change_roles,
    changed_role,
    find_role,
    with_role,
    without_role,
)
from cogs.autorole.keeping import Keeping
from cogs.autorole.members import DiscordMembers, member_in
from cogs.autorole.service import KEY, AutoroleService
from cogs.autorole.settings import LONGEST_DELAY, OLDEST_ACCOUNT, JoinRole
from cogs.autorole.wording import gone_line, line_of, question_of

if TYPE_CHECKING:
    from bot.client import Pegasus

# Roles can be prepared and looked at while nobody is given any.
MANAGED: Mapping[Any, Any] = {
    "rate_class": RateClass.ADMIN,
    "works_while_off": True,
    MANAGES: KEY,
}
_MAX_OFFERS, _MAX_OFFER = 25, 100
# At this level Discord asks for a phone number, which nobody can wait for.
_PHONE_LEVEL = 4


async def complete_role(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """Offer the join roles, also those that are gone, to those who manage them."""
    if interaction.guild_id is None or not await manages(interaction, KEY):
        return []
    state = await interaction.client.kernel.settings.get(interaction.guild_id, KEY)
    names = _names(interaction)
    shown = [
        (names.get(one.role_id, str(one.role_id)), str(one.role_id))
        for one in state.settings.join_roles
    ]
    return [
        app_commands.Choice(name=shorten(name, _MAX_OFFER), value=value)
        for name, value in shown
        if current.casefold() in name.casefold()
    ][:_MAX_OFFERS]


def _names(interaction: Interaction) -> dict[int, str]:
    roles = interaction.client.kernel.state().roles(guild_id_of(interaction))
    return {one.id: one.name for one in roles}


@app_commands.guild_only()
class Autorole(
    commands.GroupCog,
    group_name="autorole",
    group_description="Roles for whoever joins or comes back",
):
    """Joins Autorole's services to Discord's events and commands."""

    def __init__(self, bot: Pegasus) -> None:
        kernel = bot.kernel
        self.bot = bot
        lister = DiscordMembers(bot, kernel.clock)
        self.service = AutoroleService(
            kernel.database,
            kernel.clock,
            kernel.settings,
            roles=kernel.roles,
            supervisor=kernel.supervisor,
            state=kernel.state,
            mute_role=kernel.cases.mute_role_id,
        )
        self.keeping = Keeping(
            kernel.database,
            kernel.clock,
            kernel.settings,
            jobs=kernel.jobs,
            lister=lister,
            service=self.service,
        )
        self.backfills = Backfill(self.service, lister, roles=kernel.roles, state=kernel.state)
        self._unsubscribe: Callable[[], None] = lambda: None

    async def cog_load(self) -> None:
        """Go on with earlier work and begin to listen."""
        kernel = self.bot.kernel
        kernel.batches.register(KIND, self.backfills)
        self.bot.add_dynamic_items(StopButton)
        self._unsubscribe = self.keeping.start(kernel.bus)
        for event, listener in (
            ("READY", self.on_session),
            ("GUILD_MEMBER_ADD", self.on_arrival),
            ("GUILD_MEMBER_UPDATE", self.on_member_payload),
            ("GUILD_MEMBER_REMOVE", self.on_departure),
        ):
            self.bot.intake.listen(event, KEY, listener)

    async def cog_unload(self) -> None:
        """Store what was noted."""
        self._unsubscribe()
        await self.service.flush()

    def on_session(self, payload: Mapping[str, Any]) -> None:
        """Take note that the gateway has begun a session, before it tells of joins."""
        self.service.absence.session_began(int(one["id"]) for one in payload["guilds"])

    @commands.Cog.listener()
    async def on_shard_ready(self, shard_id: int) -> None:
        """Look for what was missed: the gateway has begun a session, and repeats nothing."""
        guilds = [one.id for one in self.bot.guilds if one.shard_id == shard_id]
        self._take_up(guilds)

    def _take_up(self, guild_ids: list[int]) -> None:
        work = self.keeping.take_up_session(guild_ids)
        self.bot.kernel.supervisor.spawn("autorole.session", work)

    @commands.Cog.listener()
    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Look for what was missed while Discord had no news of a guild."""
        if self.service.absence.is_planned(guild.id):
            self.service.absence.session_began([guild.id])
            self._take_up([guild.id])

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Leave those as they are who were members before the bot was added."""
        await self.keeping.begin_anew(guild.id)

    def on_arrival(self, payload: Mapping[str, Any]) -> None:
        """Hand a join on."""
        self.service.member_joined(self._member_in(payload))

    def on_member_payload(self, payload: Mapping[str, Any]) -> None:
        """Hand on what a member is now."""
        self.service.member_changed(self._member_in(payload))

    def on_departure(self, payload: Mapping[str, Any]) -> None:
        """Hand a departure on."""
        self.service.member_left(int(payload["guild_id"]), int(payload["user"]["id"]))

    def _member_in(self, payload: Mapping[str, Any]) -> Any:
        return member_in(payload, int(payload["guild_id"]), self.bot.kernel.clock.now())

    # --- commands ------------------------------------------------------------------------------

    @app_commands.command(description="Add a role for whoever joins, or change one", extras=MANAGED)
    @app_commands.describe(
        role="The role that is given",
        delay="How long after joining, such as 10m or 2 days; 0 for at once",
        recipients="Who gets it; people unless you say so",
        screening="When people get it; after membership screening unless you say so",
        account_age="How old their account has to be to get it, such as 7 days; 0 for any age",
        after_role="A role that they need first, such as that of verification; @everyone for none",
    )
    @app_commands.choices(
        recipients=[
            app_commands.Choice(name="Only people", value="people"),
            app_commands.Choice(name="Only bots", value="bots"),
            app_commands.Choice(name="People and bots", value="everyone"),
        ],
        screening=[
            app_commands.Choice(name="After screening", value="after"),
            app_commands.Choice(name="Before screening, which lets them skip it", value="before"),
        ],
    )
    async def add(  # noqa: PLR0917 - the options of the command
        self,
        interaction: Interaction,
        role: discord.Role,
        delay: str | None = None,
        recipients: app_commands.Choice[str] | None = None,
        screening: app_commands.Choice[str] | None = None,
        account_age: str | None = None,
        after_role: discord.Role | None = None,
    ) -> None:
        """Check, ask where the role is powerful, store."""
        guild_id = await _begin(interaction)
        values = _values(role, delay, recipients, screening, account_age, after_role)
        summary = await ensure_giving(interaction, role, anybody(guild_id))
        # What is agreed to is what the role allows now.
        values["trusted"] = is_powerful(summary)
        kernel = self.bot.kernel
        await ensure_no_reward(kernel, guild_id, role.id)

        def edit(roles: JoinRoles) -> JoinRoles:
            return with_role(roles, changed_role(roles, role.id, values))

        # What can't be stored is told before anything is asked.
        edit((await kernel.settings.get(guild_id, KEY)).settings.join_roles)
        if is_powerful(summary) and not await self._means_it(interaction, role):
            return
        roles = await change_roles(kernel.settings, guild_id, edit, actor_of(interaction))
        (entry,) = (one for one in roles if one.role_id == role.id)
        await self._report(interaction, entry)

    async def _means_it(self, interaction: Interaction, role: discord.Role) -> bool:
        async def recheck(pressed: Interaction) -> None:
            await ensure_manages(pressed, KEY)
            await ensure_giving(pressed, role, anybody(role.guild.id))

        question = _(
            "{role} has rights of staff, and whoever joins would have them. Really?",
            role=role.mention,
        )
        return await confirm(interaction, question, recheck=recheck)

    async def _report(self, interaction: Interaction, entry: JoinRole) -> None:
        guild_id, locale = guild_id_of(interaction), locale_of(interaction)
        kernel = self.bot.kernel
        hints = []
        if not (await kernel.settings.get(guild_id, KEY)).enabled:
            hints.append(_("Autorole is switched off here. Switch it on with /feature enable."))
        if not kernel.config.discord.members_intent:
            hints.append(_("I can't see who joins: my owner has to switch the members intent on."))
        guild = kernel.state().guild(guild_id)
        if guild is not None and guild.verification_level >= _PHONE_LEVEL:
            hints.append(
                _("Discord asks nobody who has a role for a phone number, which this server does.")
            )
        if entry.recipients != "bots":
            hints.append(_("/autorole backfill gives it to those who are here already."))
        below = "".join(f"\n-# {one.render(locale)}" for one in hints)
        await answer(interaction, f"✅ {line_of(entry, locale)}{below}")

    @app_commands.command(description="Give a role no more to whoever joins", extras=MANAGED)
    @app_commands.describe(role="The join role")
    @app_commands.autocomplete(role=complete_role)
    async def remove(self, interaction: Interaction, role: str) -> None:
        """Remove a join role; who has it keeps it."""
        guild_id = await _begin(interaction)
        settings = (await self.bot.kernel.settings.get(guild_id, KEY)).settings
        found = find_role(settings.join_roles, role, _names(interaction))
        coming = await self.service.count_coming(guild_id, found.role_id)
        await change_roles(
            self.bot.kernel.settings,
            guild_id,
            lambda roles: without_role(roles, found.role_id),
            actor_of(interaction),
        )
        done = _(
            "✅ Whoever joins from now on does not get {role}. Who has it keeps it.",
            role=f"<@&{found.role_id}>",
        )
        text = done.render(locale_of(interaction))
        if coming:
            withdrawn = ngettext(
                "{count} member who was still to get it does not get it any more.",
                "{count} members who were still to get it do not get it any more.",
                coming,
            )
            text += f"\n{withdrawn.render(locale_of(interaction))}"
        await answer(interaction, text)

    @app_commands.command(name="list", description="Show the join roles", extras=MANAGED)
    async def list_roles(self, interaction: Interaction) -> None:
        """Show the join roles and what is in the way of them."""
        guild_id = await _begin(interaction)
        kernel, locale = self.bot.kernel, locale_of(interaction)
        state = await kernel.settings.get(guild_id, KEY)
        if not state.settings.join_roles:
            text = _("Whoever joins gets no role. Add one with /autorole add.")
            await answer(interaction, text)
            return
        roles, known = state.settings.join_roles, _names(interaction)
        gone = {f"join_roles:{one.role_id}" for one in roles if one.role_id not in known}
        lines = [
            f"- {line_of(one, locale) if one.role_id in known else gone_line(one, locale)}"
            for one in roles
        ]
        lines += [
            f"-# ⚠️ {one.message.render(locale)} {one.fix.render(locale)}"
            for one in await kernel.problems.find(guild_id, KEY)
            if one.subject not in gone
        ]
        snapshot = await kernel.roles.snapshot(guild_id)
        waiting = snapshot.waiting + snapshot.screening + snapshot.parked
        if waiting:
            text = _("Role changes that wait for their time or turn: {count}", count=waiting)
            lines.append(f"-# {text.render(locale)}")
        await answer(interaction, shorten("\n".join(lines), 1900))

    @app_commands.command(
        description="Give the join roles to those who are here already", extras=MANAGED
    )
    @app_commands.describe(role="Only this one of the join roles")
    @app_commands.autocomplete(role=complete_role)
    async def backfill(self, interaction: Interaction, role: str | None = None) -> None:
        """Count, ask, give; or show the back-fill that goes on already."""
        guild_id = await _begin(interaction)
        if await self._show_running(interaction, guild_id):
            return
        roles = await self._roles_to_fill(interaction, guild_id, role)
        settings = (await self.bot.kernel.settings.get(guild_id, KEY)).settings
        count = await self._count(guild_id, with_roles(settings, roles))
        if not count.members and count.whole:
            text = _("All {seen} members have the roles that are for them.", seen=count.seen)
            await answer(interaction, text)
            return
        if not await confirm(
            interaction,
            question_of(count, locale_of(interaction)),
            danger=False,
            recheck=_recheck,
        ):
            return
        guild = self.bot.kernel.state().guild(guild_id)
        order = order_backfill(
            guild_id,
            interaction.channel_id or 0,
            roles,
            actor_of(interaction),
            locale=locale_of(interaction),
            members=max(count.seen, guild.member_count if guild else 0),
        )
        await run_batch(interaction, order, progress=progress_of, outcome=outcome_of)

    async def _show_running(self, interaction: Interaction, guild_id: int) -> bool:
        """Show the back-fill that goes on, to others with a question; False without one."""
        batches = self.bot.kernel.batches
        running = await batches.get_open(guild_id, KIND)
        if running is None:
            return False
        locale = locale_of(interaction)
        if running.actor_id == interaction.user.id:
            await show_batch(
                interaction, running, locale=locale, progress=progress_of, outcome=outcome_of
            )
            return True
        question = _(
            "{member} has begun a back-fill that goes on. {progress} Stop it?",
            member=f"<@{running.actor_id}>" if running.actor_id else _("Somebody"),
            progress=progress_of(running),
        )
        if await confirm(interaction, question, recheck=_recheck):
            await batches.stop(running.id)
            await answer(interaction, _("⏹️ I stop after what is under way."))
        return True

    async def _roles_to_fill(
        self, interaction: Interaction, guild_id: int, role: str | None
    ) -> tuple[JoinRole, ...]:
        kernel = self.bot.kernel
        if not kernel.config.discord.members_intent:
            raise Denied(
                _("I can't see who the members are."),
                hint=_("My owner has to switch the members intent on."),
            )
        settings = (await kernel.settings.get(guild_id, KEY)).settings
        roles: tuple[JoinRole, ...] = settings.join_roles
        if not roles:
            raise InvalidInput(
                _("There is no join role yet."), hint=_("Add one with /autorole add.")
            )
        if role is not None:
            roles = (find_role(roles, role, _names(interaction)),)
        for problem in await kernel.problems.find(guild_id, KEY):
            if any(problem.subject == f"join_roles:{one.role_id}" for one in roles):
                raise Denied(problem.message, hint=problem.fix)
        return roles

    async def _count(self, guild_id: int, settings: Any) -> Count:
        try:
            return await self.backfills.count(guild_id, settings)
        except Later as error:
            raise DiscordFailed(_("Discord does not answer at the moment.")) from error
        except Refused as error:
            raise NotFound(_("Discord does not show me the members.")) from error


def _values(  # noqa: PLR0917 - the options of a command
    role: discord.Role,
    delay: str | None,
    recipients: app_commands.Choice[str] | None,
    screening: app_commands.Choice[str] | None,
    account_age: str | None,
    after_role: discord.Role | None,
) -> dict[str, Any]:
    """Return the values that the options name; raises `InvalidInput` in words.

    That everybody has a role makes it a way to say that none has to be waited for.
    """
    if after_role is not None and after_role.id == role.id:
        raise InvalidInput(_("A role can't wait for itself."))
    values: dict[str, Any] = {}
    if delay:
        values["delay"] = parse_duration(delay, maximum=LONGEST_DELAY)
    if recipients:
        values["recipients"] = recipients.value
    if screening:
        values["after_screening"] = screening.value == "after"
    if account_age:
        values["account_age"] = parse_duration(account_age, maximum=OLDEST_ACCOUNT)
    if after_role:
        values["after_role_id"] = None if after_role.is_default() else after_role.id
    return values


async def _begin(interaction: Interaction) -> int:
    """Defer the answer, check that the person manages Autorole, and return the guild's id."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    await ensure_manages(interaction, KEY)
    return guild_id_of(interaction)


async def _recheck(interaction: Interaction) -> None:
    await ensure_manages(interaction, KEY)
