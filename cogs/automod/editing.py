"""Rules and how they are changed: from what people choose and type to the value, and back. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from bot.core.errors import Conflict, InvalidInput, NotFound
from bot.core.i18n import N_, Message, _
from cogs.automod.expressions import (
    read_actions,
    read_expression,
    write_actions,
)
from cogs.automod.grammar import read_json_part, read_value
from cogs.automod.settings import Rule, Step

_RULE: TypeAdapter[Rule] = TypeAdapter(Rule)
_STEP = re.compile(r"\s*(\d{1,3})\s*[:=]\s*(.+)", re.DOTALL)
_TEXT_FIELDS: Mapping[str, str] = {
    "words": "words",
    "regex": "patterns",
    "links": "domains",
    "attachments": "extensions",
    "name": "copies",
}
# What a form asks for, by trigger.
ASKED: Mapping[str, str] = {
    "words": N_("Words, apart by commas or lines; * leaves an end open"),
    "regex": N_("Patterns in RE2's syntax, one on each line"),
    "links": N_("Sites that are fine; nothing forbids all links"),
    "attachments": N_("Extensions to forbid, such as exe, scr"),
    "name": N_("Names to protect, such as those of staff"),
}
# These can do without.
OPTIONAL_TEXT = frozenset({"links", "attachments", "name"})
COUNTING = frozenset(
    {
        "mentions",
        "emoji",
        "stickers",
        "lines",
        "length",
        "rate",
        "duplicates",
        "campaign",
        "voice_moves",
        "links",
        "attachments",
        "caps",
        "zalgo",
    }
)
_LIMITS = {"campaign": "members", "caps": "percent", "zalgo": "stacked"}
_WINDOWLESS = frozenset({"caps", "zalgo"})


@dataclass(frozen=True, slots=True)
class Wish:
    """A new rule as the options of a command give it."""

    trigger: str
    actions: str = "delete"
    name: str | None = None
    text: str = ""
    limit: int | None = None
    window: str | None = None
    channel_ids: tuple[int, ...] = ()
    shadow: bool = False


def usual_action(trigger: str) -> str:
    """Return what follows where nobody says: there may be no message to delete."""
    return "alert" if trigger in ("name", "voice_moves") else "delete"


def rule_from(wish: Wish, taken: Collection[str]) -> Rule:
    """Return the rule that is wished for; raises `InvalidInput` in words.

    Without a name it is called after its trigger, with a number when that name is taken.
    """
    return read_rule(
        {
            "name": _free_name(wish.trigger, taken) if wish.name is None else slug_of(wish.name),
            "when": _leaf_of(wish),
            "actions": [one.model_dump(mode="json") for one in read_actions(wish.actions)],
            "shadow": wish.shadow,
        }
    )


def read_rule(value: Any) -> Rule:
    """Return the rule in a JSON value; raises `InvalidInput` that names the place."""
    return read_value(_RULE, value)


def read_rule_json(text: str) -> Rule:
    """Return the rule in JSON text; raises `InvalidInput` that names the place."""
    return read_json_part(_RULE, text)


def write_rule_json(rule: Rule) -> str:
    """Return a rule as JSON text, without what is as it is by default."""
    return rule.model_dump_json(indent=2, exclude_defaults=False, by_alias=True)


def slug_of(name: str) -> str:
    """Return a rule's name in the form that names have, as near as it gets."""
    return re.sub(r"[^a-z0-9_-]+", "-", name.strip().casefold()).strip("-_")[:32] or name


def _free_name(trigger: str, taken: Collection[str]) -> str:
    base = trigger.replace("_", "-")
    number, name = 1, base
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name


def _leaf_of(wish: Wish) -> dict[str, Any]:
    kind = wish.trigger
    leaf: dict[str, Any] = {"type": kind}
    if kind in _TEXT_FIELDS:
        items = split_items(wish.text, lines_only=kind == "regex")
        if kind in ("links", "attachments"):
            items = [_bare(one) for one in items]
        if items:
            leaf[_TEXT_FIELDS[kind]] = items
        elif kind not in OPTIONAL_TEXT:
            raise InvalidInput(_("Write a word or a phrase."))
    if kind == "name":
        leaf |= {"hoisted": True, "unreadable": True}
    if kind == "honeypot":
        leaf["channels"] = [str(one) for one in wish.channel_ids]
        if not wish.channel_ids:
            raise InvalidInput(_("Choose the trap channel with the option “channel”."))
    return leaf | _counts_of(wish)


def _counts_of(wish: Wish) -> dict[str, Any]:
    kind = wish.trigger
    found: dict[str, Any] = {}
    if wish.limit is not None:
        if kind not in COUNTING:
            raise InvalidInput(_("This trigger counts nothing: leave the limit out."))
        found[_LIMITS.get(kind, "limit")] = wish.limit
    if wish.window is not None:
        if kind not in COUNTING - _WINDOWLESS:
            raise InvalidInput(_("This trigger counts nothing: leave the window out."))
        found["window"] = wish.window
    return found


def _bare(item: str) -> str:
    """Return a domain or an extension as people mean it: without https://, paths and dots."""
    item = re.sub(r"^[a-z]+://", "", item.casefold()).split("/")[0]
    return item.removeprefix("*.").removeprefix(".")


def split_items(text: str, *, lines_only: bool = False) -> list[str]:
    """Return the items that a person typed, apart by lines or commas, each once."""
    parts = text.splitlines() if lines_only else re.split(r"[,;\n]", text)
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


# --- escalation ---------------------------------------------------------------------------------


def write_steps(steps: Sequence[Step]) -> str:
    """Return steps as lines "3: timeout(1h)"."""
    return "\n".join(f"{one.after}: {write_actions(one.actions)}" for one in steps)


def read_steps(text: str) -> tuple[Step, ...]:
    """Return the steps in lines like "3: timeout 1h"; raises `InvalidInput` with the line."""
    steps = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            steps.append(_read_step(line, number))
    return tuple(steps)


def _read_step(line: str, number: int) -> Step:
    found = _STEP.fullmatch(line)
    if found is None:
        raise InvalidInput(
            _("Line {number} is no step.", number=number),
            hint=_("Write a number and actions, for example 3: timeout 1h, warn 2."),
        )
    if not 2 <= int(found[1]) <= 50:
        raise InvalidInput(_("Line {number}: steps begin at 2 and end at 50.", number=number))
    try:
        return Step(after=int(found[1]), actions=read_actions(found[2]))
    except InvalidInput as error:
        raise InvalidInput(
            _("Line {number}: {problem}", number=number, problem=error.message)
        ) from None


# --- the list of rules --------------------------------------------------------------------------


def find_rule(rules: Sequence[Rule], name: str) -> Rule:
    """Return the rule of this name; raises `NotFound` with the nearest that exists."""
    wanted = slug_of(name)
    for rule in rules:
        if rule.name == wanted:
            return rule
    nearest = difflib.get_close_matches(wanted, [one.name for one in rules], n=1)
    if nearest:
        hint: Message = _("Did you mean {nearest}?", nearest=nearest[0])
    elif rules:
        hint = _("See them all with /automod rule list.")
    else:
        hint = _("Add one with /automod rule add, or several with /automod preset.")
    raise NotFound(_("There is no rule “{name}”.", name=name[:60]), hint=hint)


def with_rule(rules: tuple[Rule, ...], rule: Rule) -> tuple[Rule, ...]:
    """Return the rules and a new one; raises `Conflict` when its name is taken."""
    if any(one.name == rule.name for one in rules):
        raise Conflict(
            _("There is a rule “{name}” already.", name=rule.name),
            hint=_("Choose another name, or change it with /automod rule edit."),
        )
    return (*rules, rule)


def with_change(rules: tuple[Rule, ...], seen: Rule, changed: Rule) -> tuple[Rule, ...]:
    """Return the rules with one changed; raises `Conflict` when it is not as it was seen."""
    present = find_rule(rules, seen.name)
    if present != seen:
        raise Conflict(
            _("Somebody else has changed this rule meanwhile."),
            hint=_("Look at it again, then repeat your change."),
        )
    if changed.name != seen.name and any(one.name == changed.name for one in rules):
        raise Conflict(_("There is a rule “{name}” already.", name=changed.name))
    return tuple(changed if one.name == seen.name else one for one in rules)


def without_rule(rules: tuple[Rule, ...], seen: Rule) -> tuple[Rule, ...]:
    """Return the rules without one; raises `Conflict` when it is not as it was seen."""
    return tuple(one for one in with_change(rules, seen, seen) if one.name != seen.name)


def updated(rule: Rule, **changes: Any) -> Rule:
    """Return the rule with other values, checked; raises `InvalidInput`.

    Models and tuples of them may be given as they are.
    """
    return read_rule({**dict(rule), **changes})


def read_draft(text: str) -> Rule:
    """Return the rule in a draft: what to look for, or a whole rule in JSON."""
    if text.lstrip().startswith("{") and '"when"' in text:
        return read_rule_json(text)
    return read_rule({"name": "draft", "when": read_expression(text)})
