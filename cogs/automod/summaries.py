"""Rules in words: what a rule looks for, whom it spares and what follows. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bot.core.durations import Span
from bot.core.fields.text import escape_markdown, quote, shorten, shorten_marked, spoiler
from bot.core.i18n import N_, Message, _, ngettext
from cogs.automod.triggers import All, AnyOf, Not

if TYPE_CHECKING:
    from cogs.automod.settings import Rule

_MOST_ITEMS = 5
_MOST_ITEM = 40
_MOST_PATTERNS = 2
_MOST_TREE = 900

# The titles of all triggers, in the order in which they are offered.
TRIGGERS: Mapping[str, str] = {
    "words": N_("Words"),
    "regex": N_("Patterns (regex)"),
    "links": N_("Links"),
    "invites": N_("Invites to other servers"),
    "mentions": N_("Too many mentions"),
    "everyone_attempt": N_("Attempts at @everyone"),
    "caps": N_("Too many capitals"),
    "rate": N_("Too many messages"),
    "duplicates": N_("The same text again and again"),
    "campaign": N_("The same text by many members"),
    "voice_moves": N_("Hopping between voice channels"),
    "emoji": N_("Too many emoji"),
    "stickers": N_("Too many stickers"),
    "lines": N_("Too many lines"),
    "length": N_("Too long"),
    "zalgo": N_("Letters under heaps of marks"),
    "attachments": N_("Attachments"),
    "leaks": N_("Leaked secrets"),
    "name": N_("Names of members"),
    "honeypot": N_("Any message in a trap channel"),
    "native": N_("Discord's own AutoMod acted"),
}
ACTIONS: Mapping[str, str] = {
    "delete": N_("Delete the message"),
    "warn": N_("Warn"),
    "add_role": N_("Give a role"),
    "remove_role": N_("Take a role"),
    "timeout": N_("Time out"),
    "mute": N_("Mute the member"),
    "kick": N_("Kick the member"),
    "tempban": N_("Ban for a time"),
    "ban": N_("Ban the member"),
    "alert": N_("Tell staff"),
    "slowmode": N_("Slow the channel down"),
    "lock": N_("Lock the channel"),
    "pause_invites": N_("Pause invites"),
}


class Joined(Message):
    """Several messages in a row, each rendered for the reader."""

    def __init__(self, parts: Iterable[Message], between: str = ", ") -> None:
        super().__init__("", {"parts": tuple(parts), "between": between})

    def render(self, locale: str | None) -> str:
        """Return the parts, one after the other."""
        return self.values["between"].join(one.render(locale) for one in self.values["parts"])


# --- triggers and conditions --------------------------------------------------------------------


def describe_tree(node: Any) -> Message:
    """Return what a tree looks for, in markdown; a part of a branch stands in brackets."""
    if isinstance(node, All | AnyOf):
        parts = node.all if isinstance(node, All) else node.any
        shown = [_bracketed(one, alone=len(parts) == 1) for one in parts]
        text = shown[0]
        for one in shown[1:]:
            pair = {"first": text, "second": one}
            text = (
                _("{first} **and** {second}", **pair)
                if isinstance(node, All)
                else _("{first} **or** {second}", **pair)
            )
        return text
    if isinstance(node, Not):
        return _("**not** {part}", part=_bracketed(node.negated))
    return _LEAVES[node.type](node)


def _bracketed(node: Any, *, alone: bool = False) -> Message:
    text = describe_tree(node)
    if alone or not isinstance(node, All | AnyOf):
        return text
    return _("({part})", part=text)


def _hidden(found: Sequence[str], most: int = _MOST_ITEMS) -> Message:
    """Return words or patterns behind spoiler marks: nobody has to read a list of slurs."""
    return _items(found, most, spoiler)


def _items(
    found: Sequence[Any], most: int = _MOST_ITEMS, show: Callable[[str, int], str] = quote
) -> Message:
    shown = ", ".join(show(str(one), _MOST_ITEM) for one in found[:most])
    if len(found) <= most:
        return Message("{shown}", {"shown": shown})
    return _("{shown} and {count} more", shown=shown, count=len(found) - most)


def _mentions(form: str, ids: Sequence[int]) -> str:
    shown = " ".join(form.format(one) for one in ids[:_MOST_ITEMS])
    return shown if len(ids) <= _MOST_ITEMS else f"{shown} +{len(ids) - _MOST_ITEMS}"


def _within(text: Message, window: Any) -> Message:
    if window is None:
        return text
    return _("{what} within {window}", what=text, window=Span(window))


def _words(one: Any) -> Message:
    if one.match == "part":
        return _("words with {items} in them", items=_hidden(one.words))
    return _("the words {items}", items=_hidden(one.words))


def _links(one: Any) -> Message:
    if one.mode == "deny":
        text = _("links to {items}", items=Joined(_denied(one)))
    elif one.domains:
        text = _("links to other places than {items}", items=_items(one.domains))
        if one.blocked:
            text = Joined([text, _("links to {items}", items=_(_BLOCKED))])
    else:
        text = _("links")
    return _limited(text, one)


_BLOCKED = N_("sites that the bot's operator blocks")


def _denied(one: Any) -> list[Message]:
    parts = [_items(one.domains)] if one.domains else []
    if one.shorteners:
        parts.append(_("known link shorteners"))
    if one.blocked:
        parts.append(_(_BLOCKED))
    return parts


def _limited(text: Message, one: Any) -> Message:
    if one.limit > 1:
        text = _("{count} or more: {what}", count=one.limit, what=text)
    return _within(text, one.window)


def _invites(one: Any) -> Message:
    if one.allowed_guilds:
        return _("invites to servers other than {items}", items=_items(one.allowed_guilds))
    return _("invites to other servers")


def _attachments(one: Any) -> Message:
    kinds = [*one.extensions, *one.mimes]
    if not kinds:
        text = _("attachments")
    elif one.mode == "deny":
        text = _("attachments of the kinds {items}", items=_items(kinds))
    else:
        text = _("attachments of other kinds than {items}", items=_items(kinds))
    return _limited(text, one)


def _name(one: Any) -> Message:
    parts = []
    if one.hoisted:
        parts.append(_("names that push to the top of the list"))
    if one.unreadable:
        parts.append(_("names nobody can read"))
    if one.copies:
        parts.append(_("names that pose as {items}", items=_items(one.copies)))
    return Joined(parts) if parts else _("names")


def _rate(one: Any) -> Message:
    text = {
        "member": _("{count} messages of one member", count=one.limit),
        "member_channel": _("{count} messages of one member in one channel", count=one.limit),
        "channel": _("{count} messages of anybody in one channel", count=one.limit),
    }[one.per]
    return _within(text, one.window)


def _duplicates(one: Any) -> Message:
    if one.similar and one.tolerance:
        text = _("nearly the same text {count} times by one member", count=one.limit)
    else:
        text = _("the same text {count} times by one member", count=one.limit)
    return _within(text, one.window)


def _campaign(one: Any) -> Message:
    text = _within(_("the same text by {count} members", count=one.members), one.window)
    return text if one.everyone else Joined([text, _("about those who write it from then on")])


def _counted(singular: str, plural: str) -> Callable[[Any], Message]:
    return lambda one: _within(ngettext(singular, plural, one.limit), one.window)


_LEAVES: Mapping[str, Callable[[Any], Message]] = {
    "words": _words,
    "regex": lambda one: _("the patterns {items}", items=_hidden(one.patterns, _MOST_PATTERNS)),
    "links": _links,
    "invites": _invites,
    "caps": lambda one: _("{percent}% capitals or more", percent=one.percent),
    "mentions": _counted(N_("{count} mention or more"), "{count} mentions or more"),
    "everyone_attempt": lambda _one: _("attempts at @everyone"),
    "emoji": _counted(N_("{count} emoji or more"), "{count} emojis or more"),
    "stickers": _counted(N_("{count} sticker or more"), "{count} stickers or more"),
    "lines": _counted(N_("{count} line or more"), "{count} lines or more"),
    "length": _counted(N_("{count} character or more"), "{count} characters or more"),
    "zalgo": lambda _one: _("letters under heaps of marks"),
    "attachments": _attachments,
    "rate": _rate,
    "duplicates": _duplicates,
    "campaign": _campaign,
    "voice_moves": lambda one: _within(
        _("{count} voice channels entered by one member", count=one.limit), one.window
    ),
    "leaks": lambda _one: _("secrets such as tokens"),
    "name": _name,
    "honeypot": lambda one: _("any message in {places}", places=_mentions("<#{}>", one.channels)),
    "native": lambda _one: _("messages that Discord's own AutoMod acts on"),
    "account_younger_than": lambda one: _("accounts younger than {age}", age=Span(one.age)),
    "joined_within": lambda one: _("members who joined within {age}", age=Span(one.age)),
    "has_roles": lambda one: _("members with {roles}", roles=_mentions("<@&{}>", one.roles)),
    "lacks_roles": lambda one: _("members without {roles}", roles=_mentions("<@&{}>", one.roles)),
    "channels": lambda one: _("in {places}", places=_mentions("<#{}>", one.channels)),
    "no_avatar": lambda _one: _("members without a picture"),
}


# --- what follows -------------------------------------------------------------------------------


def describe_actions(actions: Iterable[Any]) -> Message:
    """Return what follows, in one line."""
    return Joined(map(_describe_action, actions))


def _describe_action(one: Any) -> Message:
    maker = _WITH_VALUES.get(one.type)
    return maker(one) if maker else _(ACTIONS[one.type])


def _for(title: Message, duration: Any) -> Message:
    return title if duration is None else _("{what} for {time}", what=title, time=Span(duration))


_WITH_VALUES: Mapping[str, Callable[[Any], Message]] = {
    "warn": lambda one: ngettext("Warn ({count} point)", "Warn ({count} points)", one.points),
    "add_role": lambda one: _for(_("Give {role}", role=f"<@&{one.role_id}>"), one.duration),
    "remove_role": lambda one: _("Take {role}", role=f"<@&{one.role_id}>"),
    "timeout": lambda one: _for(_(ACTIONS["timeout"]), one.duration),
    "mute": lambda one: _for(_(ACTIONS["mute"]), one.duration),
    "tempban": lambda one: _for(_(ACTIONS["ban"]), one.duration),
    "alert": lambda one: (
        _("Tell staff in {place}", place=f"<#{one.channel_id}>")
        if one.channel_id
        else _(ACTIONS["alert"])
    ),
    "slowmode": lambda one: _for(_(ACTIONS["slowmode"]), one.duration),
    "lock": lambda one: _for(_(ACTIONS["lock"]), one.duration),
    "pause_invites": lambda one: _for(_(ACTIONS["pause_invites"]), one.duration),
}


# --- whole rules --------------------------------------------------------------------------------


def rule_icon(rule: Rule) -> str:
    """Return the sign of a rule's state: on, in shadow, or off."""
    if not rule.enabled:
        return "⚪"
    return "👁️" if rule.shadow else "🟢"


def describe_state(rule: Rule) -> Message:
    """Return whether a rule acts."""
    if not rule.enabled:
        return _("Off: it looks at nothing.")
    if rule.shadow:
        return _("In shadow: it reports what it would do, and does nothing.")
    return _("On.")


def summary_line(rule: Rule, locale: str | None) -> str:
    """Return a rule in one or two lines, for a list."""
    tree = shorten_marked(describe_tree(rule.when).render(locale), 200)
    actions = shorten(describe_actions(rule.actions).render(locale), 200)
    return f"{rule_icon(rule)} {quote(rule.name)} {tree}\n-# ➜ {actions}"


def in_words(rule: Rule) -> Message:
    """Return a rule as one sentence, for who reads it beside others."""
    said = {
        "name": escape_markdown(rule.name),
        "what": describe_tree(rule.when),
        "then": describe_actions(rule.actions),
    }
    if not rule.enabled:
        return _("{name} (off): {what} ➜ {then}", **said)
    if rule.shadow:
        return _("{name} (in shadow): {what} ➜ {then}", **said)
    return _("{name}: {what} ➜ {then}", **said)


def summary(rule: Rule, locale: str | None) -> str:
    """Return all that a rule is, line by line, in markdown; at most some 3000 characters."""
    lines = [
        f"{rule_icon(rule)} {describe_state(rule).render(locale)}",
        _line(_("**Looks for:** {what}", what=describe_tree(rule.when)), locale),
        _line(_("**Then:** {what}", what=describe_actions(rule.actions)), locale),
    ]
    lines += [_line(one, locale) for one in _steps(rule)]
    lines += [_line(one, locale) for one in _exemptions(rule)]
    if rule.reason:
        lines.append(_("**Reason:** {text}", text=escape_markdown(rule.reason)).render(locale))
    if rule.bots:
        lines.append(_("Other bots and webhooks are judged, too.").render(locale))
    return "\n".join(lines)


def _line(message: Message, locale: str | None) -> str:
    return shorten_marked(message.render(locale), _MOST_TREE)


def _steps(rule: Rule) -> Iterable[Message]:
    for step in rule.escalation[:5]:
        yield _(
            "**From the {count}. time on within {window}:** {what}",
            count=step.after,
            window=Span(rule.strikes_window),
            what=describe_actions(step.actions),
        )


def _exemptions(rule: Rule) -> Iterable[Message]:
    spared = (
        ("<@&{}>", rule.exempt_roles),
        ("<#{}>", rule.exempt_channels),
        ("<@{}>", rule.exempt_members),
    )
    shown = [_mentions(form, ids) for form, ids in spared if ids]
    if shown:
        yield _("**Spares:** {whom}", whom=" ".join(shown))
