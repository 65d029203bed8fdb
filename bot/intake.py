"""The message intake: judges messages on the gateway's payload, before discord.py sees them.

The one module that touches discord.py's parser table. What gates and observers do, and what a
verdict means, is in `bot.core.messages`.

discord.py starts every `on_message` listener as a task of its own, so no listener can keep a
message from the others: gates have to stand before its parser, in both ways of working. On the
fast lane the intake also skips building the `discord.Message` that nobody wants, which is half of
what a message costs; then `last_message_id` and the message cache are not kept. On the ordinary
way every accepted message is built.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from discord.ext import commands

from bot.core.clock import Clock
from bot.core.messages import (
    WRITTEN_TYPES,
    FailureLog,
    MessagePipeline,
    OnFailure,
    Payload,
    Spawn,
    guarded,
    read_deletion,
    read_facts,
)

Parser = Callable[[Any], None]
Wanted = Callable[[int], bool]
EventListener = Callable[[Payload], None]
DirectHandler = Callable[[Payload], bool]


@dataclass(frozen=True, slots=True)
class IntakeSnapshot:
    """The intake's counters since start, for metrics.

    `built` counts the messages and edits handed on to discord.py. `rejected` goes by gate,
    `events` and `malformed` by gateway event, `failures` by the gate, observer or want that failed.
    """

    messages: int
    edits: int
    built: int
    effects: int
    rejected: Mapping[str, int]
    events: Mapping[str, int]
    malformed: Mapping[str, int]
    failures: Mapping[str, int]


class Intake(MessagePipeline):
    """The pipeline joined to a client's gateway events.

    It also guards every event's parser but READY's: a payload that discord.py can't read is logged
    and counted, where discord.py alone would end its receive loop and with it the client.
    """

    def __init__(
        self,
        clock: Clock,
        spawn: Spawn,
        *,
        fast_lane: bool = True,
        on_failure: OnFailure | None = None,
    ) -> None:
        super().__init__(clock, spawn, on_failure)
        self._clock = clock
        self._fast_lane = fast_lane
        self._client: commands.AutoShardedBot | None = None
        self._wants: dict[str, Callable[[int], bool | None]] = {}
        self._listeners: defaultdict[str, dict[str, EventListener]] = defaultdict(dict)
        self._directs: dict[str, tuple[int, Callable[[Payload], bool | None]]] = {}
        self._events: Counter[str] = Counter()
        self._malformed = FailureLog(clock, on_failure)
        self._last_event_at: float | None = None
        self._messages = self._edits = self._built = 0

    def want(self, name: str, wanted: Wanted) -> None:
        """Have discord.py build the messages of each channel id for which `wanted` is true.

        It is asked for every message, so it should be no more than a look-up in a set. Listeners,
        prefix commands and waiting checks need no want: they are seen by themselves.
        """
        self._wants[name] = guarded(wanted, self.failures, "message_want_failed", name)

    def unwant(self, name: str) -> None:
        """End a `want`; one that is not there is fine."""
        self._wants.pop(name, None)

    def listen(self, event: str, name: str, listener: EventListener) -> None:
        """Show the raw payload of a gateway event to the listener, before discord.py reads it.

        For what discord.py keeps to itself, such as updates of members that are not cached. The
        listener must not wait; it replaces an earlier one of the same name.
        """
        self._listeners[event][name] = guarded(
            listener, self.failures, "gateway_listener_failed", name
        )

    def take_directs(self, name: str, handler: DirectHandler, *, order: int = 0) -> None:
        """Offer the handler what people write to the bot in private, lower `order` first.

        It gets the raw payload, must not wait, and returns whether it takes the message; then those
        after it don't get it. Bots' messages are offered to nobody, so that no two can keep each
        other talking. It replaces an earlier handler of the same name.
        """
        guard = guarded(handler, self.failures, "direct_handler_failed", name)
        entries = {**self._directs, name: (order, guard)}
        self._directs = dict(sorted(entries.items(), key=lambda entry: entry[1][0]))

    def attach(self, client: commands.AutoShardedBot) -> None:
        """Stand between the client's gateway and discord.py's parsers, from now on.

        Call it before the client's gateway is opened. The counters run on when a new client takes
        over. Raises RuntimeError for the same client again, which would count all events twice.
        """
        if self._client is client:
            raise RuntimeError("the intake is attached to this client already")
        self._client = client
        parsers: dict[str, Parser] = client._connection.parsers
        for event, wrap in (
            ("MESSAGE_CREATE", self._taking_messages),
            ("MESSAGE_UPDATE", self._taking_edits),
        ):
            parsers[event] = wrap(client, parsers[event])
        for event in ("MESSAGE_DELETE", "MESSAGE_DELETE_BULK"):
            parsers[event] = self._telling_of_deletions(parsers[event])
        for event, parse in parsers.items():
            parsers[event] = self._counting(event, parse)
        self._events.update(dict.fromkeys(parsers, 0))

    def last_event_age(self) -> float | None:
        """Return the seconds since the gateway last sent any event, `None` before the first."""
        if self._last_event_at is None:
            return None
        return self._clock.monotonic() - self._last_event_at

    def snapshot(self) -> IntakeSnapshot:
        """Return the counters as they stand; gates and events that are known begin at 0."""
        return IntakeSnapshot(
            messages=self._messages,
            edits=self._edits,
            built=self._built,
            effects=self.effects_started,
            rejected=dict(self.rejected),
            events=dict(self._events),
            malformed=self._malformed.counts(),
            failures=self.failures.counts(),
        )

    def _taking_messages(self, client: commands.AutoShardedBot, build: Parser) -> Parser:
        def take(payload: Payload) -> None:
            self._messages += 1
            if not self._may_pass(client, payload):
                return
            if self._is_built_always(payload) or self._is_message_wanted(client, payload):
                self._built += 1
                build(payload)
                # Asked only of what is built: messages that stay on the fast lane are never direct.
                if "guild_id" not in payload:
                    self._offer_direct(payload)

        return take

    def _offer_direct(self, payload: Payload) -> None:
        is_written = payload.get("type", 0) in WRITTEN_TYPES and "author" in payload
        if not is_written or "webhook_id" in payload or payload["author"].get("bot", False):
            return
        for _, takes in self._directs.values():
            if takes(payload):
                return

    def _taking_edits(self, client: commands.AutoShardedBot, build: Parser) -> Parser:
        def take(payload: Payload) -> None:
            self._edits += 1
            if not self._may_pass(client, payload, edited=True):
                return
            if self._is_built_always(payload) or _is_edit_wanted(client):
                self._built += 1
                build(payload)

        return take

    def _telling_of_deletions(self, parse: Parser) -> Parser:
        def take(payload: Payload) -> None:
            if "guild_id" in payload:
                self.report_deletion(read_deletion(payload))
            parse(payload)

        return take

    def _counting(self, event: str, parse: Parser) -> Parser:
        events = self._events
        listeners = self._listeners[event]
        monotonic = self._clock.monotonic
        # Nothing comes of a connection whose READY can't be read: bot.websocket opens another.
        read = (
            parse
            if event == "READY"
            else guarded(parse, self._malformed, "gateway_event_malformed", event)
        )

        def take(payload: Any) -> None:
            events[event] += 1
            self._last_event_at = monotonic()
            for listen in listeners.values():
                listen(payload)
            read(payload)

        return take

    def _may_pass(
        self, client: commands.AutoShardedBot, payload: Payload, *, edited: bool = False
    ) -> bool:
        if self.is_idle:
            return True
        facts = read_facts(payload, edited=edited)
        if facts is None or (facts.author_is_bot and _is_own(client, facts.author_id)):
            return True
        return self.judge(facts)

    def _is_built_always(self, payload: Payload) -> bool:
        # Bots' messages are few, and discord.py keeps its views and private channels by them.
        return (
            not self._fast_lane
            or "guild_id" not in payload
            or "webhook_id" in payload
            or "author" not in payload
            or payload["author"].get("bot", False)
        )

    def _is_message_wanted(self, client: commands.AutoShardedBot, payload: Payload) -> bool:
        if _has_message_listener(client) or _may_be_command(client, payload.get("content") or ""):
            return True
        if not self._wants:
            return False
        channel_id = int(payload["channel_id"])
        return any(wanted(channel_id) for wanted in self._wants.values())


def _is_own(client: commands.AutoShardedBot, author_id: int) -> bool:
    return client.user is not None and client.user.id == author_id


def _is_awaited(client: commands.AutoShardedBot, event: str) -> bool:
    return bool(client.extra_events.get(f"on_{event}") or client._listeners.get(event))


def _has_message_listener(client: commands.AutoShardedBot) -> bool:
    # Every bot has the library's own on_message, which does nothing but look for prefix commands.
    handler = getattr(client.on_message, "__func__", client.on_message)
    return handler is not commands.AutoShardedBot.on_message or _is_awaited(client, "message")


def _is_edit_wanted(client: commands.AutoShardedBot) -> bool:
    return bool(client.cached_messages) or any(
        _is_awaited(client, event) or hasattr(client, f"on_{event}")
        for event in ("message_edit", "raw_message_edit")
    )


def _may_be_command(client: commands.AutoShardedBot, content: str) -> bool:
    if not client.all_commands or not content:
        return False
    prefix = client.command_prefix
    if prefix is commands.when_mentioned:
        return content.startswith("<@")
    if callable(prefix):
        return True
    return content.startswith(prefix if isinstance(prefix, str) else tuple(prefix))
