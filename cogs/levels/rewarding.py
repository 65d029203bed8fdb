"""The /xp reward commands: what levels give and take, shown before it reaches anybody."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, cast

import discord
from discord import app_commands

from bot.batchscreens import run_batch, show_batch
from bot.checks import actor_of, ensure_manages, manages
from bot.core.errors import Conflict, DiscordFailed, NotFound
from bot.core.fields.text import shorten
from bot.core.i18n import _
from bot.core.jobs import Retry
from bot.core.roles.sweeps import progress_of
from bot.localization import locale_of
from bot.replies import answer, confirm
from cogs.levels.describing import describe_reward
from cogs.levels.desk import MANAGED, begin, change_settings, ensure_giving, recheck
from cogs.levels.office import Interaction, Office
from cogs.levels.overlaps import ensure_unclaimed
from cogs.levels.problems import is_powerful
from cogs.levels.reconciling import (
    KIND,
    Count,
    order_sync,
    outcome_of,
    question_of,
)
from cogs.levels.settings import KEY, MOST_LEVEL, MOST_REWARDS, LevelSettings, Reward

if TYPE_CHECKING:
    from bot.client import Pegasus

_MAX_OFFERS, _MAX_OFFER = 25, 100


async def complete_reward(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """Offer the rewards, also those whose role is gone, to those who manage them."""
    if interaction.guild_id is None or not await manages(interaction, KEY):
        return []
    state = await interaction.client.kernel.settings.get(interaction.guild_id, KEY)
    wanted = current.casefold()
    names = _names(interaction)
    shown = [
        (f"{one.level}: {names.get(one.role_id, str(one.role_id))}", str(one.role_id))
        for one in state.settings.rewards
    ]
    return [
        app_commands.Choice(name=shorten(name, _MAX_OFFER), value=value)
        for name, value in shown
        if wanted in name.casefold()
    ][:_MAX_OFFERS]


class RewardCommands(
    app_commands.Group, name="reward", description="Roles that levels give or take"
):
    """The group; it is part of /xp."""

    def __init__(self, bot: Pegasus, office: Office) -> None:
        super().__init__()
        self.bot = bot
        self.office = office

    @app_commands.command(description="Have a level give or take a role", extras=MANAGED)
    @app_commands.describe(
        level="The level", role="The role", action="Give unless you say otherwise"
    )
    @app_commands.choices(
        action=[
            app_commands.Choice(name="Give", value="give"),
            app_commands.Choice(name="Take", value="take"),
        ]
    )
    async def add(
        self,
        interaction: Interaction,
        level: app_commands.Range[int, 1, MOST_LEVEL],
        role: discord.Role,
        action: app_commands.Choice[str] | None = None,
    ) -> None:
        """Check, show what would change, ask, store; the members are brought in line then."""
        guild_id = await begin(interaction)
        summary = await ensure_giving(interaction, role)
        kind = cast("Literal['give', 'take']", action.value if action else "give")
        if kind == "give":
            await ensure_unclaimed(self.bot.kernel, guild_id, role.id)
        powerful = kind == "give" and is_powerful(summary)
        reward = Reward(level=level, role_id=role.id, action=kind, trusted=powerful)
        settings: LevelSettings = (await self.bot.kernel.settings.get(guild_id, KEY)).settings
        idea = settings.model_copy(update={"rewards": with_reward(settings, reward)})
        if powerful and not await self._means_it(interaction, role):
            return
        count = await self._count(guild_id, idea)
        if count.members and not await confirm(
            interaction, question_of(count, locale_of(interaction)), danger=False, recheck=recheck
        ):
            return
        await change_settings(
            self.bot.kernel.settings,
            guild_id,
            lambda now: {"rewards": _to_json(with_reward(now, reward))},
            actor_of(interaction),
        )
        await self._report(interaction, guild_id, reward, count)

    async def _means_it(self, interaction: Interaction, role: discord.Role) -> bool:
        async def may_still(pressed: Interaction) -> None:
            await ensure_manages(pressed, KEY)
            await ensure_giving(pressed, role)

        question = _(
            "{role} has rights of staff, and whoever reaches the level would have them. Really?",
            role=role.mention,
        )
        return await confirm(interaction, question, recheck=may_still)

    async def _report(
        self, interaction: Interaction, guild_id: int, reward: Reward, count: Count
    ) -> None:
        locale = locale_of(interaction)
        lines = [f"✅ {describe_reward(reward).render(locale)}"]
        if not (await self.bot.kernel.settings.get(guild_id, KEY)).enabled:
            off = _("Levels are switched off here. Switch them on with /feature enable.")
            lines.append(f"-# {off.render(locale)}")
        elif count.members:
            soon = _("I begin within a minute; /xp reward sync shows how far it is.")
            lines.append(f"-# {soon.render(locale)}")
        await answer(interaction, "\n".join(lines))

    @app_commands.command(description="Have a level no longer give or take a role", extras=MANAGED)
    @app_commands.describe(role="The reward")
    @app_commands.autocomplete(role=complete_reward)
    async def remove(self, interaction: Interaction, role: str) -> None:
        """Remove a reward; who has the role keeps it."""
        guild_id = await begin(interaction)
        settings: LevelSettings = (await self.bot.kernel.settings.get(guild_id, KEY)).settings
        found = find_reward(settings, role, _names(interaction))
        await change_settings(
            self.bot.kernel.settings,
            guild_id,
            lambda now: {
                "rewards": _to_json(one for one in now.rewards if one.role_id != found.role_id)
            },
            actor_of(interaction),
        )
        await answer(
            interaction,
            _(
                "✅ {role} is no reward any more. Who has it keeps it.",
                role=f"<@&{found.role_id}>",
            ),
        )

    @app_commands.command(name="list", description="Show what levels give and take", extras=MANAGED)
    async def list_rewards(self, interaction: Interaction) -> None:
        """Show the rewards and what is in their way."""
        guild_id = await begin(interaction)
        kernel, locale = self.bot.kernel, locale_of(interaction)
        settings: LevelSettings = (await kernel.settings.get(guild_id, KEY)).settings
        if not settings.rewards:
            await answer(interaction, _("Levels give no roles yet. Add one with /xp reward add."))
            return
        rewards = sorted(settings.rewards, key=lambda one: (one.level, one.role_id))
        lines = [f"- {describe_reward(one).render(locale)}" for one in rewards]
        lines += [
            f"-# ⚠️ {one.message.render(locale)} {one.fix.render(locale)}"
            for one in await kernel.problems.find(guild_id, KEY)
        ]
        await answer(interaction, shorten("\n".join(lines), 1900))

    @app_commands.command(
        description="Show what members lack of their rewards, and bring them in line",
        extras=MANAGED,
    )
    async def sync(self, interaction: Interaction) -> None:
        """Count, ask, change; or show what goes on already."""
        guild_id, locale = await begin(interaction), locale_of(interaction)
        running = await self.bot.kernel.batches.get_open(guild_id, KIND)
        if running is not None:
            await show_batch(
                interaction, running, locale=locale, progress=progress_of, outcome=outcome_of
            )
            return
        settings: LevelSettings = (await self.bot.kernel.settings.get(guild_id, KEY)).settings
        if not settings.rewards:
            await answer(interaction, _("Levels give no roles yet. Add one with /xp reward add."))
            return
        count = await self._count(guild_id, settings)
        if not count.members and count.whole:
            text = _("All {seen} members have the roles of their levels.", seen=count.seen)
            await answer(interaction, text)
            return
        question = question_of(count, locale)
        if not await confirm(interaction, question, danger=False, recheck=recheck):
            return
        guild = self.bot.kernel.state().guild(guild_id)
        order = order_sync(
            guild_id,
            interaction.channel_id or 0,
            actor_of(interaction),
            locale=locale,
            members=count.seen if count.whole or guild is None else guild.member_count,
        )
        await run_batch(interaction, order, progress=progress_of, outcome=outcome_of)

    async def _count(self, guild_id: int, settings: LevelSettings) -> Count:
        await self.office.counter.flush()
        try:
            return await self.office.reconciler.count(guild_id, settings)
        except Retry as error:
            raise DiscordFailed(_("Discord does not answer at the moment.")) from error


def with_reward(settings: LevelSettings, reward: Reward) -> tuple[Reward, ...]:
    """Return the rewards with one added, in place of another of the same role.

    Raises `Conflict` when there are as many as there can be.
    """
    others = tuple(one for one in settings.rewards if one.role_id != reward.role_id)
    if len(others) >= MOST_REWARDS:
        raise Conflict(
            _("There are {count} rewards already, which is the most.", count=MOST_REWARDS),
            hint=_("Remove one with /xp reward remove."),
        )
    return (*others, reward)


def find_reward(settings: LevelSettings, text: str, names: dict[int, str]) -> Reward:
    """Return the reward that a text names by id, mention or name; raises `NotFound`."""
    found = re.fullmatch(r"\s*(?:<@&)?(\d{15,20})>?\s*", text)
    wanted = text.strip().removeprefix("@").casefold()
    for one in settings.rewards:
        if (found and int(found[1]) == one.role_id) or (
            names.get(one.role_id, "").casefold() == wanted
        ):
            return one
    raise NotFound(
        _("“{role}” is no reward.", role=text.strip()[:60]),
        hint=_("See them all with /xp reward list."),
    )


def _to_json(rewards: Any) -> list[dict[str, Any]]:
    return [one.model_dump(mode="json") for one in rewards]


def _names(interaction: Interaction) -> dict[int, str]:
    roles = interaction.client.kernel.state().roles(interaction.guild_id or 0)
    return {one.id: one.name for one in roles}
