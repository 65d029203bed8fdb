"""Hands of blackjack: dealt, played move by move, and ended by a job when they are left.

Free of discord.py. A press names the version of the hand that it was made on: of many presses one
counts, and the others find the hand as it is now. A hand that is left for an hour gives its stake
back, once a day; after that it is played as it lies, or leaving bad hands would win money.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.core.errors import Conflict, Denied, NotFound
from bot.core.guild_locale import locale_of_guild
from bot.core.i18n import _
from bot.core.jobs import Job, JobService, Retry
from bot.core.ledger import TransactionKind
from bot.core.outbox import Delivery, OutboxService
from bot.core.preflight import can_post
from cogs.economy.game_wording import LEFT, hand_board
from cogs.economy.games import Below, Game, blackjack
from cogs.economy.games.blackjack import Deal, Move
from cogs.economy.gaming import (
    Seat,
    agree_stake,
    begin,
    ensure_playable,
    fitting,
    let_go,
    lock_accounts,
    pay_out,
    present,
    put_in,
)
from cogs.economy.settings import KEY, EconomySettings
from db import economy_games as table
from db.economy import get_balance
from db.economy_games import EconomyGame, GameStatus

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.clock import Clock
    from bot.core.contracts import BotState
    from bot.core.settings import SettingsStore
    from db.engine import Database

JOB = "economy.hand"
# A hand on which nothing was done for so long is over.
HAND_LASTS = timedelta(hours=1)
# A stake comes back once in this time.
REFUND_EVERY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hand:
    """A hand as it is now, and what its player has; `is_new` when the call has changed it."""

    game: EconomyGame
    balance: int
    is_new: bool

    @property
    def deal(self) -> Deal:
        """The cards."""
        return Deal.from_json(self.game.state)

    @property
    def is_open(self) -> bool:
        """Whether it can be played on."""
        return self.game.status == GameStatus.OPEN

    @property
    def ends_at(self) -> datetime:
        """When it is over if nothing is done."""
        return self.game.moved_at + HAND_LASTS


@dataclass(frozen=True, slots=True)
class Press:
    """A move that somebody makes on a hand as they see it, and on which message."""

    game_id: int
    version: int
    guild_id: int
    user_id: int
    move: Move
    channel_id: int | None = None
    message_id: int | None = None


class _Overtaken(Exception):
    """The hand is at another version by now."""


class Hands:
    """Deals, takes moves, and ends what was left."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: SettingsStore,
        *,
        jobs: JobService,
        outbox: OutboxService,
        state: Callable[[], BotState],
        below: Below = secrets.randbelow,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._jobs = jobs
        self._outbox = outbox
        self._state = state
        self._below = below

    def start(self) -> None:
        """Take up the hands that earlier runs have dealt."""
        self._jobs.register(JOB, self._end_left, outlasts_absence=True)

    # --- by the player -------------------------------------------------------------------------

    async def deal(self, seat: Seat, text: str, settings: EconomySettings) -> Hand:
        """Deal a hand for the stake that a text says, or return the one that the player has open.

        Raises what `ensure_playable` and `agree_stake` do.
        """
        async with self._database.write() as session:
            balance = await lock_accounts(session, seat.guild_id, seat.user_id)
            known = await table.get_requested(session, seat.guild_id, seat.request_id)
            known = known or await table.get_open(session, seat.guild_id, seat.user_id)
            if known is not None:
                return Hand(known, balance, is_new=False)
            ensure_playable(settings, seat)
            stake = agree_stake(settings, seat, text, balance)
            game = await self._deal(session, seat, stake, balance - stake)
        return Hand(game, balance - stake + game.paid, is_new=True)

    async def _deal(self, session: AsyncSession, seat: Seat, stake: int, left: int) -> EconomyGame:
        now, dealt = self._clock.now(), blackjack.deal(self._below)
        ended: dict[str, Any] = {}
        if dealt.over:
            paid = fitting(blackjack.payout(dealt, stake), left)
            ended = {"status": GameStatus.SETTLED, "paid": paid, "ended_at": now}
        game = await begin(session, seat, Game.BLACKJACK, stake, dealt.as_json(), now=now, **ended)
        if game is None:
            raise Conflict(_("This hand was dealt already."))
        if dealt.over:
            await pay_out(session, game, staked=stake, paid=game.paid, now=now)
        else:
            await self._jobs.schedule(
                session,
                JOB,
                now + HAND_LASTS,
                {"game": game.id},
                dedupe_key=f"{JOB}:{game.id}",
                guild_id=game.guild_id,
            )
        return game

    async def move(self, press: Press) -> Hand:
        """Make a move, once; one on an earlier version changes nothing and returns what is.

        Raises `NotFound`, `Denied` for the hand of somebody else, `Conflict` for a move that the
        hand does not allow, and `InsufficientFunds` when the stake can't be doubled.
        """
        try:
            async with self._database.write() as session:
                return await self._move(session, press)
        except _Overtaken:
            async with self._database.read() as session:
                game = await self._find(session, press)
                balance = await get_balance(session, game.guild_id, game.user_id)
            return Hand(game, balance, is_new=False)

    async def _move(self, session: AsyncSession, press: Press) -> Hand:
        await self._find(session, press)
        balance = await lock_accounts(session, press.guild_id, press.user_id)
        game = await present(session, press.game_id)
        if game.status != GameStatus.OPEN or game.version != press.version:
            return Hand(game, balance, is_new=False)
        try:
            after = blackjack.play(Deal.from_json(game.state), press.move, self._below)
        except blackjack.IllegalMove as error:
            raise Conflict(_("You can double on your first two cards only.")) from error
        now, staked = self._clock.now(), game.stake * after.stakes
        if staked > game.staked:
            await put_in(session, game, staked - game.staked, "double", now)
            balance -= staked - game.staked
        place = {"channel_id": press.channel_id, "message_id": press.message_id}
        shown = place if press.message_id is not None else {}
        if not after.over:
            return Hand(await self._go_on(session, game, after, now, shown), balance, is_new=True)
        paid = fitting(blackjack.payout(after, game.stake), balance)
        ended = await self._close(session, game, after, now, staked=staked, paid=paid, shown=shown)
        await self._jobs.cancel(session, f"{JOB}:{game.id}")
        return Hand(ended, balance + paid, is_new=True)

    async def _go_on(
        self,
        session: AsyncSession,
        game: EconomyGame,
        after: Deal,
        now: datetime,
        shown: Mapping[str, Any],
    ) -> EconomyGame:
        moved = await table.advance_game(
            session, game.id, game.version, state=after.as_json(), moved_at=now, **shown
        )
        if not moved:
            raise _Overtaken
        return await present(session, game.id)

    async def _find(self, session: AsyncSession, press: Press) -> EconomyGame:
        game = await table.get_game(session, press.game_id)
        orphaned = game is not None and game.status == GameStatus.ORPHANED
        if game is None or game.guild_id != press.guild_id or orphaned:
            raise NotFound(
                _("This hand is over long since."), hint=_("/blackjack deals a new one.")
            )
        if game.user_id != press.user_id:
            raise Denied(
                _("This is the hand of {member}.", member=f"<@{game.user_id}>"),
                hint=_("/blackjack deals you one of your own."),
            )
        return game

    async def note_message(self, game: EconomyGame, channel_id: int, message_id: int) -> None:
        """Note the message that shows an open hand, so that it can be found again."""
        async with self._database.write() as session:
            await table.note_message(session, game.id, channel_id, message_id)

    # --- by nobody -----------------------------------------------------------------------------

    async def _end_left(self, job: Job, session: AsyncSession) -> datetime | None:
        """End a hand that was left; an instant says when to look again."""
        await let_go(session, job.payload["game"], self._clock.now())
        game = await table.get_game(session, job.payload["game"])
        if game is None or game.status != GameStatus.OPEN:
            return None
        # First the accounts, then the hand, as everybody does who moves its money.
        balance = await lock_accounts(session, game.guild_id, game.user_id)
        game, now = await present(session, game.id), self._clock.now()
        if game.status != GameStatus.OPEN:
            return None
        if game.moved_at + HAND_LASTS > now:
            return game.moved_at + HAND_LASTS
        try:
            ended = await self._leave(session, game, balance, now)
        except _Overtaken as error:
            raise Retry(timedelta(seconds=1), "a move came between") from error
        await self._show_end(session, Hand(ended, balance + ended.paid, is_new=True))
        return None

    async def _leave(
        self, session: AsyncSession, game: EconomyGame, balance: int, now: datetime
    ) -> EconomyGame:
        dealt, since = Deal.from_json(game.state), now - REFUND_EVERY
        if await table.was_refunded(session, game.guild_id, game.user_id, since):
            after = blackjack.play(dealt, Move.STAND, self._below)
            paid = fitting(blackjack.payout(after, game.stake), balance)
            return await self._close(
                session, game, after, now, staked=game.staked, paid=paid, left=True
            )
        return await self._close(
            session,
            game,
            dealt,
            now,
            staked=game.staked,
            paid=fitting(game.staked, balance),
            status=GameStatus.REFUNDED,
        )

    async def _close(
        self,
        session: AsyncSession,
        game: EconomyGame,
        after: Deal,
        now: datetime,
        *,
        staked: int,
        paid: int,
        status: GameStatus = GameStatus.SETTLED,
        left: bool = False,
        shown: Mapping[str, Any] | None = None,
    ) -> EconomyGame:
        refunded = status is GameStatus.REFUNDED
        kind = TransactionKind.REFUND if refunded else TransactionKind.GAME
        await pay_out(session, game, staked=staked, paid=paid, now=now, kind=kind)
        state = after.as_json() | ({LEFT: True} if left else {})
        values = {"state": state, "staked": staked, "paid": paid, **(shown or {})}
        closed = await table.advance_game(
            session, game.id, game.version, status=status, ended_at=now, moved_at=now, **values
        )
        if not closed:
            raise _Overtaken
        return await present(session, game.id)

    async def _show_end(self, session: AsyncSession, hand: Hand) -> None:
        """Bring the hand's message up to date, where it is known and the bot may."""
        game = hand.game
        if game.message_id is None:
            return
        # Commands work also where the bot may not write; nobody is to be asked to change that.
        channel = self._state().channel(game.guild_id, game.channel_id)
        if channel is not None and can_post(channel, ("embed_links",)) is not None:
            return
        settings = (await self._settings.get(game.guild_id, KEY)).settings
        locale = await locale_of_guild(self._settings, self._state(), game.guild_id)
        await self._outbox.send(
            session,
            Delivery.edit(
                game.channel_id,
                game.message_id,
                {"embeds": [hand_board(hand, settings, locale)], "components": []},
                dedupe_key=f"{JOB}:{game.id}",
                guild_id=game.guild_id,
                subject_id=game.user_id,
            ),
        )
