"""Asks in words what a picture asks in letters, for who can't see it; pure.

A screen reader reads the question as it stands. So does a program: one that was written for these
questions answers them with less work than it reads the picture. They stop what was not written for
them, and staff can switch them off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from bot.core.i18n import N_, Message, _
from cogs.verification.questions import simplify

# Nobody can take a word of one kind for one of another.
_KINDS = {
    N_("an animal"): (N_("dog"), N_("horse"), N_("rabbit"), N_("cow"), N_("sheep")),
    N_("a colour"): (N_("red"), N_("green"), N_("yellow"), N_("white"), N_("black")),
    N_("a fruit"): (N_("apple"), N_("banana"), N_("pear"), N_("cherry"), N_("strawberry")),
    N_("a piece of furniture"): (
        N_("table"),
        N_("chair"),
        N_("bed"),
        N_("wardrobe"),
        N_("armchair"),
    ),
}
_NUMBERS = (
    N_("zero"),
    N_("one"),
    N_("two"),
    N_("three"),
    N_("four"),
    N_("five"),
    N_("six"),
    N_("seven"),
    N_("eight"),
    N_("nine"),
)
# From the second number on: nothing comes out as zero, and no sum is trivial.
_LEAST = 2
_LISTED = 4
_PARTS = re.compile(r"[^\W\d]+|\d+")


@dataclass(frozen=True, slots=True)
class WordQuestion:
    """A question, and its answer as `read_words` returns it."""

    text: Message
    answer: str


def draw_words(random: Random, locale: str | None) -> WordQuestion:
    """Return a question in the reader's language: a word to find, and something to reckon."""
    kind = random.choice(list(_KINDS))
    wanted = random.choice(_KINDS[kind])
    others = [word for other, words in _KINDS.items() if other != kind for word in words]
    listed = [wanted, *random.sample(others, _LISTED - 1)]
    random.shuffle(listed)
    shown = ", ".join(_(word).render(locale) for word in listed)
    sum_text, result = _draw_sum(random)
    text = _(
        "Which of these words is {kind}: {words}? Write that word, then as a number {sum}.",
        kind=_(kind),
        words=shown,
        sum=sum_text,
    )
    return WordQuestion(text, read_words(f"{_(wanted).render(locale)} {result}"))


def _draw_sum(random: Random) -> tuple[Message, int]:
    first = random.randrange(_LEAST, len(_NUMBERS))
    second = random.randrange(_LEAST, len(_NUMBERS))
    larger, smaller = max(first, second), min(first, second)
    named = {"first": _(_NUMBERS[larger]), "second": _(_NUMBERS[smaller])}
    match random.randrange(3):
        case 0:
            return _("{first} plus {second}", **named), larger + smaller
        case 1:
            return _("{first} minus {second}", **named), larger - smaller
        case _double:
            return _("twice {first}", first=named["first"]), 2 * larger


def read_words(typed: str) -> str:
    """Return an answer as it is compared: its words and numbers, whatever their order."""
    return " ".join(sorted(_PARTS.findall(simplify(typed))))
