"""One cause is one problem for people: merged where problems are shown and told. Pure.

On record each stays by itself, since each can be solved by itself.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import replace

from bot.core.i18n import Message
from bot.core.message_json import message_to_json
from bot.core.places import ChannelList
from bot.core.problems.rules import Problem


def merge_places(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems, those that differ only in the channel made into one that names all.

    What another one of them says too is left out. The order is that of each cause's first problem,
    whose subject stands for the others.
    """
    listed = list(problems)
    merged: dict[tuple[str, ...], Problem] = {}
    for one in without_repeats(listed, listed):
        key = (one.feature, one.cause, *_without_places(one))
        if (known := merged.get(key)) is None:
            merged[key] = one
        else:
            places = dict.fromkeys((*_places(known.message), *_places(one.message)))
            message = _in_places(known.message, tuple(places))
            merged[key] = replace(known, message=message, fix=_in_places(known.fix, tuple(places)))
    return list(merged.values())


def without_repeats(problems: Iterable[Problem], standing: Collection[Problem]) -> list[Problem]:
    """Return the problems but for those that a standing one says of a setting.

    A role above the bot keeps a setting from working, and role changes of everybody waiting: the
    cause and its fix are the same, and whoever has read of the setting knows both.
    """
    said = {_said(one, inner) for one in standing if (inner := _inner(one)) is not None}
    return [one for one in problems if _said(one, one.message) not in said]


def _inner(problem: Problem) -> Message | None:
    """Return what is said of a setting without the setting's title."""
    inner = problem.message.values.get("problem")
    return inner if isinstance(inner, Message) and "field" in problem.message.values else None


def _said(problem: Problem, message: Message) -> tuple[str, ...]:
    # Roles can have the same name; what lacks in the whole guild is the same for all of them.
    role_id = problem.subject.rpartition(":")[2] if "role" in message.values else ""
    return (role_id, *_texts(message, problem.fix))


def _texts(*texts: Message) -> tuple[str, ...]:
    return tuple(json.dumps(message_to_json(one), sort_keys=True) for one in texts)


def _without_places(problem: Problem) -> tuple[str, ...]:
    """Return what two problems share that differ only in the channel; all of one without any."""
    if not _places(problem.message):
        return ("", problem.subject)
    return _texts(_in_places(problem.message, ()), _in_places(problem.fix, ()))


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
