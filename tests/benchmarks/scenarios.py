"""What is measured: messages, memory, slash commands and the web server, each as a table."""

from __future__ import annotations

import asyncio
import math
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bot.client import intents_for
from bot.core.config import Config
from tests.benchmarks import draw, ends, engine, experience, figures, transcript, transfers
from tests.benchmarks.lines import Child

KINDS = {
    "bare": "bare discord.py, empty `on_message`",
    "frozen": "the same, memory settled",
    "intake": "bare client behind the intake, a gate and an observer",
    "pegasus": "Pegasus, everything running",
    "automod": "the same, Automod with 500 words, 50 patterns and six more rules in every guild",
}


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured; the numbers of one world are guilds and members."""

    small: tuple[int, int]
    large: tuple[int, int]
    rounds: int
    floods: int
    messages: int
    commands: int
    requests: int
    seconds: float
    entrants: int
    kinds: Sequence[str] = tuple(KINDS)
    # Which starts the memory of is told; the cards come after the last.
    starts: Sequence[str] = ("bare", "first", "again")
    cards: Sequence[int] = (1, 8)


FULL = Scale((150, 50_000), (1_500, 500_000), 3, 5, 20_000, 600, 20_000, 10.0, 100_000)
QUICK = Scale((150, 50_000), (150, 50_000), 1, 3, 10_000, 100, 4_000, 3.0, 100_000)
# Each kind or start is two processes: the plainest and the fullest show that all of it works.
SMOKE = Scale(
    (2, 20), (2, 20), 1, 1, 60, 4, 64, 0.2, 500, ("bare", "automod"), starts=("first",), cards=(1,)
)
STARTS = {
    "bare": ("bare", KINDS["bare"]),
    "first": ("pegasus", f"{KINDS['pegasus']}, first start"),
    "again": ("pegasus", "the same, started again"),
}


@dataclass(frozen=True, slots=True)
class Table:
    """A result: title, column heads, rows."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """Return the table as Markdown."""
        lines = [self.heads, ["---"] * len(self.heads), *self.rows]
        body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        return f"### {self.title}\n\n{body}\n"


@contextmanager
def running(
    kind: str, size: tuple[int, int], database: Path | None = None
) -> Iterator[tuple[Child, Child]]:
    """Start a world of this many guilds and members, and a bot of this kind in it.

    Pegasus keeps its database in the file, or begins with a new one where none is given.
    """
    guilds, members = size
    with Child("world", str(guilds), str(members)) as world:
        place = world.greeting
        intents = str(intents_for(Config()).value)
        arguments = [kind, place["api"], place["token"], str(guilds), intents]
        if database is not None:
            arguments.append(str(database))
        with Child("subject", *arguments) as subject:
            yield world, subject


def measure_messages(scale: Scale) -> Table:
    """CPU time per clean message: user and system time of the process over the number sent."""
    costs: dict[str, list[float]] = {kind: [] for kind in scale.kinds}
    # Kinds take turns, so that what else the machine does falls on all of them.
    for _ in range(scale.rounds):
        for kind, found in costs.items():
            with running(kind, scale.small) as (world, subject):
                _flood(world, subject, scale.messages // 4)
                found += [_flood(world, subject, scale.messages) for _ in range(scale.floods)]
    floor = statistics.median(costs["bare"])
    rows = [
        [
            KINDS[kind],
            f"{statistics.median(found):.1f}",
            f"{min(found):.1f} to {max(found):.1f}",
            f"{statistics.median(found) / floor:.2f}",
        ]
        for kind, found in costs.items()
    ]
    return Table(
        f"CPU per MESSAGE_CREATE (median of {scale.rounds * scale.floods} floods of "
        f"{scale.messages:,} messages, {_named(scale.small)})",
        ["What runs", "µs", "range", "of bare"],
        rows,
    )


def _flood(world: Child, subject: Child, count: int) -> float:
    before = subject.ask("usage")["cpu"]
    sequence = world.ask("flood", count=count)["sequence"]
    usage = subject.ask("usage", sequence=sequence)
    if usage["effects"]:
        raise RuntimeError("a clean message was not taken for one")
    return (usage["cpu"] - before) / count * 1e6


def measure_memory(scale: Scale) -> Table:
    """Resident memory after READY, and the seconds from process start until it."""
    rows = []
    for size in dict.fromkeys((scale.small, scale.large)):
        with tempfile.TemporaryDirectory(prefix="pegasus-benchmark-") as folder:
            database = Path(folder) / "pegasus.db"
            for start in scale.starts:
                kind, name = STARTS[start]
                cards = scale.cards if start == scale.starts[-1] else ()
                rows += _memory_rows(name, kind, size, database, cards)
    heads = ["World", "What runs", "MB after READY", "s to the last guild", "s to READY"]
    return Table("Memory and start", heads, rows)


def _memory_rows(
    name: str,
    kind: str,
    size: tuple[int, int],
    database: Path,
    cards: Sequence[int],
) -> Iterator[list[str]]:
    with running(kind, size, database) as (world, subject):
        found = subject.greeting
        memory = subject.ask("usage")["rss"]
        since = [f"{found['loaded']:.1f}", f"{found['ready']:.1f}"]
        yield [_named(size), name, f"{memory:.0f}", *since]
        for count in cards:
            yield _after_cards(world, subject, size, count)


def _after_cards(world: Child, subject: Child, size: tuple[int, int], count: int) -> list[str]:
    """A row of its own: only the first card brings the picture library and the fonts in."""
    world.ask("greet", count=count)
    what = "the same, after a welcome card" if count == 1 else f"the same, after {count} more"
    return [_named(size), what, f"{subject.ask('usage')['rss']:.0f}", "", ""]


def measure_latency(scale: Scale) -> Table:
    """Time from sending a slash command until its first callback, while 200 messages/s come in."""
    with running("pegasus", scale.small) as (world, _):
        world.ask("slash", count=max(scale.commands // 10, 2), per_second=20, rate=200)
        found = world.ask("slash", count=scale.commands, per_second=20, rate=200)["latencies"]
    row = [f"{len(found)}", *(f"{percentile(found, part):.1f}" for part in (50, 95, 99, 100))]
    heads = ["Commands", "median ms", "95th", "99th", "slowest"]
    return Table("Slash command, event sent to callback received, at 200 messages/s", heads, [row])


def measure_web(scale: Scale) -> Table:
    """Requests per second of /health and /metrics, and what 200 per second do to the loop's lag."""
    with running("pegasus", scale.small) as (_, subject):
        where = urlsplit(subject.greeting["web"])
        with Child("visitor", str(where.hostname), str(where.port)) as visitor:
            idle = subject.ask("lag", seconds=scale.seconds)["late"]
            rows = [["nothing", "", "", "", "", *_lag(idle)]]
            rows += [
                [path, *_web_row(subject, visitor, path, scale)] for path in ("/health", "/metrics")
            ]
    heads = ["Asked for", "requests/s", "CPU µs each", "median ms at 200/s", "99th ms at 200/s"]
    return Table("Web server", [*heads, "loop lag ms", "99th"], rows)


def _web_row(subject: Child, visitor: Child, path: str, scale: Scale) -> list[str]:
    visitor.ask("rush", path=path, count=scale.requests // 4)
    before = subject.ask("usage")["cpu"]
    speed = visitor.ask("rush", path=path, count=scale.requests)["per_second"]
    each = (subject.ask("usage")["cpu"] - before) / scale.requests * 1e6
    subject.tell("lag", seconds=scale.seconds)
    paced = visitor.ask("pace", path=path, rate=200, seconds=scale.seconds)["latencies"]
    late = subject.hear()["late"]
    return [
        f"{speed:,.0f}",
        f"{each:.0f}",
        f"{percentile(paced, 50):.2f}",
        f"{percentile(paced, 99):.2f}",
        *_lag(late),
    ]


def _lag(late: list[float]) -> list[str]:
    return [f"{statistics.median(late):.2f}", f"{percentile(late, 99):.2f}"]


def percentile(values: Sequence[float], part: float) -> float:
    """Return the smallest value that so many percent of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * part / 100) - 1)]


def _named(size: tuple[int, int]) -> str:
    return f"{size[0]:,} guilds, {size[1]:,} members"


def measure_engine(scale: Scale) -> Table:
    """CPU time per clean message of the automod engine alone, and of one `re` per rule.

    The ratios are what counts: how much faster than `re`, and what tenfold words cost.
    """
    costs = engine.compare(scale.messages * 10, scale.rounds)
    ordinary, usual = costs[0].median, costs[1].median
    rows = [
        [
            one.name,
            f"{one.median:.1f}",
            f"{ordinary / one.median:.1f}",
            f"{one.median / usual:.2f}",
            f"{one.hits:,}",
        ]
        for one in costs
    ]
    title = f"The automod engine alone, CPU per message over {scale.messages * 10:,} messages"
    heads = ["What runs", "µs", "times as fast as `re`", "of the engine with 500 words", "hits"]
    return Table(title, heads, rows)


def measure_hostile(scale: Scale) -> Table:
    """CPU time of the automod engine for hostile texts, beside ordinary ones of their length."""
    rows = [
        [name, f"{hostile:,.0f}", f"{ordinary:,.0f}", f"{hostile / ordinary:.1f}"]
        for name, hostile, ordinary in engine.measure_hostile(
            scale.rounds, min(20, max(1, scale.messages // 60))
        )
    ]
    heads = ["Text", "µs", "µs of an ordinary one as long", "ratio"]
    return Table("Hostile texts, 500 words and 50 patterns with `(a+)+$` among them", heads, rows)


def measure_draw(scale: Scale) -> Table:
    """CPU time of a giveaway's draw, beside one without a proof."""
    costs = draw.compare(scale.entrants, scale.rounds)
    floor = costs[0].median
    rows = [[one.name, f"{one.median:.0f}", f"{one.median / floor:.3f}"] for one in costs]
    title = (
        f"Giveaway: drawing {draw.DRAWN} of {scale.entrants:,} weighted entrants "
        f"for {draw.WINNERS} prizes"
    )
    return Table(title, ["What runs", "ms", "of plain"], rows)


def measure_transcript(scale: Scale) -> Table:
    """How long the loop stands still while a ticket's transcript is made."""
    messages = max(scale.entrants // 20, 5)
    costs = asyncio.run(transcript.compare(messages))
    worst = costs[0].delay
    rows = [
        [one.name, f"{one.total:.0f}", f"{one.delay:.0f}", f"{one.delay / worst:.3f}"]
        for one in costs
    ]
    title = f"Ticket: the transcript of {messages:,} messages"
    return Table(title, ["Made", "ms", "longest delay of the loop, ms", "of on the loop"], rows)


def measure_experience(scale: Scale) -> Table:
    """CPU time of counting experience over none, and of writing it behind over at once."""
    counting, writing = experience.run(scale.messages, scale.rounds * scale.floods)
    rows = [
        [one.name, f"{one.median:.2f}", f"+{one.median - counting[0].median:.2f} µs"]
        for one in counting
    ]
    rows += [
        [one.name, f"{one.median:.1f}", f"1/{writing[0].median / one.median:.0f}"]
        for one in writing
    ]
    title = f"Experience, CPU per message over {scale.messages:,} messages"
    return Table(title, ["What runs", "µs", "against the first of its kind"], rows)


def measure_figures(scale: Scale) -> Table:
    """How long the loop stands still while the figures of a guild's tickets are made."""
    tickets = max(scale.entrants // 10, 50)
    with tempfile.TemporaryDirectory() as folder:
        costs = asyncio.run(figures.compare(tickets, Path(folder)))
    worst = costs[0].delay
    rows = [
        [one.name, f"{one.total:.0f}", f"{one.delay:.0f}", f"{one.delay / worst:.3f}"]
        for one in costs
    ]
    title = f"Ticket: the figures of {tickets:,} tickets"
    return Table(
        title, ["Read and counted", "ms", "longest delay of the loop, ms", "of objects"], rows
    )


def measure_transfers(scale: Scale) -> Table:
    """Payments a second through the economy's ledger, on both databases."""
    rates = transfers.compare(max(scale.entrants // 50, 10))
    floor = {one.database: one.per_second for one in reversed(rates)}
    rows = [
        [
            one.database,
            one.way,
            f"{one.per_second:.0f}",
            f"{one.per_second / floor[one.database]:.2f}" if one.per_second else "",
        ]
        for one in rates
    ]
    return Table(
        "Economy: payments a second", ["Database", "How", "payments/s", "of no books"], rows
    )


def measure_ends(scale: Scale) -> Table:
    """How long many giveaways take that end in the same second, on both databases."""
    rows = [
        [one.database, one.what, f"{one.seconds:.2f}", f"{one.of_bare:.2f}"]
        for one in ends.compare(scale.entrants // 500)
    ]
    title = "Giveaways: many that end in the same second"
    return Table(title, ["Database", "What", "seconds", "of bare"], rows)


SCENARIOS = {
    "message": measure_messages,
    "memory": measure_memory,
    "latency": measure_latency,
    "web": measure_web,
    "engine": measure_engine,
    "hostile": measure_hostile,
    "draw": measure_draw,
    "transcript": measure_transcript,
    "experience": measure_experience,
    "figures": measure_figures,
    "transfers": measure_transfers,
    "ends": measure_ends,
}
