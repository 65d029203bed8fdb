"""Counts what staff do, in the database, and opens an incident for whoever goes past a limit.

Deeds of one person are counted one after the other, whatever process hears of them; each has a key,
so that an audit log entry that is replayed counts once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bot.core.cases import Case
from cogs.antinuke.desk import FEATURE, StaffDesk
from cogs.antinuke.rules import (
    Deed,
    exceeded,
    is_dangerous,
    read_case,
    read_entry,
    window_start,
)
from db import antinuke as table

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from cogs.antinuke.settings import AntinukeSettings


class Counting:
    """Hears of deeds by the audit log and by cases."""

    def __init__(self, desk: StaffDesk) -> None:
        self._desk = desk

    def start(self) -> None:
        """Count from now on what staff order through the bot."""
        self._desk.cases.follow_with(FEATURE, self.note_cases)

    async def note_entry(self, payload: Mapping[str, Any], own_id: int) -> int | None:
        """Count what an audit log entry tells; returns the id of the incident that it belongs to.

        `own_id` is the bot's account: what it does is somebody's order, or its own reaction.
        """
        if str(payload.get("user_id")) == str(own_id):
            return None
        guild_id = int(payload["guild_id"])
        settings = await self._desk.settings_of(guild_id)
        if settings is None:
            return None
        roles = self._desk.state().roles(guild_id)
        dangerous = {one.id for one in roles if is_dangerous(one)}
        deeds = read_entry(payload, dangerous)
        if not deeds or self._is_trusted(guild_id, deeds[0].user_id, settings):
            return None
        async with self._desk.database.write() as session:
            return await self._count(session, deeds, settings)

    async def note_cases(self, session: AsyncSession, cases: Sequence[Case]) -> None:
        """Count what new cases of one guild tell, in the transaction that opens them."""
        by_person: dict[int, list[Deed]] = {}
        for deed in filter(None, map(read_case, cases)):
            by_person.setdefault(deed.user_id, []).append(deed)
        if not by_person:
            return
        guild_id = cases[0].guild_id
        settings = await self._desk.settings_of(guild_id)
        if settings is None:
            return
        for user_id, deeds in sorted(by_person.items()):
            if not self._is_trusted(guild_id, user_id, settings):
                await self._count(session, deeds, settings)

    def _is_trusted(self, guild_id: int, user_id: int, settings: AntinukeSettings) -> bool:
        guild = self._desk.state().guild(guild_id)
        owner_id = guild.owner_id if guild else None
        return user_id == owner_id or user_id in settings.trusted_member_ids

    async def _count(
        self, session: AsyncSession, deeds: Sequence[Deed], settings: AntinukeSettings
    ) -> int | None:
        guild_id, user_id = deeds[0].guild_id, deeds[0].user_id
        await table.hold_person(session, guild_id, user_id, self._desk.clock.now())
        if not await table.add_deeds(session, [_row(one) for one in deeds]):
            return None
        since = window_start(deeds, settings.window)
        incident = await self._current(session, guild_id, user_id)
        if incident is None:
            counts = await table.sum_deeds(session, guild_id, user_id, since)
            if not exceeded(counts, settings.limits()):
                return None
            incident = await self._open(session, guild_id, user_id, settings)
        if incident is None:
            return None
        await table.attach_deeds(session, incident, user_id, since)
        return incident.id

    async def _current(
        self, session: AsyncSession, guild_id: int, user_id: int
    ) -> table.NukeIncident | None:
        """Return the person's open incident; one whose window is over gives way to another."""
        incident = await table.find_open(session, _open_key(guild_id, user_id))
        if incident is None or incident.open_until > self._desk.clock.now():
            return incident
        await table.change_incident(session, incident.id, expected=(incident.state,), open_key=None)
        return None

    async def _open(
        self, session: AsyncSession, guild_id: int, user_id: int, settings: AntinukeSettings
    ) -> table.NukeIncident | None:
        now = self._desk.clock.now()
        incident = await table.open_incident(
            session,
            guild_id=guild_id,
            user_id=user_id,
            is_bot=False,
            open_key=_open_key(guild_id, user_id),
            response=settings.response,
            limits=settings.limits(),
            seconds=round(settings.window.total_seconds()),
            opened_at=now,
            open_until=now + settings.window,
            log_channel_id=await self._desk.log_channel(guild_id),
        )
        if incident is not None:
            await self._desk.wake(session, guild_id, incident.id)
            self._desk.count("incident")
        return incident


def _open_key(guild_id: int, user_id: int) -> str:
    return f"{guild_id}:{user_id}"


def _row(deed: Deed) -> dict[str, Any]:
    return {
        "key": deed.key,
        "guild_id": deed.guild_id,
        "user_id": deed.user_id,
        "kind": deed.kind,
        "at": deed.at,
        "weight": deed.weight,
        "target_id": deed.target_id,
        "target_name": deed.target_name,
    }
