"""What Discord is to know of a guild's commands, and what differs from what it knows; pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.core.i18n import _, catalogue_for
from cogs.customcommand.evaluation import MAX_ARGS
from cogs.customcommand.rules import Command, Draft

_CHAT_INPUT, _STRING = 1, 3
_SPANISH = ("es-ES", "es-419")


@dataclass(frozen=True, slots=True)
class Registered:
    """A command as Discord has it; options as name and description."""

    id: int
    name: str
    description: str
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What makes Discord have the wanted commands: those to put, and ids to delete."""

    put: tuple[dict[str, Any], ...] = ()
    delete: tuple[int, ...] = ()
    known: frozenset[str] = field(default_factory=frozenset)


def registrations(
    commands: Sequence[Command], builtin: Collection[str], locale: str | None
) -> list[dict[str, Any]]:
    """Return the body of each command to register, in the guild's language, by name.

    A name that a command of the bot has since taken is left out.
    """
    bodies = [
        _registration(name, one.draft, locale)
        for one in commands
        if one.draft.enabled
        for name in one.draft.names
        if name not in builtin
    ]
    return sorted(bodies, key=lambda body: body["name"])


def _registration(name: str, draft: Draft, locale: str | None) -> dict[str, Any]:
    description = draft.description or _("A command of this server").render(locale)
    body: dict[str, Any] = {"name": name, "type": _CHAT_INPUT, "description": description}
    if draft.response.takes_text:
        spanish = catalogue_for("es").pgettext("parameter-name", "text")
        option = {
            "type": _STRING,
            "name": "text",
            "name_localizations": dict.fromkeys(_SPANISH, spanish),
            "description": _("What to say to the command").render(locale),
            "required": False,
            "max_length": MAX_ARGS,
        }
        body["options"] = [option]
    return body


def mark_of(bodies: Sequence[Mapping[str, Any]]) -> str:
    """Return a mark that is the same for the same registrations."""
    text = json.dumps(bodies, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def plan_registration(wanted: Sequence[dict[str, Any]], registered: Sequence[Registered]) -> Plan:
    """Return what differs between the wanted commands and those that Discord has."""
    present = {one.name: one for one in registered}
    names = {body["name"] for body in wanted}
    return Plan(
        tuple(body for body in wanted if not _is_same(body, present.get(body["name"]))),
        tuple(one.id for one in registered if one.name not in names),
        frozenset(present),
    )


def _is_same(body: Mapping[str, Any], registered: Registered | None) -> bool:
    options = tuple((one["name"], one["description"]) for one in body.get("options", ()))
    return registered is not None and (body["description"], options) == (
        registered.description,
        registered.options,
    )
