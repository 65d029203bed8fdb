"""Messages as JSON, so that a text can be stored now and rendered for a reader later."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.core.durations import Span
from bot.core.i18n import Message
from bot.core.permission_names import PermissionList
from bot.core.places import ChannelList

_NESTED = "$message"
_SPAN = "$seconds"
_PERMISSIONS = "$permissions"
_CHANNELS = "$channels"


def message_to_json(message: Message) -> dict[str, Any]:
    """Return the message as JSON values; values in it that JSON lacks become their text."""
    if isinstance(message, Span):
        return {_SPAN: message.values["duration"].total_seconds()}
    if isinstance(message, PermissionList):
        return {_PERMISSIONS: list(message.values["permissions"])}
    if isinstance(message, ChannelList):
        return {_CHANNELS: list(message.channels)}
    document: dict[str, Any] = {"msgid": message.msgid}
    if message.values:
        document["values"] = {name: _value(one) for name, one in message.values.items()}
    if message.plural is not None:
        document["plural"] = message.plural
    return document


def message_from_json(document: Mapping[str, Any]) -> Message:
    """Return the message that `message_to_json` wrote."""
    if _SPAN in document:
        return Span(timedelta(seconds=document[_SPAN]))
    if _PERMISSIONS in document:
        return PermissionList(document[_PERMISSIONS])
    if _CHANNELS in document:
        return ChannelList(document[_CHANNELS])
    values = {
        name: message_from_json(one[_NESTED]) if isinstance(one, Mapping) else one
        for name, one in document.get("values", {}).items()
    }
    return Message(document["msgid"], values, document.get("plural"))


def _value(value: Any) -> Any:
    if isinstance(value, Message):
        return {_NESTED: message_to_json(value)}
    return value if isinstance(value, int | float | str) else str(value)
