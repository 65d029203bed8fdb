"""Hands of blackjack on a real database: moves, races, hands that are left."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.contracts import ChannelSummary
from bot.core.errors import Conflict, Denied, NotFound
from bot.core.ledger import Holder, InsufficientFunds, Posted, post, undoing
from bot.core.ledger import Move as Stake
from bot.core.nullstate import NullState
from cogs.economy.games.blackjack import Deal, Move
from cogs.economy.hands import HAND_LASTS, JOB, REFUND_EVERY, Hand
from db.economy import MAX_BALANCE, Account
from db.economy_games import GameStatus
from db.engine import Database
from db.people import erase_person, export_person
from tests.cogs.economy.gametable import ELSEWHERE, HALL, GameTable
from tests.cogs.economy.world import ANN, BEN, side_by_side
from tests.fakes import FakeClock
from tests.heldup import until_held_up

POSTING = ("view_channel", "send_messages", "embed_links")


@pytest.fixture
async def hall(database: Database, clock: FakeClock) -> GameTable:
    """Return a process with games, in which Ann has 100."""
    hall = GameTable(database, clock)
    await hall.give(ANN, 100)
    return hall


async def _leave(hall: GameTable, span: timedelta = HAND_LASTS) -> None:
    hall.clock.advance(span)
    await hall.jobs.run_due()


async def test_stake_waits_in_escrow_until_the_hand_is_over(hall: GameTable) -> None:
    hand = await hall.deal("T6T8", "40")
    assert hand.is_new
    assert (hand.balance, await hall.balance(ANN), await hall.escrow()) == (60, 60, 40)
    await hall.sound()

    hand = await hall.move(hand, Move.HIT, "4")
    assert (hand.is_open, hand.balance, await hall.escrow()) == (True, 60, 40)
    hand = await hall.move(hand, Move.STAND)
    assert (hand.game.status, hand.game.paid, hand.balance) == (GameStatus.SETTLED, 80, 140)
    assert (await hall.balance(ANN), await hall.escrow()) == (140, 0)
    assert await hall.kinds() == [("game", 80), ("stake", -40), ("give", 100)]
    await hall.sound()
    # The job has nothing left to do.
    assert not await hall.read(hall.jobs.is_open, f"{JOB}:{hand.game.id}")


@pytest.mark.parametrize(
    ("drawn", "balance"), [("AKT8", 115), ("AKTA", 100), ("T9TA", 90), ("AAAK", 90)]
)
async def test_blackjack_ends_the_hand_at_once(hall: GameTable, drawn: str, balance: int) -> None:
    hand = await hall.deal(drawn, "10")

    assert (hand.game.status, hand.balance) == (GameStatus.SETTLED, balance)
    assert await hall.balance(ANN) == balance
    # The next one can be dealt.
    assert (await hall.deal()).is_new
    await hall.sound()


async def test_doubling_stakes_as_much_again(hall: GameTable) -> None:
    hand = await hall.deal("56T8", "40")
    hand = await hall.move(hand, Move.DOUBLE, "T")

    assert (hand.game.staked, hand.game.paid, hand.balance) == (80, 160, 180)
    assert await hall.kinds() == [("game", 160), ("stake", -40), ("stake", -40), ("give", 100)]
    await hall.sound()


async def test_doubling_without_the_money_changes_nothing(hall: GameTable) -> None:
    hand = await hall.deal("56T8", "60")
    with pytest.raises(InsufficientFunds) as caught:
        await hall.move(hand, Move.DOUBLE, "T")
    assert (caught.value.balance, caught.value.needed) == (40, 60)

    after = await hall.game(hand.game.id)
    assert after is not None
    assert (after.version, after.staked, after.state) == (0, 60, hand.game.state)
    assert (await hall.move(hand, Move.STAND)).is_new
    await hall.sound()


async def test_moves_that_the_hand_does_not_allow_are_refused(hall: GameTable) -> None:
    hand = await hall.move(await hall.deal("22T8"), Move.HIT, "2")
    with pytest.raises(Conflict, match="first two cards"):
        await hall.move(hand, Move.DOUBLE, "2")
    hand = await hall.move(hand, Move.STAND)
    after = await hall.move(hand, Move.HIT, "2")
    assert not after.is_new
    await hall.sound()


async def test_only_the_player_plays(hall: GameTable) -> None:
    hand = await hall.deal()
    with pytest.raises(Denied, match=f"<@{ANN}>"):
        await hall.move(hand, Move.HIT, user_id=BEN)
    hand.game.id += 1
    with pytest.raises(NotFound):
        await hall.move(hand, Move.HIT)
    async with hall.database.write() as session:
        assert (await export_person(session, BEN)).get("economy_accounts", []) == []


async def test_press_on_an_earlier_state_changes_nothing(hall: GameTable) -> None:
    first = await hall.deal("22T8")
    second = await hall.move(first, Move.HIT, "2")
    again = await hall.move(first, Move.HIT, "K")

    assert not again.is_new
    assert (again.game.version, again.deal) == (second.game.version, second.deal)


async def test_one_hand_is_open_and_the_next_command_shows_it(hall: GameTable) -> None:
    hand = await hall.deal("T6T8", "40")
    await hall.hands.note_message(hand.game, HALL, 900)
    # Even where no new one could be dealt.
    hall.use(games_enabled=False)
    shown = await hall.deal("22T8", "60", hall.seat(channel_id=ELSEWHERE))

    assert not shown.is_new
    assert (shown.game.id, shown.game.channel_id, shown.game.message_id) == (1, HALL, 900)
    assert await hall.balance(ANN) == 60
    # What is open ends although games are off now.
    assert (await hall.move(shown, Move.STAND)).game.status == GameStatus.SETTLED
    await hall.sound()


async def test_others_can_have_a_hand_too_and_games_in_between(hall: GameTable) -> None:
    await hall.give(BEN, 50)
    assert (await hall.deal(seat=hall.seat(BEN))).is_new
    assert (await hall.deal()).is_new
    assert (await hall.play()).game.status == GameStatus.SETTLED
    await hall.sound()


async def test_twenty_commands_at_once_deal_one_hand(hall: GameTable) -> None:
    others = [GameTable(hall.database, hall.clock) for _process in range(20)]
    came = await side_by_side(one.deal("T6T8", "40", hall.seat()) for one in others)
    assert [one for one in came if not isinstance(one, Hand)] == []
    assert len({one.game.id for one in came}) == 1
    assert [one.is_new for one in came].count(True) == 1
    assert (await hall.balance(ANN), await hall.escrow()) == (60, 40)
    await hall.sound()


@pytest.mark.parametrize(("move", "drawn", "balance"), [("stand", "", 60), ("double", "5", 180)])
async def test_twenty_presses_at_once_settle_once(
    hall: GameTable, move: str, drawn: str, balance: int
) -> None:
    hand = await hall.deal("T6T8", "40")
    others = [GameTable(hall.database, hall.clock) for _process in range(20)]
    came = await side_by_side(one.move(hand, Move(move), drawn) for one in others)

    assert [one for one in came if not isinstance(one, Hand)] == []
    assert [one.is_new for one in came].count(True) == 1
    assert {one.game.status for one in came} == {GameStatus.SETTLED}
    assert {one.balance for one in came} == {balance}
    assert await hall.balance(ANN) == balance
    await hall.sound()


async def test_different_presses_at_once_are_one_move(hall: GameTable) -> None:
    hand = await hall.deal("22T8", "40")
    others = [GameTable(hall.database, hall.clock) for _process in range(12)]
    moves = [*Move] * 4
    came = await side_by_side(
        one.move(hand, move, "22222") for one, move in zip(others, moves, strict=True)
    )
    assert [one for one in came if not isinstance(one, Hand)] == []
    assert [one.is_new for one in came].count(True) == 1
    await hall.sound()


# --- hands that are left --------------------------------------------------------------------------


async def test_hand_that_is_left_gives_its_stake_back(hall: GameTable) -> None:
    hand = await hall.deal("T6T8", "40")
    await hall.hands.note_message(hand.game, HALL, 900)
    await _leave(hall, HAND_LASTS - timedelta(seconds=1))
    assert await hall.escrow() == 40
    await _leave(hall, timedelta(seconds=1))

    game = await hall.game(hand.game.id)
    assert game is not None
    assert (game.status, game.paid) == (GameStatus.REFUNDED, 40)
    assert (await hall.balance(ANN), await hall.escrow()) == (100, 0)
    assert await hall.kinds() == [("refund", 40), ("stake", -40), ("give", 100)]
    (edit,) = await hall.edits()
    assert (edit.channel_id, edit.message_id) == (HALL, 900)
    assert "left this hand" in edit.payload["embeds"][0]["description"]
    assert "??" in edit.payload["embeds"][0]["description"]
    assert edit.payload["components"] == []
    await hall.sound()

    late = await hall.move(hand, Move.HIT, "2")
    assert not late.is_new
    assert await hall.balance(ANN) == 100


@pytest.mark.parametrize(("rights", "edits"), [((), 0), (POSTING, 1)])
async def test_message_is_left_alone_where_the_bot_may_not_post(
    hall: GameTable, rights: tuple[str, ...], edits: int
) -> None:
    class View(NullState):
        def channel(self, guild_id: int, channel_id: int) -> ChannelSummary | None:
            return ChannelSummary(
                channel_id, guild_id, "hall", "text", bot_permissions=frozenset(rights)
            )

    hall.view = View()
    hand = await hall.deal("T6T8", "40")
    await hall.hands.note_message(hand.game, HALL, 900)
    await _leave(hall)
    assert await hall.balance(ANN) == 100
    assert len(await hall.edits()) == edits


async def test_refund_is_made_after_a_restart(hall: GameTable) -> None:
    await hall.deal("T6T8", "40")
    restarted = GameTable(hall.database, hall.clock)
    await _leave(restarted, timedelta(days=3))
    await _leave(restarted, timedelta(days=3))

    assert (await hall.balance(ANN), await hall.escrow()) == (100, 0)
    assert [one.status for one in await hall.games()] == [GameStatus.REFUNDED]
    # Nobody knows where it was shown.
    assert await hall.edits() == []
    await hall.sound()


async def test_time_begins_anew_with_each_move(hall: GameTable) -> None:
    hand = await hall.deal("22T8", "40")
    hall.clock.advance(timedelta(minutes=50))
    hand = await hall.move(hand, Move.HIT, "2", channel_id=HALL, message_id=901)
    await _leave(hall, timedelta(minutes=59))
    assert await hall.escrow() == 40
    await _leave(hall, timedelta(minutes=1))
    assert (await hall.balance(ANN), await hall.escrow()) == (100, 0)
    # The message of the last press is the one that is brought up to date.
    assert [one.message_id for one in await hall.edits()] == [901]


async def test_second_hand_that_is_left_in_a_day_is_played_as_it_lies(hall: GameTable) -> None:
    await hall.deal("T6T8", "40")
    await _leave(hall)
    hand = await hall.deal("T6T8", "40")
    await hall.hands.note_message(hand.game, HALL, 902)
    await _leave(hall)

    assert [one.status for one in await hall.games()] == [GameStatus.REFUNDED, GameStatus.SETTLED]
    assert (await hall.balance(ANN), await hall.own(Holder.HOUSE)) == (60, 40)
    (edit,) = await hall.edits()
    assert "played as it lay" in edit.payload["embeds"][0]["description"]
    await hall.deal("T9T8", "40")
    await _leave(hall)
    assert await hall.balance(ANN) == 100

    await hall.deal("T6T8", "40")
    await _leave(hall, REFUND_EVERY)
    assert await hall.balance(ANN) == 100
    await hall.sound()


async def test_press_and_refund_at_once_settle_once(hall: GameTable) -> None:
    hand = await hall.deal("T6T8", "40")
    other = GameTable(hall.database, hall.clock)
    hall.clock.advance(HAND_LASTS)
    await side_by_side([hall.jobs.run_due(), other.move(hand, Move.STAND), other.jobs.run_due()])
    game = await hall.game(hand.game.id)
    assert game is not None
    assert game.status in (GameStatus.SETTLED, GameStatus.REFUNDED)
    assert await hall.balance(ANN) == (100 if game.status == GameStatus.REFUNDED else 60)
    assert await hall.escrow() == 0
    await hall.sound()


async def test_undone_hand_pays_nothing_more(hall: GameTable) -> None:
    hand = await hall.deal("T6T8", "40")
    await hall.treasury.undo(hall.order(ANN), 2)
    assert (await hall.balance(ANN), await hall.escrow()) == (100, 0)

    after = await hall.move(hand, Move.STAND)
    assert not after.is_new
    assert after.game.status == GameStatus.UNDONE
    await _leave(hall)
    assert await hall.balance(ANN) == 100
    assert (await hall.deal()).is_new
    await hall.sound()


async def test_undoing_and_ending_at_once_leaves_the_books_even(hall: GameTable) -> None:
    hand = await hall.deal("T9T8", "40")
    other = GameTable(hall.database, hall.clock)
    await side_by_side([hall.treasury.undo(hall.order(ANN), 2), other.move(hand, Move.STAND)])

    game = await hall.game(hand.game.id)
    assert game is not None
    expected = {GameStatus.UNDONE: (100,), GameStatus.SETTLED: (140, 100)}
    assert await hall.balance(ANN) in expected[GameStatus(game.status)]
    await hall.sound()


async def test_hand_that_is_being_undone_does_not_end(
    postgres_database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # SQLite has one writer at a time: there nothing comes between.
    hall = GameTable(postgres_database, clock)
    await hall.give(ANN, 100)
    # What is of others in escrow could pay for it twice.
    await hall.give(BEN, 100)
    await hall.deal("T6T8", "100", hall.seat(BEN))
    hand = await hall.deal("T9T8", "40")
    moves: list[asyncio.Task[Any]] = []

    async def move_first(session: AsyncSession, *values: Any) -> Posted:
        monkeypatch.undo()
        moves.append(asyncio.create_task(hall.move(hand, Move.STAND)))
        await until_held_up(session, moves[0].done)
        assert not moves[0].done()
        return await post(session, *values)

    monkeypatch.setattr(undoing, "post", move_first)
    await hall.treasury.undo(hall.order(ANN), 4)
    # Nor do the two wait for each other: the move finds the hand as it is then.
    after = await moves[0]
    assert (after.is_new, after.game.status) == (False, GameStatus.UNDONE)
    assert (await hall.balance(ANN), await hall.escrow()) == (100, 100)
    await hall.sound()


async def test_erased_player_s_open_hand_ends_without_them(hall: GameTable) -> None:
    await hall.play()
    hand = await hall.deal("T6T8", "40")
    async with hall.database.write() as session:
        await erase_person(session, ANN)
        assert "economy_games" not in await export_person(session, ANN)
    await hall.sound()
    with pytest.raises(NotFound, match="long since"):
        await hall.move(hand, Move.STAND)

    await _leave(hall)
    assert (await hall.escrow(), await hall.games()) == (0, [])
    await hall.sound()
    async with hall.database.write() as session:
        assert await session.scalar(select(Account.id).where(Account.user_id == ANN)) is None


async def test_stored_cards_are_those_that_were_dealt(hall: GameTable) -> None:
    hand = await hall.deal("T6T8")
    stored = await hall.game(hand.game.id)
    assert stored is not None
    assert Deal.from_json(stored.state) == hand.deal == Deal((9, 5), (9, 7))


@pytest.mark.parametrize("status", [GameStatus.REFUNDED, GameStatus.SETTLED])
async def test_hand_of_the_richest_still_ends(hall: GameTable, status: GameStatus) -> None:
    """What their account has no room for stays with the house."""
    if status is GameStatus.SETTLED:
        # The one refund of the day is used up.
        await hall.deal("T6T8", "10")
        await _leave(hall)
    hand = await hall.deal("TTT8", "40")
    await hall.post(Stake(Holder.MINT, Holder.user(ANN), MAX_BALANCE - 70))
    await _leave(hall)

    game = await hall.game(hand.game.id)
    assert game is not None
    assert (game.status, game.paid) == (status, 10)
    assert (await hall.balance(ANN), await hall.escrow()) == (MAX_BALANCE, 0)
    await hall.sound()


async def test_move_of_the_richest_ends_the_hand(hall: GameTable) -> None:
    hand = await hall.deal("TTT8", "40")
    await hall.post(Stake(Holder.MINT, Holder.user(ANN), MAX_BALANCE - 60))
    hand = await hall.move(hand, Move.STAND)

    assert (hand.is_open, hand.game.paid, hand.balance) == (False, 0, MAX_BALANCE)
    assert await hall.own(Holder.HOUSE) == 40
    await hall.sound()
