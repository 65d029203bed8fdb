"""The settings of one feature as values: their model, what a guild has stored, and how they differ.

Pure: `bot.core.settings` stores these and `bot.core.fields` says how each field is edited.
"""

# Pydantic evaluates the annotations of the models made from FeatureSettings.
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.core.contracts import Actor, Source
from bot.core.errors import Conflict, FieldError
from bot.core.events import Event
from bot.core.fields import describe_fields
from bot.core.i18n import Message, _
from bot.core.settings.validation import find_unstorable, from_field_errors, invalid_input

# JSON values before and after, by field; the switch of the feature itself is called "enabled".
Diff = Mapping[str, tuple[Any, Any]]
SWITCH = "enabled"


class FeatureSettings(BaseModel):
    """The base of every feature's settings: frozen, complete by defaults, strict about names.

    Raise `schema_version` and override `upgrade` when the shape of stored data changes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    schema_version: ClassVar[int] = 1

    @classmethod
    def upgrade(cls, data: dict[str, Any], version: int) -> dict[str, Any]:  # noqa: ARG003
        """Return data stored under an older schema version in the present shape."""
        return data

    @classmethod
    def titles(cls) -> dict[str, str]:
        """Return the fields' titles by name."""
        return {name: info.title or name for name, info in cls.model_fields.items()}

    @classmethod
    def choices(cls) -> dict[str, tuple[str, ...]]:
        """Return the titles of the values that each choice has, by the field's name."""
        fields = describe_fields(cls)
        return {one.name: tuple(it.title for it in one.choices) for one in fields if one.choices}

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """Return the settings that the data describes; raises `InvalidInput` by field."""
        if errors := find_unstorable(data):
            raise from_field_errors(errors, cls.titles())
        try:
            return cls.model_validate(dict(data))
        except ValidationError as error:
            raise invalid_input(error, cls.titles(), cls.choices()) from error

    def to_json(self) -> dict[str, Any]:
        """Return every field as JSON values: ids as digits, durations as seconds."""
        return self.model_dump(mode="json")


def setting(
    default: Any,
    title: str,
    description: str,
    *,
    group: str | None = None,
    unset: str | None = None,
) -> Any:
    """Declare one setting: its default, and its texts marked with `N_()`.

    Fields of one `group` (also a marked text) stand together under it in panels and forms. `unset`
    (another) says what applies while there is no value.
    """
    told = {"x-group": group, "x-unset": unset}
    extra: dict[str, Any] = {name: text for name, text in told.items() if text}
    return Field(
        default=default, title=title, description=description, json_schema_extra=extra or None
    )


@dataclass(frozen=True, slots=True)
class FeatureState:
    """What a feature is in one guild: on or off, its settings, and how often they were changed.

    `invalid` names stored values that no longer fit; their fields have the default.
    """

    guild_id: int
    feature: str
    enabled: bool
    settings: Any
    revision: int = 0
    invalid: tuple[FieldError, ...] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    """A row of settings: only what was chosen; `enabled` is `None` while nobody decided."""

    enabled: bool | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    version: int = 1
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """One change that was committed; an empty diff means that nothing was different."""

    before: FeatureState
    after: FeatureState
    diff: Diff
    revision: int


@dataclass(frozen=True, slots=True)
class Revision:
    """One past change: who, when, through which door, and what it changed."""

    revision: int
    at: datetime
    actor_id: int | None
    source: Source | str
    enabled: bool
    settings: Any
    diff: Diff


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsChanged(Event):
    """A feature's settings were changed, in this process or in another."""

    guild_id: int
    feature: str
    revision: int
    state: FeatureState
    diff: Diff
    actor: Actor


class StaleSettings(Conflict):
    """Somebody changed the settings since they were read; `changes` tells who changed what."""

    def __init__(self, current: FeatureState, changes: tuple[Revision, ...]) -> None:
        names = sorted({name for change in changes for name in change.diff})
        super().__init__(
            _("These settings were changed meanwhile."),
            hint=_("Look at them again, then repeat your change."),
            errors=tuple(FieldError(f"/{name}", _changed_to(name, changes)) for name in names),
        )
        self.current = current
        self.changes = changes


def _changed_to(name: str, changes: tuple[Revision, ...]) -> Message:
    latest = max((c for c in changes if name in c.diff), key=lambda change: change.revision)
    before, after = latest.diff[name]
    return _("Changed from {before} to {after}.", before=str(before)[:80], after=str(after)[:80])


def read_stored(
    model: type[FeatureSettings], stored: Stored
) -> tuple[FeatureSettings, dict[str, Any], tuple[FieldError, ...]]:
    """Return the settings in stored data, the part of it that is good, and what is wrong.

    A field that no longer fits takes its default; one that no longer exists is left out.
    """
    try:
        data = _upgraded(model, stored)
    except (AttributeError, LookupError, TypeError, ValueError):
        # Old data of a shape that nobody foresaw must not take the feature down.
        return model(), {}, (FieldError("", _("The stored settings can't be read any more.")),)
    data = {name: value for name, value in data.items() if name in model.model_fields}
    errors: list[FieldError] = []
    # Each round drops at least one field, so this ends.
    while True:
        try:
            return model.model_validate(data), data, tuple(errors)
        except ValidationError as error:
            errors += invalid_input(error, model.titles(), model.choices()).errors
            bad = {str(one["loc"][0]) for one in error.errors() if one["loc"]} & data.keys()
            # A rule between fields names none: nothing tells which of them to keep.
            data = {name: value for name, value in data.items() if bad and name not in bad}


def _upgraded(model: type[FeatureSettings], stored: Stored) -> dict[str, Any]:
    data = dict(stored.data)
    if stored.version < model.schema_version:
        return dict(model.upgrade(data, stored.version))
    return data


def diff_between(
    before: FeatureSettings, after: FeatureSettings, enabled: tuple[bool, bool]
) -> dict[str, tuple[Any, Any]]:
    """Return what differs, field by field, in JSON values, with the switch first."""
    old, new = before.to_json(), after.to_json()
    changed = {name: (old.get(name), new[name]) for name in new if old.get(name) != new[name]}
    return {SWITCH: enabled, **changed} if enabled[0] != enabled[1] else changed
