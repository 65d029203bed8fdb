"""The commands /settings, /feature and /permissions: they ask the kernel and show its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import discord
from discord import app_commands
from discord.ext import commands

from bot.checks import (
    ANY_FEATURE,
    MANAGES,
    actor_of,
    ensure_admin,
    ensure_manages,
    guild_id_of,
)
from bot.core.errors import Denied, InvalidInput
from bot.core.features import Feature
from bot.core.fields import describe_fields
from bot.core.fields.text import show_diff
from bot.core.i18n import LANGUAGES, N_, Message, _
from bot.core.permissions import EVERY_FEATURE
from bot.core.problems.merging import merge_places
from bot.core.settings import Change, Diff
from bot.core.settings.model import diff_between
from bot.localization import locale_of
from bot.replies import answer, confirm, paginate
from cogs.admin.completion import (
    complete_feature,
    complete_field,
    complete_grant,
    complete_revision,
    complete_switch,
    complete_value,
    managed_features,
)
from cogs.admin.pages import (
    grant_pages,
    history_pages,
    overview_pages,
    problem_text,
    settings_pages,
)
from cogs.admin.rules import field_of, read_value

if TYPE_CHECKING:
    from bot.client import Pegasus

Interaction: TypeAlias = "discord.Interaction[Pegasus]"

HISTORY_LENGTH = 25
_MANAGING = {MANAGES: ANY_FEATURE}
_MANAGERS = discord.Permissions(manage_guild=True)
# A confirmation holds 2000 characters, question and changes together.
_DIFF_TEXT = 1500


class Admin(commands.Cog):
    """Configures the guild by command."""

    # Open to everybody in Discord's eyes: a member who was granted a feature may lack every
    # permission that could be asked for here. Each command checks by itself.
    settings = app_commands.Group(
        name="settings", description="See and change what I do here", guild_only=True
    )
    feature = app_commands.Group(
        name="feature", description="Switch features on and off", guild_only=True
    )
    permissions = app_commands.Group(
        name="permissions",
        description="Hand the management of a feature to a member",
        guild_only=True,
        default_permissions=_MANAGERS,
    )

    def __init__(self, bot: Pegasus) -> None:
        self.bot = bot
        self.kernel = bot.kernel

    # --- /settings ----------------------------------------------------------------------------

    @settings.command(name="set", description="Change one setting", extras=_MANAGING)
    @app_commands.describe(
        feature="The feature to change", field="The setting to change", value="Its new value"
    )
    @app_commands.autocomplete(feature=complete_feature, field=complete_field, value=complete_value)
    async def set_value(
        self, interaction: Interaction, feature: str, field: str, value: str
    ) -> None:
        """Change a setting and say what is different now."""
        found = await self._start(interaction, feature)
        guild_id, locale = guild_id_of(interaction), locale_of(interaction)
        info = field_of(found, field)
        wanted = read_value(info, value, self.kernel.state(), guild_id, locale)
        change = await self.kernel.settings.change(
            guild_id, found.key, {info.name: wanted}, actor=actor_of(interaction)
        )
        await self._report(interaction, found, change)

    @settings.command(
        name="show", description="Show the settings of a feature, or all features", extras=_MANAGING
    )
    @app_commands.describe(feature="The feature to show")
    @app_commands.autocomplete(feature=complete_feature)
    async def show(self, interaction: Interaction, feature: str | None = None) -> None:
        """Show one feature's settings, or an overview of all."""
        if feature is None:
            await self._show_features(interaction)
            return
        found = await self._start(interaction, feature)
        guild_id = guild_id_of(interaction)
        state = await self.kernel.settings.get(guild_id, found.key)
        problems = merge_places(await self.kernel.problems.find(guild_id, found.key))
        await paginate(interaction, settings_pages(found, state, problems, locale_of(interaction)))

    @settings.command(
        name="reset", description="Give settings their default again", extras=_MANAGING
    )
    @app_commands.describe(
        feature="The feature to reset", field="The setting to reset; all without it"
    )
    @app_commands.autocomplete(feature=complete_feature, field=complete_field)
    async def reset(self, interaction: Interaction, feature: str, field: str | None = None) -> None:
        """Ask, with what would change, then reset."""
        found = await self._start(interaction, feature)
        guild_id = guild_id_of(interaction)
        names = None if field is None else [field_of(found, field).name]
        state = await self.kernel.settings.get(guild_id, found.key)
        switch = (state.enabled, state.enabled)
        diff = diff_between(state.settings, found.settings(), switch)
        diff = {name: pair for name, pair in diff.items() if names is None or name in names}
        question = _("Reset these settings of {feature}?", feature=_(found.title))
        if not await self._confirm(interaction, found, question, diff):
            return
        change = await self.kernel.settings.reset(
            guild_id,
            found.key,
            names,
            actor=actor_of(interaction),
            expected_revision=state.revision,
        )
        await self._report(interaction, found, change)

    @settings.command(
        name="history", description="Show who changed which setting when", extras=_MANAGING
    )
    @app_commands.describe(feature="The feature whose changes to show")
    @app_commands.autocomplete(feature=complete_feature)
    async def history(self, interaction: Interaction, feature: str) -> None:
        """Show the latest changes."""
        found = await self._start(interaction, feature)
        guild_id = guild_id_of(interaction)
        revisions = await self.kernel.settings.history(guild_id, found.key, HISTORY_LENGTH)
        await paginate(interaction, history_pages(found, revisions, locale_of(interaction)))

    @settings.command(name="rollback", description="Go back to earlier settings", extras=_MANAGING)
    @app_commands.describe(
        feature="The feature to roll back", revision="The change after which it was as you want it"
    )
    @app_commands.autocomplete(feature=complete_feature)
    @app_commands.autocomplete(revision=complete_revision)
    async def rollback(
        self, interaction: Interaction, feature: str, revision: app_commands.Range[int, 0]
    ) -> None:
        """Ask, with what would change, then go back."""
        found = await self._start(interaction, feature)
        guild_id = guild_id_of(interaction)
        state = await self.kernel.settings.get(guild_id, found.key)
        diff = await self.kernel.settings.preview_rollback(guild_id, found.key, revision)
        question = _(
            "Take {feature} back to revision {number}?",
            feature=_(found.title),
            number=revision,
        )
        if not await self._confirm(interaction, found, question, diff):
            return
        change = await self.kernel.settings.rollback(
            guild_id,
            found.key,
            revision,
            actor=actor_of(interaction),
            expected_revision=state.revision,
        )
        await self._report(interaction, found, change)

    # --- /feature -----------------------------------------------------------------------------

    @feature.command(name="list", description="Show which features are on", extras=_MANAGING)
    async def list_features(self, interaction: Interaction) -> None:
        """Show every feature with its state."""
        await self._show_features(interaction)

    @feature.command(name="enable", description="Switch a feature on", extras=_MANAGING)
    @app_commands.describe(feature="The feature to switch on")
    @app_commands.autocomplete(feature=complete_switch)
    async def enable(self, interaction: Interaction, feature: str) -> None:
        """Switch a feature on."""
        await self._switch(interaction, feature, enabled=True)

    @feature.command(
        name="disable", description="Switch a feature off; its settings are kept", extras=_MANAGING
    )
    @app_commands.describe(feature="The feature to switch off")
    @app_commands.autocomplete(feature=complete_switch)
    async def disable(self, interaction: Interaction, feature: str) -> None:
        """Switch a feature off."""
        await self._switch(interaction, feature, enabled=False)

    # --- /permissions -------------------------------------------------------------------------

    @permissions.command(name="grant", description="Let a member manage a feature")
    @app_commands.describe(member="Who is to manage it", feature="The feature to hand over")
    @app_commands.autocomplete(feature=complete_grant)
    async def grant(self, interaction: Interaction, member: discord.Member, feature: str) -> None:
        """Grant a member the management of a feature, or of all."""
        ensure_admin(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        if member.bot:
            raise InvalidInput(_("Bots can't manage features."), hint=_("Choose a person."))
        actor, feature = actor_of(interaction), self._grantable(feature)
        is_new = await self.kernel.permissions.grant(
            guild_id_of(interaction), member.id, feature, actor=actor
        )
        done = _(
            N_("{member} can manage this now: {feature}.")
            if is_new
            else N_("{member} could manage this already: {feature}."),
            member=member.mention,
            feature=self._title(feature),
        )
        await answer(interaction, done)

    @permissions.command(name="revoke", description="Take the management of a feature back")
    @app_commands.describe(member="Who is not to manage it any more", feature="The feature")
    @app_commands.autocomplete(feature=complete_grant)
    async def revoke(self, interaction: Interaction, member: discord.User, feature: str) -> None:
        """Take a grant back, also from someone who has left."""
        ensure_admin(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        actor, feature = actor_of(interaction), self._grantable(feature)
        await self.kernel.permissions.revoke(
            guild_id_of(interaction), member.id, feature, actor=actor
        )
        done = _(
            "{member} no longer manages this: {feature}.",
            member=member.mention,
            feature=self._title(feature),
        )
        await answer(interaction, done)

    @permissions.command(name="list", description="Show who manages which feature")
    async def list_grants(self, interaction: Interaction) -> None:
        """Show every grant."""
        ensure_admin(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        grants = await self.kernel.permissions.list(guild_id_of(interaction))
        features = {one.key: one for one in self.kernel.registry.all()}
        await paginate(interaction, grant_pages(grants, features, locale_of(interaction)))

    # --- shared -------------------------------------------------------------------------------

    async def _start(self, interaction: Interaction, key: str) -> Feature:
        """Return the feature that the person may manage, with the answer deferred."""
        feature = self.kernel.registry.find(key)
        await interaction.response.defer(ephemeral=True, thinking=True)
        await ensure_manages(interaction, feature.key)
        return feature

    async def _switch(self, interaction: Interaction, key: str, *, enabled: bool) -> None:
        feature = await self._start(interaction, key)
        change = await self.kernel.settings.change(
            guild_id_of(interaction),
            feature.key,
            {},
            actor=actor_of(interaction),
            enabled=enabled,
        )
        switched = _switched(feature, enabled=enabled, is_new=bool(change.diff))
        await self._report(interaction, feature, change, switched)

    async def _show_features(self, interaction: Interaction) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        guild_id = guild_id_of(interaction)
        features = await managed_features(interaction)
        if not features:
            raise Denied(
                _("You manage no feature here."),
                hint=_("Those with Manage Server can hand you one with /permissions grant."),
            )
        problems = merge_places(await self.kernel.problems.find(guild_id))
        entries = [
            (
                one,
                await self.kernel.settings.get(guild_id, one.key),
                sum(problem.feature == one.key for problem in problems),
            )
            for one in features
        ]
        await paginate(interaction, overview_pages(entries, locale_of(interaction)))

    async def _confirm(
        self, interaction: Interaction, feature: Feature, question: Message, diff: Diff
    ) -> bool:
        if not diff:
            await answer(interaction, _("That would change nothing."))
            return False
        fields = describe_fields(feature.settings)
        changes = show_diff(fields, diff, locale_of(interaction), limit=_DIFF_TEXT)
        asked = _("{question}\n{changes}", question=question, changes=changes)

        async def recheck(pressed: Interaction) -> None:
            await ensure_manages(pressed, feature.key)

        return await confirm(interaction, asked, recheck=recheck)

    async def _report(
        self,
        interaction: Interaction,
        feature: Feature,
        change: Change,
        said: Message | None = None,
    ) -> None:
        """Say what is different now, and what still stands in the way of it."""
        locale = locale_of(interaction)
        if not change.diff:
            await answer(interaction, said or _("Nothing was different."))
            return
        changes = show_diff(describe_fields(feature.settings), change.diff, locale, limit=1000)
        changes = changes if said is None else said.render(locale)
        found = await self.kernel.problems.find(change.after.guild_id, feature.key)
        problems = merge_places(found)
        warnings = [problem_text(one, locale) for one in problems[:2]]
        await answer(interaction, "\n".join([f"✅ {changes}", *warnings])[:2000])

    def _grantable(self, typed: str) -> str:
        """Return what a grant is kept under; what was typed may be a title."""
        everything = (_("All features").render(locale) for locale in LANGUAGES)
        if typed == EVERY_FEATURE or typed in everything:
            return EVERY_FEATURE
        return self.kernel.registry.find(typed).key

    def _title(self, feature: str) -> Message:
        if feature == EVERY_FEATURE:
            return _("All features")
        return _(self.kernel.registry.get(feature).title)


def _switched(feature: Feature, *, enabled: bool, is_new: bool) -> Message:
    name = _(feature.title)
    if enabled:
        text = N_("{feature} is switched on now.") if is_new else N_("{feature} was on already.")
    elif is_new:
        return feature.switched_off
    else:
        text = N_("{feature} was off already.")
    return _(text, feature=name)
