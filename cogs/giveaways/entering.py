"""Entering and leaving a giveaway; free of discord.py.

What stands in the way is read first, without holding anything. The entry itself is one statement
that only succeeds while the giveaway is open, so none slips in after the list was closed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.errors import Conflict, NotFound
from bot.core.i18n import Message, _
from bot.core.ledger import Holder, hold
from cogs.giveaways.backstage import Backstage
from cogs.giveaways.counting import MessageCounter
from cogs.giveaways.eligibility import Facts, deleted_roles, obstacles, weight_of
from cogs.giveaways.offers import Offer, Offers
from cogs.giveaways.plan import Requirements, bonuses_from_json
from cogs.giveaways.rules import MOST_ENTRANTS
from cogs.giveaways.verify import digest_of, make_salt
from db import giveaway_entries as table
from db.giveaway_items import give_back
from db.giveaways import ACTIVE, CANCELLED, DRAWING, PAUSED, SCHEDULED, Giveaway

Close = Callable[[AsyncSession, UUID], Awaitable[bool]]

_NOT_OPEN = {
    SCHEDULED: _("This giveaway has not begun yet."),
    PAUSED: _("This giveaway is paused. Try again when it goes on."),
    DRAWING: _("This giveaway is over: the winners are being drawn."),
    CANCELLED: _("This giveaway was cancelled."),
}
_OVER = _("This giveaway is over.")
_MOST_REMEMBERED = 10_000
# So long nobody is counted again in a full giveaway, where another process frees a place.
_STAYS_FULL = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Entrant:
    """Who presses the button, as Discord tells of them with the press."""

    guild_id: int
    user_id: int
    role_ids: frozenset[int]
    created_at: datetime
    joined_at: datetime | None


@dataclass(frozen=True, slots=True)
class Entered:
    """They are in now, with so many entries; `offers` are what they could use for more."""

    weight: int
    offers: tuple[Offer, ...] = ()


@dataclass(frozen=True, slots=True)
class Inside:
    """They were in already; `weight` is what their roles, level and used items give them now."""

    weight: int
    offers: tuple[Offer, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """They can't enter, for all of these reasons."""

    obstacles: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """They were in and are no more; so many pieces that they had used are theirs again.

    `expired` are those whose time was over meanwhile.
    """

    returned: int = 0
    expired: int = 0


class Entering:
    """Takes entries; `close` ends a giveaway in the caller's transaction when it is full."""

    def __init__(self, backstage: Backstage, counter: MessageCounter, *, close: Close) -> None:
        self._stage = backstage
        self._counter = counter
        self._close = close
        self._offers = Offers(backstage)
        # How many more may enter before they are counted again: to count a hundred thousand with
        # each of hundreds of presses would keep them all waiting. Half of the places that there
        # were, so that no more than all are taken while another process takes the other half.
        self._room: dict[UUID, int] = {}
        # Which were full, at how many, until when they are taken to be.
        self._full: dict[UUID, tuple[int, datetime]] = {}

    async def enter(self, giveaway_id: UUID, entrant: Entrant) -> Entered | Inside | Refused:
        """Enter somebody, or say in words why they can't.

        Whoever is in already has the weight that their roles and level give them now. Raises
        `NotFound` for a giveaway that is gone, `Conflict` for one that is not open or full.
        """
        look = await self.look(giveaway_id, entrant)
        bonuses = bonuses_from_json(look.giveaway.bonus_entries)
        weight = weight_of(bonuses, entrant.role_ids, look.level)
        if look.weight is not None:
            came = await self._weigh_again(look, entrant, weight)
        elif found := await self.obstacles(look, entrant):
            return Refused(found)
        else:
            came = await self._add(look.giveaway, entrant, weight)
        if isinstance(came, Refused) or came.offers:
            return came
        return replace(came, offers=await self._offers.list(look.giveaway, entrant.user_id))

    async def look(self, giveaway_id: UUID, entrant: Entrant) -> table.Look:
        """Return a giveaway that is open as somebody finds it; raises as `enter` does."""
        await self._ensure_on(entrant.guild_id)
        look = await self._look(giveaway_id, entrant)
        self._ensure_open(look.giveaway)
        return look

    async def obstacles(self, look: table.Look, entrant: Entrant) -> tuple[Message, ...]:
        """Return all that keeps somebody out of a giveaway."""
        house = await self._stage.house(entrant.guild_id)
        requirements = Requirements.from_json(look.giveaway.requirements)
        facts = self._facts(look, entrant, requirements)
        return obstacles(requirements, house, facts, self._stage.clock.now())

    async def leave(self, giveaway_id: UUID, guild_id: int, user_id: int) -> Left | None:
        """Take an entry back while the giveaway goes on; `None` when there was none.

        What they have used for it is theirs again. Raises `NotFound` and `Conflict` as `enter`
        does; a paused giveaway can be left.
        """
        left = look = None
        async with self._stage.database.write() as session:
            if await table.remove_entry(session, giveaway_id, user_id):
                await self._stage.board.refresh(session, giveaway_id, guild_id)
                left = Left()
            else:
                look = await table.get_look(session, giveaway_id, user_id)
        if look is not None and look.item_entries and look.giveaway.guild_id == guild_id:
            left = await self._leave_with_items(giveaway_id, guild_id, user_id)
        if left is not None:
            self._full.pop(giveaway_id, None)
            return left
        if look is None or look.giveaway.guild_id != guild_id:
            raise _gone()
        if look.giveaway.status not in (ACTIVE, PAUSED):
            raise Conflict(_NOT_OPEN.get(look.giveaway.status, _OVER))
        return None

    async def _leave_with_items(
        self, giveaway_id: UUID, guild_id: int, user_id: int
    ) -> Left | None:
        async with self._stage.database.write() as session:
            await hold(session, guild_id, {Holder.user(user_id)})
            if not await table.remove_entry(session, giveaway_id, user_id, with_items=True):
                return None
            returned, expired = await give_back(
                session, giveaway_id, guild_id, [user_id], self._stage.clock.now()
            )
            await self._stage.board.refresh(session, giveaway_id, guild_id)
        return Left(returned, expired)

    async def _ensure_on(self, guild_id: int) -> None:
        if not await self._stage.is_on(guild_id):
            raise Conflict(_("Giveaways are switched off in this server."))

    async def _look(self, giveaway_id: UUID, entrant: Entrant) -> table.Look:
        async with self._stage.database.read() as session:
            look = await table.get_look(session, giveaway_id, entrant.user_id)
        if look is None or look.giveaway.guild_id != entrant.guild_id:
            raise _gone()
        return look

    def _ensure_open(self, giveaway: Giveaway) -> None:
        if giveaway.status != ACTIVE:
            raise Conflict(_NOT_OPEN.get(giveaway.status, _OVER))
        if giveaway.ends_at is not None and giveaway.ends_at <= self._stage.clock.now():
            raise Conflict(_OVER)

    def _facts(self, look: table.Look, entrant: Entrant, requirements: Requirements) -> Facts:
        unwritten = self._counter.pending(look.giveaway.id, entrant.user_id)
        return Facts(
            role_ids=entrant.role_ids,
            created_at=entrant.created_at,
            joined_at=entrant.joined_at,
            level=look.level,
            messages=look.messages + unwritten,
            is_blocked=look.is_blocked,
            deleted_roles=deleted_roles(requirements, self._stage.state(), entrant.guild_id),
        )

    async def _add(
        self, giveaway: Giveaway, entrant: Entrant, weight: int
    ) -> Entered | Inside | Refused:
        salt = make_salt()
        digest = digest_of(giveaway.id, entrant.user_id, salt)
        entry = table.NewEntry(giveaway.id, entrant.user_id, salt, digest, weight)
        now = self._stage.clock.now()
        full_at, until = self._full.get(giveaway.id, (0, now))
        if full_at == _most_in(giveaway) and now < until:
            raise _is_full(giveaway)
        is_limited = giveaway.max_entries is not None or giveaway.end_at_entries is not None
        async with self._stage.database.write() as session:
            # Where the number counts, entries follow each other.
            if is_limited and not await table.hold_open(session, giveaway.id, now):
                raise Conflict(_OVER)
            await self._ensure_room(session, giveaway)
            if await table.add_entry(session, entry, now, seen=giveaway.revision):
                await self._stage.board.refresh(session, giveaway.id, giveaway.guild_id)
                await self._end_if_full(session, giveaway)
                return Entered(weight)
        # Between the look and the entry it was closed or changed, or a second press was faster.
        return await self.enter(giveaway.id, entrant)

    async def _ensure_room(self, session: AsyncSession, giveaway: Giveaway) -> None:
        if giveaway.max_entries is None and self._take_room(giveaway.id):
            return
        most = _most_in(giveaway)
        count = await table.count_people(session, giveaway.id)
        self._room[giveaway.id] = (most - count) // 2
        if count >= most:
            if len(self._full) >= _MOST_REMEMBERED:
                self._full.clear()
            self._full[giveaway.id] = most, self._stage.clock.now() + _STAYS_FULL
            raise _is_full(giveaway)

    def _take_room(self, giveaway_id: UUID) -> bool:
        """Take one of the places that there surely are; False where they have to be counted."""
        room = self._room.pop(giveaway_id, 0)
        if len(self._room) >= _MOST_REMEMBERED:
            self._room.clear()
        if room > 0:
            self._room[giveaway_id] = room - 1
        return room > 0

    async def _end_if_full(self, session: AsyncSession, giveaway: Giveaway) -> None:
        enough = giveaway.end_at_entries
        if enough is not None and await table.count_people(session, giveaway.id) >= enough:
            await self._close(session, giveaway.id)

    async def _weigh_again(self, look: table.Look, entrant: Entrant, weight: int) -> Inside:
        """Give an entry the weight of roles and level, beside what items give it."""
        if look.weight == (there := weight + look.item_entries):
            return Inside(there)
        async with self._stage.database.write() as session:
            weighs = await table.change_weight(
                session, look.giveaway.id, entrant.user_id, weight, self._stage.clock.now()
            )
        return Inside(there if weighs is None else weighs)


def _most_in(giveaway: Giveaway) -> int:
    # What a draw and its proof are made for; without a limit of its own by a few more.
    return giveaway.max_entries or MOST_ENTRANTS


def _is_full(giveaway: Giveaway) -> Conflict:
    return Conflict(
        _("This giveaway is full: it takes {most} entries.", most=f"{_most_in(giveaway):,}"),
        hint=_("A place becomes free when somebody leaves."),
    )


def _gone() -> NotFound:
    return NotFound(_("This giveaway is not there any more."))
