"""Works out what a template of a custom command gives; pure: values and chance are passed in."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bot.core.fields.text import escape_markdown
from bot.core.templates import cut
from cogs.customcommand.language import (
    MENTION,
    NUMBER,
    POSITIONS,
    Comparison,
    Condition,
    If,
    Joined,
    Nodes,
    Not,
    Program,
    Random,
    Text,
    Variable,
)

# Given how many there are, returns the number of the one that chance chose, from 0.
Choose = Callable[[int], int]

MAX_ARGS = 1500
# As `MENTION`, of a value that Discord itself gave the id of.
_USER = re.compile(r"<@()([0-9]+)>")
_ORDER: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


@dataclass(frozen=True, slots=True)
class Occasion:
    """One use of a command: who, where and with what words after it."""

    user_id: int
    user_name: str
    guild_name: str
    member_count: int
    channel_id: int
    channel_name: str
    command: str
    args: str = ""

    def values(self) -> dict[str, str]:
        """Return the value of each variable; names are strangers' texts and so made harmless."""
        args = self.args[:MAX_ARGS].strip()
        words = args.split()
        positions = dict.fromkeys(POSITIONS, "")
        positions |= {str(number): word for number, word in enumerate(words[:9], 1)}
        return {
            "user.mention": f"<@{self.user_id}>",
            "user.name": escape_markdown(self.user_name),
            "user.id": str(self.user_id),
            "server.name": escape_markdown(self.guild_name),
            "server.members": str(self.member_count),
            "channel.mention": f"<#{self.channel_id}>",
            "channel.name": escape_markdown(self.channel_name),
            "command": self.command,
            "args": args,
            "args.count": str(len(words)),
            **positions,
        }


@dataclass(frozen=True, slots=True)
class Said:
    """What a template gave, and whom the parts that its author wrote mention in it.

    `echo` is what stands in it of the words after the command, as they follow on each other.
    """

    text: str
    users: frozenset[int] = frozenset()
    roles: frozenset[int] = frozenset()
    echo: str = ""


def evaluate(program: Program, values: Mapping[str, str], choose: Choose, *, limit: int) -> Said:
    """Return what is said, at most `limit` characters long; what is too long ends in an ellipsis.

    Values are not searched for variables again. Work stops as soon as the text is full. A mention
    counts where the template itself has it or `{user.mention}` stands, in a part that is said and
    not cut off: what another value brings in is no mention.
    """
    pieces: list[str] = []
    echo: list[str] = []
    mentions: list[tuple[int, str, int]] = []
    length = 0
    for piece, mention, is_echo in _pieces(program.nodes, values, choose):
        pieces.append(piece)
        echo.append(piece if is_echo else _gap(piece))
        found = mention.finditer(piece) if mention is not None else ()
        mentions += [(length + one.end(), one[1], int(one[2])) for one in found]
        length += len(piece)
        if length > limit:
            break
    whole = "".join(pieces)
    text = cut(whole.strip(), limit)
    end = len(whole) - len(whole.lstrip()) + len(text.removesuffix("…"))
    kept = [(sign, one) for at, sign, one in mentions if at <= end]
    users = frozenset(one for sign, one in kept if not sign)
    roles = frozenset(one for sign, one in kept if sign)
    return Said(text, users, roles, "".join(echo).strip())


def _gap(piece: str) -> str:
    """Return what parts a member's words instead of the admin's own, which may say anything."""
    return " " if piece.isspace() else "\n" if piece else ""


def _pieces(
    nodes: Nodes, values: Mapping[str, str], choose: Choose
) -> Iterator[tuple[str, re.Pattern[str] | None, bool]]:
    """Yield each part said, what in it is meant as a mention, and whether the member wrote it."""
    for node in nodes:
        match node:
            case Text(text):
                yield text, MENTION, False
            case Variable(name):
                mention = _USER if name == "user.mention" else None
                yield values[name], mention, name == "args" or name in POSITIONS
            case Random(options):
                yield from _pieces(options[choose(len(options))], values, choose)
            case If(condition, then, otherwise):
                chosen = then if is_met(condition, values) else otherwise
                yield from _pieces(chosen, values, choose)


def is_met(condition: Condition, values: Mapping[str, str]) -> bool:
    """Return whether a condition holds; alone, an operand holds unless it is empty or 0."""
    match condition:
        case Not(inner):
            return not is_met(inner, values)
        case Joined(joint, left, right):
            met = is_met(left, values)
            return met and is_met(right, values) if joint == "and" else met or is_met(right, values)
        case Comparison(left, sign, right):
            return _compare(_value(left, values), sign, _value(right, values))


def _value(operand: Text | Variable, values: Mapping[str, str]) -> str:
    return operand.text if isinstance(operand, Text) else values[operand.name]


def _compare(left: str, sign: str, right: str) -> bool:
    if not sign:
        return left not in ("", "0")
    if sign == "contains":
        return right.casefold() in left.casefold()
    if NUMBER.fullmatch(left) and NUMBER.fullmatch(right):
        return _ORDER[sign](float(left), float(right))
    # Texts have no order that people would expect: they are the same or they are not.
    same = left.casefold() == right.casefold()
    return not same if sign == "!=" else same and sign in ("==", ">=", "<=")
