"""What a message was judged by before: an edit that adds nothing to it is no new offence.

Pure. Discord tells of a message again whenever it is pinned, shows a preview or is edited.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from cogs.automod.planning import Occasion
from cogs.automod.rules.values import Hit
from cogs.automod.settings import Rule
from cogs.automod.triggers import leaves_of
from db.automod_messages import FAILED, JudgedMessage

Judged = dict[str, list[str]]
# Stands for whatever a message adds to a window that another message filled.
ANYTHING = "*"
# Of a rule and a message so many findings are remembered, the last ones.
MOST_MARKS = 50
# What these point at is the message itself: written differently it is the same finding.
_WHOLE = frozenset({"caps", "zalgo"})


def judged_in(occasion: Occasion, *, is_own: bool) -> Judged:
    """Return by rule what is to be remembered of a message of an occasion.

    Of the one that was judged (`is_own`) its findings; of those that filled windows before, that
    they have counted.
    """
    found: Judged = {}
    for hit in occasion.hits:
        rule = occasion.rules.get(hit.rule)
        if is_own:
            _add(found.setdefault(hit.rule, []), (_mark(hit),))
        elif rule is not None and _has_window(rule):
            found[hit.rule] = [ANYTHING]
    return found


def merged_judged(*listed: Mapping[str, Collection[str]]) -> Judged:
    """Return what is remembered of a message in all."""
    merged: Judged = {}
    for one in listed:
        for rule, marks in one.items():
            _add(merged.setdefault(rule, []), marks)
    return merged


def what_is_new(occasion: Occasion, known: Sequence[JudgedMessage]) -> Occasion | None:
    """Return the occasion with the rules only that find something new; `None` without any.

    One whose message could not be deleted is returned without rules, so that it is tried again.
    """
    if not known:
        return occasion
    before = merged_judged(*(one.judged for one in known))
    now = judged_in(occasion, is_own=True)
    left = {rule for rule, marks in now.items() if not _is_known(marks, before.get(rule, ()))}
    if left:
        return _with_rules(occasion, left)
    stands = occasion.judgement.delete and not any(one.is_undone for one in known)
    if stands and any(one.state == FAILED for one in known):
        return replace(occasion, rules={})
    return None


def _with_rules(occasion: Occasion, left: Collection[str]) -> Occasion:
    hits = tuple(one for one in occasion.judgement.hits if one.rule in left)
    return replace(occasion, judgement=replace(occasion.judgement, hits=hits))


def _is_known(marks: Collection[str], before: Collection[str]) -> bool:
    return ANYTHING in before or set(marks) <= set(before)


def _add(known: list[str], marks: Iterable[str]) -> None:
    known += [one for one in dict.fromkeys(marks) if one not in known]
    del known[:-MOST_MARKS]


def _mark(hit: Hit) -> str:
    text = "" if hit.trigger in _WHOLE else hit.text.casefold()
    said = f"{hit.trigger}\n{hit.source}\n{text}"
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:12]


def _has_window(rule: Rule) -> bool:
    return any(getattr(leaf, "window", None) is not None for leaf in leaves_of(rule.when))
