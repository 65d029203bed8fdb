"""One cause in many channels is one problem for people: merged where problems are shown. Pure.

On record each channel stays by itself, since each can be solved by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from bot.core.i18n import Message
from bot.core.message_json import message_to_json
from bot.core.places import ChannelList
from bot.core.problems.rules import Problem


def merge_places(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems, those that differ only in the channel made into one that names all.

    The order is that of each cause's first problem, whose subject stands for the others.
    """
    merged: dict[tuple[str, ...], Problem] = {}
    for one in problems:
        key = (one.feature, one.cause, *_without_places(one))
        if (known := merged.get(key)) is None:
            merged[key] = one
        else:
            places = dict.fromkeys((*_places(known.message), *_places(one.message)))
            message = _in_places(known.message, tuple(places))
            merged[key] = replace(known, message=message, fix=_in_places(known.fix, tuple(places)))
    return list(merged.values())


def _without_places(problem: Problem) -> tuple[str, ...]:
    """Return what two problems share that differ only in the channel; all of one without any."""
    if not _places(problem.message):
        return ("", problem.subject)
    texts = (_in_places(problem.message, ()), _in_places(problem.fix, ()))
    return tuple(json.dumps(message_to_json(text), sort_keys=True) for text in texts)


def _places(message: Message) -> tuple[str, ...]:
    if isinstance(message, ChannelList):
        return message.channels
    inner = (one for one in message.values.values() if isinstance(one, Message))
    return tuple(name for one in inner for name in _places(one))


def _in_places(message: Message, places: tuple[str, ...]) -> Message:
    """Return the message with all channel lists in it, at any depth, replaced."""
    if isinstance(message, ChannelList):
        return ChannelList(places)
    if not _places(message):
        return message
    values = {
        name: _in_places(one, places) if isinstance(one, Message) else one
        for name, one in message.values.items()
    }
    return Message(message.msgid, values, message.plural)
