"""The pages that the commands answer with: values in, embeds out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import discord

from bot.core.features import Feature
from bot.core.fields import describe_fields
from bot.core.fields.text import escape_markdown, shorten, show_diff, show_value
from bot.core.i18n import Message, _, ngettext
from bot.core.permissions import EVERY_FEATURE, Grant
from bot.core.problems.rules import Problem
from bot.core.settings.model import FeatureState, Revision
from cogs.admin.rules import grouped

# Discord takes 4096 characters in an embed's description and 6000 in all.
_PAGE = 3500


def overview_pages(
    entries: Sequence[tuple[Feature, FeatureState, int]], locale: str
) -> list[discord.Embed]:
    """Return the features with their state and how many problems each has."""
    lines = []
    for feature, state, problems in entries:
        mark = "🟢" if state.enabled else "⚪"
        line = f"{mark} **{_(feature.title).render(locale)}** (`{feature.key}`)"
        if problems:
            count = ngettext("{count} problem", "{count} problems", problems).render(locale)
            line += f" ⚠️ {count}"
        lines.append(f"{line}\n{_(feature.description).render(locale)}")
    return _pages(_("Features"), lines, locale)


def settings_pages(
    feature: Feature, state: FeatureState, problems: Sequence[Problem], locale: str
) -> list[discord.Embed]:
    """Return a feature's settings with their values, and its problems."""
    values = state.settings.to_json()
    on = _("on") if state.enabled else _("off")
    blocks = [_("This feature is {state}.", state=on).render(locale)]
    blocks += [problem_text(one, locale) for one in problems]
    for group, fields in grouped(describe_fields(feature.settings)).items():
        lines = [f"**{_(group).render(locale)}**"] if group else []
        for one in fields:
            shown = show_value(one, values[one.name], locale)
            lines.append(f"{_(one.title).render(locale)} (`{one.name}`): {shown}")
        blocks.append("\n".join(lines))
    return _pages(_(feature.title), blocks, locale)


def problem_text(problem: Problem, locale: str) -> str:
    """Return a problem and its fix as markdown."""
    message = escape_markdown(problem.message.render(locale))
    fix = escape_markdown(problem.fix.render(locale))
    return f"⚠️ {message}\n-# {fix}"


def history_pages(
    feature: Feature, revisions: Sequence[Revision], locale: str
) -> list[discord.Embed]:
    """Return past changes, newest first, with what each changed."""
    fields = describe_fields(feature.settings)
    blocks = []
    for one in revisions:
        who = f"<@{one.actor_id}>" if one.actor_id else _("somebody").render(locale)
        when = discord.utils.format_dt(one.at, "R")
        changes = show_diff(fields, one.diff, locale, limit=700)
        blocks.append(f"**#{one.revision}** {when}, {who}\n{changes}")
    title = _("History of {feature}", feature=_(feature.title))
    return _pages(title, blocks or [_("Nothing was changed yet.").render(locale)], locale)


def grant_pages(
    grants: Sequence[Grant], features: Mapping[str, Feature], locale: str
) -> list[discord.Embed]:
    """Return who was granted what, and by whom."""
    lines = []
    for one in grants:
        known = features.get(one.feature)
        title = _("All features") if one.feature == EVERY_FEATURE else _(one.feature)
        shown = (_(known.title) if known else title).render(locale)
        by = _("granted by {who}", who=f"<@{one.granted_by}>").render(locale)
        when = discord.utils.format_dt(one.granted_at, "R")
        lines.append(f"<@{one.user_id}>: **{shown}**, {by} {when}")
    empty = _("Nobody was granted anything: only those with Manage Server manage features.")
    return _pages(_("Who manages features"), lines or [empty.render(locale)], locale)


def _pages(title: Message, blocks: Sequence[str], locale: str) -> list[discord.Embed]:
    pages: list[list[str]] = [[]]
    for block in blocks:
        if pages[-1] and sum(map(len, pages[-1])) + len(block) > _PAGE:
            pages.append([])
        pages[-1].append(shorten(block, _PAGE))
    return [
        discord.Embed(
            title=title.render(locale),
            description="\n\n".join(page),
            colour=discord.Colour.blurple(),
        )
        for page in pages
    ]
