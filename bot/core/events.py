"""The in-process event bus: facts in the past tense that anyone may listen to.

A listener's failure is logged and counted here and never reaches whoever published.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import structlog

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened; subclasses are named in the past tense."""

    at: datetime


E = TypeVar("E", bound=Event)
Listener = Callable[[E], Awaitable[None]]


class EventBus:
    """Hands each event to the listeners of its class and of its base classes."""

    def __init__(self, on_error: Callable[[str, BaseException], None] | None = None) -> None:
        self._listeners: defaultdict[type[Event], list[Listener[Any]]] = defaultdict(list)
        self._on_error = on_error

    def subscribe(self, kind: type[E], listener: Listener[E]) -> Callable[[], None]:
        """Call the listener for each event of this class; returns the function that ends it."""
        self._listeners[kind].append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners[kind]:
                self._listeners[kind].remove(listener)

        return unsubscribe

    def listener_names(self) -> set[str]:
        """Return the names under which the failures of the present listeners are told."""
        return {_name_of(one) for listeners in self._listeners.values() for one in listeners}

    async def publish(self, event: Event) -> None:
        """Run every listener at once and return when all are done; none can fail the publisher."""
        listeners = [one for kind in type(event).__mro__ for one in self._listeners.get(kind, ())]
        if listeners:
            await asyncio.gather(*(self._call(listener, event) for listener in listeners))

    async def _call(self, listener: Listener[Any], event: Event) -> None:
        try:
            await listener(event)
        except Exception as error:
            name = _name_of(listener)
            log.exception("event_listener_failed", event_kind=type(event).__name__, listener=name)
            if self._on_error is not None:
                self._on_error(name, error)


def _name_of(listener: Listener[Any]) -> str:
    return getattr(listener, "__qualname__", repr(listener))
