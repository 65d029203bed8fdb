"""The language of custom commands' answers: text with variables, conditions and random choice.

It extends the templates of `bot.core.templates`: each of those means the same here. A template
becomes a tree; what the tree gives is worked out in `cogs.customcommand.evaluation`. Nothing loops
or calls, so no evaluation takes more steps than the tree has nodes, and their number is bounded.
Pure; `docs/custom-commands.md` is the reference for people.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from bot.core.i18n import N_, Message, _
from bot.core.templates import InvalidTemplate

MAX_SOURCE = 4000
MAX_STEPS = 500
MAX_DEPTH = 8
# Condition words are parsed by recursion, too.
_MAX_WORDS = 40

# Each variable and what it stands for.
VARIABLES: Mapping[str, str] = {
    "user.mention": N_("a mention of who uses the command"),
    "user.name": N_("the name of who uses the command"),
    "user.id": N_("the id of who uses the command"),
    "server.name": N_("the server's name"),
    "server.members": N_("how many members the server has"),
    "channel.mention": N_("a link to the channel"),
    "channel.name": N_("the channel's name"),
    "command": N_("the name under which the command was used"),
    "args": N_("everything written after the command"),
    "args.count": N_("how many words that is"),
}
POSITIONS = frozenset("123456789")
# Each operator as it may be written, and its one name.
_OPERATORS: Mapping[str, str] = {
    one: one for one in ("==", "!=", ">", "<", ">=", "<=", "contains")
} | {"=": "==", "is": "=="}
_KEYWORDS = frozenset({"not", "and", "or", *_OPERATORS})

_RANDOM = re.compile(r"\{\s*random\s*:")
_TAG = re.compile(r"\{([^{}]*)\}")
_TEXT = re.compile(r"[^{}|]+")
_WORD = re.compile(r'"([^"]*)"|(==|!=|>=|<=|=|>|<)|([^\s"=!<>]+)|(\S)')
NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,6})?")
MENTION = re.compile(r"<@(&?)([0-9]{15,20})>")


@dataclass(frozen=True, slots=True)
class Text:
    """Text that stands as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Variable:
    """The value of a name."""

    name: str


@dataclass(frozen=True, slots=True)
class Random:
    """One of several parts, by chance."""

    options: tuple[Nodes, ...]


@dataclass(frozen=True, slots=True)
class If:
    """One part or another, as a condition says."""

    condition: Condition
    then: Nodes
    otherwise: Nodes


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two operands compared; an operand alone is compared with nothing (`operator` is empty)."""

    left: Text | Variable
    operator: str = ""
    right: Text | Variable = Text("")


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    inner: Condition


@dataclass(frozen=True, slots=True)
class Joined:
    """Two conditions with `and` or `or` between them."""

    joint: Literal["and", "or"]
    left: Condition
    right: Condition


Node: TypeAlias = "Text | Variable | Random | If"
Nodes: TypeAlias = "tuple[Node, ...]"
Condition: TypeAlias = "Comparison | Not | Joined"


@dataclass(frozen=True, slots=True)
class Program:
    """A template that was found good, as a tree.

    `names` are the variables that it uses. `users` and `roles` are the mentions written out in it,
    in whatever part. Of them those are notified that an evaluation says.
    """

    nodes: Nodes
    names: frozenset[str] = frozenset()
    users: tuple[int, ...] = ()
    roles: tuple[int, ...] = ()

    @property
    def takes_text(self) -> bool:
        """Whether what is written after the command makes a difference."""
        return any(one in POSITIONS or one.startswith("args") for one in self.names)


@functools.lru_cache(maxsize=1024)
def parse(source: str) -> Program:
    """Return the template as a tree; raises `InvalidTemplate`, naming the place of the mistake."""
    if len(source) > MAX_SOURCE:
        raise InvalidTemplate(
            _("The text is {count} characters too long.", count=len(source) - MAX_SOURCE),
            position=MAX_SOURCE + 1,
            hint=_("It may have {count} characters.", count=MAX_SOURCE),
        )
    parser = _Parser(source)
    nodes = parser.read()
    mentions = {(sign, int(one)) for sign, one in MENTION.findall(source)}
    return Program(
        nodes,
        frozenset(parser.names),
        tuple(sorted(one for sign, one in mentions if not sign)),
        tuple(sorted(one for sign, one in mentions if sign)),
    )


# What ends a part: the end of the text, of an option, of a random choice, or a tag of a condition.
_End: TypeAlias = Literal["", "|", "}", "else", "end"]


@dataclass(slots=True)
class _Parser:
    source: str
    position: int = 0
    steps: int = 0
    names: set[str] = field(default_factory=set)
    # Where the tag begins that was read last.
    tag_at: int = 0

    def read(self) -> Nodes:
        nodes, end = self._part(0, in_random=False)
        if end:
            raise self._stray(end)
        return nodes

    def _part(self, depth: int, *, in_random: bool) -> tuple[Nodes, _End]:
        if depth > MAX_DEPTH:
            raise self._error(
                self.position,
                _("This is nested too deeply (character {position}).", position=self.position + 1),
                _("At most {count} levels can be inside each other.", count=MAX_DEPTH),
            )
        nodes: list[Node] = []
        while self.position < len(self.source):
            found = self._next(depth, in_random=in_random)
            if isinstance(found, str):
                return tuple(nodes), found
            self.step()
            nodes.append(found)
        return tuple(nodes), ""

    def _next(self, depth: int, *, in_random: bool) -> Node | _End:
        source, start = self.source, self.position
        if text := _TEXT.match(source, start):
            self.position = text.end()
            return Text(text[0])
        sign = source[start]
        doubled = "|" if in_random else "}"
        if source.startswith(doubled * 2, start):
            return self._literal(doubled, 2)
        if source.startswith("{{", start):
            return self._literal("{", 2)
        if sign == "{":
            return self._tag(depth, in_random=in_random)
        if not in_random:
            return self._literal(sign, 1)
        self.position += 1
        return "|" if sign == "|" else "}"

    def _literal(self, text: str, length: int) -> Text:
        self.position += length
        return Text(text)

    def _tag(self, depth: int, *, in_random: bool) -> Node | _End:
        start = self.tag_at = self.position
        if opening := _RANDOM.match(self.source, start):
            self.position = opening.end()
            return self._random(start, depth)
        tag = _TAG.match(self.source, start)
        if tag is None:
            raise self._unclosed(start)
        self.position = tag.end()
        content = tag[1].strip()
        if content == "else":
            return "else"
        if content == "end":
            return "end"
        if content == "if" or content.startswith("if "):
            condition = _Words(self, start, content[2:]).read()
            return self._if(start, condition, depth, in_random=in_random)
        return self.variable(content, start)

    def _random(self, start: int, depth: int) -> Random:
        options: list[Nodes] = []
        while True:
            nodes, end = self._part(depth + 1, in_random=True)
            options.append(_trimmed(nodes))
            if end == "}":
                return Random(tuple(options))
            if end == "":
                raise self._unclosed(start)
            if end != "|":
                raise self._stray(end)

    def _if(self, start: int, condition: Condition, depth: int, *, in_random: bool) -> If:
        then, end = self._part(depth + 1, in_random=in_random)
        otherwise: Nodes = ()
        if end == "else":
            otherwise, end = self._part(depth + 1, in_random=in_random)
        if end == "else":
            raise self._error(
                self.tag_at,
                _(
                    "The condition has a second {tag} at character {position}.",
                    tag="{else}",
                    position=self.tag_at + 1,
                ),
                _("A condition is written {example}.", example="{if args}…{else}…{end}"),
            )
        if end != "end":
            raise self._error(
                start,
                _("The condition at character {position} has no end.", position=start + 1),
                _("Write {end} where it ends.", end="{end}"),
            )
        return If(condition, then, otherwise)

    def variable(self, name: str, start: int) -> Variable:
        """Return a variable; raises `InvalidTemplate` with the nearest that exists."""
        if name not in VARIABLES and name not in POSITIONS:
            raise _unknown(name, start)
        self.names.add(name)
        return Variable(name)

    def step(self, count: int = 1) -> None:
        """Count steps; raises `InvalidTemplate` past the limit."""
        self.steps += count
        if self.steps > MAX_STEPS:
            raise self._error(
                self.position,
                _("This text takes more than {count} steps.", count=MAX_STEPS),
                _("Use fewer variables, conditions and choices."),
            )

    def _unclosed(self, start: int) -> InvalidTemplate:
        return self._error(
            start,
            _("The brace at character {position} is never closed.", position=start + 1),
            _("Close it with } or, for a plain brace, write it twice."),
        )

    def _stray(self, end: _End) -> InvalidTemplate:
        return self._error(
            self.tag_at,
            _(
                "There is no condition for the {tag} at character {position}.",
                tag=f"{{{end}}}",
                position=self.tag_at + 1,
            ),
            _("A condition is written {example}.", example="{if args}…{else}…{end}"),
        )

    @staticmethod
    def _error(start: int, message: Message, hint: Message) -> InvalidTemplate:
        return InvalidTemplate(message, position=start + 1, hint=hint)


class _Words:
    """Reads a condition: operands and comparisons, joined by `not`, `and`, `or` in this order."""

    def __init__(self, parser: _Parser, start: int, text: str) -> None:
        self._parser = parser
        self._start = start
        # A quoted text, or a word with the empty string before it.
        self._words = [
            (quoted is not None, quoted if quoted is not None else word[0])
            for word in _WORD.finditer(text)
            for quoted in (word[1],)
        ]

    def read(self) -> Condition:
        if not self._words:
            raise self._error(_("There is no condition at character {position}."))
        if len(self._words) > _MAX_WORDS:
            raise self._error(_("The condition at character {position} is too long."))
        self._parser.step(len(self._words))
        self._words.reverse()
        condition = self._either()
        if self._words:
            raise self._error(
                _("I don't understand {word} in the condition at character {position}."),
                word=self._words[-1][1][:40],
            )
        return condition

    def _either(self) -> Condition:
        left = self._both()
        while self._takes("or"):
            left = Joined("or", left, self._both())
        return left

    def _both(self) -> Condition:
        left = self._negated()
        while self._takes("and"):
            left = Joined("and", left, self._negated())
        return left

    def _negated(self) -> Condition:
        if self._takes("not"):
            return Not(self._negated())
        left = self._operand()
        if not self._words:
            return Comparison(left)
        is_quoted, word = self._words[-1]
        operator = None if is_quoted else _OPERATORS.get(word.casefold())
        if operator is None:
            return Comparison(left)
        self._words.pop()
        return Comparison(left, operator, self._operand(is_right=True))

    def _operand(self, *, is_right: bool = False) -> Text | Variable:
        if not self._words:
            raise self._error(_("The condition at character {position} breaks off."))
        is_quoted, word = self._words.pop()
        # What something is compared with is a number; the word number 3 stands on the left.
        if is_quoted or (NUMBER.fullmatch(word) and (is_right or word not in POSITIONS)):
            return Text(word)
        if word.casefold() in _KEYWORDS:
            raise self._error(
                _("I don't understand {word} in the condition at character {position}."),
                word=word,
            )
        return self._parser.variable(word, self._start)

    def _takes(self, keyword: str) -> bool:
        if self._words and self._words[-1] == (False, keyword):
            self._words.pop()
            return True
        return False

    def _error(self, text: Message, **values: str) -> InvalidTemplate:
        position = self._start + 1
        return InvalidTemplate(
            Message(text.msgid, {**values, "position": position}),
            position=position,
            hint=_(
                "A condition is a variable, or two with {operators} between them; texts stand in "
                "quotation marks.",
                operators="== != < > <= >= contains",
            ),
        )


def _trimmed(nodes: Nodes) -> Nodes:
    """Return an option without the spaces around it, which stand there to be read easily."""
    trimmed = list(nodes)
    if trimmed and isinstance(trimmed[0], Text):
        trimmed[0] = Text(trimmed[0].text.lstrip())
    if trimmed and isinstance(trimmed[-1], Text):
        trimmed[-1] = Text(trimmed[-1].text.rstrip())
    return tuple(trimmed)


def _unknown(name: str, start: int) -> InvalidTemplate:
    message = _(
        "There is no variable {name} (character {position}).",
        name=f"{{{name[:40]}}}",
        position=start + 1,
    )
    known = [*VARIABLES, "else", "end"]
    nearest = next(iter(difflib.get_close_matches(name.casefold()[:60], known, n=1)), None)
    if nearest:
        hint = _("Did you mean {nearest}?", nearest=f"{{{nearest}}}")
    else:
        hint = _("You can use {names}.", names=", ".join(f"{{{one}}}" for one in (*VARIABLES, "1")))
    return InvalidTemplate(message, position=start + 1, nearest=nearest, hint=hint)
