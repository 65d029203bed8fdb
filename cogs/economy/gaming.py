"""Games for money: what is staked goes into escrow and comes out of it once; free of discord.py.

A game's row changes in the transaction that moves its money. Accounts are locked before the row, in
one order with everybody else, so that games, payments and undoings wait for each other and no more.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.core.errors import Conflict, Denied, InvalidInput
from bot.core.i18n import Message, _
from bot.core.ledger import Entry, Holder, InsufficientFunds, Move, TransactionKind, post
from cogs.economy.amounts import parse_amount
from cogs.economy.games import Below, Game
from cogs.economy.games.bets import Bet
from cogs.economy.settings import EconomySettings
from cogs.economy.wording import Currency
from db import economy as accounts
from db import economy_games as table
from db.base import NOBODY
from db.economy_games import EconomyGame, GameStatus

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.clock import Clock
    from db.engine import Database

# What a game's transactions have in common; `/economy undo` takes back all of them.
REFERENCE = "game"
# Games that are over are looked at by nobody, but one that was left counts for a day.
GAMES_KEPT = timedelta(days=30)
_HOLDERS = (Holder.MINT, Holder.ESCROW, Holder.HOUSE)


@dataclass(frozen=True, slots=True)
class Seat:
    """Who plays and where; `parent_id` is the channel of a thread, `request_id` the occasion."""

    guild_id: int
    user_id: int
    channel_id: int
    parent_id: int | None
    request_id: int


@dataclass(frozen=True, slots=True)
class Played:
    """A game that is over, and what its player has now."""

    game: EconomyGame
    balance: int


def ensure_playable(settings: EconomySettings, seat: Seat) -> None:
    """Raise `Denied` in words where no game can begin."""
    if not settings.games_enabled:
        raise Denied(
            _("Games are switched off in this server."),
            hint=_("An admin can switch them on with /economy settings."),
        )
    places = settings.game_channel_ids
    if places and not {seat.channel_id, seat.parent_id} & set(places):
        channels = ", ".join(f"<#{one}>" for one in places)
        raise Denied(_("Games are played in {channels} only.", channels=channels))


def agree_stake(settings: EconomySettings, seat: Seat, text: str, available: int) -> int:
    """Return the stake that a text says; raises `InvalidInput` for one that can't be taken."""
    stake = parse_amount(text, available=available)
    currency = Currency.of(settings)
    if not settings.stake_minimum <= stake <= settings.stake_maximum:
        raise InvalidInput(
            _(
                "A stake is from {least} to {most} here.",
                least=currency.amount(settings.stake_minimum),
                most=currency.amount(settings.stake_maximum),
            )
        )
    if stake > available:
        raise InsufficientFunds(Holder.user(seat.user_id), available, stake)
    return stake


async def lock_accounts(session: AsyncSession, guild_id: int, user_id: int) -> int:
    """Keep others from the accounts of a game until the transaction ends; return the balance."""
    ids = await accounts.find_accounts(session, guild_id, {user_id})
    own = ids[accounts.AccountKind.USER.value, user_id]
    shared = {ids[one.kind.value, one.user_id] for one in _HOLDERS}
    return (await accounts.lock_balances(session, {own, *shared}))[own]


async def begin(
    session: AsyncSession,
    seat: Seat,
    game: Game,
    stake: int,
    state: Mapping[str, Any],
    *,
    now: datetime,
    **ended: Any,
) -> EconomyGame | None:
    """Store a game and put its stake into escrow; `ended` says how one ended that is over already.

    Returns None, and changes nothing, when the request had its game or the member has one open.
    """
    values = {"status": GameStatus.OPEN, "staked": stake} | ended
    game_id = await table.add_game(
        session,
        guild_id=seat.guild_id,
        user_id=seat.user_id,
        game=game.value,
        stake=stake,
        state=dict(state),
        channel_id=seat.channel_id,
        request_id=seat.request_id,
        created_at=now,
        moved_at=now,
        **values,
    )
    if game_id is None:
        return None
    begun = await present(session, game_id)
    await put_in(session, begun, stake, "stake", now)
    return begun


async def put_in(
    session: AsyncSession, game: EconomyGame, amount: int, what: str, now: datetime
) -> None:
    """Take an amount from the player into escrow; `what` makes it happen once."""
    moves = (Move(Holder.user(game.user_id), Holder.ESCROW, amount),)
    await _post(session, game, what, moves, kind=TransactionKind.STAKE, now=now)


async def pay_out(
    session: AsyncSession,
    game: EconomyGame,
    *,
    staked: int,
    paid: int,
    now: datetime,
    kind: TransactionKind = TransactionKind.GAME,
) -> None:
    """Take a game's stakes out of escrow: to the player what is paid, to the house what is left."""
    moves = _moves_out(game.user_id, staked, paid)
    await _post(session, game, "settle", moves, kind=kind, now=now)


async def let_go(session: AsyncSession, game_id: int, now: datetime) -> None:
    """Put the stake of a game whose player was erased into the sink: it is nobody's any more."""
    game = await table.take_orphan(session, game_id)
    if game is not None:
        moves = (Move(Holder.ESCROW, Holder.SINK, game.staked),)
        await _post(session, game, "settle", moves, kind=TransactionKind.LAPSE, now=now)


def fitting(paid: int, balance: int) -> int:
    """Return how much of what is paid a member's account has room for; the house keeps the rest.

    A game has to end for whoever is as rich as can be, or its stake lies in escrow for ever.
    """
    return min(paid, accounts.MAX_BALANCE - balance)


def _moves_out(user_id: int, staked: int, paid: int) -> tuple[Move, ...]:
    """Return what becomes of the stakes: the player's part, the house's, and what it adds."""
    player = Holder.user(user_id)
    parts = (
        (Holder.ESCROW, player, min(staked, paid)),
        (Holder.ESCROW, Holder.HOUSE, staked - paid),
        (Holder.HOUSE, player, paid - staked),
    )
    return tuple(Move(source, target, amount) for source, target, amount in parts if amount > 0)


async def _post(
    session: AsyncSession,
    game: EconomyGame,
    what: str,
    moves: tuple[Move, ...],
    *,
    kind: TransactionKind,
    now: datetime,
) -> None:
    reference = f"{REFERENCE}:{game.id}"
    entry = Entry(
        guild_id=game.guild_id,
        kind=kind,
        key=f"{reference}:{what}",
        actor_id=game.user_id or None,
        moves=moves,
        reference=reference,
    )
    await post(session, entry, now)


async def present(session: AsyncSession, game_id: int) -> EconomyGame:
    """Return a game that is known to be there, as it is stored now."""
    found = await table.get_game(session, game_id)
    if found is None:
        raise RuntimeError("a game that was stored just now is not there")
    return found


class Gaming:
    """Plays the games that are over at once, and sees to what staff undo."""

    def __init__(
        self, database: Database, clock: Clock, *, below: Below = secrets.randbelow
    ) -> None:
        self._database = database
        self._clock = clock
        self._below = below

    async def play(self, seat: Seat, bet: Bet, text: str, settings: EconomySettings) -> Played:
        """Play for the stake that a text says, once per request.

        Raises what `ensure_playable` and `agree_stake` do.
        """
        async with self._database.write() as session:
            balance = await lock_accounts(session, seat.guild_id, seat.user_id)
            known = await table.get_requested(session, seat.guild_id, seat.request_id)
            if known is not None:
                return Played(known, balance)
            ensure_playable(settings, seat)
            stake = agree_stake(settings, seat, text, balance)
            game = await self._play(session, seat, bet, stake, balance - stake)
        return Played(game, balance - stake + game.paid)

    async def _play(
        self, session: AsyncSession, seat: Seat, bet: Bet, stake: int, left: int
    ) -> EconomyGame:
        now, fell = self._clock.now(), bet.play(stake, self._below)
        paid = fitting(fell.paid, left)
        game = await begin(
            session,
            seat,
            bet.game,
            stake,
            fell.state,
            now=now,
            status=GameStatus.SETTLED,
            paid=paid,
            ended_at=now,
        )
        if game is None:
            raise Conflict(_("This game was played already."))
        await pay_out(session, game, staked=stake, paid=paid, now=now)
        return game

    async def note_undone(self, session: AsyncSession, reference: str) -> tuple[Message, ...]:
        """Close the game whose transactions are about to be undone, in the same transaction.

        One that has ended by then has all its transactions on record, and they are undone. Nothing
        but money was at stake, so nothing is gone.
        """
        game_id = int(reference.partition(":")[2])
        game = await table.get_game(session, game_id)
        if game is None or game.user_id == NOBODY:
            return ()
        # First the accounts, then the game, as everybody does who moves its money.
        await lock_accounts(session, game.guild_id, game.user_id)
        await table.close_undone(session, game_id, self._clock.now())
        return ()


async def purge(session: AsyncSession, now: datetime) -> None:
    """Delete the games that were over long ago; the ledger keeps what they moved."""
    await table.purge_games(session, now - GAMES_KEPT)
