"""Games that are over at once, on a real database: the stake and what it brings, once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.errors import Conflict, Denied, InvalidInput
from bot.core.ledger import Holder, InsufficientFunds, Move
from cogs.economy.games.bets import CoinBet, DuelBet, LuckyBet
from cogs.economy.games.coinflip import Side
from cogs.economy.gaming import GAMES_KEPT, purge
from db.economy import MAX_BALANCE
from db.economy_games import GameStatus
from db.engine import Database
from tests.cogs.economy.gametable import ELSEWHERE, HALL, GameTable
from tests.cogs.economy.world import ANN, BEN, side_by_side
from tests.fakes import FakeClock

HEADS = CoinBet(Side.HEADS)


@pytest.fixture
async def hall(database: Database, clock: FakeClock) -> GameTable:
    """Return a process with games, in which Ann has 100."""
    hall = GameTable(database, clock)
    await hall.give(ANN, 100)
    return hall


async def test_win_is_paid_by_the_house_which_is_given_what_it_lacks(hall: GameTable) -> None:
    hall.draws[:] = [0]
    played = await hall.play("10", HEADS)

    assert played.game.state == {"called": "heads", "fell": "heads"}
    assert (played.game.status, played.game.paid, played.balance) == (GameStatus.SETTLED, 20, 110)
    assert await hall.balance(ANN) == 110
    assert await hall.kinds() == [("game", 20), ("stake", -10), ("give", 100)]
    assert (await hall.own(Holder.HOUSE), await hall.escrow()) == (0, 0)
    await hall.sound()


async def test_loss_goes_to_the_house_which_pays_the_next_win_of_it(hall: GameTable) -> None:
    hall.draws[:] = [49]
    played = await hall.play("30", HEADS)
    assert (played.game.paid, played.balance) == (0, 70)
    assert await hall.own(Holder.HOUSE) == 30
    minted = await hall.own(Holder.MINT)

    hall.draws[:] = [0]
    await hall.play("20", HEADS)
    assert await hall.own(Holder.HOUSE) == 10
    assert await hall.own(Holder.MINT) == minted
    await hall.sound()


async def test_draw_gives_the_stake_back(hall: GameTable) -> None:
    hall.draws[:] = [0, 1, 1, 0]
    played = await hall.play("all", DuelBet())

    assert played.game.state == {"player": [1, 2], "house": [2, 1]}
    assert (played.game.paid, played.balance) == (100, 100)
    await hall.sound()


async def test_lucky_number_and_reels_pay_by_what_falls(hall: GameTable) -> None:
    hall.draws[:] = [3, 3, 0]
    assert (await hall.play("10", LuckyBet(4))).balance == 120
    hall.draws[:] = [19, 18, 19]
    assert (await hall.play("10")).balance == 1110
    hall.draws[:] = [0, 6, 11]
    assert (await hall.play("10")).balance == 1100
    await hall.sound()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-5", "negative"),
        ("0", "at least 1"),
        ("1.5", "fractions"),
        ("9", "from 🪙 10 to 🪙 5,000"),
        ("5001", "from 🪙 10 to 🪙 5,000"),
        ("9223372036854775808", "more than can be moved"),
        ("ten", "no amount"),
    ],
)
async def test_stakes_that_cannot_be_are_answered_in_words(
    hall: GameTable, text: str, said: str
) -> None:
    for begin in (hall.play, lambda stake: hall.deal(stake=stake)):
        with pytest.raises(InvalidInput, match=said):
            await begin(text)
    assert await hall.games() == []
    assert await hall.balance(ANN) == 100


async def test_stake_above_the_balance_is_refused(hall: GameTable) -> None:
    for begin in (hall.play, lambda stake: hall.deal(stake=stake)):
        with pytest.raises(InsufficientFunds) as caught:
            await begin("101")
        assert (caught.value.balance, caught.value.needed) == (100, 101)
    assert await hall.games() == []
    with pytest.raises(InvalidInput):
        await hall.play("all", seat=hall.seat(BEN))


async def test_stakes_are_parts_of_the_balance(hall: GameTable) -> None:
    assert (await hall.play("half")).game.stake == 50
    await hall.give(ANN, 10_000)
    assert (await hall.play("1k")).game.stake == 1000


async def test_games_are_off_and_in_their_channels(hall: GameTable) -> None:
    hall.use(game_channel_ids=(HALL,))
    await hall.play(seat=hall.seat(channel_id=7, parent_id=HALL))
    with pytest.raises(Denied, match=f"<#{HALL}>"):
        await hall.play(seat=hall.seat(channel_id=ELSEWHERE))
    with pytest.raises(Denied, match=f"<#{HALL}>"):
        await hall.deal(seat=hall.seat(channel_id=ELSEWHERE))
    hall.use(games_enabled=False)
    with pytest.raises(Denied, match="switched off"):
        await hall.play()
    with pytest.raises(Denied, match="switched off"):
        await hall.deal()


async def test_request_that_comes_again_is_the_same_game(hall: GameTable) -> None:
    seat = hall.seat()
    hall.draws[:] = [0, 0, 0]
    first = await hall.play("all", seat=seat)
    hall.draws[:] = [19, 19, 19]
    again = await hall.play("all", seat=seat)

    assert again.game.id == first.game.id
    assert again.game.state == first.game.state
    assert await hall.balance(ANN) == again.balance == first.balance
    await hall.sound()


async def test_request_that_comes_many_times_at_once_is_one_game(hall: GameTable) -> None:
    others = [GameTable(hall.database, hall.clock) for _process in range(20)]
    seat = hall.seat()
    came = await side_by_side(one.play("10", HEADS, seat=seat) for one in others)

    assert {one.game.id for one in came} == {1}
    assert await hall.balance(ANN) == 110
    await hall.sound()


async def test_many_games_at_once_stake_no_more_than_there_is(hall: GameTable) -> None:
    tails = CoinBet(Side.TAILS)
    came = await side_by_side(hall.play("60", tails) for _press in range(20))

    refused = [one for one in came if isinstance(one, InsufficientFunds)]
    assert len(refused) == 19
    assert await hall.balance(ANN) == 40
    await hall.sound()


async def test_players_at_once_don_t_lock_each_other_out(hall: GameTable) -> None:
    people = range(100, 110)
    for one in people:
        await hall.give(one, 1000)
    came = await side_by_side(
        step
        for one in people
        for step in (
            hall.play("10", HEADS, seat=hall.seat(one)),
            hall.deal("AKT8", seat=hall.seat(one)),
            hall.pay(one, ANN, 1),
        )
    )
    assert [one for one in came if isinstance(one, BaseException)] == []
    await hall.sound()


async def test_undoing_takes_a_game_back_whole(hall: GameTable) -> None:
    hall.draws[:] = [0]
    await hall.play("10", HEADS)
    await hall.treasury.undo(hall.order(ANN), 3)

    assert await hall.balance(ANN) == 100
    with pytest.raises(Conflict):
        await hall.treasury.undo(hall.order(ANN), 2)
    await hall.sound()


async def test_old_games_are_deleted(hall: GameTable) -> None:
    await hall.play()
    open_hand = await hall.deal()
    hall.clock.advance(GAMES_KEPT + timedelta(seconds=1))
    await hall.give(BEN, 100)
    recent = await hall.play(seat=hall.seat(BEN))
    async with hall.database.write() as session:
        await purge(session, hall.clock.now())

    assert [one.id for one in await hall.games()] == [open_hand.game.id, recent.game.id]


async def test_winnings_are_paid_as_far_as_the_account_has_room(hall: GameTable) -> None:
    await hall.post(Move(Holder.MINT, Holder.user(ANN), MAX_BALANCE - 105))
    hall.draws[:] = [0]
    played = await hall.play("10", HEADS)
    assert (played.game.paid, played.balance) == (15, MAX_BALANCE)
    assert await hall.balance(ANN) == MAX_BALANCE
    await hall.sound()
