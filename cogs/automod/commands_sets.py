"""/automod preset, export and import: all rules at once, shown before they are taken."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any

import discord

from bot.checks import actor_of
from bot.core.errors import DiscordFailed, InvalidInput
from bot.core.fields.text import quote, shorten, shorten_marked
from bot.core.guild_locale import locale_of_guild
from bot.core.i18n import Message, _, ngettext
from bot.core.settings import FeatureState
from bot.localization import locale_of
from bot.replies import answer, confirm
from cogs.automod.desk import Interaction, begin, recheck, rulebook_of
from cogs.automod.exchange import (
    MAX_FILE,
    Import,
    Mode,
    compare,
    describe_comparison,
    plan_import,
    read_file,
    write_file,
)
from cogs.automod.presets import TITLES, Preset, rules_of, with_preset
from cogs.automod.rulebook import to_json
from cogs.automod.summaries import summary_line

if TYPE_CHECKING:
    from cogs.automod.settings import Rule

_MAX_ASKED = 1600


async def take_preset(interaction: Interaction, level: Preset, *, shadow: bool) -> None:
    """Show what the preset does and would change, then put it in the place of an earlier one."""
    guild_id = await begin(interaction)
    kernel = interaction.client.kernel
    state = await rulebook_of(interaction).state(guild_id)
    language = await locale_of_guild(kernel.settings, kernel.state(), guild_id)
    preset = rules_of(level, language, shadow=shadow)
    rules = with_preset(state.settings.rules, preset)
    title = _(TITLES[level])
    locale = locale_of(interaction)
    shown = "\n".join(summary_line(one, locale) for one in preset)
    embed = discord.Embed(
        title=_(TITLES[level]).render(locale), description=shorten_marked(shown, 4000)
    )
    await answer(interaction, embed=embed)
    await _take_over(interaction, state, rules, {}, title=title, enable=True)


async def send_file(interaction: Interaction) -> None:
    """Answer with the file."""
    guild_id = await begin(interaction)
    settings = await rulebook_of(interaction).settings(guild_id)
    data = await asyncio.to_thread(write_file, settings)
    count = ngettext("{count} rule", "{count} rules", len(settings.rules))
    text = _("{rules} and the other settings; /automod import takes them back.", rules=count)
    await answer(interaction, text, file=discord.File(BytesIO(data), "automod.json"))


async def take_file(interaction: Interaction, file: discord.Attachment, mode: Mode) -> None:
    """Check the whole file, show what would change, and take it over after a yes."""
    guild_id = await begin(interaction)
    state = await rulebook_of(interaction).state(guild_id)
    wanted = await asyncio.to_thread(read_file, await _download(file))
    plan = plan_import(state.settings, wanted, mode, functools.partial(_knows, interaction))
    title = Message("{file}", {"file": quote(file.filename, 60)})
    notes = list(_notes_on(plan))
    await _take_over(interaction, state, plan.rules, plan.changes, title=title, notes=notes)


async def _download(file: discord.Attachment) -> bytes:
    if file.size > MAX_FILE:
        raise InvalidInput(_("This file is too large: at most 1 MiB, please."))
    try:
        return await file.read()
    except discord.HTTPException:
        raise DiscordFailed(
            _("I could not get the file from Discord."), hint=_("Please try again.")
        ) from None


def _knows(interaction: Interaction, kind: str, one: int) -> bool:
    state, guild_id = interaction.client.kernel.state(), interaction.guild_id or 0
    found = state.role if kind == "role" else state.channel
    return found(guild_id, one) is not None


def _notes_on(plan: Import) -> list[Message]:
    notes = []
    if plan.left_out:
        names = ", ".join(map(quote, plan.left_out[:10]))
        notes.append(_("Left out, as their roles or channels are not here: {names}", names=names))
    if plan.forgotten:
        notes.append(
            ngettext(
                "{count} exempt role or channel is not here and is left out.",
                "{count} exempt roles or channels are not here and are left out.",
                plan.forgotten,
            )
        )
    return notes


async def _take_over(
    interaction: Interaction,
    state: FeatureState,
    rules: tuple[Rule, ...],
    changes: Mapping[str, Any],
    *,
    title: Message,
    notes: list[Message] | None = None,
    enable: bool = False,
) -> None:
    """Ask with what would change; then change it, if the settings still are as they were."""
    locale = locale_of(interaction)
    found = compare(state.settings.rules, rules)
    others = [name for name in changes if name != "rules" and _differs(state, name, changes)]
    enable = enable and not state.enabled
    if found.is_empty and not others and not enable:
        await answer(interaction, _("That would change nothing."))
        return
    lines = [title.render(locale), describe_comparison(found, locale)]
    lines += [f"⚠️ {one.render(locale)}" for one in notes or ()]
    if others:
        count = ngettext(
            "{count} other setting changes.", "{count} other settings change.", len(others)
        )
        lines.append(f"⚙️ {count.render(locale)}")
    if enable:
        lines.append(f"⏻ {_('Automod is off; this switches it on.').render(locale)}")
    shown = shorten("\n".join(filter(None, lines)), _MAX_ASKED)
    question = _("{changes}\nTake this over?", changes=shown)
    if not await confirm(interaction, question, danger=bool(found.removed), recheck=recheck):
        return
    await rulebook_of(interaction).put(
        state.guild_id,
        {"rules": to_json(rules), **changes},
        state.revision,
        actor_of(interaction),
        enabled=True if enable else None,
    )
    done = ngettext("✅ Done: {count} rule.", "✅ Done: {count} rules.", len(rules))
    hint = _("/settings rollback takes it back.").render(locale)
    await answer(interaction, f"{done.render(locale)}\n-# {hint}")


def _differs(state: FeatureState, name: str, changes: Mapping[str, Any]) -> bool:
    return state.settings.to_json()[name] != changes[name]
