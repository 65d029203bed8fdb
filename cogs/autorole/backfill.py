"""Gives join roles to those who are members already, as a batch; free of discord.py.

Members are read in the order of their ids. How far it is stands with the batch, and what is wanted
is stored with it: a piece that is done again is stored once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from bot.core.batches import BatchOrder, Later, Piece
from bot.core.fields.text import escape_markdown
from bot.core.i18n import Message, _, ngettext
from bot.core.roles import RoleService, RoleSource, sweeps
from cogs.autorole.rules import Newcomer
from cogs.autorole.settings import AutoroleSettings, JoinRole

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.contracts import Actor, BotState
    from cogs.autorole.service import AutoroleService
    from db.batches import Batch

KIND = "autorole"
# What Discord gives at once.
PAGE = 1000
# Changes per piece: Discord takes about one a second, and others come in between.
MOST_CHANGES = 100
# The queue has to be nearly empty before more is added, so that others come in between.
MOST_DUE = 20
# A count before the question looks at as many; there may be more.
MOST_COUNTED = 50_000


class MemberLister(Protocol):
    """Reads members from Discord."""

    async def list_members(self, guild_id: int, *, after: int, limit: int) -> Sequence[Newcomer]:
        """Return members whose ids are higher, in order; fewer than `limit` are the last ones.

        Raises `Later` and `Refused` of the batches.
        """
        ...


@dataclass(frozen=True, slots=True)
class Count:
    """How many members were looked at, and how many would get each role; `whole` if all were."""

    seen: int
    members: int
    by_role: dict[int, int]
    whole: bool


class Backfill:
    """The worker of back-fills; also counts beforehand."""

    def __init__(
        self,
        service: AutoroleService,
        lister: MemberLister,
        *,
        roles: RoleService,
        state: Callable[[], BotState],
    ) -> None:
        self._service = service
        self._lister = lister
        self._roles = roles
        self._state = state

    async def count(self, guild_id: int, settings: AutoroleSettings) -> Count:
        """Return how many members would get something now or later."""
        settings = self._service.present(guild_id, settings)
        after = seen = members = 0
        by_role = dict.fromkeys((one.role_id for one in settings.join_roles), 0)
        while seen < MOST_COUNTED:
            page = await self._lister.list_members(guild_id, after=after, limit=PAGE)
            for one in page:
                gifts = self._service.decide(one, settings).gifts
                members += bool(gifts)
                for gift in gifts:
                    by_role[gift.role_id] += 1
            seen += len(page)
            if len(page) < PAGE:
                return Count(seen, members, by_role, whole=True)
            after = page[-1].user_id
        return Count(seen, members, by_role, whole=False)

    async def do_piece(self, batch: Batch, *, in_doubt: bool) -> Piece:  # noqa: ARG002
        """Want the join roles of the next members who lack some, once the queue has room."""
        snapshot = await self._roles.snapshot(batch.guild_id, RoleSource.AUTOMATIC)
        so_far = dict(batch.outcome)
        is_read = so_far.get("read", False)
        if snapshot.due > (0 if is_read else MOST_DUE):
            raise Later("the queue of role changes is not done yet")
        if is_read:
            return Piece(batch.total, {**so_far, "parked": snapshot.parked})
        settings = self._service.present(batch.guild_id, settings_in(batch))
        page = await self._lister.list_members(
            batch.guild_id, after=int(so_far.get("after", 0)), limit=PAGE
        )
        taken, lacking = self._take(page, settings)
        outcome = {
            "after": str(taken[-1].user_id if taken else so_far.get("after", 0)),
            "read": len(page) < PAGE and len(taken) == len(page),
            "seen": so_far.get("seen", 0) + len(taken),
            "members": so_far.get("members", 0) + sum(1 for _one, count in lacking if count),
            "changes": so_far.get("changes", 0) + sum(count for _one, count in lacking),
        }
        return Piece(
            sweeps.units_after(batch, outcome["seen"]),
            outcome,
            self._writing(batch, taken, settings),
        )

    def _take(
        self, page: Sequence[Newcomer], settings: AutoroleSettings
    ) -> tuple[Sequence[Newcomer], list[tuple[Newcomer, int]]]:
        """Return the members of a piece, and how many roles each of them lacks."""
        lacking: list[tuple[Newcomer, int]] = []
        changes = 0
        for one in page:
            count = len(self._service.decide(one, settings).gifts)
            if changes and changes + count > MOST_CHANGES:
                break
            changes += count
            lacking.append((one, count))
        return [one for one, _count in lacking], lacking

    def _writing(
        self, batch: Batch, members: Collection[Newcomer], settings: AutoroleSettings
    ) -> Callable[[AsyncSession], Awaitable[None]]:
        async def write(session: AsyncSession) -> None:
            await self._service.give(session, members, settings, _occasion_of(batch))

        return write

    async def record_end(self, session: AsyncSession, batch: Batch) -> None:
        """Withdraw what a back-fill that was stopped has wanted and Discord does not have yet.

        What was given stands in Discord's audit log.
        """
        await sweeps.withdraw_stopped(session, self._roles, batch, _occasion_of(batch))

    def letter(self, batch: Batch) -> str:
        """Return the direct message that tells how a back-fill ended."""
        guild = self._state().guild(batch.guild_id)
        name = f"**{escape_markdown(guild.name)}**" if guild else "Discord"
        words = _("The back-fill of join roles that you began in {guild} has ended.", guild=name)
        return f"{words.render(batch.locale)}\n{outcome_of(batch).render(batch.locale)}"


def order_backfill(
    guild_id: int,
    channel_id: int,
    roles: Collection[JoinRole],
    actor: Actor,
    *,
    locale: str,
    members: int,
) -> BatchOrder:
    """Return the batch that gives these roles to a guild of so many members; one at a time."""
    work: dict[str, Any] = {
        "roles": [one.model_dump(mode="json") for one in roles],
        "members": members,
    }
    return BatchOrder(
        kind=KIND,
        guild_id=guild_id,
        channel_id=channel_id,
        occasion=guild_id,
        actor=actor,
        locale=locale,
        total=sweeps.UNITS,
        work=work,
        alone=True,
    )


def _occasion_of(batch: Batch) -> str:
    return f"{KIND}:{batch.id}"


def settings_in(batch: Batch) -> AutoroleSettings:
    """Return settings with the join roles that a back-fill was ordered for."""
    return AutoroleSettings.read({"join_roles": batch.work["roles"]})


def with_roles(settings: AutoroleSettings, roles: Collection[JoinRole]) -> AutoroleSettings:
    """Return settings with these join roles alone."""
    return settings.model_copy(update={"join_roles": tuple(roles)})


def outcome_of(batch: Batch) -> Message:
    """Return how a back-fill ended."""
    outcome = batch.outcome
    done = ngettext(
        "✅ All {seen} members were looked at; {count} role was given, or waits for its time.",
        "✅ All {seen} members were looked at; {count} roles were given, or wait for their time.",
        outcome.get("changes", 0),
        seen=outcome.get("seen", 0),
    )
    return sweeps.outcome_of(batch, done)
