"""A rule run over messages that were written already: what it would have done. Pure.

Windows begin empty and end with the run, so that nothing is counted against anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bot.core.contracts import MessageFacts
from bot.core.fields.text import shorten_marked
from bot.core.i18n import Message, _, ngettext
from cogs.automod.rules.values import Action, Context, Hit
from cogs.automod.rules.windows import Windows
from cogs.automod.summaries import Joined, describe_actions
from cogs.automod.trying import compiled, describe_hit

if TYPE_CHECKING:
    from cogs.automod.settings import AutomodSettings, Rule

_MOST_SHOWN = 8
# Above this share of the messages people have left standing, a rule catches too much.
_SUSPICIOUS = 0.05
_ENOUGH = 20


@dataclass(frozen=True, slots=True)
class Found:
    """A message that the rule would have hit."""

    facts: MessageFacts
    hits: tuple[Hit, ...]
    actions: tuple[Action, ...]


@dataclass(slots=True)
class Replay:
    """What a rule would have done to the messages of a channel."""

    rule: Rule
    seen: int = 0
    since: float | None = None
    authors: set[int] = field(default_factory=set)
    found: list[Found] = field(default_factory=list)
    unresolved: int = 0

    @property
    def share(self) -> float:
        """The share of messages that were hit."""
        return len(self.found) / self.seen if self.seen else 0.0


def alone(settings: AutomodSettings, rule: Rule) -> AutomodSettings:
    """Return the settings with this one rule, acting whatever its switches say."""
    acting = rule.model_copy(update={"enabled": True, "shadow": False})
    return settings.model_copy(update={"rules": (acting,)})


def replay(
    settings: AutomodSettings, rule: Rule, messages: Sequence[MessageFacts], context: Context
) -> Replay:
    """Return what the rule would have done; messages are the oldest first. CPU work: in a thread.

    Each message is judged at the time when it was written, its windows filled by those before it.
    """
    engine, windows, told = compiled(alone(settings, rule)), Windows(), Replay(rule)
    # A context of its own: its clock follows the messages.
    moving = replace(context, can_fetch=False)
    for facts in messages:
        moving.now = written_at(facts.id)
        told.seen += 1
        told.since = told.since or moving.now
        judgement = engine.judge(facts, moving, windows)
        if judgement is None:
            continue
        told.unresolved += bool(judgement.needs.invites)
        if judgement.hits:
            told.authors.update(judgement.user_ids)
            told.found.append(Found(facts, judgement.hits, judgement.actions))
    return told


def written_at(message_id: int) -> float:
    """Return when a message was written, in seconds since the epoch, as its id tells."""
    return ((message_id >> 22) + 1_420_070_400_000) / 1000


def describe_replay(told: Replay, locale: str | None, *, limit: int = 3800) -> str:
    """Return the hits with their links, what would have been done, and whether that is too much."""
    lines = [one.render(locale) for one in _counts(told)]
    lines += [f"💡 {one.render(locale)}" for one in _doubts(told)]
    shown = 0
    for one in told.found:
        line = _describe_found(one, locale)
        if shown == _MOST_SHOWN or sum(map(len, lines)) + len(line) > limit:
            break
        lines.append(line)
        shown += 1
    if rest := len(told.found) - shown:
        lines.append(
            ngettext("… and {count} more hit", "… and {count} more hits", rest).render(locale)
        )
    return "\n".join(lines)


def _counts(told: Replay) -> Iterable[Message]:
    if not told.seen:
        yield _("There are no messages here that I can look at.")
        return
    yield Joined(
        (
            ngettext("{count} message looked at", "{count} messages looked at", told.seen),
            _("the oldest from {time}", time=f"<t:{int(told.since or 0)}:f>"),
        )
    )
    if not told.found:
        yield _("✅ **None of them would have been hit.**")
        return
    yield ngettext(
        "🚨 **{count} would have been hit** ({share}%)",
        "🚨 **{count} would have been hit** ({share}%)",
        len(told.found),
        share=f"{told.share * 100:.1f}",
    )
    yield ngettext("Of {count} member", "Of {count} members", len(told.authors))
    yield _("**Each time:** {what}", what=describe_actions(told.found[0].actions))


def _doubts(told: Replay) -> Iterable[Message]:
    if told.found:
        yield _(
            "These messages are still there, so nobody has minded them so far. If they look fine "
            "to you, the rule is too strict."
        )
    if told.share > _SUSPICIOUS and told.seen >= _ENOUGH:
        yield _(
            "It would hit {share}% of all messages: that is a lot. Try it in shadow first.",
            share=f"{told.share * 100:.0f}",
        )
    if told.unresolved:
        yield ngettext(
            "{count} message has an invite that would be looked up first.",
            "{count} messages have invites that would be looked up first.",
            told.unresolved,
        )


def _describe_found(one: Found, locale: str | None) -> str:
    facts = one.facts
    link = f"https://discord.com/channels/{facts.guild_id}/{facts.channel_id}/{facts.id}"
    said = describe_hit(one.hits[0], facts.content).render(locale)
    return shorten_marked(
        f"- [<t:{int(written_at(facts.id))}:t>]({link}) <@{facts.author_id}>: {said}", 400
    )
