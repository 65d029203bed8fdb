"""What Automod's commands share: who may, which rules, and what Discord offers while typing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import discord
from discord import app_commands

from bot.checks import MANAGES, ensure_manages, guild_id_of, in_time, manages
from bot.core.errors import NotFound
from bot.core.features import RateClass
from bot.core.fields.text import shorten, shorten_marked
from bot.core.i18n import Message, _
from bot.localization import locale_of
from bot.replies import answer
from cogs.automod.rulebook import KEY, Rulebook
from cogs.automod.summaries import describe_tree, rule_icon, summary

if TYPE_CHECKING:
    from bot.client import Pegasus
    from cogs.automod.settings import Rule

Interaction: TypeAlias = "discord.Interaction[Pegasus]"

# Rules can be prepared and looked at while nothing is judged yet.
MANAGED: Mapping[Any, Any] = {
    "rate_class": RateClass.ADMIN,
    "works_while_off": True,
    MANAGES: KEY,
}
# What stands behind spoiler marks, which a list of choices has not.
_HIDDEN = re.compile(r"\|\|.*?\|\|")
_MAX_OFFERS = 25
_MAX_OFFER = 100
_MAX_MESSAGE = 2000


def rulebook_of(interaction: Interaction) -> Rulebook:
    """Return the rules of the guilds."""
    return Rulebook(interaction.client.kernel.settings)


async def begin(interaction: Interaction) -> int:
    """Defer the answer, check that the person manages Automod, and return the guild's id."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    await ensure_manages(interaction, KEY)
    return guild_id_of(interaction)


def guild_of(interaction: Interaction) -> discord.Guild:
    """Return the guild of an interaction; raises `NotFound` when the bot has left it."""
    if interaction.guild is None:
        raise NotFound(_("I am not in this server any more."))
    return interaction.guild


async def begin_form(interaction: Interaction) -> int:
    """Check in time for a form, which can't be deferred, and return the guild's id."""
    async with in_time():
        await ensure_manages(interaction, KEY)
    return guild_id_of(interaction)


async def recheck(interaction: Interaction) -> None:
    """Raise `Denied` when the person who presses may not manage Automod any more."""
    await ensure_manages(interaction, KEY)


async def complete_rule(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """Offer the guild's rules to those who manage them."""
    if interaction.guild_id is None or not await manages(interaction, KEY):
        return []
    locale, typed = locale_of(interaction), current.casefold()
    rules = await rulebook_of(interaction).rules(interaction.guild_id)
    named = [
        (f"{rule_icon(one)} {one.name}: ", _plain(describe_tree(one.when), locale), one.name)
        for one in rules
    ]
    return [
        app_commands.Choice(name=shorten(head + _HIDDEN.sub("…", looks), _MAX_OFFER), value=name)
        for head, looks, name in named
        if typed in f"{head}{looks}".casefold()
    ][:_MAX_OFFERS]


def _plain(message: Message, locale: str) -> str:
    return message.render(locale).replace("*", "").replace("`", "")


async def report(interaction: Interaction, what: Message, rule: Rule, *hints: Message) -> None:
    """Answer what was done to a rule, with the rule as it is now and what can be done next."""
    locale = locale_of(interaction)
    state = await rulebook_of(interaction).state(guild_id_of(interaction))
    shown = list(hints)
    if not state.enabled:
        shown.append(_("Automod is switched off here. Switch it on with /feature enable."))
    below = "".join(f"\n-# {one.render(locale)}" for one in shown)
    text = shorten_marked(summary(rule, locale), _MAX_MESSAGE - 300 - len(below))
    await answer(interaction, f"✅ {what.render(locale)}\n{text}{below}")
