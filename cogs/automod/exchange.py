"""Rules as a file: written whole, read whole or not at all, and compared before they are taken.

A file may come from another guild: what it names there (roles, channels) is left out and told.
Pure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bot.core.errors import InvalidInput
from bot.core.fields import Widget
from bot.core.fields.text import quote
from bot.core.i18n import Message, _, ngettext
from bot.core.settings.references import references_in
from cogs.automod.settings import AutomodSettings, Rule
from cogs.automod.summaries import Joined

FORMAT = "pegasus-automod"
VERSION = 1
MAX_FILE = 1024 * 1024
_SPARED = ("exempt_roles", "exempt_channels")
_MOST_NAMES = 15

Mode = Literal["merge", "replace"]
# Whether the guild has a role, or a channel, of an id.
Known = Callable[[Literal["role", "channel"], int], bool]


def write_file(settings: AutomodSettings) -> bytes:
    """Return the settings as a file that people can read and edit."""
    document = {"format": FORMAT, "version": VERSION, "settings": settings.to_json()}
    return json.dumps(document, indent=2, ensure_ascii=False).encode()


def read_file(data: bytes) -> AutomodSettings:
    """Return the settings in a file; raises `InvalidInput` that names the place. Up to some 100 ms.

    Settings that the file leaves out are as they are by default.
    """
    if len(data) > MAX_FILE:
        raise InvalidInput(_("This file is too large: at most 1 MiB, please."))
    document = _parse(data)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InvalidInput(
            _("This is not a file of Automod's rules."),
            hint=_("Use one that /automod export has made."),
        )
    version = document.get("version")
    if not isinstance(version, int) or not 1 <= version <= VERSION:
        raise InvalidInput(_("This file is from a newer version of me; I can't read it."))
    values = document.get("settings")
    if not isinstance(values, dict):
        raise InvalidInput(_("This file has no settings in it."))
    try:
        return AutomodSettings.read(values)
    except InvalidInput as error:
        raise _told(error) from None


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise InvalidInput(_("This file is not text in UTF-8.")) from None
    except json.JSONDecodeError as error:
        raise InvalidInput(
            _(
                "This is not JSON (line {line}, column {column}).",
                line=error.lineno,
                column=error.colno,
            )
        ) from None
    except (RecursionError, ValueError):
        raise InvalidInput(_("This goes too deep.")) from None


def _told(error: InvalidInput) -> InvalidInput:
    """Return the error with the places of its first problems in the message."""
    places = [
        _("At {place}: {problem}", place=quote(one.pointer or "/", 80), problem=one.message)
        for one in error.errors[:5]
    ]
    if not places:
        return error
    return InvalidInput(Joined(places, "\n"), errors=error.errors)


# --- what a file would change -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Comparison:
    """How rules differ, by name."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    same: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        return not (self.added or self.changed or self.removed)


def compare(before: Iterable[Rule], after: Iterable[Rule]) -> Comparison:
    """Return what the second rules add to, change in and take from the first."""
    old = {one.name: one for one in before}
    new = {one.name: one for one in after}
    shared = [name for name in new if name in old]
    changed = tuple(name for name in shared if old[name] != new[name])
    return Comparison(
        tuple(name for name in new if name not in old),
        changed,
        tuple(name for name in old if name not in new),
        len(shared) - len(changed),
    )


def describe_comparison(found: Comparison, locale: str | None) -> str:
    """Return the differences as lines, each with the names."""
    rows = (
        ("🆕", _("Added: {names}", names=_names(found.added)), found.added),
        ("✏️", _("Changed: {names}", names=_names(found.changed)), found.changed),
        ("🗑️", _("Removed: {names}", names=_names(found.removed)), found.removed),
    )
    lines = [f"{icon} {text.render(locale)}" for icon, text, names in rows if names]
    if found.same:
        same = ngettext(
            "{count} rule stays as it is.", "{count} rules stay as they are.", found.same
        )
        lines.append(f"▫️ {same.render(locale)}")
    return "\n".join(lines)


def _names(names: tuple[str, ...]) -> Message:
    shown = ", ".join(map(quote, names[:_MOST_NAMES]))
    if len(names) <= _MOST_NAMES:
        return Message("{shown}", {"shown": shown})
    return _("{shown} and {count} more", shown=shown, count=len(names) - _MOST_NAMES)


@dataclass(frozen=True, slots=True)
class Import:
    """What a file makes of a guild's settings, and what had to be left out."""

    changes: Mapping[str, Any]
    rules: tuple[Rule, ...]
    left_out: tuple[str, ...] = ()
    forgotten: int = 0


def plan_import(
    current: AutomodSettings, wanted: AutomodSettings, mode: Mode, known: Known
) -> Import:
    """Return the changes that take a file over.

    "merge" takes its rules over, each in the place of the one of its name; "replace" makes all
    settings what they are in the file.
    """
    home, forgotten = _at_home(wanted, known)
    kept = [one for one in home.rules if not _foreign(home, one, known)]
    left_out = tuple(one.name for one in home.rules if one not in kept)
    if mode == "replace":
        rules = tuple(kept)
        changes = {**home.to_json(), "rules": _json(rules)}
    else:
        taken = {one.name: one for one in kept}
        own = {one.name for one in current.rules}
        rules = (
            *(taken.get(one.name, one) for one in current.rules),
            *(one for one in kept if one.name not in own),
        )
        changes = {"rules": _json(rules)}
    return Import(changes, rules, left_out, forgotten)


def _json(rules: Iterable[Rule]) -> list[dict[str, Any]]:
    return [one.model_dump(mode="json", by_alias=True) for one in rules]


def _at_home(settings: AutomodSettings, known: Known) -> tuple[AutomodSettings, int]:
    """Return the settings without exemptions and a log channel that the guild has not."""
    changes, forgotten = _spared_here(settings, known)
    rules = []
    for rule in settings.rules:
        own, count = _spared_here(rule, known)
        rules.append(rule.model_copy(update=own))
        forgotten += count
    changes["rules"] = tuple(rules)
    log = settings.log_channel_id
    if log is not None and not known("channel", log):
        changes["log_channel_id"] = None
        forgotten += 1
    return settings.model_copy(update=changes), forgotten


def _spared_here(thing: AutomodSettings | Rule, known: Known) -> tuple[dict[str, Any], int]:
    changes, forgotten = {}, 0
    for name in _SPARED:
        ids = getattr(thing, name)
        kind: Literal["role", "channel"] = "role" if name == "exempt_roles" else "channel"
        changes[name] = tuple(one for one in ids if known(kind, one))
        forgotten += len(ids) - len(changes[name])
    return changes, forgotten


def _foreign(settings: AutomodSettings, rule: Rule, known: Known) -> bool:
    """Tell whether a rule looks for, or gives, what the guild has not."""
    alone = settings.model_copy(update={"rules": (rule,)})
    for one in references_in(alone):
        kind = "role" if one.form.widget in (Widget.ROLE, Widget.ROLES) else "channel"
        if one.place[0] == "rules" and not known(kind, one.id):
            return True
    return False
