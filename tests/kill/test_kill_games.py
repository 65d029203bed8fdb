"""A process killed at any step of a game leaves it not begun, open or over, and nothing between."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import select

from bot.core.audit import AuditLog
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.ledger import AlreadyPosted, Entry, Holder, TransactionKind, post
from bot.core.ledger import Move as MoneyMove
from bot.core.nullstate import NullState
from bot.core.settings import SettingsStore
from bot.sandbox import Sandbox
from cogs import economy, general
from cogs.economy import gaming, hands
from cogs.economy.games.bets import CoinBet
from cogs.economy.games.blackjack import Move
from cogs.economy.games.coinflip import Side
from cogs.economy.gaming import Gaming, Seat
from cogs.economy.hands import HAND_LASTS, Hands, Press
from cogs.economy.settings import EconomySettings
from db.economy import AccountKind
from db.economy_books import list_own_balances, list_uneven, list_wrong_balances
from db.economy_games import EconomyGame, GameStatus
from db.engine import Database
from tests.kill.harness import JOB_DONE, Step, run_victim, survive
from tests.kill.test_kill_autorole import sandbox  # noqa: F401 - a fixture
from tests.kill.victim import Scene, die

GUILD, ANN, HALL = 1 << 40, 11, 500
LATER = HAND_LASTS.total_seconds() + 120
STORED, OVER = r"INSERT INTO economy_games", r"UPDATE economy_games SET.* status="
PLAY_STEPS = {
    "game not stored": Step("committing", STORED),
    "game stored": Step("committed", STORED),
    "game added, not its stake": Step("executed", STORED),
    "coin staked, not settled": Step("paying out a coin"),
    "hand about to be settled": Step("paying out a hand"),
    "end not stored": Step("committing", OVER),
    "end stored": Step("committed", OVER),
}
LEAVE_STEPS = {
    "refund not stored": Step("committing", OVER),
    "refund stored": Step("committed", OVER),
    "job not marked done": Step("committing", JOB_DONE),
}


class House:
    """The services as the bot builds them, with a coin and cards that always fall alike."""

    def __init__(self, scene: Scene) -> None:
        database, clock, bus = scene.database, scene.clock, EventBus()
        registry = FeatureRegistry([general.FEATURE, economy.FEATURE])
        audit = AuditLog(clock, bus, scene.supervisor)
        settings = SettingsStore(database, clock, bus, registry, audit, state=NullState)
        self.scene = scene
        self.gaming = Gaming(database, clock, below=lambda _bound: 0)
        self.hands = Hands(
            database,
            clock,
            settings,
            jobs=scene.jobs,
            outbox=scene.outbox,
            state=NullState,
            below=lambda _bound: 0,
        )
        self.hands.start()

    async def give(self) -> None:
        """Have Ann own 100, once."""
        entry = Entry(
            guild_id=GUILD,
            kind=TransactionKind.GIVE,
            key="gift",
            actor_id=1,
            moves=(MoneyMove(Holder.MINT, Holder.user(ANN), 100),),
        )
        with suppress(AlreadyPosted):
            async with self.scene.database.write() as session:
                await post(session, entry, self.scene.clock.now())

    async def toss(self) -> None:
        """Win 10 with the first request."""
        bet = CoinBet(Side.HEADS)
        await self.gaming.play(Seat(GUILD, ANN, HALL, None, 1), bet, "10", EconomySettings())

    async def deal(self) -> Any:
        """Stake 40 on a hand of aces with the second request."""
        return await self.hands.deal(Seat(GUILD, ANN, HALL, None, 2), "40", EconomySettings())


async def _die(*_values: Any, **_named: Any) -> None:
    die()


def play(_jobs: Any, _outbox: Any) -> Callable[[Scene], Awaitable[None]]:
    """Ann tosses a coin, is dealt a hand and stands; who got no answer does it all again."""

    async def act(scene: Scene) -> None:
        for module, moment in ((gaming, "paying out a coin"), (hands, "paying out a hand")):
            if scene.step.moment == moment:
                module.pay_out = _die  # pyright: ignore[reportPrivateImportUsage]
        house = House(scene)
        await house.give()
        await house.toss()
        hand = await house.deal()
        await house.hands.move(Press(hand.game.id, 0, GUILD, ANN, Move.STAND))

    return act


def leave(_jobs: Any, _outbox: Any) -> Callable[[Scene], Awaitable[None]]:
    """Ann is dealt a hand and leaves it."""

    async def act(scene: Scene) -> None:
        house = House(scene)
        await house.give()
        await house.deal()

    return act


async def _ended(database: Database) -> tuple[list[EconomyGame], dict[str, int]]:
    """Return the games and balances, once the books have been found even."""
    async with database.read() as session:
        games = list(await session.scalars(select(EconomyGame).order_by(EconomyGame.id)))
        balances = await list_own_balances(session, GUILD)
        assert await list_wrong_balances(session, GUILD, limit=1) == []
        assert await list_uneven(session, GUILD, limit=1) == []
    assert balances[AccountKind.ESCROW] == 0
    assert sum(balances.values()) == 0
    return games, balances


@pytest.mark.parametrize("step", PLAY_STEPS.values(), ids=PLAY_STEPS.keys())
async def test_kill_at_each_step_of_games(
    database: Database,
    database_url: str,
    sandbox: Sandbox,  # noqa: F811
    step: Step,
) -> None:
    await survive(
        database_url, sandbox.api_base_url, "tests.kill.test_kill_games:play", step, later=60.0
    )

    games, balances = await _ended(database)
    assert [(one.game, one.status, one.paid) for one in games] == [
        ("coinflip", GameStatus.SETTLED, 20),
        ("blackjack", GameStatus.SETTLED, 0),
    ]
    assert balances[AccountKind.USER] == 100 + 10 - 40


@pytest.mark.parametrize("step", LEAVE_STEPS.values(), ids=LEAVE_STEPS.keys())
async def test_kill_while_a_hand_is_refunded(
    database: Database,
    database_url: str,
    sandbox: Sandbox,  # noqa: F811
    step: Step,
) -> None:
    where = (database_url, sandbox.api_base_url, "tests.kill.test_kill_games:leave")
    for moment, later in ((Step("committed", STORED), 0.0), (step, LATER)):
        status, output = await run_victim(*where, moment, later=later)
        assert status == -signal.SIGKILL, output
    status, output = await run_victim(*where, later=LATER + 120)
    assert status == 0, output

    games, balances = await _ended(database)
    assert [(one.status, one.paid) for one in games] == [(GameStatus.REFUNDED, 40)]
    assert balances[AccountKind.USER] == 100
