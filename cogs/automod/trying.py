"""Rules tried out: on one text, or on messages that were written already. Pure; changes nothing.

Windows begin empty and end with the try, so that nothing is counted against anybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.core.contracts import MessageFacts
from bot.core.errors import InvalidInput
from bot.core.fields.text import escape_markdown, quote, spoiler
from bot.core.i18n import N_, Message, _, ngettext
from cogs.automod.details import describe_detail
from cogs.automod.engines import compile_engine
from cogs.automod.rules.patterns import PatternRefused
from cogs.automod.rules.values import Context, Hit, Judgement, LeafTrace, RuleTrace
from cogs.automod.rules.windows import Windows
from cogs.automod.summaries import TRIGGERS, describe_actions

if TYPE_CHECKING:
    from cogs.automod.rules.engine import Engine
    from cogs.automod.settings import AutomodSettings

# Of a text, around what was found.
_AROUND = 60
_MOST_HITS = 3
_MOST_SHOWN = 8
# Above this share of innocent-looking messages a rule catches too much.
_SUSPICIOUS = 0.05
_USER = re.compile(r"<@!?(\d{15,20})>")
_ROLE = re.compile(r"<@&(\d{15,20})>")

VIEWS: Mapping[str, str] = {
    "raw": N_("as written"),
    "plain": N_("as read, in small letters"),
    "folded": N_("with look-alikes as letters"),
    "joined": N_("with gaps closed"),
    "squeezed": N_("without repeated letters"),
    "reversed": N_("turned as it is shown"),
}
SOURCES: Mapping[str, str] = {
    "content": N_("the text"),
    "embed": N_("an embed"),
    "preview": N_("a link's preview"),
    "forward": N_("a forwarded message"),
    "poll": N_("a poll"),
    "attachment": N_("an attachment's name"),
    "file": N_("a text file"),
    "sticker": N_("a sticker"),
    "component": N_("a component"),
    "thread": N_("a thread's name"),
    "name": N_("a name"),
}
CONDITIONS: Mapping[str, str] = {
    "account_younger_than": N_("Age of the account"),
    "joined_within": N_("Time in the server"),
    "has_roles": N_("Roles"),
    "lacks_roles": N_("Missing roles"),
    "channels": N_("Channels"),
    "no_avatar": N_("No picture"),
    "rule": N_("The whole rule"),
}


# --- one text -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Author:
    """Who is taken to have written a text."""

    id: int
    role_ids: frozenset[int] = frozenset()
    joined_at: datetime | None = None
    avatar: str | None = "picture"
    is_bot: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """What the rules make of one text."""

    judgement: Judgement | None
    traces: tuple[RuleTrace, ...]


def facts_of(text: str, author: Author, guild_id: int, channel_id: int) -> MessageFacts:
    """Return a text as the message that it would be."""
    raw: dict[str, Any] = {
        "author": {"id": str(author.id), "avatar": author.avatar},
        "member": {"joined_at": author.joined_at.isoformat() if author.joined_at else None},
        "mentions": [{"id": one} for one in dict.fromkeys(_USER.findall(text))],
        "mention_roles": list(dict.fromkeys(_ROLE.findall(text))),
    }
    return MessageFacts(
        1, guild_id, channel_id, author.id, text, author.role_ids, raw, author.is_bot
    )


def compiled(settings: AutomodSettings) -> Engine:
    """Return the engine of the settings; raises `InvalidInput` for a pattern that can't be run."""
    try:
        return compile_engine(settings)
    except PatternRefused as refused:
        raise InvalidInput(
            _(
                "The rule {name} can't be used: {reason}.",
                name=quote(refused.rule),
                reason=refused.reason,
            )
        ) from None


def try_text(engine: Engine, facts: MessageFacts, context: Context) -> Trial:
    """Return what the rules make of a message that would be the first of its member."""
    judgement = engine.judge(facts, context, Windows())
    return Trial(judgement, engine.explain(facts, context, Windows()))


def describe_trial(trial: Trial, text: str, locale: str | None, *, limit: int = 3800) -> str:
    """Return in markdown what would be done, and why, rule by rule; hits come first."""
    judgement = trial.judgement
    lines = [one.render(locale) for one in _verdict(judgement)]
    told = sorted(trial.traces, key=lambda one: (not one.holds, bool(one.exemption)))
    hidden = 0
    for trace in told:
        block = _describe_trace(trace, text, locale)
        if sum(map(len, lines)) + len(block) > limit:
            hidden += 1
        else:
            lines.append(block)
    if hidden:
        lines.append(
            ngettext("… and {count} more rule", "… and {count} more rules", hidden).render(locale)
        )
    return "\n".join(lines)


def _verdict(judgement: Judgement | None) -> Iterable[Message]:
    if judgement is None or not (judgement.hits or judgement.shadow_hits):
        yield _("✅ **This would pass.**")
    else:
        if judgement.hits:
            yield _("🚨 **Would be done:** {what}", what=describe_actions(judgement.actions))
        if judgement.shadow_hits:
            what = describe_actions(judgement.shadow_actions)
            yield _("👁️ **Would only be reported (shadow):** {what}", what=what)
    if judgement is not None and judgement.needs.invites:
        codes = ", ".join(quote(one, 40) for one in judgement.needs.invites[:5])
        yield _("Where these invites lead I can't tell now: {codes}", codes=codes)


def _describe_trace(trace: RuleTrace, text: str, locale: str | None) -> str:
    name = quote(trace.rule)
    if trace.exemption == "disabled":
        return f"⚪ {name} {_('is off.').render(locale)}"
    icon = "▫️" if not trace.holds else "🛟" if trace.exemption else "👁️" if trace.shadow else "🚨"
    said = _("hits") if trace.holds else _("does not hit")
    lines = [f"{icon} {name} {said.render(locale)}"]
    if trace.holds and trace.exemption:
        spared = _("but spares this: {why}", why=describe_exemption(trace.exemption))
        lines[0] += f", {spared.render(locale)}"
    several = len(trace.leaves) > 1
    for leaf in trace.leaves:
        if trace.holds or several:
            lines += [f"-# {one}" for one in _describe_leaf(leaf, text, locale, several)]
    return "\n".join(lines)


def _describe_leaf(leaf: LeafTrace, text: str, locale: str | None, several: bool) -> Iterable[str]:
    title = _(TRIGGERS.get(leaf.type) or CONDITIONS.get(leaf.type, leaf.type)).render(locale)
    if several or not leaf.hits:
        detail = f" ({escape_markdown(leaf.detail)})" if leaf.detail and not leaf.hits else ""
        yield f"{'✔' if leaf.holds else '✘'} {title}{detail}"
    for hit in leaf.hits[:_MOST_HITS]:
        yield describe_hit(hit, text).render(locale)


def describe_hit(hit: Hit, text: str) -> Message:
    """Return what was found where, with the place marked in its surroundings."""
    shown = marked(text, hit) if hit.source == "content" else escape_markdown(hit.text)
    return _(
        "{detail} in {source}, {view}: {text}",
        detail=describe_detail(hit.trigger, hit.detail)
        or (spoiler(hit.detail or hit.text, 60) if hit.detail or hit.text else quote(hit.trigger)),
        source=_(SOURCES.get(hit.source, hit.source)),
        view=_(VIEWS.get(hit.view, hit.view)),
        text=f"||{shown}||" if shown else "…",
    )


def marked(text: str, hit: Hit) -> str:
    """Return the surroundings of a hit in one line, the hit itself in bold and underlined."""
    start, end = max(0, hit.start), min(len(text), hit.end)
    if start >= end:
        return escape_markdown(" ".join(hit.text.split()))
    before = ("…" if start > _AROUND else "") + text[max(0, start - _AROUND) : start]
    after = text[end : end + _AROUND] + ("…" if end + _AROUND < len(text) else "")
    parts = [escape_markdown(re.sub(r"\s+", " ", one)) for one in (before, text[start:end], after)]
    return f"{parts[0]}**__{parts[1]}__**{parts[2]}"


def describe_exemption(exemption: str) -> Message:
    """Return what would have spared a message."""
    kind, _colon, name = exemption.partition(":")
    match kind:
        case "role":
            return _("members with {role} are exempt", role=f"<@&{name}>")
        case "staff":
            return (
                _("staff is exempt")
                if not name
                else _("staff is exempt ({role})", role=f"<@&{name}>")
            )
        case "channel":
            return _("{channel} is exempt", channel=f"<#{name}>")
        case "member":
            return _("{member} is exempt", member=f"<@{name}>")
        case "bot":
            return _("bots are left alone")
        case _:
            return _("the rule is off")
