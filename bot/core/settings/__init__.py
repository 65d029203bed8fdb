"""The settings store: every guild's settings of every feature, read from memory, changed whole.

A change, its revision and its audit entry are one transaction; `SettingsChanged` follows it in
every process. What the settings mean is up to the features.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from bot.core.contracts import Actor, Source
from bot.core.errors import Conflict, Denied, FieldError, InvalidInput, NotFound
from bot.core.i18n import _
from bot.core.settings.cache import StateCache
from bot.core.settings.model import (
    SWITCH,
    Change,
    Diff,
    FeatureSettings,
    FeatureState,
    Revision,
    SettingsChanged,
    StaleSettings,
    diff_between,
    read_stored,
    setting,
)
from bot.core.settings.references import find_above, find_foreign
from bot.core.settings.rows import (
    Current,
    Draft,
    current_of,
    default_state,
    revision_of,
    state_after,
    state_of,
    stored_in,
)
from bot.core.settings.validation import from_field_errors, pointer_to, unknown_name
from db.settings import (
    SettingsRevision,
    add_revision,
    get_feature_settings,
    get_revision,
    list_revisions,
    list_settings_of_guilds,
    save_feature_settings,
)

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.audit import AuditLog
    from bot.core.clock import Clock
    from bot.core.contracts import BotState
    from bot.core.events import EventBus
    from bot.core.features import Feature, FeatureRegistry
    from db.engine import Database

__all__ = [
    "SWITCH",
    "Change",
    "Diff",
    "FeatureSettings",
    "FeatureState",
    "Revision",
    "SettingsChanged",
    "SettingsStore",
    "StaleSettings",
    "setting",
]

# A change loses against another one at most as often as others change the same feature meanwhile.
_ATTEMPTS = 50
_WARM_BATCH = 500


class Announcer(Protocol):
    """Tells other processes of a change, from within its transaction."""

    async def announce(
        self, session: AsyncSession, guild_id: int, feature: str, revision: int
    ) -> None:
        """Send the news when, and only when, the session commits."""
        ...


@dataclass(frozen=True, slots=True)
class _Edit:
    """A change to be made: where, by whom, and what it makes of what is stored."""

    feature: Feature
    guild_id: int
    action: str
    actor: Actor
    apply: Callable[[Current], Draft]
    expected_revision: int | None


class SettingsStore:
    """Reads settings from memory and changes them by compare-and-set on their revision."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        bus: EventBus,
        registry: FeatureRegistry,
        audit: AuditLog,
        *,
        state: Callable[[], BotState],
        announcer: Announcer | None = None,
        max_guilds: int = 20_000,
    ) -> None:
        self._database = database
        self._clock = clock
        self._bus = bus
        self._registry = registry
        self._audit = audit
        self._state = state
        self._announcer = announcer
        self._cache = StateCache(max_guilds)
        self._missed: set[int] = set()
        self._wake = asyncio.Event()

    # --- reading ------------------------------------------------------------------------------

    async def get(self, guild_id: int, key: str) -> FeatureState:
        """Return a feature's state in a guild; raises `NotFound` for an unknown feature."""
        feature = self._registry.get(key)
        states = self._cache.get(guild_id)
        if states is None:
            states = (await self._load([guild_id]))[guild_id]
        return states.get(key) or default_state(feature, guild_id)

    def peek(self, guild_id: int, key: str) -> FeatureState:
        """Return what memory holds without waiting: the defaults where it holds nothing.

        After `warm()` that is the truth. A guild that is not in memory is loaded by `run()`.
        """
        states = self._cache.get(guild_id)
        if states is None:
            if len(self._missed) < _WARM_BATCH:
                self._missed.add(guild_id)
                self._wake.set()
            return default_state(self._registry.get(key), guild_id)
        state = states.get(key)
        if state is None:
            # Remembered, so that the next message costs one lookup only.
            state = states[key] = default_state(self._registry.get(key), guild_id)
        return state

    async def warm(self, guild_ids: Iterable[int]) -> None:
        """Load the guilds' settings into memory, one query per five hundred guilds."""
        wanted = list(dict.fromkeys(guild_ids))
        for start in range(0, len(wanted), _WARM_BATCH):
            await self._load(wanted[start : start + _WARM_BATCH])

    async def run(self) -> None:
        """Load what `peek()` missed, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            missed, self._missed = self._missed, set()
            await self.warm(missed)

    async def history(
        self, guild_id: int, key: str, limit: int = 25, before: int | None = None
    ) -> list[Revision]:
        """Return past changes, newest first, below revision `before`."""
        feature = self._registry.get(key)
        async with self._database.read() as session:
            rows = await list_revisions(session, guild_id, key, limit=limit, before=before)
        return [revision_of(feature, row) for row in rows]

    async def revision(self, guild_id: int, key: str, number: int) -> Revision:
        """Return one past change; raises `NotFound` when there is none of that number."""
        feature = self._registry.get(key)
        return revision_of(feature, await self._get_row(guild_id, key, number))

    # --- changing -----------------------------------------------------------------------------

    async def change(
        self,
        guild_id: int,
        key: str,
        changes: Mapping[str, Any],
        *,
        actor: Actor,
        enabled: bool | None = None,
        expected_revision: int | None = None,
    ) -> Change:
        """Change single settings or the switch and return what that made different.

        Values may be JSON or what a person typed. Raises `InvalidInput` by field and, when an
        expected revision is given and is not the present one, `StaleSettings`; without one,
        concurrent changes of other fields are both kept.
        """
        feature = self._registry.get(key)
        _check_names(feature, changes)
        if enabled is False and feature.always_on:
            message = _("{feature} is always on.", feature=_(feature.title))
            raise InvalidInput(message, errors=(FieldError(pointer_to([SWITCH]), message),))

        def apply(current: Current) -> Draft:
            wanted = feature.settings.read({**current.data, **changes})
            self._check_references(wanted, guild_id, changes.keys())
            values = wanted.to_json()
            kept = {name: values[name] for name in (*current.data, *changes)}
            return Draft(current.enabled if enabled is None else enabled, kept)

        edit = _Edit(feature, guild_id, "change", actor, apply, expected_revision)
        return await self._commit(edit)

    async def reset(
        self,
        guild_id: int,
        key: str,
        fields: Collection[str] | None,
        *,
        actor: Actor,
        expected_revision: int | None = None,
    ) -> Change:
        """Give some settings, or all for `None`, their default again; the switch stays."""
        feature = self._registry.get(key)
        _check_names(feature, fields or ())

        def apply(current: Current) -> Draft:
            kept = {} if fields is None else _without(current.data, fields)
            return Draft(current.enabled, kept)

        edit = _Edit(feature, guild_id, "reset", actor, apply, expected_revision)
        return await self._commit(edit)

    async def rollback(
        self,
        guild_id: int,
        key: str,
        revision: int,
        *,
        actor: Actor,
        expected_revision: int | None = None,
    ) -> Change:
        """Make the settings what they were at a revision, as a new one; 0 stands for untouched."""
        feature = self._registry.get(key)
        draft = await self._draft_of(feature, guild_id, revision)
        edit = _Edit(feature, guild_id, "rollback", actor, lambda _: draft, expected_revision)
        return await self._commit(edit)

    async def preview_rollback(self, guild_id: int, key: str, revision: int) -> Diff:
        """Return what a rollback to the revision would change now; raises `NotFound`."""
        before = await self.get(guild_id, key)
        feature = self._registry.get(key)
        after = state_after(feature, await self._draft_of(feature, guild_id, revision), before)
        return diff_between(before.settings, after.settings, (before.enabled, after.enabled))

    async def _draft_of(self, feature: Feature, guild_id: int, revision: int) -> Draft:
        if revision == 0:
            return Draft(None, {})
        row = await self._get_row(guild_id, feature.key, revision)
        return Draft(row.enabled, read_stored(feature.settings, stored_in(row))[1])

    async def _commit(self, edit: _Edit) -> Change:
        for _attempt in range(_ATTEMPTS):
            change = await self._try(edit)
            if change is None:
                continue
            self._cache.put(change.after)
            if change.diff:
                await self._publish(change.after, change.diff, edit.actor)
            return change
        raise Conflict(_("Too many changes at once."), hint=_("Please try again."))

    async def _try(self, edit: _Edit) -> Change | None:
        """Commit the edit of what is stored now; `None` when another change came between."""
        async with self._database.write() as session:
            row = await get_feature_settings(session, edit.guild_id, edit.feature.key)
            current = current_of(edit.feature, edit.guild_id, row)
            before = current.state
            if edit.expected_revision not in (None, before.revision):
                raise await self._stale(session, edit, before)
            draft = edit.apply(current)
            after = state_after(edit.feature, draft, before)
            switched = (before.enabled, after.enabled)
            diff = diff_between(before.settings, after.settings, switched)
            if not diff and not before.invalid:
                return Change(before, before, {}, before.revision)
            self._check_rank(edit, before, after)
            if not await self._save(session, edit, draft, after, diff):
                return None
        return Change(before, after, diff, after.revision)

    def _check_rank(self, edit: _Edit, before: FeatureState, after: FeatureState) -> None:
        """Raise `Denied` for a role that the actor could not give themselves."""
        rank = edit.actor.rank
        if rank is None:
            return
        role = find_above(before.settings, after.settings, self._state(), edit.guild_id, rank)
        if role is not None:
            raise Denied(
                _("The role {role} is not below your highest role.", role=role.name),
                hint=_("Ask someone whose highest role is above it."),
            )

    async def _save(
        self, session: AsyncSession, edit: _Edit, draft: Draft, after: FeatureState, diff: Diff
    ) -> bool:
        common: dict[str, Any] = {
            "guild_id": edit.guild_id,
            "feature": edit.feature.key,
            "enabled": draft.enabled,
            "version": edit.feature.settings.schema_version,
            "data": dict(draft.data),
            "actor_id": edit.actor.user_id or None,
            "now": self._clock.now(),
        }
        expected = after.revision - 1
        if not await save_feature_settings(session, expected_revision=expected, **common):
            return False
        pairs = {name: list(pair) for name, pair in diff.items()}
        source = edit.actor.source
        await add_revision(session, revision=after.revision, diff=pairs, source=source, **common)
        await self._record(session, edit, after.revision, diff)
        return True

    async def _record(self, session: AsyncSession, edit: _Edit, revision: int, diff: Diff) -> None:
        key, guild_id = edit.feature.key, edit.guild_id
        changes = {name: {"before": old, "after": new} for name, (old, new) in diff.items()}
        details = {"feature": key, "revision": revision, "diff": changes}
        action = f"settings.{edit.action}"
        await self._audit.record(
            session,
            actor=edit.actor,
            action=action,
            category="settings",
            guild_id=guild_id,
            details=details,
        )
        if self._announcer is not None:
            await self._announcer.announce(session, guild_id, key, revision)

    async def _stale(
        self, session: AsyncSession, edit: _Edit, current: FeatureState
    ) -> StaleSettings:
        rows = await list_revisions(session, edit.guild_id, edit.feature.key)
        expected = edit.expected_revision or 0
        newer = [revision_of(edit.feature, row) for row in rows if row.revision > expected]
        return StaleSettings(current, tuple(newer))

    def _check_references(
        self, settings: FeatureSettings, guild_id: int, names: Collection[str]
    ) -> None:
        if errors := find_foreign(settings, names, self._state(), guild_id):
            raise from_field_errors(errors, settings.titles())

    # --- other processes ----------------------------------------------------------------------

    async def note_change(self, guild_id: int, key: str, revision: int) -> None:
        """Take over a change that another process committed, and publish it here."""
        if key not in self._registry:
            return
        feature = self._registry.get(key)
        async with self._database.read() as session:
            row = await get_feature_settings(session, guild_id, key)
            made = await get_revision(session, guild_id, key, revision)
        if row is None or made is None:
            # Erased since; whatever is remembered of the guild is older than that.
            self._cache.forget(guild_id)
            return
        state = state_of(feature, guild_id, stored_in(row))
        self._cache.put(state)
        past = revision_of(feature, made)
        # Any source that was ever stored came from an Actor.
        actor = Actor(past.actor_id or 0, cast("Source", past.source))
        await self._publish(state, past.diff, actor)

    def drop_cache(self) -> None:
        """Forget everything, as changes may have gone unheard; `run()` loads it again."""
        self._missed |= self._cache.clear()
        self._wake.set()

    def forget(self, guild_id: int) -> None:
        """Forget a guild that the bot has left."""
        self._cache.forget(guild_id)

    # --- inside -------------------------------------------------------------------------------

    async def _publish(self, state: FeatureState, diff: Diff, actor: Actor) -> None:
        await self._bus.publish(
            SettingsChanged(
                at=self._clock.now(),
                guild_id=state.guild_id,
                feature=state.feature,
                revision=state.revision,
                state=state,
                diff=diff,
                actor=actor,
            )
        )

    async def _load(self, guild_ids: Collection[int]) -> dict[int, dict[str, FeatureState]]:
        while True:
            with self._cache.loading() as remember:
                async with self._database.read() as session:
                    rows = await list_settings_of_guilds(session, guild_ids)
                found: dict[int, dict[str, FeatureState]] = {one: {} for one in guild_ids}
                for row in rows:
                    if row.feature in self._registry:
                        feature = self._registry.get(row.feature)
                        found[row.guild_id][row.feature] = state_of(
                            feature, row.guild_id, stored_in(row)
                        )
                if remember({one: states.values() for one, states in found.items()}):
                    return found

    async def _get_row(self, guild_id: int, key: str, revision: int) -> SettingsRevision:
        async with self._database.read() as session:
            row = await get_revision(session, guild_id, key, revision)
        if row is None:
            raise NotFound(
                _("There is no revision {number} of these settings.", number=revision),
                hint=_("Look at the history to see which there are."),
            )
        return row


def _check_names(feature: Feature, names: Collection[str]) -> None:
    titles = feature.settings.titles()
    unknown = [name for name in names if name not in titles]
    if unknown:
        raise from_field_errors(
            [FieldError(pointer_to([name]), unknown_name(name, titles)) for name in unknown], titles
        )


def _without(data: Mapping[str, Any], fields: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in fields}
