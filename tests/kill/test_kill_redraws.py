"""A process killed while a prize goes to somebody else draws once for it, and pays one winner."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.core.errors import Conflict
from bot.core.outbox import Entry
from bot.delivery import DiscordCourier
from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from cogs.giveaways import board, winning
from cogs.giveaways.proof import Proofs
from db.economy import Transaction
from db.engine import Database
from db.giveaways import (
    ACTIVE,
    EXPIRED,
    PENDING,
    REPLACED,
    WON,
    Giveaway,
    GiveawayPrize,
    GiveawayRound,
    GiveawayWinner,
)
from tests.kill import test_kill_giveaways as kept
from tests.kill.harness import Step, survive
from tests.kill.test_kill_autorole import guild, sandbox  # noqa: F401 - fixtures
from tests.kill.victim import Scene, die

PEOPLE = tuple(range(11, 31))
WINDOW, HOUR = timedelta(seconds=1), timedelta(hours=1)
EXPIRY = r"UPDATE giveaway_winners SET.*claim_until <="
REROLL = r"UPDATE giveaways SET rounds="
AGAIN = {
    "second draw not stored": Step("committing", r"INSERT INTO giveaway_winners", nth=2),
    "second draw stored": Step("committed", r"INSERT INTO giveaway_winners", nth=2),
    "about to announce the second draw": Step("announcing"),
    "second draw announced, not noted": Step("announced"),
}
_CASES = [
    *(
        pytest.param("run_out", step, id=f"nobody claims, {name}")
        for name, step in {
            "end of the time not stored": Step("committing", EXPIRY),
            "time over": Step("committed", EXPIRY),
            **AGAIN,
        }.items()
    ),
    *(
        pytest.param("give_way", step, id=f"host draws again, {name}")
        for name, step in {
            "order not stored": Step("committing", REROLL),
            "ordered": Step("committed", REROLL),
            **AGAIN,
        }.items()
    ),
]


class _Announcer(DiscordCourier):
    """Dies before or after the second draw is announced."""

    moment = ""

    async def deliver(self, entry: Entry) -> int | None:
        is_second = entry.dedupe_key.endswith(":drawn:1")
        if is_second and self.moment == "announcing":
            die()
        message_id = await super().deliver(entry)
        if is_second and self.moment == "announced":
            die()
        return message_id


def run_out(_jobs: Any, _outbox: Any) -> Any:
    """The first winner does not claim in time; whoever is drawn then does."""
    return _drawing_again(WINDOW, is_replaced=False)


def give_way(_jobs: Any, _outbox: Any) -> Any:
    """The host has somebody else drawn in the place of the first winner, who has yet to claim."""
    return _drawing_again(HOUR, is_replaced=True)


def _drawing_again(window: timedelta, *, is_replaced: bool) -> Any:
    async def act(scene: Scene) -> None:
        board.GATHER = board._AGAIN = timedelta(milliseconds=20)
        # Whoever follows is minutes late: nobody waits for what would be made up for.
        winning._AWAY = timedelta(days=1)
        courier = _Announcer(scene.client, scene.clock)
        courier.moment = scene.step.moment
        if scene.step.moment in {"announcing", "announced"}:
            scene.outbox.use(courier)
        house = kept.House(scene)
        (found,) = await scene.client.http.get_guilds(1)
        giveaway = await kept._started(scene, house, int(found["id"]), HOUR)
        if giveaway.status == ACTIVE:
            await kept._enter(scene, house, giveaway, PEOPLE)
            async with scene.database.write() as session:
                # Less than hosts may set: nobody waits for five minutes.
                row = await session.get_one(Giveaway, giveaway.id)
                row.claim_seconds = int(window.total_seconds())
                await house.drawing.close(session, giveaway.id, by=1)
        first = await kept._winner(scene.database)
        if is_replaced and not await _states(scene.database, REPLACED):
            await house.winning.reroll(giveaway.id, by=1, user_id=first.user_id)
        await _claim(scene, house, EXPIRED if not is_replaced else REPLACED)
        await kept._forget_the_end(scene)

    return act


async def _claim(scene: Scene, house: kept.House, gone: str) -> None:
    """Claim for whoever was drawn after the first, as soon as they are."""
    while not await _states(scene.database, WON):
        if not await _states(scene.database, gone):
            await kept.asyncio.sleep(0.02)
            continue
        winner = await kept._winner(scene.database)
        try:
            await house.winning.claim(winner.id, winner.user_id or 0)
        except Conflict:
            continue


async def _states(database: Database, state: str) -> int:
    async with database.read() as session:
        query = select(GiveawayWinner.id).where(GiveawayWinner.state == state)
        return len((await session.scalars(query)).all())


@pytest.mark.parametrize(("scenario", "step"), _CASES)
async def test_kill_at_each_step_of_drawing_again(
    database: Database,
    database_url: str,
    sandbox: Sandbox,  # noqa: F811
    guild: Guild,  # noqa: F811
    scenario: str,
    step: Step,
) -> None:
    guild.add_role(kept.PRIZE_ROLE, permissions=0)
    act = f"tests.kill.test_kill_redraws:{scenario}"
    await survive(database_url, sandbox.api_base_url, act, step)

    async with database.read() as session:
        (giveaway,) = (await session.scalars(select(Giveaway))).all()
        rounds = (await session.scalars(select(GiveawayRound))).all()
        winners = (await session.scalars(select(GiveawayWinner))).all()
        codes = (await session.scalars(select(GiveawayPrize.winner_id))).all()
        paid = (await session.scalars(select(Transaction))).all()
    states = Counter(one.state for one in winners)
    # Whoever was drawn while nobody ran has lost their time as well.
    assert states[WON] == 1
    assert states[EXPIRED] + states[REPLACED] == len(winners) - 1 >= 1
    assert states[PENDING] == 0
    assert len({one.user_id for one in winners}) == len(winners) == len(rounds) == giveaway.rounds
    (winner,) = (one for one in winners if one.state == WON)
    assert [one for one in codes if one] == [winner.id]
    assert len(paid) == 1
    (channel,) = (one for one in guild.channels.values() if one.name == "general")
    said = [one.content or "" for one in channel.messages.values()]
    assert [text[:1] for text in said[1:]] == ["🔒", *"🎉" * len(rounds)]
    proof = await Proofs(database).make(giveaway.guild_id, giveaway.id, 1)
    assert proof is not None
    assert proof.fault is None
