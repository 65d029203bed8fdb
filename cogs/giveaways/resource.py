"""Giveaways as the API reads, opens, changes, ends and cancels them; free of discord.py.

An item's id is the giveaway's number in its guild.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING

from bot.core.errors import Conflict, Denied, FieldError, InvalidInput, NotFound
from bot.core.i18n import N_, _
from bot.core.money import is_economy_on
from bot.core.power import is_powerful
from bot.core.preflight import can_post
from bot.core.resources import Document, Item, Resource
from bot.core.settings.validation import from_field_errors
from cogs.giveaways.bodies import (
    BonusBody,
    DrawAgainBody,
    GiveawayBody,
    GiveawayDetail,
    LookBody,
    RequirementsBody,
)
from cogs.giveaways.columns import plan_of
from cogs.giveaways.opening import Opening, Order
from cogs.giveaways.plan import Bonus, Look, Plan, Requirements
from cogs.giveaways.rules import LEVELS, PLACES, checked_plan
from cogs.giveaways.settings import KEY
from db import giveaway_hosting as table
from db.base import NOBODY
from db.giveaways import PAUSED, Giveaway

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.audit import AuditLog
    from bot.core.clock import Clock
    from bot.core.contracts import Actor, BotState
    from bot.core.settings import SettingsStore
    from cogs.giveaways.drawing import Drawing
    from cogs.giveaways.proof import Proofs
    from cogs.giveaways.winning import Winning
    from db.engine import Database

_MOST_LISTED = 200
# What the database holds, and more than Discord has given out.
_LARGEST_ID = 2**63 - 1

RESOURCE = Resource(
    name="giveaways",
    one="giveaway",
    many="giveaways",
    title=N_("Giveaways"),
    label=attrgetter("prize"),
    model=GiveawayDetail,
    addition=GiveawayBody,
    change=GiveawayBody,
    removal=N_("Cancel giveaway"),
    document="proof",
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
        audit: AuditLog,
        settings: SettingsStore,
        state: Callable[[], BotState],
    ) -> None:
        self._database = database
        self._clock = clock
        self._opening = opening
        self._drawing = drawing
        self._winning = winning
        self._proofs = proofs
        self._audit = audit
        self._settings = settings
        self._state = state

    async def list(self, guild_id: int) -> Sequence[Item]:
        """Return a guild's giveaways, the newest first, 200 at most."""
        async with self._database.read() as session:
            found = await table.list_newest(session, guild_id, limit=_MOST_LISTED)
            ids = [one.id for one in found]
            entries = await table.count_entries_of(session, ids)
            winners = await table.list_winner_ids_of(session, ids)
        return [_item(one, entries.get(one.id, 0), winners.get(one.id, ())) for one in found]

    async def get(self, guild_id: int, item_id: int) -> Item:
        """Return one giveaway by its number; raises `NotFound`."""
        async with self._database.read() as session:
            return await self._read(session, (await self._find(session, guild_id, item_id)).id)

    async def add(self, guild_id: int, body: GiveawayBody, actor: Actor) -> Item:
        """Open a giveaway; raises as `Opening.open` does, with an error per wrong field."""
        await self._check(guild_id, body)
        now = self._clock.now()
        start = max(body.starts_at or now, now)
        order = Order(
            guild_id=guild_id,
            channel_id=int(body.channel_id),
            host_id=int(body.host_id or actor.user_id),
            plan=_plan_of(body, start),
            starts_at=body.starts_at,
        )
        giveaway = await self._opening.open(order, actor)
        return _item(giveaway, 0, ())

    async def put(
        self, guild_id: int, item_id: int, revision: int, body: GiveawayBody, actor: Actor
    ) -> Item:
        """Change a giveaway, or end it; raises as `Opening.change` does."""
        seen = await self._seen(guild_id, item_id, revision)
        # What is done with one asks for nothing, whatever has become of its channel meanwhile.
        if body.end:
            await self._end(seen, actor)
        elif body.draw_again is not None:
            await self._draw_again(seen, body.draw_again, actor)
        elif body.paused is not None and body.paused != (seen.status == PAUSED):
            act = self._opening.pause if body.paused else self._opening.resume
            await act(seen, actor)
        else:
            await self._change(seen, body, actor)
        async with self._database.read() as session:
            return await self._read(session, seen.id)

    async def _change(self, seen: Giveaway, body: GiveawayBody, actor: Actor) -> None:
        await self._check(seen.guild_id, body, seen)
        moved = int(body.channel_id) if int(body.channel_id) != seen.channel_id else None
        starts_at = body.starts_at if body.starts_at != seen.starts_at else None
        # What is sent is when it ends, also where its start is moved.
        is_kept = body.ends_at == seen.ends_at and starts_at is None
        host_id = int(body.host_id or seen.host_id)
        # One that was put off may last longer than a new one.
        plan = _plan_of(body.model_copy(update={"ends_at": None}), seen.starts_at)
        await self._opening.change(
            seen,
            actor,
            plan,
            starts_at=starts_at,
            ends_at=None if is_kept else body.ends_at,
            # A paused one names no end either.
            is_untimed=body.ends_at is None and seen.ends_at is not None,
            channel_id=moved,
            host_id=host_id if host_id != seen.host_id else None,
        )

    async def remove(self, guild_id: int, item_id: int, revision: int, actor: Actor) -> None:
        """Cancel a giveaway that is open, for good."""
        await self._opening.cancel(await self._seen(guild_id, item_id, revision), actor)

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
            if not _is_id(wanted.instead_of) or wanted.count != 1:
                raise from_field_errors(
                    [FieldError("/draw_again", _("One winner is drawn in the place of one."))],
                    {"draw_again": "draw_again"},
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
            seen.id, by=actor.user_id, count=wanted.count, user_id=user_id, note=note
        )

    async def document(self, guild_id: int, item_id: int) -> Document:
        """Return the proof of a giveaway that was drawn; raises `NotFound` before."""
        async with self._database.read() as session:
            found = await self._find(session, guild_id, item_id)
        proof = await self._proofs.make(guild_id, found.id, NOBODY)
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

    async def _read(self, session: AsyncSession, giveaway_id: UUID) -> Item:
        giveaway = await table.get_giveaway(session, giveaway_id)
        if giveaway is None:
            raise NotFound(_("This giveaway is not there any more."))
        entries = await table.count_entries(session, giveaway_id)
        return _item(giveaway, entries, await table.list_winner_ids(session, giveaway_id))

    async def _check(self, guild_id: int, body: GiveawayBody, seen: Giveaway | None = None) -> None:
        """Raise `InvalidInput` per wrong field, `Denied` for a channel that can't be posted to.

        What is as it was `seen` is not asked about: a channel or a role may be gone by now.
        """
        errors = list(self._foreign(guild_id, body, seen))
        asked = plan_of(seen).requirements.level if seen else None
        if (body.requirements.level or 0) > (asked or 0) and not (
            await self._settings.get(guild_id, LEVELS)
        ).enabled:
            message = _(
                "Levels are switched off in this server, so nobody could reach one to enter."
            )
            errors.append(FieldError("/requirements/level", message))
        promised = plan_of(seen).total_amount if seen else 0
        if body.winners * (body.prize_amount or 0) > promised and not await is_economy_on(
            self._settings, guild_id
        ):
            errors.append(FieldError("/prize_amount", _("The economy is switched off.")))
        if errors:
            raise from_field_errors(errors, {name: name for name in GiveawayBody.model_fields})
        if seen is not None and int(body.channel_id) == seen.channel_id:
            return
        place = self._state().channel(guild_id, int(body.channel_id))
        refusal = place and can_post(place, ("embed_links",))
        if refusal:
            raise Denied(refusal.message, hint=refusal.fix)

    def _wrong_channel(self, guild_id: int, text: str) -> Iterator[FieldError]:
        place = self._state().channel(guild_id, int(text)) if _is_id(text) else None
        if place is None:
            message = _("There is no channel with the ID {id} in this server.", id=text)
            yield FieldError("/channel_id", message)
        elif place.kind not in PLACES:
            message = _("A giveaway can't be posted in {channel}.", channel=f"<#{place.id}>")
            yield FieldError("/channel_id", message)

    def _foreign(
        self, guild_id: int, body: GiveawayBody, seen: Giveaway | None
    ) -> Iterator[FieldError]:
        """Yield an error for what is newly named and no channel, role or person."""
        state = self._state()
        if seen is None or body.channel_id != str(seen.channel_id):
            yield from self._wrong_channel(guild_id, body.channel_id)
        kept = {(name, one) for name, _at, one in _roles_in(_body_of(seen))} if seen else set()
        for name, pointer, role_id in _roles_in(body):
            if (name, role_id) in kept:
                continue
            if not _is_id(role_id) or state.role(guild_id, int(role_id)) is None:
                message = _("There is no role with the ID {id} in this server.", id=role_id)
                yield FieldError(pointer, message)
            elif int(role_id) == guild_id:
                yield FieldError(pointer, _("Everybody has @everyone: name another role."))
        if body.host_id is not None and not _is_id(body.host_id):
            yield FieldError("/host_id", _("This is no ID."))
        reward = body.reward_role_id
        if reward is not None and _is_id(reward) and ("reward_role_id", reward) not in kept:
            role = state.role(guild_id, int(reward))
            if role is not None and not role.assignable:
                yield FieldError("/reward_role_id", _("I can't give that role."))
            elif role is not None and is_powerful(role):
                yield FieldError(
                    "/reward_role_id",
                    _("That role gives power over the server, so it can't be won."),
                )


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 19 and 0 < int(text) <= _LARGEST_ID


def _roles_in(body: GiveawayBody) -> Iterator[tuple[str, str, str]]:
    """Yield what each role is named for, where it stands, and its id."""
    for name in ("any_roles", "all_roles", "no_roles", "bypass_roles"):
        for index, role_id in enumerate(getattr(body.requirements, name)):
            yield name, f"/requirements/{name}/{index}", role_id
    for index, bonus in enumerate(body.bonus_entries):
        yield "bonus_entries", f"/bonus_entries/{index}/role_id", bonus.role_id
    if body.reward_role_id is not None:
        yield "reward_role_id", "/reward_role_id", body.reward_role_id


def _plan_of(body: GiveawayBody, start: datetime) -> Plan:
    if body.ends_at is not None and body.ends_at <= start:
        raise InvalidInput(_("It has to end after it begins, and within a year."))
    needs = body.requirements
    return checked_plan(
        Plan(
            prize=body.prize,
            winners=body.winners,
            duration=None if body.ends_at is None else body.ends_at - start,
            title=body.title,
            description=body.description,
            requirements=Requirements(
                any_roles=tuple(map(int, needs.any_roles)),
                all_roles=tuple(map(int, needs.all_roles)),
                no_roles=tuple(map(int, needs.no_roles)),
                bypass_roles=tuple(map(int, needs.bypass_roles)),
                account_age=_seconds(needs.account_age),
                time_in_guild=_seconds(needs.time_in_guild),
                level=needs.level,
                messages=needs.messages,
            ),
            bonuses=tuple(Bonus(int(one.role_id), one.entries) for one in body.bonus_entries),
            look=Look(**body.look.model_dump()),
            max_entries=body.max_entries,
            end_at_entries=body.end_at_entries,
            claim_window=_seconds(body.claim_window),
            reward_role_id=int(body.reward_role_id) if body.reward_role_id else None,
            reward_role_time=_seconds(body.reward_role_time),
            prize_amount=body.prize_amount,
        )
    )


def _seconds(count: int | None) -> timedelta | None:
    return None if count is None else timedelta(seconds=min(count, 10**9))


def _item(giveaway: Giveaway, entries: int, winner_ids: Sequence[int]) -> Item:
    body = _body_of(giveaway, entries, winner_ids)
    return Item(giveaway.number, giveaway.revision, body)


def _body_of(
    giveaway: Giveaway, entries: int = 0, winner_ids: Sequence[int] = ()
) -> GiveawayDetail:
    plan, reward = plan_of(giveaway), giveaway.reward_role_id
    return GiveawayDetail(
        id=str(giveaway.number),
        giveaway_id=str(giveaway.id),
        status=giveaway.status,
        channel_id=str(giveaway.channel_id),
        message_id=None if giveaway.message_id is None else str(giveaway.message_id),
        prize=giveaway.prize,
        winners=giveaway.winner_count,
        starts_at=giveaway.starts_at.astimezone(UTC),
        ends_at=giveaway.ends_at,
        host_id=str(giveaway.host_id) if giveaway.host_id else None,
        title=plan.title,
        description=giveaway.description,
        requirements=RequirementsBody.model_validate(
            replace(plan.requirements, messages_since=None).to_json()
        ),
        bonus_entries=[BonusBody.model_validate(one) for one in giveaway.bonus_entries],
        look=LookBody.model_validate(plan.look.to_json()),
        max_entries=giveaway.max_entries,
        end_at_entries=giveaway.end_at_entries,
        claim_window=giveaway.claim_seconds,
        reward_role_id=str(reward) if reward else None,
        reward_role_time=giveaway.reward_role_seconds,
        prize_amount=giveaway.prize_amount,
        entries=entries,
        winner_ids=[str(one) for one in winner_ids],
        paused=giveaway.status == PAUSED,
        commitment=giveaway.commitment,
        created_at=giveaway.created_at,
        ended_at=giveaway.ended_at,
    )
