"""The message pipeline: ordered gates that judge a message, then observers that count it.

It works on values made from the gateway's payload and knows nothing of discord.py; `bot.intake`
feeds it. Everything here is synchronous: only a verdict's effect becomes a task.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from bot.core.clock import Clock
from bot.core.contracts import MessageFacts

log = structlog.get_logger(__name__)

# The message types that people write themselves: DEFAULT and REPLY. The rest (joins, boosts, pins,
# poll results) is Discord's own text: https://discord.com/developers/docs/resources/message
WRITTEN_TYPES = frozenset({0, 19})
# One line per failing part and minute is enough to find it by; the counters hold the true number.
QUIET_SECONDS = 60.0

Payload = Mapping[str, Any]
Effect = Callable[[], Coroutine[Any, Any, object]]
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a gate says of a message: whether it may pass, and what is to be done about it.

    `effect` is started as a supervised task, rejected or not. `reason` is for the log.
    """

    accepted: bool
    effect: Effect | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class MessagesDeleted:
    """Messages that are gone; Discord says which, not what they said nor who deleted them."""

    guild_id: int
    channel_id: int
    message_ids: tuple[int, ...]


Gate = Callable[[MessageFacts], Verdict | None]
# Returns whether a text that nobody has sent would be let through; it counts nothing.
Screen = Callable[[MessageFacts], Awaitable[bool]]
Observer = Callable[[MessageFacts], None]
DeleteObserver = Callable[[MessagesDeleted], None]
Spawn = Callable[[str, Coroutine[Any, Any, Any]], object]
OnFailure = Callable[[str, BaseException], None]


def read_facts(payload: Payload, *, edited: bool = False) -> MessageFacts | None:
    """Return the facts of a guild message, or `None` when no one wrote it just now.

    Such are direct messages, Discord's own messages, and updates that only add a link's preview.
    Raises KeyError, TypeError or ValueError for a payload that is no message at all.
    """
    if "guild_id" not in payload or payload.get("type", 0) not in WRITTEN_TYPES:
        return None
    if edited and not (payload.get("edited_timestamp") and "author" in payload):
        return None
    author = payload["author"]
    member = payload.get("member")
    webhook_id = payload.get("webhook_id")
    return MessageFacts(
        int(payload["id"]),
        int(payload["guild_id"]),
        int(payload["channel_id"]),
        int(author["id"]),
        payload.get("content") or "",
        frozenset(map(int, member["roles"])) if member else frozenset(),
        payload,
        author.get("bot", False),
        int(webhook_id) if webhook_id else None,
        edited,
    )


def read_deletion(payload: Payload) -> MessagesDeleted:
    """Return what a MESSAGE_DELETE or MESSAGE_DELETE_BULK of a guild names."""
    gone = payload["ids"] if "ids" in payload else (payload["id"],)
    return MessagesDeleted(
        int(payload["guild_id"]), int(payload["channel_id"]), tuple(map(int, gone))
    )


class FailureLog:
    """Counts failures by name, logs each name's at most once a minute and then passes it on."""

    def __init__(self, clock: Clock, on_failure: OnFailure | None = None) -> None:
        self._clock = clock
        self._on_failure = on_failure
        self._counts: Counter[str] = Counter()
        self._quiet_until: dict[str, float] = {}

    def counts(self) -> dict[str, int]:
        """Return how often each name has failed."""
        return dict(self._counts)

    def note(self, kind: str, name: str, error: BaseException) -> None:
        """Count a failure, and log it unless this name's last line is younger than a minute."""
        self._counts[name] += 1
        now = self._clock.monotonic()
        if now < self._quiet_until.get(name, now):
            return
        self._quiet_until[name] = now + QUIET_SECONDS
        log.error(kind, name=name, times=self._counts[name], exc_info=error)
        if self._on_failure is not None:
            self._on_failure(name, error)


def guarded(
    call: Callable[[T], R], failures: FailureLog, kind: str, name: str
) -> Callable[[T], R | None]:
    """Return the function with its failures logged and turned into `None`.

    It stands between the gateway's receive loop, which an exception would end, and code that is
    fed whatever comes over the wire: a failure of any sort has to stay with the one event.
    """

    def run(value: T) -> R | None:
        try:
            return call(value)
        except Exception as error:  # noqa: BLE001 - logged by note()
            failures.note(kind, name, error)
            return None

    return run


@dataclass(frozen=True, slots=True)
class _Part:
    """A registered gate or observer, guarded, with what it wants to see."""

    name: str
    run: Callable[[MessageFacts], Any]
    order: int = 0
    bots: bool = False
    edits: bool = True


class MessagePipeline:
    """Gates in their order, then observers; a message that a gate rejects goes no further."""

    def __init__(self, clock: Clock, spawn: Spawn, on_failure: OnFailure | None = None) -> None:
        self.failures = FailureLog(clock, on_failure)
        self.rejected: Counter[str] = Counter()
        self.effects_started = 0
        self._spawn = spawn
        self._gates: list[_Part] = []
        self._screens: dict[str, Screen] = {}
        self._observers: list[_Part] = []
        self._deletions: dict[str, Callable[[MessagesDeleted], None]] = {}
        self._plans: dict[tuple[bool, bool], tuple[tuple[_Part, ...], tuple[_Part, ...]]] = {}
        self._plan()

    def add_gate(self, name: str, gate: Gate, order: int, *, bots: bool = False) -> None:
        """Judge messages and their edits, after the gates of a lower order.

        `bots` also shows it what other bots and webhooks write. It takes the place of a gate of
        the same name, as when a feature is loaded again for a new client.
        """
        run = guarded(gate, self.failures, "message_gate_failed", name)
        part = _Part(name, run, order=order, bots=bots)
        self._gates = sorted([*_without(self._gates, name), part], key=lambda one: one.order)
        # Counted from 0, so that metrics show the first rejection as a rise.
        self.rejected[name] += 0
        self._plan()

    def add_observer(
        self, name: str, observer: Observer, *, bots: bool = False, edits: bool = False
    ) -> None:
        """Show accepted messages to the observer; `bots` and `edits` add those of bots, and edits.

        It takes the place of an observer of the same name.
        """
        run = guarded(observer, self.failures, "message_observer_failed", name)
        part = _Part(name, run, bots=bots, edits=edits)
        self._observers = [*_without(self._observers, name), part]
        self._plan()

    def add_delete_observer(self, name: str, observer: DeleteObserver) -> None:
        """Tell the observer of deletions in guilds; it replaces an earlier one of the same name."""
        self._deletions[name] = guarded(observer, self.failures, "message_observer_failed", name)

    def add_screen(self, name: str, screen: Screen) -> None:
        """Ask this, too, whether words may be repeated; it replaces an earlier one of the name."""
        self._screens[name] = screen

    async def would_pass(self, facts: MessageFacts) -> bool:
        """Return whether what a member would have the bot say may be said, as if they wrote it.

        For features that repeat members' words: the bot's own messages go through no gate. Nothing
        is counted and nobody is punished. What a screen raises is raised.
        """
        for screen in self._screens.values():
            if not await screen(facts):
                return False
        return True

    def remove(self, name: str) -> None:
        """Take out every gate, screen and observer of this name; none is fine too."""
        self._screens.pop(name, None)
        self._gates = _without(self._gates, name)
        self._observers = _without(self._observers, name)
        self._deletions.pop(name, None)
        self._plan()

    @property
    def is_idle(self) -> bool:
        """Whether nobody judges or observes, so that facts need not be made."""
        return not self._gates and not self._observers

    def judge(self, facts: MessageFacts) -> bool:
        """Return whether the message may pass on; observers have seen it then."""
        from_bot = facts.author_is_bot or facts.webhook_id is not None
        gates, observers = self._plans[from_bot, facts.edited]
        for gate in gates:
            verdict = gate.run(facts)
            if verdict is None:
                continue
            if verdict.effect is not None:
                self.effects_started += 1
                self._spawn(f"gate:{gate.name}", _carry_out(verdict.effect))
            if not verdict.accepted:
                self.rejected[gate.name] += 1
                log.debug("message_rejected", gate=gate.name, reason=verdict.reason)
                return False
        for observer in observers:
            observer.run(facts)
        return True

    def report_deletion(self, deleted: MessagesDeleted) -> None:
        """Tell every delete observer."""
        for observer in self._deletions.values():
            observer(deleted)

    def _plan(self) -> None:
        # Who sees what is decided here once, so that a message costs one look-up.
        for from_bot in (False, True):
            for edited in (False, True):
                self._plans[from_bot, edited] = (
                    _those(self._gates, from_bot, edited),
                    _those(self._observers, from_bot, edited),
                )


def _without(parts: list[_Part], name: str) -> list[_Part]:
    return [part for part in parts if part.name != name]


def _those(parts: list[_Part], from_bot: bool, edited: bool) -> tuple[_Part, ...]:
    return tuple(
        part for part in parts if (part.bots or not from_bot) and (part.edits or not edited)
    )


async def _carry_out(effect: Effect) -> None:
    await effect()
