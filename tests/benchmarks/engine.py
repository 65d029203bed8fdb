"""The automod engine alone, against one `re` per rule: CPU time per clean message.

Everything is measured in one process and one run; compare the ratios.
"""

from __future__ import annotations

import functools
import re
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bot.core.contracts import MessageFacts
from cogs.automod.rules.engine import Engine
from cogs.automod.rules.values import Context
from cogs.automod.rules.windows import Windows
from cogs.automod.settings import AutomodSettings
from tests.benchmarks import chatter
from tests.benchmarks.memory import settled

NOW = 1_800_000_000.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What one way of matching costs, in µs of CPU per message: the median of its rounds."""

    name: str
    median: float
    least: float
    most: float
    hits: int


def engine_of(words: int, patterns: int, *, all_rules: bool = True) -> Engine:
    """Return the engine for so many words and patterns, alone or with the other rules on."""
    rules = chatter.rules(chatter.words(words), chatter.patterns(patterns))["rules"]
    chosen = rules if all_rules else rules[:2]
    return Engine.compile(AutomodSettings.read({"rules": chosen}))


def compare(count: int, rounds: int) -> list[Cost]:
    """Return what the ordinary way and the engine cost on so many clean messages."""
    messages = chatter.messages(count)
    ordinary = judge_by_re(chatter.words(500), chatter.patterns(50))
    costs = [
        # A twentieth of them is enough for what takes twenty times as long.
        measure("one `re` per rule, 500 words and 50 patterns", ordinary, messages[::20], 1)
    ]
    for name, words, all_rules in (
        ("engine, 500 words and 50 patterns", 500, False),
        ("engine, 5,000 words and 50 patterns", 5000, False),
        ("engine, 500 and 50, with caps, links, invites, mentions, rate, duplicates", 500, True),
    ):
        engine = engine_of(words, 50, all_rules=all_rules)
        costs.append(measure(name, functools.partial(judge_all, engine), messages, rounds))
    return costs


def judge_all(engine: Engine, messages: Iterable[MessageFacts]) -> int:
    """Judge the messages, half a second apart, and return how many were not clean."""
    context, windows = Context(now=NOW, guild_id=1), Windows()
    hits = 0
    for message in messages:
        context.now += 0.5
        hits += engine.judge(message, context, windows) is not None
    return hits


def judge_by_re(words: Sequence[str], patterns: Sequence[str]) -> Callable[..., int]:
    """Return the ordinary way: every word and pattern an `re` of its own."""
    compiled = [re.compile(rf"\b{re.escape(word)}\b", re.IGNORECASE) for word in words]
    compiled += [re.compile(pattern, re.IGNORECASE) for pattern in patterns]

    def run(messages: Iterable[MessageFacts]) -> int:
        return sum(any(one.search(message.content) for one in compiled) for message in messages)

    return run


def measure(
    name: str,
    run: Callable[[Sequence[MessageFacts]], int],
    messages: Sequence[MessageFacts],
    rounds: int,
) -> Cost:
    """Return the CPU time per message."""
    run(messages[: max(1, len(messages) // 10)])
    costs, hits = [], 0
    with settled():
        for _round in range(rounds):
            before = time.process_time()
            hits = run(messages)
            costs.append((time.process_time() - before) / len(messages) * 1e6)
    return Cost(name, statistics.median(costs), min(costs), max(costs), hits)


# Hostile texts, each beside ordinary ones of the same length.
HOSTILE = {
    "`(a+)+$`: 4,000 a and a b": "a" * 3999 + "b",
    "4,000 combining marks": "e" + "\u0301\u0489\u20dd" * 1333,
    "an address of 10,000 characters": "https://" + "a.b-" * 2498,
    "spelled letters": "a b c " * 666,
    "open brackets": "[" * 4000,
    "spoilers": "||a" * 1333,
    "percent signs": "%25" * 1333,
    "zero-width characters": "a\u200b" * 2000,
    "runs of letters": "aaab" * 1000,
    "look-alikes": "а1I|" * 1000,
    "links behind a zero-width character": "\u200b" + "https://e.co " * 307,
    "links among letters that are shown as many": "\ufdfa" * 50 + "https://e.co " * 303,
    "links behind signs": "http://a?b.co " * 285,
    "users in an address": "https://" + "a@'" * 1330,
    "masked links": "[x](https://e.co)" * 235,
    "sites without a scheme": "e.co " * 800,
    "sites by the hundred": " ".join(f"{number}.co" for number in range(600)),
    "invites by the hundred": " ".join(f".gg/{number}a" for number in range(480)),
    "invites with parents": "discord.com/a/../" * 235,
    "invites in a path": "discord.gg/" * 360,
    "invites spelled": "d i s c o r d . " * 250,
    "invites behind markup": "**x** " + "discord.gg/a1 discord.gg/b2 " * 142,
}
# What a backtracking engine never ends with, and a pattern as long that is none of these.
DANGEROUS, HARMLESS = "(a+)+$", "(ab)c$"
ORDINARY = "so I went to the market yesterday and found nothing that I liked, "


def measure_hostile(rounds: int, count: int) -> list[tuple[str, float, float]]:
    """Return for each hostile text its µs and those of an ordinary text of the same length.

    Each is said `count` times in a round, by different people.
    """
    settings = chatter.rules(chatter.words(500), [*chatter.patterns(49), DANGEROUS])
    engine = Engine.compile(AutomodSettings.read(settings))
    found = []
    for name, text in HOSTILE.items():
        plain = (ORDINARY * (len(text) // len(ORDINARY) + 1))[: len(text)]
        costs = [
            measure(name, functools.partial(judge_all, engine), messages, rounds).median
            for messages in (
                [chatter.message(number, said) for number in range(0, count * 20, 20)]
                for said in (text, plain)
            )
        ]
        found.append((name, costs[0], costs[1]))
    name = f"the first of these, where `{DANGEROUS}` is the only pattern, beside `{HARMLESS}`"
    found.append(
        (name, pattern_cost(DANGEROUS, rounds, count), pattern_cost(HARMLESS, rounds, count))
    )
    return found


def pattern_cost(pattern: str, rounds: int, count: int) -> float:
    """Return the µs for the hostile text of `(a+)+$` with this pattern as the only one."""
    settings = chatter.rules([chatter.words(1)[0]], [pattern])
    engine = Engine.compile(AutomodSettings.read(settings))
    text = next(iter(HOSTILE.values()))
    messages = [chatter.message(number, text) for number in range(0, count * 20, 20)]
    return measure(pattern, functools.partial(judge_all, engine), messages, rounds).median
