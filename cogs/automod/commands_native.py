"""/automod native: hands rules to Discord's own AutoMod, and takes them back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import discord
from discord import app_commands

from bot.checks import guild_id_of
from bot.core.errors import Denied, DiscordFailed
from bot.core.fields.text import quote, shorten
from bot.core.i18n import Message, _, ngettext
from bot.localization import locale_of
from bot.replies import answer, confirm
from cogs.automod.desk import MANAGED, Interaction, begin, guild_of, recheck, rulebook_of
from cogs.automod.native import (
    Extras,
    Plan,
    Refusal,
    Steps,
    Surroundings,
    is_ours,
    plan_native,
    steps_to,
    taken_by_others,
)
from cogs.automod.nativeroom import Push
from cogs.automod.nativetriggers import PRESET, SPAM

_REASON = "Automod: {} ({})"
_MAX_TEXT = 1900


class NativeCommands(app_commands.Group):
    """The commands about Discord's own AutoMod."""

    def __init__(self) -> None:
        super().__init__(name="native", description="Have Discord's own AutoMod help")

    @app_commands.command(description="Hand the rules that fit to Discord", extras={**MANAGED})
    @app_commands.describe(
        lists="Also block what is on Discord's own word lists",
        spam="Also block what Discord takes for spam",
    )
    async def push(self, interaction: Interaction, lists: bool = False, spam: bool = False) -> None:
        """Make Discord's rules what ours are; only rules that this bot has made are touched."""
        await begin(interaction)
        _ensure_allowed(interaction)
        plan, steps = await _look(interaction, Extras(lists, spam))
        failed = await _carry_out(interaction, steps)
        refused = {one.rule for one in failed}
        done = len(_names(plan) - refused)
        title = ngettext(
            "✅ Discord has {count} of your rules now.",
            "✅ Discord has {count} of your rules now.",
            done,
        )
        await _report(interaction, title, plan, [*failed, *plan.refusals])

    @app_commands.command(description="Show which rules Discord has", extras={**MANAGED})
    async def status(self, interaction: Interaction) -> None:
        """Say what is there, what would be handed over, and what does not fit."""
        await begin(interaction)
        _ensure_allowed(interaction)
        plan, steps = await _look(interaction)
        waiting = len(steps.create) + len(steps.edit) + len(steps.delete)
        if waiting:
            title = ngettext(
                "{count} rule differs at Discord: /automod native push sets that right.",
                "{count} rules differ at Discord: /automod native push sets that right.",
                waiting,
            )
        else:
            title = ngettext(
                "✅ Discord has {count} rule of yours, as it should be.",
                "✅ Discord has {count} rules of yours, as they should be.",
                steps.same,
            )
        await _report(interaction, title, plan, plan.refusals)

    @app_commands.command(description="Take all rules back from Discord", extras={**MANAGED})
    async def remove(self, interaction: Interaction) -> None:
        """Remove what this bot has made at Discord; the rules themselves stay."""
        await begin(interaction)
        _ensure_allowed(interaction)
        rules = await _ours(interaction)
        if not rules:
            await answer(interaction, _("Discord has none of your rules."))
            return
        question = ngettext(
            "Take {count} rule back from Discord? It goes on working here.",
            "Take {count} rules back from Discord? They go on working here.",
            len(rules),
        )
        if not await confirm(interaction, question, recheck=recheck):
            return
        steps = Steps(tuple(int(one["id"]) for one in rules), (), (), 0)
        await _carry_out(interaction, steps)
        await answer(interaction, _("✅ Discord has none of your rules any more."))


def _ensure_allowed(interaction: Interaction) -> None:
    """Raise `Denied` unless the bot may change native rules."""
    if not guild_of(interaction).me.guild_permissions.manage_guild:
        raise Denied(
            _("Discord lets me change its AutoMod only with the permission Manage Server."),
            hint=_("Give it to my role under Server Settings → Roles."),
        )


async def _rules(interaction: Interaction) -> Sequence[Any]:
    return await interaction.client.http.get_auto_moderation_rules(guild_id_of(interaction))


async def _ours(interaction: Interaction) -> list[Any]:
    me = guild_of(interaction).me
    return [one for one in await _rules(interaction) if is_ours(one, me.id)]


async def _look(interaction: Interaction, extras: Extras | None = None) -> tuple[Plan, Steps]:
    """Return the plan and what is to be done; without `extras`, they stay as they are."""
    guild = guild_of(interaction)
    me = guild.me
    rules = await _rules(interaction)
    if extras is None:
        ours = {one["trigger_type"] for one in rules if is_ours(one, me.id)}
        extras = Extras(PRESET in ours, SPAM in ours)
    kernel = interaction.client.kernel
    general = (await kernel.settings.get(guild.id, "general")).settings
    around = Surroundings(
        staff_role_ids=[
            one.id
            for one in guild.roles
            if one.permissions.manage_messages
            # Discord itself spares these.
            and not (one.permissions.administrator or one.permissions.manage_guild)
        ],
        everyone_role_ids=[
            one.id
            for one in guild.roles
            if one.permissions.mention_everyone and not one.permissions.manage_guild
        ],
        everyone_may=guild.default_role.permissions.mention_everyone,
        log_channel_id=general.log_channel_id,
        may_time_out=guild.me.guild_permissions.moderate_members,
        taken=taken_by_others(rules, me.id),
        hears_blocked=kernel.config.discord.message_content_intent,
    )
    settings = await rulebook_of(interaction).settings(guild.id)
    plan = plan_native(settings, around, extras)
    return plan, steps_to(plan, rules, me.id)


async def _carry_out(interaction: Interaction, steps: Steps) -> list[Refusal]:
    """Do it step by step, and return what Discord refused."""
    http, guild_id = interaction.client.http, guild_id_of(interaction)
    reason = _REASON.format(interaction.user.name, interaction.user.id)
    refused: list[Refusal] = []
    for rule_id in steps.delete:
        try:
            await http.delete_auto_moderation_rule(guild_id, rule_id, reason=reason)
        except discord.NotFound:
            continue
    for rule_id, push in steps.edit:
        fields = {key: value for key, value in push.payload.items() if key != "trigger_type"}
        work = http.edit_auto_moderation_rule(guild_id, rule_id, reason=reason, **fields)
        refused += await _try(push, work)
    for push in steps.create:
        work = http.create_auto_moderation_rule(guild_id, reason=reason, **push.payload)
        refused += await _try(push, work)
    return refused


async def _try(push: Push, work: Any) -> list[Refusal]:
    try:
        await work
    except discord.Forbidden as error:
        raise Denied(
            _("Discord refused to change its AutoMod: {why}.", why=error.text[:200]),
            hint=_("Give me the permissions Manage Server and Time out members."),
        ) from None
    except discord.HTTPException as error:
        if error.status >= 500:
            raise DiscordFailed(
                _("Discord does not answer as it should."), hint=_("Please try again.")
            ) from None
        why = _("Discord refused it: {why}", why=quote(error.text, 150))
        return [Refusal(one, why) for one in push.rules]
    return []


def _names(plan: Plan) -> set[str]:
    return {name for one in plan.pushes for name in one.rules}


async def _report(
    interaction: Interaction, title: Message, plan: Plan, refused: Sequence[Refusal]
) -> None:
    locale = locale_of(interaction)
    lines = [title.render(locale)]
    failed = {one.rule for one in refused}
    pushed = (name for one in plan.pushes for name in one.rules)
    names = dict.fromkeys(name for name in pushed if name not in failed)
    fitting = [quote(one) for one in names]
    if fitting:
        lines.append(_("Discord's, too: {names}", names=", ".join(fitting)).render(locale))
    notes = [one for one in plan.notes if one.rule not in failed]
    if notes:
        lines.append(_("Not all of these is Discord's:").render(locale))
    lines += [f"- {quote(one.rule)}: {one.why.render(locale)}" for one in notes]
    if refused:
        lines.append(_("These stay with me alone:").render(locale))
    lines += [f"- {quote(one.rule)}: {one.why.render(locale)}" for one in refused]
    spared = _("Discord spares admins, Manage Server and bots.").render(locale)
    text = shorten("\n".join(lines), _MAX_TEXT - len(spared))
    await answer(interaction, f"{text}\n-# {spared}")
