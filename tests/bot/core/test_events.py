"""Events reach every listener, and a listener's failure reaches nobody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from bot.core.events import Event, EventBus

AT = datetime(2026, 6, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class LightSwitched(Event):
    on: bool


async def test_publish_reaches_listeners_of_class_and_base() -> None:
    bus = EventBus()
    heard: list[tuple[str, Event]] = []

    async def specific(event: LightSwitched) -> None:
        heard.append(("specific", event))

    async def general(event: Event) -> None:
        heard.append(("general", event))

    bus.subscribe(LightSwitched, specific)
    bus.subscribe(Event, general)
    event = LightSwitched(at=AT, on=True)
    await bus.publish(event)
    assert sorted(name for name, _ in heard) == ["general", "specific"]
    assert all(received is event for _, received in heard)


async def test_publish_listener_failure_is_reported_and_the_others_run() -> None:
    errors: list[BaseException] = []
    bus = EventBus(lambda _name, error: errors.append(error))
    heard: list[Event] = []

    async def broken(_event: LightSwitched) -> None:
        raise RuntimeError("broken")

    async def sound(event: LightSwitched) -> None:
        heard.append(event)

    bus.subscribe(LightSwitched, broken)
    bus.subscribe(LightSwitched, sound)
    await bus.publish(LightSwitched(at=AT, on=False))
    assert len(heard) == 1
    assert [type(error) for error in errors] == [RuntimeError]


async def test_unsubscribe_ends_it_and_may_be_called_twice() -> None:
    bus = EventBus()
    heard: list[Event] = []

    async def listener(event: LightSwitched) -> None:
        heard.append(event)

    unsubscribe = bus.subscribe(LightSwitched, listener)
    unsubscribe()
    unsubscribe()
    await bus.publish(LightSwitched(at=AT, on=True))
    assert heard == []
