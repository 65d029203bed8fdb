"""What is done while a raid lasts, a class per measure; each can put back what it changed.

What was there is stored with the raid before Discord is asked for anything. Whatever people change
by hand meanwhile is theirs: it is left alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.core.cases.outcomes import EnforcementError
from bot.core.contracts import SYSTEM
from bot.core.errors import Conflict, Denied, DiscordFailed, InvalidInput
from cogs.automod.raid.desk import RaidDesk
from cogs.automod.raid.lockdown import LockdownOrder, LockdownService
from cogs.automod.settings import AutomodSettings
from db.raids import Raid

Json = Mapping[str, Any]
# Stores a measure with its raid; false when the raid is not open any more.
Store = Callable[[dict[str, Any]], Awaitable[bool]]

# Discord pauses invites for 24 hours at most; an hour before the end the pause is renewed.
PAUSE = timedelta(hours=23)
RENEW = timedelta(hours=1)
# A verified phone number.
HIGHEST_LEVEL = 4
_IDLE: dict[str, Any] = {"on": False}
_EXACT = timedelta(seconds=2)


class Measure(Protocol):
    """One measure; both may be repeated, also after a crash at any point."""

    name: str

    def is_wanted(self, settings: AutomodSettings) -> bool:
        """Return whether the guild wants it."""
        ...

    async def apply(self, raid: Raid, measure: Json | None, store: Store) -> None:
        """Take it, or keep it up; raises what the controls raise."""
        ...

    async def take_back(self, raid: Raid, measure: Json) -> None:
        """Put back what was there before, as far as nobody else has changed it."""
        ...


class PauseInvites:
    """Lets nobody join, for as long as the raid lasts."""

    name = "invites"

    def __init__(self, desk: RaidDesk) -> None:
        self._desk = desk

    def is_wanted(self, settings: AutomodSettings) -> bool:
        """Return whether the guild wants it."""
        return settings.raid_pause_invites

    async def apply(self, raid: Raid, measure: Json | None, store: Store) -> None:
        """Pause invites, or pause them for longer when the end of the pause is near."""
        now = self._desk.clock.now()
        if measure is None:
            measure = await self._plan(raid.guild_id, now)
        elif measure["on"] and (not measure["done"] or _last(measure) - now >= RENEW):
            pass
        elif measure["on"]:
            # The earlier one is kept: the call for the new one may never be made.
            untils = [*measure["untils"][-1:], (now + PAUSE).isoformat()]
            measure = {**measure, "untils": untils, "done": False}
        if not measure["on"]:
            await store(dict(measure))
        elif not measure["done"] and await store(dict(measure)):
            await self._desk.controls.pause_invites(raid.guild_id, _last(measure))
            await store({**measure, "done": True})

    async def _plan(self, guild_id: int, now: datetime) -> dict[str, Any]:
        before = await self._read(guild_id)
        if before is not None and before >= now + PAUSE:
            return dict(_IDLE)
        return {
            "on": True,
            "done": False,
            "before": before.isoformat() if before else None,
            "untils": [(now + PAUSE).isoformat()],
        }

    async def take_back(self, raid: Raid, measure: Json) -> None:
        """End the pause, or leave the one that was there before."""
        current = await self._read(raid.guild_id)
        ours = [datetime.fromisoformat(one) for one in measure["untils"]]
        if current is None or not any(abs(current - one) < _EXACT for one in ours):
            return
        before = measure["before"] and datetime.fromisoformat(measure["before"])
        lasts = before and before > self._desk.clock.now()
        await self._desk.controls.pause_invites(raid.guild_id, before if lasts else None)

    async def _read(self, guild_id: int) -> datetime | None:
        guild = await self._desk.controls.read_guild(guild_id)
        until = (guild.get("incidents_data") or {}).get("invites_disabled_until")
        return datetime.fromisoformat(until) if until else None


def _last(measure: Json) -> datetime:
    return datetime.fromisoformat(measure["untils"][-1])


class RaiseVerification:
    """Asks everyone new for a verified phone number before they may write."""

    name = "verification"

    def __init__(self, desk: RaidDesk) -> None:
        self._desk = desk

    def is_wanted(self, settings: AutomodSettings) -> bool:
        """Return whether the guild wants it."""
        return settings.raid_verification

    async def apply(self, raid: Raid, measure: Json | None, store: Store) -> None:
        """Raise the level once."""
        if measure is None:
            before = await self._read(raid.guild_id)
            is_lower = before < HIGHEST_LEVEL
            measure = {"on": True, "done": False, "before": before} if is_lower else dict(_IDLE)
            if not await store(dict(measure)):
                return
        if measure["on"] and not measure["done"]:
            await self._desk.controls.set_verification(raid.guild_id, HIGHEST_LEVEL, "Raid")
            await store({**measure, "done": True})

    async def take_back(self, raid: Raid, measure: Json) -> None:
        """Set the level that was there before, unless somebody has chosen another."""
        if await self._read(raid.guild_id) == HIGHEST_LEVEL:
            await self._desk.controls.set_verification(
                raid.guild_id, measure["before"], "Raid over"
            )

    async def _read(self, guild_id: int) -> int:
        return int((await self._desk.controls.read_guild(guild_id))["verification_level"])


class CloseChannels:
    """Closes the guild's public channels by a lockdown of the raid's own."""

    name = "lockdown"

    def __init__(self, lockdowns: LockdownService) -> None:
        self._lockdowns = lockdowns

    def is_wanted(self, settings: AutomodSettings) -> bool:
        """Return whether the guild wants it."""
        return settings.raid_lockdown

    async def apply(self, raid: Raid, measure: Json | None, store: Store) -> None:
        """Begin the lockdown once; one that staff began stays theirs."""
        measure = measure or {"on": True, "done": False}
        if not measure["on"] or measure["done"] or not await store(dict(measure)):
            return
        order = LockdownOrder(guild_id=raid.guild_id, actor=SYSTEM, raid_id=raid.id)
        try:
            await self._lockdowns.begin(order)
        except Conflict:
            found = await self._lockdowns.current(raid.guild_id)
            if found is None or found[0].raid_id != raid.id:
                await store(dict(_IDLE))
                return
        except InvalidInput:
            await store(dict(_IDLE))
            return
        except (Denied, DiscordFailed) as error:
            raise EnforcementError("lockdown", str(error)) from error
        await store({**measure, "done": True})

    async def take_back(self, raid: Raid, measure: Json) -> None:  # noqa: ARG002
        """End the lockdown that the raid brought."""
        await self._lockdowns.end_of_raid(raid.guild_id, raid.id)
