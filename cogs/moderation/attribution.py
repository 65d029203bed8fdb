"""Makes cases of what moderators do in Discord's own client, once each.

The audit log says who did it. What the bot does is on record already. Knows nothing of discord.py.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from bot.core.cases import Case, CaseKind, CaseService, Order, Target
from bot.core.clock import Clock
from bot.core.contracts import Actor
from bot.core.settings import SettingsStore
from cogs.moderation.auditlog import NativeDeed, read_entry
from cogs.moderation.policy import KEY
from cogs.moderation.settings import ModerationSettings

# Who somebody is; an account that can't be found has an empty name.
WhoIs = Callable[[int], Awaitable[Target]]

# A timeout that was over before it was seen is not worth a case.
_SHORTEST_LEFT = timedelta(seconds=10)


class Attribution:
    """Reads audit log entries of all guilds."""

    def __init__(
        self, cases: CaseService, settings: SettingsStore, clock: Clock, who_is: WhoIs
    ) -> None:
        self._cases = cases
        self._settings = settings
        self._clock = clock
        self._who_is = who_is

    async def note(self, payload: Mapping[str, Any], own_id: int) -> Case | None:
        """Record what an entry tells; `None` when it makes no case, or has made one before.

        `own_id` is the bot's account, whose deeds are cases already.
        """
        if str(payload.get("user_id")) == str(own_id):
            return None
        state = await self._settings.get(int(payload["guild_id"]), KEY)
        settings: ModerationSettings = state.settings
        if not state.enabled or not settings.record_native:
            return None
        deed = read_entry(payload, settings.mute_role_id)
        return None if deed is None else await self._record(deed, settings)

    async def _record(self, deed: NativeDeed, settings: ModerationSettings) -> Case | None:
        duration = None
        if deed.kind is CaseKind.TIMEOUT and deed.until is not None:
            duration = deed.until - self._clock.now()
            if duration < _SHORTEST_LEFT:
                return None
        moderator = await self._who_is(deed.moderator_id)
        if moderator.is_bot and not self._counts(deed, settings):
            return None
        order = Order(
            guild_id=deed.guild_id,
            kind=deed.kind,
            target=await self._who_is(deed.target_id),
            moderator=Actor(moderator.id, "command", moderator.name),
            source="audit_log",
            dedupe_key=f"audit:{deed.entry_id}",
            reason=deed.reason,
            duration=duration,
            notify=False,
        )
        return await self._cases.record(order)

    def _counts(self, deed: NativeDeed, settings: ModerationSettings) -> bool:
        # Another Pegasus keeps cases of its own.
        return settings.record_bots and not self._cases.is_own_reason(deed.reason)
