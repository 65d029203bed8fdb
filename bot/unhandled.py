"""Tells, before discord.py passes a press on, whether anything in this process will take it.

discord.py drops a press that it knows no component for without a word. Its store of views has to
be asked at the moment of dispatch: a view may be gone by the time that events are told.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from enum import Enum
from typing import Any

import discord

from bot.core.clock import Clock

# A click after this is no second one: whoever makes it has seen that the message is over.
SECOND_CLICK_SECONDS = 5.0
MOST_REMEMBERED = 1000
_COMPONENT = discord.InteractionType.component.value
_MODAL = discord.InteractionType.modal_submit.value


class Fate(Enum):
    """What discord.py will do with an interaction."""

    HANDLED = "handled"
    # The message shows something else by now, or is about to: a second click on a button that
    # did its work.
    OUTDATED = "outdated"
    # Nobody knows the message, as after a restart.
    UNKNOWN = "unknown"


class Foresight:
    """Looks ahead for one client, and remembers which messages took a press just now."""

    def __init__(self, client: discord.Client, clock: Clock) -> None:
        self._store: Any = client._connection._view_store
        self._clock = clock
        self._pressed: OrderedDict[int, float] = OrderedDict()

    def fate_of(self, payload: Mapping[str, Any]) -> Fate:
        """Return what will become of an interaction, from its gateway payload."""
        data = payload.get("data") or {}
        custom_id = data.get("custom_id", "")
        if payload.get("type") == _MODAL:
            return Fate.HANDLED if custom_id in self._store._modals else Fate.UNKNOWN
        if payload.get("type") != _COMPONENT:
            return Fate.HANDLED
        message_id = int((payload.get("message") or {}).get("id", 0))
        if self._is_taken(message_id, (data.get("component_type"), custom_id)):
            self._note_press(message_id)
            return Fate.HANDLED
        is_alive = message_id in self._store._views or self._was_pressed(message_id)
        return Fate.OUTDATED if is_alive else Fate.UNKNOWN

    def _is_taken(self, message_id: int, key: tuple[Any, str]) -> bool:
        if any(pattern.fullmatch(key[1]) for pattern in self._store._dynamic_items):
            return True
        views = self._store._views
        item = views.get(message_id, {}).get(key) or views.get(None, {}).get(key)
        return item is not None and item.view is not None and not item.view.is_finished()

    def _note_press(self, message_id: int) -> None:
        self._pressed[message_id] = self._clock.monotonic()
        self._pressed.move_to_end(message_id)
        if len(self._pressed) > MOST_REMEMBERED:
            self._pressed.popitem(last=False)

    def _was_pressed(self, message_id: int) -> bool:
        pressed = self._pressed.get(message_id)
        return pressed is not None and self._clock.monotonic() - pressed < SECOND_CLICK_SECONDS
