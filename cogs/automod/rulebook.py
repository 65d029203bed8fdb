"""The rules of a guild as the commands change them: each change is decided in the store.

A change of one rule names the rule as it was seen; changes of other rules meanwhile are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bot.core.errors import Conflict
from bot.core.i18n import _
from bot.core.settings import Change, FeatureState, SettingsStore, StaleSettings
from cogs.automod.editing import with_change, with_rule, without_rule

if TYPE_CHECKING:
    from bot.core.contracts import Actor
    from cogs.automod.settings import AutomodSettings, Rule

KEY = "automod"
# A change loses at most as often as others change Automod's settings meanwhile.
_ATTEMPTS = 20

Rules = tuple["Rule", ...]


class Rulebook:
    """Reads and changes guilds' rules."""

    def __init__(self, settings: SettingsStore) -> None:
        self._settings = settings

    async def state(self, guild_id: int) -> FeatureState:
        """Return Automod's state in a guild."""
        return await self._settings.get(guild_id, KEY)

    async def settings(self, guild_id: int) -> AutomodSettings:
        """Return Automod's settings in a guild."""
        return (await self.state(guild_id)).settings

    async def rules(self, guild_id: int) -> Rules:
        """Return a guild's rules in their order."""
        return (await self.settings(guild_id)).rules

    async def add(self, guild_id: int, rule: Rule, actor: Actor) -> Change:
        """Add a rule; raises `Conflict` when its name is taken."""
        return await self._edit(guild_id, lambda rules: with_rule(rules, rule), actor)

    async def replace(self, guild_id: int, seen: Rule, changed: Rule, actor: Actor) -> Change:
        """Change a rule; raises `Conflict` when it is not any more as it was seen."""
        return await self._edit(guild_id, lambda rules: with_change(rules, seen, changed), actor)

    async def remove(self, guild_id: int, seen: Rule, actor: Actor) -> Change:
        """Remove a rule; raises `Conflict` when it is not any more as it was seen."""
        return await self._edit(guild_id, lambda rules: without_rule(rules, seen), actor)

    async def put(
        self,
        guild_id: int,
        changes: Mapping[str, Any],
        revision: int,
        actor: Actor,
        *,
        enabled: bool | None = None,
    ) -> Change:
        """Change several settings as previewed; raises `StaleSettings` if they changed since."""
        return await self._settings.change(
            guild_id, KEY, changes, actor=actor, enabled=enabled, expected_revision=revision
        )

    async def _edit(self, guild_id: int, edit: Callable[[Rules], Rules], actor: Actor) -> Change:
        for _attempt in range(_ATTEMPTS):
            state = await self.state(guild_id)
            changes = {"rules": to_json(edit(state.settings.rules))}
            try:
                return await self.put(guild_id, changes, state.revision, actor)
            except StaleSettings:
                continue
        raise Conflict(_("Too many changes at once."), hint=_("Please try again."))


def to_json(rules: Rules) -> list[dict[str, Any]]:
    """Return rules as a change of the settings takes them."""
    return [one.model_dump(mode="json", by_alias=True) for one in rules]
