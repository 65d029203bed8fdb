"""Between stored rows and states: what a row of settings amounts to for its feature. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.core.settings.model import FeatureState, Revision, Stored, read_stored

if TYPE_CHECKING:
    from bot.core.features import Feature
    from db.settings import FeatureSettings, SettingsRevision


@dataclass(frozen=True, slots=True)
class Draft:
    """What a change makes of a row; `None` leaves the switch to the feature's default."""

    enabled: bool | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Current:
    """A row as it was found: the switch as stored, the good data, and what they amount to."""

    enabled: bool | None
    data: Mapping[str, Any]
    state: FeatureState


def default_state(feature: Feature, guild_id: int) -> FeatureState:
    """Return the state of a feature that nobody has touched."""
    return state_of(feature, guild_id, Stored(version=feature.settings.schema_version))


def state_of(feature: Feature, guild_id: int, stored: Stored) -> FeatureState:
    """Return what a stored row amounts to, with defaults for what it lacks."""
    settings, _data, invalid = read_stored(feature.settings, stored)
    chosen = feature.default_enabled if stored.enabled is None else stored.enabled
    return FeatureState(
        guild_id=guild_id,
        feature=feature.key,
        enabled=feature.always_on or chosen,
        settings=settings,
        revision=stored.revision,
        invalid=invalid,
    )


def current_of(feature: Feature, guild_id: int, row: FeatureSettings | None) -> Current:
    """Return a row, or the lack of one, as a change starts from it."""
    stored = Stored(version=feature.settings.schema_version) if row is None else stored_in(row)
    data = read_stored(feature.settings, stored)[1]
    return Current(stored.enabled, data, state_of(feature, guild_id, stored))


def state_after(feature: Feature, draft: Draft, before: FeatureState) -> FeatureState:
    """Return the state that a draft makes, one revision on."""
    version = feature.settings.schema_version
    stored = Stored(draft.enabled, draft.data, version, before.revision + 1)
    return state_of(feature, before.guild_id, stored)


def stored_in(row: FeatureSettings | SettingsRevision) -> Stored:
    """Return the values of a row, or of a revision's row."""
    return Stored(row.enabled, row.data, row.version, row.revision)


def revision_of(feature: Feature, row: SettingsRevision) -> Revision:
    """Return a past change as people see it."""
    state = state_of(feature, row.guild_id, stored_in(row))
    diff: dict[str, list[Any]] = row.diff
    return Revision(
        revision=row.revision,
        at=row.created_at,
        actor_id=row.actor_id,
        source=row.source,
        enabled=state.enabled,
        settings=state.settings,
        diff={name: (pair[0], pair[1]) for name, pair in diff.items()},
    )
