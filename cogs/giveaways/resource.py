"""Giveaways as the API reads, opens, changes, ends and cancels them; free of discord.py.

An item's id is the giveaway's number in its guild.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING

from pydantic import BaseModel

from bot.core.errors import Conflict, FieldError, InvalidInput, NotFound
from bot.core.i18n import N_, Message, _
from bot.core.resources import Action, Document, Item, Resource
from bot.core.settings.validation import from_field_errors
from cogs.giveaways.bodies import CodesBody, DrawAgainBody, GiveawayBody, GiveawayDetail
from cogs.giveaways.bodychecks import BodyChecks, is_id
from cogs.giveaways.bodyplans import Counts, item_of, plan_from
from cogs.giveaways.columns import plan_of
from cogs.giveaways.listing import STATES
from cogs.giveaways.opening import Opening, Order
from cogs.giveaways.settings import KEY
from db import giveaway_hosting as table
from db.base import NOBODY
from db.giveaway_proofs import count_prizes_of
from db.giveaways import ACTIVE, CANCELLED, ENDED, PAUSED, SCHEDULED, Giveaway

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.audit import AuditLog
    from bot.core.clock import Clock
    from bot.core.contracts import Actor
    from cogs.giveaways.drawing import Drawing
    from cogs.giveaways.proof import Proofs
    from cogs.giveaways.stocking import Stocking
    from cogs.giveaways.winning import Winning
    from db.engine import Database

_END, _PAUSE, _RESUME, _DRAW_AGAIN = "end", "pause", "resume", "draw-again"
_ADD_CODES = "add-codes"


def _goes_on(giveaway: GiveawayDetail) -> bool:
    return giveaway.status in (ACTIVE, PAUSED)


def _is_active(giveaway: GiveawayDetail) -> bool:
    return giveaway.status == ACTIVE


def _is_paused(giveaway: GiveawayDetail) -> bool:
    return giveaway.status == PAUSED


def _takes_codes(giveaway: GiveawayDetail) -> bool:
    return giveaway.status != CANCELLED


def _has_ended(giveaway: GiveawayDetail) -> bool:
    return giveaway.status == ENDED


def _is_open(giveaway: GiveawayDetail) -> bool:
    return giveaway.status in (SCHEDULED, ACTIVE, PAUSED)


def _facts(giveaway: GiveawayDetail) -> Sequence[Message | str]:
    return f"#{giveaway.id}", STATES[giveaway.status]


RESOURCE = Resource(
    name="giveaways",
    one="giveaway",
    many="giveaways",
    title=N_("Giveaways"),
    label=attrgetter("prize"),
    facts=_facts,
    model=GiveawayDetail,
    addition=GiveawayBody,
    change=GiveawayBody,
    removal=N_("Cancel giveaway"),
    stays=True,
    actions=(
        Action(
            name=_END,
            summary="End, and draw the winners of,",
            title=N_("End and draw"),
            is_offered=_goes_on,
            is_final=True,
        ),
        Action(name=_PAUSE, summary="Pause", title=N_("Pause it"), is_offered=_is_active),
        Action(name=_RESUME, summary="Resume", title=N_("Let it go on"), is_offered=_is_paused),
        Action(
            name=_DRAW_AGAIN,
            summary="Draw further winners of",
            title=N_("Draw again"),
            body=DrawAgainBody,
            is_offered=_has_ended,
            is_final=True,
        ),
        Action(
            name=_ADD_CODES,
            summary="Put codes for the winners into the vault of",
            title=N_("Add codes"),
            body=CodesBody,
            is_offered=_takes_codes,
        ),
    ),
    page=50,
    document="proof",
    is_changeable=_is_open,
    is_removable=_is_open,
    has_document=_has_ended,
)


class GiveawayResource:
    """Answers for giveaways, by the services that the commands of Discord use."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        opening: Opening,
        drawing: Drawing,
        winning: Winning,
        proofs: Proofs,
        stocking: Stocking,
        audit: AuditLog,
        checks: BodyChecks,
    ) -> None:
        self._database = database
        self._clock = clock
        self._opening = opening
        self._drawing = drawing
        self._winning = winning
        self._proofs = proofs
        self._stocking = stocking
        self._audit = audit
        self._checks = checks

    async def list_page(self, guild_id: int, *, before: int | None, limit: int) -> Sequence[Item]:
        """Return so many of a guild's giveaways below a number, the newest first."""
        async with self._database.read() as session:
            found = await table.list_newest(session, guild_id, before=before, limit=limit)
            counts = await self._count(session, found)
        return [item_of(one, counts[one.id]) for one in found]

    async def get(self, guild_id: int, item_id: int) -> Item:
        """Return one giveaway by its number; raises `NotFound`."""
        async with self._database.read() as session:
            return await self._read(session, (await self._find(session, guild_id, item_id)).id)

    async def add(self, guild_id: int, body: GiveawayBody, actor: Actor) -> Item:
        """Open a giveaway; raises as `Opening.open` does, with an error per wrong field."""
        await self._checks.check(guild_id, body, channel_id=body.channel_id, host_id=body.host_id)
        now = self._clock.now()
        start = max(body.starts_at or now, now)
        order = Order(
            guild_id=guild_id,
            channel_id=int(body.channel_id),
            host_id=int(body.host_id or actor.user_id),
            plan=plan_from(body, _lasting(start, body.ends_at)),
            starts_at=body.starts_at,
            ends_at=body.ends_at,
        )
        giveaway = await self._opening.open(order, actor)
        return item_of(giveaway, Counts())

    async def put(
        self, guild_id: int, item_id: int, revision: int, body: GiveawayBody, actor: Actor
    ) -> Item:
        """Change a giveaway; raises as `Opening.change` does."""
        seen = await self._seen(guild_id, item_id, revision)
        moved = body.channel_id if body.channel_id != str(seen.channel_id) else None
        host_id = body.host_id if body.host_id != str(seen.host_id) else None
        await self._checks.check(guild_id, body, plan_of(seen), channel_id=moved, host_id=host_id)
        starts_at = body.starts_at if body.starts_at != seen.starts_at else None
        # What is sent is when it ends, also where its start is moved.
        is_kept = body.ends_at == seen.ends_at and starts_at is None
        await self._opening.change(
            seen,
            actor,
            # One that was put off may last longer than a new one.
            plan_from(body, None),
            starts_at=starts_at,
            ends_at=None if is_kept else body.ends_at,
            # A paused one names no end either.
            is_untimed=body.ends_at is None and seen.ends_at is not None,
            channel_id=None if moved is None else int(moved),
            host_id=None if host_id is None else int(host_id),
        )
        return await self._again(seen)

    async def remove(self, guild_id: int, item_id: int, revision: int, actor: Actor) -> None:
        """Cancel a giveaway that is open, for good."""
        await self._opening.cancel(await self._seen(guild_id, item_id, revision), actor)

    async def act(
        self, guild_id: int, seen: Item, action: str, body: BaseModel | None, actor: Actor
    ) -> Item:
        """Do what an action says; asks nothing of channel and roles, which may be gone.

        Raises `Conflict` for one that is in no state for it, and as `Winning.reroll` and
        `Vault.add` do.
        """
        giveaway = await self._seen(guild_id, seen.id, seen.revision)
        if action == _END:
            await self._end(giveaway, actor)
        elif isinstance(body, DrawAgainBody):
            await self._draw_again(giveaway, body, actor)
        elif isinstance(body, CodesBody):
            await self._stocking.add(giveaway, body.codes, actor)
        else:
            do = self._opening.pause if action == _PAUSE else self._opening.resume
            await do(giveaway, actor)
        return await self._again(giveaway)

    async def _end(self, seen: Giveaway, actor: Actor) -> None:
        await self._drawing.get_ready(seen.guild_id)
        async with self._database.write() as session:
            if not await self._drawing.close(session, seen.id, by=actor.user_id or None):
                raise Conflict(_("This giveaway can't be ended: it has not begun, or is over."))
            await self._audit.record(
                session,
                actor,
                seen.guild_id,
                f"{KEY}.end",
                "user_action",
                {"giveaway": seen.number},
            )

    async def _draw_again(self, seen: Giveaway, wanted: DrawAgainBody, actor: Actor) -> None:
        user_id = None
        if wanted.instead_of is not None:
            if not is_id(wanted.instead_of) or wanted.count != 1:
                raise from_field_errors(
                    [FieldError("/instead_of", _("One winner is drawn in the place of one."))],
                    {"instead_of": "instead_of"},
                )
            user_id = int(wanted.instead_of)

        async def note(session: AsyncSession) -> None:
            details = {"giveaway": seen.number, "count": wanted.count}
            await self._audit.record(
                session,
                actor,
                seen.guild_id,
                f"{KEY}.reroll",
                "user_action",
                details,
                target_id=user_id,
            )

        await self._winning.reroll(
            seen.id,
            by=actor.user_id,
            count=wanted.count,
            user_id=user_id,
            note=note,
            seen=seen.revision,
        )

    async def document(self, guild_id: int, item_id: int, actor: Actor) -> Document:
        """Return the proof of a giveaway that was drawn; raises `NotFound` before."""
        async with self._database.read() as session:
            found = await self._find(session, guild_id, item_id)
        # Everybody may have it.
        proof = await self._proofs.make(guild_id, found.id, actor.user_id or NOBODY)
        if proof is None or proof.file is None:
            raise NotFound(_("This giveaway has not been drawn, so there is no proof yet."))
        return Document(proof.filename, proof.file)

    async def _seen(self, guild_id: int, item_id: int, revision: int) -> Giveaway:
        async with self._database.read() as session:
            found = await self._find(session, guild_id, item_id)
        if found.revision != revision:
            raise Conflict(_("Somebody else has changed this giveaway meanwhile."))
        return found

    async def _find(self, session: AsyncSession, guild_id: int, number: int) -> Giveaway:
        found = await table.get_by_number(session, guild_id, number)
        if found is None:
            raise NotFound(_("There is no giveaway with the number {number}.", number=number))
        return found

    async def _again(self, giveaway: Giveaway) -> Item:
        async with self._database.read() as session:
            return await self._read(session, giveaway.id)

    async def _read(self, session: AsyncSession, giveaway_id: UUID) -> Item:
        giveaway = await table.get_giveaway(session, giveaway_id)
        if giveaway is None:
            raise NotFound(_("This giveaway is not there any more."))
        return item_of(giveaway, (await self._count(session, [giveaway]))[giveaway_id])

    @staticmethod
    async def _count(session: AsyncSession, found: Sequence[Giveaway]) -> dict[UUID, Counts]:
        ids = [one.id for one in found]
        entries = await table.count_entries_of(session, ids)
        winners = await table.list_winner_ids_of(session, ids)
        codes = await count_prizes_of(session, ids)
        return {
            one: Counts(entries.get(one, 0), winners.get(one, ()), codes.get(one, (0, 0)))
            for one in ids
        }


def _lasting(start: datetime, ends_at: datetime | None) -> timedelta | None:
    if ends_at is not None and ends_at <= start:
        raise InvalidInput(_("It has to end after it begins, and within a year."))
    return None if ends_at is None else ends_at - start
