"""Trades: what is offered is set aside, then swapped or given back, once; free of discord.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.core.errors import AppError, Conflict, Denied, NotFound
from bot.core.goods import at_once, choose_pieces, count_pieces, take_from, title_of
from bot.core.i18n import N_, Message, _
from bot.core.jobs import Job
from bot.core.ledger import Entry, Holder, InsufficientFunds, Move, TransactionKind, hold, post
from cogs.economy.inventory import Receiver, ensure_receivable
from cogs.economy.shop_rules import pieces_from_json, pieces_to_json, soonest_end
from cogs.economy.trade_rules import Proposal, Side, check_proposal, offer_end
from cogs.economy.wording import too_little
from db import economy_inventory as inventory
from db import economy_trades as table
from db.base import NOBODY
from db.economy import room_of
from db.economy_inventory import Pieces
from db.economy_shop import ShopItem, find_item_by_id, get_item, list_items_by_id
from db.economy_trades import ACCEPTED, CANCELLED, DECLINED, EXPIRED, OPEN, ORPHANED, Trade

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncSession

    from cogs.economy.shop_office import ShopOffice

JOB = "economy.trade_end"
REFERENCE = "trade"
_OWN = (Holder.MINT, Holder.SINK, Holder.ESCROW, Holder.HOUSE)


@dataclass(frozen=True, slots=True)
class Deal:
    """A trade as people read it: the items of either side are named."""

    trade: Trade
    given: ShopItem | None
    wanted: ShopItem | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a member offers another; `key` names the occasion."""

    guild_id: int
    user_id: int
    partner: Receiver
    proposal: Proposal
    key: str


class Trading:
    """Keeps the trades of all guilds."""

    def __init__(self, office: ShopOffice) -> None:
        self._office = office

    def start(self) -> None:
        """Go on with the offers of earlier runs."""
        self._office.jobs.register(JOB, self._expire, outlasts_absence=True)

    async def offer(self, offer: Offer) -> Deal:
        """Set aside what a member offers, for another to accept.

        Raises in words where it is no trade, the member does not have it, or an earlier offer to
        the same member is open. The same key offers once.
        """
        ensure_receivable(offer.user_id, offer.partner)
        check_proposal(offer.proposal)
        try:
            async with self._office.database.write() as session:
                return await self._make(session, offer)
        except InsufficientFunds as error:
            raise too_little(await self._office.currency(offer.guild_id), error) from error

    async def _make(self, session: AsyncSession, offer: Offer) -> Deal:
        now, give = self._office.clock.now(), offer.proposal.give
        given = await self._item(session, offer.guild_id, give)
        await self._item(session, offer.guild_id, offer.proposal.want)
        await self._hold(session, offer.guild_id, offer.user_id)
        trade_id = await table.add_trade(session, _values_of(offer, now))
        if trade_id is None:
            trade = await table.find_trade(session, offer.guild_id, offer.key)
            if trade is None:
                raise _open_already(offer.partner.user_id)
            return await self._deal(session, trade)
        pieces: tuple[Pieces, ...] = ()
        if given is not None:
            await inventory.lock_lots(session, offer.guild_id, {offer.user_id}, {given.id})
            pieces = await take_from(session, given, offer.user_id, give.quantity, now)
        expires_at = offer_end(now, soonest_end(pieces))
        await table.change_trade(
            session, trade_id, pieces=pieces_to_json(pieces), expires_at=expires_at
        )
        trade = await self._get(session, trade_id)
        aside = (Holder.user(offer.user_id), Holder.ESCROW, give.coins)
        await self._post(session, trade, TransactionKind.OFFER, offer.user_id, aside)
        await self._office.jobs.schedule(
            session,
            JOB,
            expires_at,
            {"trade_id": trade_id},
            dedupe_key=f"{JOB}:{trade_id}",
            guild_id=offer.guild_id,
        )
        return await self._deal(session, trade)

    async def accept(self, trade_id: int, user_id: int) -> Deal:
        """Swap what was offered for what is wanted, both at once.

        Raises in words where the offer is not open, not to this member, or they lack what is
        wanted; then it stays open.
        """
        guild_id = 0
        try:
            async with self._office.database.write() as session:
                now = self._office.clock.now()
                await self._hold_of(session, trade_id)
                trade = await table.end_trade(
                    session, trade_id, ACCEPTED, now, partner_id=user_id, in_time=True
                )
                if trade is None:
                    raise await self._why_not(session, trade_id, user_id)
                guild_id = trade.guild_id
                await self._swap(session, trade, now)
                await self._office.jobs.cancel(session, f"{JOB}:{trade_id}")
                return await self._deal(session, await self._get(session, trade_id))
        except InsufficientFunds as error:
            raise too_little(await self._office.currency(guild_id), error) from error

    async def _swap(self, session: AsyncSession, trade: Trade, now: datetime) -> None:
        offerer, partner = trade.user_id, trade.partner_id
        items = {one for one in (trade.give_item_id, trade.want_item_id) if one is not None}
        await inventory.lock_lots(session, trade.guild_id, {offerer, partner}, items)
        if trade.want_item_id is not None:
            item = await get_item(session, trade.guild_id, trade.want_item_id)
            if item is None:
                raise _no_item()
            wanted = await take_from(session, item, partner, trade.want_quantity, now)
            await inventory.add_pieces(session, trade.guild_id, offerer, item.id, wanted)
            await table.change_trade(session, trade.id, got_pieces=pieces_to_json(wanted))
        await self._hand_pieces(session, trade, partner)
        await self._post(
            session,
            trade,
            TransactionKind.TRADE,
            partner,
            (Holder.ESCROW, Holder.user(partner), trade.give_coins),
            (Holder.user(partner), Holder.user(offerer), trade.want_coins),
        )

    async def _hand_pieces(self, session: AsyncSession, trade: Trade, user_id: int) -> None:
        """Give somebody the pieces that are set aside."""
        if trade.give_item_id is not None:
            item_ids = {trade.give_item_id}
            await inventory.lock_lots(session, trade.guild_id, {user_id}, item_ids)
            pieces = pieces_from_json(trade.pieces)
            await inventory.add_pieces(session, trade.guild_id, user_id, trade.give_item_id, pieces)

    async def decline(self, trade_id: int, user_id: int) -> Deal:
        """Turn an offer down: what was set aside goes back."""
        return await self._end(trade_id, DECLINED, user_id, partner_id=user_id)

    async def cancel(self, trade_id: int, user_id: int) -> Deal:
        """Take one's own offer back."""
        return await self._end(trade_id, CANCELLED, user_id, user_id=user_id)

    async def _end(
        self,
        trade_id: int,
        state: str,
        presser_id: int,
        *,
        user_id: int | None = None,
        partner_id: int | None = None,
    ) -> Deal:
        async with self._office.database.write() as session:
            now = self._office.clock.now()
            await self._hold_of(session, trade_id)
            trade = await table.end_trade(
                session, trade_id, state, now, user_id=user_id, partner_id=partner_id
            )
            if trade is None:
                raise await self._why_not(session, trade_id, presser_id)
            await self._refund(session, trade)
            await self._office.jobs.cancel(session, f"{JOB}:{trade_id}")
            return await self._deal(session, trade)

    async def _expire(self, job: Job, session: AsyncSession) -> None:
        # The state decides: what was swapped or given back is not given back again.
        trade_id, now = int(job.payload["trade_id"]), self._office.clock.now()
        await self._hold_of(session, trade_id)
        trade = await table.end_trade(session, trade_id, EXPIRED, now, in_time=False)
        trade = trade or await table.end_trade(session, trade_id, CANCELLED, now, was=ORPHANED)
        if trade is not None:
            await self._refund(session, trade)

    async def _hold_of(self, session: AsyncSession, trade_id: int) -> None:
        """Lock the accounts of a trade: they come before its row, and before all pieces."""
        if (trade := await table.get_trade(session, trade_id)) is not None:
            await self._hold(session, trade.guild_id, trade.user_id, trade.partner_id)

    async def _hold(self, session: AsyncSession, guild_id: int, *user_ids: int) -> None:
        members = {Holder.user(one) for one in user_ids if one != NOBODY}
        # All of the guild's own: what a refund leaves no room for goes to the sink.
        await hold(session, guild_id, {*_OWN, *members})

    async def _refund(self, session: AsyncSession, trade: Trade) -> None:
        if trade.user_id == NOBODY:
            # Who has offered it was erased: it belongs to nobody any more.
            lost = (Holder.ESCROW, Holder.SINK, trade.give_coins)
            await self._post(session, trade, TransactionKind.LAPSE, None, lost)
            return
        await self._hand_pieces(session, trade, trade.user_id)
        if not trade.give_coins:
            return
        # An offer has to end: what its maker has no room for is lost to them.
        back = min(trade.give_coins, await room_of(session, trade.guild_id, trade.user_id))
        moves = (
            (Holder.ESCROW, Holder.user(trade.user_id), back),
            (Holder.ESCROW, Holder.SINK, trade.give_coins - back),
        )
        await self._post(session, trade, TransactionKind.REFUND, None, *moves)

    async def _post(
        self,
        session: AsyncSession,
        trade: Trade,
        kind: TransactionKind,
        actor_id: int | None,
        *moves: tuple[Holder, Holder, int],
    ) -> None:
        real = tuple(Move(*one) for one in moves if one[2])
        if not real:
            return
        entry = Entry(
            guild_id=trade.guild_id,
            kind=kind,
            key=f"{REFERENCE}:{trade.id}:{kind.value}",
            actor_id=actor_id,
            moves=real,
            reference=f"{REFERENCE}:{trade.id}",
        )
        await post(session, entry, self._office.clock.now())

    # --- looking -------------------------------------------------------------------------------

    async def list_open(self, guild_id: int, user_id: int, *, limit: int) -> Sequence[Deal]:
        """Return the latest open offers of a member."""
        async with self._office.database.read() as session:
            trades = await table.list_open_trades(session, guild_id, user_id, limit=limit)
            ids = {one for row in trades for one in (row.give_item_id, row.want_item_id) if one}
            items = {one.id: one for one in await list_items_by_id(session, ids)}
        return [
            Deal(row, items.get(row.give_item_id or 0), items.get(row.want_item_id or 0))
            for row in trades
        ]

    async def get(self, guild_id: int, trade_id: int) -> Deal:
        """Return a trade of a guild; raises `NotFound`."""
        async with self._office.database.read() as session:
            trade = await self._get(session, trade_id)
            if trade.guild_id != guild_id:
                raise _gone()
            return await self._deal(session, trade)

    async def _get(self, session: AsyncSession, trade_id: int) -> Trade:
        trade = await table.get_trade(session, trade_id)
        if trade is None:
            raise _gone()
        return trade

    async def _deal(self, session: AsyncSession, trade: Trade) -> Deal:
        found: list[ShopItem | None] = [
            None if one is None else await get_item(session, trade.guild_id, one)
            for one in (trade.give_item_id, trade.want_item_id)
        ]
        return Deal(trade, found[0], found[1])

    async def _item(self, session: AsyncSession, guild_id: int, side: Side) -> ShopItem | None:
        if side.item_id is None:
            return None
        item = await get_item(session, guild_id, side.item_id)
        if item is None:
            raise _no_item()
        return item

    async def _why_not(self, session: AsyncSession, trade_id: int, user_id: int) -> AppError:
        trade = await table.get_trade(session, trade_id)
        if trade is None:
            return _gone()
        if user_id not in (trade.user_id, trade.partner_id):
            return Denied(_("This trade is between two others."))
        if trade.state == OPEN and trade.expires_at > self._office.clock.now():
            text = _("That is for the other one of you to decide.")
            return Denied(text, hint=_("Whoever made the offer can only take it back."))
        return Conflict(_(_ENDED.get(trade.state, _ENDED[EXPIRED])))

    # --- taking back -----------------------------------------------------------------------------

    async def give_back(self, session: AsyncSession, reference: str) -> tuple[Message, ...]:
        """Take a trade back, in the transaction that moves the money back, and before it does.

        An open offer ends. Of a swap each gets back the pieces that the other one still has; return
        in words what is not there any more.
        """
        trade_id, now = int(reference.partition(":")[2]), self._office.clock.now()
        await self._hold_of(session, trade_id)
        trade = await table.end_trade(session, trade_id, CANCELLED, now)
        trade = trade or await table.end_trade(session, trade_id, CANCELLED, now, was=ORPHANED)
        if trade is not None:
            if trade.user_id != NOBODY:
                await self._hand_pieces(session, trade, trade.user_id)
            await self._office.jobs.cancel(session, f"{JOB}:{trade_id}")
            return ()
        trade = await table.mark_trade_undone(session, trade_id, now)
        if trade is None:
            return ()
        offerer, partner = trade.user_id, trade.partner_id
        there = pieces_from_json(trade.pieces), pieces_from_json(trade.got_pieces)
        items = {one for one in (trade.give_item_id, trade.want_item_id) if one is not None}
        await inventory.lock_lots(session, trade.guild_id, {offerer, partner}, items)
        return (
            *await self._swap_back(session, trade.give_item_id, there[0], partner, offerer),
            *await self._swap_back(session, trade.want_item_id, there[1], offerer, partner),
        )

    async def _swap_back(
        self,
        session: AsyncSession,
        item_id: int | None,
        pieces: Sequence[Pieces],
        holder_id: int,
        owner_id: int,
    ) -> Sequence[Message]:
        item = None if item_id is None else await find_item_by_id(session, item_id)
        if item is None:
            return ()
        now, wanted = self._office.clock.now(), count_pieces(pieces)
        held = await inventory.list_pieces(session, item.guild_id, holder_id, item.id, now)
        there = choose_pieces(held, min(wanted, count_pieces(held))) or ()
        if not await inventory.take_pieces(session, item.guild_id, holder_id, item.id, there):
            raise at_once()
        await inventory.add_pieces(session, item.guild_id, owner_id, item.id, there)
        if (missing := wanted - count_pieces(there)) == 0:
            return ()
        text = _(
            "{count} of {item} could not be given back: {member} does not have them any more.",
            member=f"<@{holder_id}>",
            count=missing,
            item=title_of(item),
        )
        return (text,)


_ENDED = {
    ACCEPTED: N_("This trade was made already."),
    DECLINED: N_("This offer was turned down."),
    CANCELLED: N_("This offer was taken back."),
    ORPHANED: N_("This offer was taken back."),
    EXPIRED: N_("This offer has expired: what was set aside is given back."),
}


def _values_of(offer: Offer, now: datetime) -> dict[str, object]:
    give, want = offer.proposal.give, offer.proposal.want
    return {
        "guild_id": offer.guild_id,
        "user_id": offer.user_id,
        "partner_id": offer.partner.user_id,
        "key": offer.key,
        "give_coins": give.coins,
        "give_item_id": give.item_id,
        "give_quantity": give.quantity,
        "want_coins": want.coins,
        "want_item_id": want.item_id,
        "want_quantity": want.quantity,
        "pieces": [],
        "created_at": now,
        "expires_at": offer_end(now, inventory.NEVER),
    }


def _open_already(partner_id: int) -> Conflict:
    return Conflict(
        _("You have an open offer to {member} already.", member=f"<@{partner_id}>"),
        hint=_("Take it back first: /inventory view shows it."),
    )


def _no_item() -> NotFound:
    return NotFound(_("There is no such item here."), hint=_("/shop shows what there is."))


def _gone() -> NotFound:
    return NotFound(_("This trade is over, and no longer on record."))
