"""What is known of a template before it is used: how long it can get, whether it says anything.

Pure. Words of members and names are not known, and count as nothing.
"""

from __future__ import annotations

from collections import defaultdict

from cogs.customcommand.language import Comparison, If, Nodes, Random, Text, Variable


def longest(nodes: Nodes) -> int:
    """Return how many characters an author's own words can come to at most.

    Of conditions that ask whether one variable is this or that, only one can hold.
    """
    total = 0
    alternatives: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for node in nodes:
        match node:
            case Text(text):
                total += len(text)
            case Random(options):
                total += max(map(longest, options))
            case If(Comparison(Variable(name), "==", Text(value)), then, ()):
                alternatives[name][value.casefold()] += longest(then)
            case If(_, then, otherwise):
                total += max(longest(then), longest(otherwise))
            case _:
                pass
    return total + sum(max(one.values()) for one in alternatives.values())


def can_speak(nodes: Nodes) -> bool:
    """Return whether anything can come of a template but spaces."""
    return any(_can_speak(node) for node in nodes)


def _can_speak(node: Text | Variable | Random | If) -> bool:
    match node:
        case Text(text):
            return bool(text.strip())
        case Random(options):
            return any(map(can_speak, options))
        case If(_, then, otherwise):
            return can_speak(then) or can_speak(otherwise)
        case _:
            return True
