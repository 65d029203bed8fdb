"""A prize is its winner's once, runs out once, and goes to somebody who was not drawn before."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

import pytest

from bot.core.errors import ConfigurationError, Conflict, Denied, InvalidInput, NotFound
from bot.core.settings import SettingsStore
from cogs.giveaways.verify import ROUNDS
from db.engine import Database
from db.giveaways import EXPIRED, PENDING, REPLACED, WON
from tests.cogs.giveaways.stage import GUILD, HOST, HOUR, Stage, make_stage
from tests.cogs.giveaways.test_giveaway_drawing import check

ROLE = 70


@pytest.fixture
def stage(database: Database) -> Stage:
    return make_stage(database)


async def ended(stage: Stage, entrants: int = 6, **values: Any) -> tuple[uuid.UUID, list[Any]]:
    """Return a giveaway that was drawn, and its winners."""
    giveaway = await stage.add(**values)
    await stage.fill(giveaway, entrants)
    await stage.end(giveaway)
    return giveaway, [one for one in await stage.drawn(giveaway) if one.state in (PENDING, WON)]


async def states(stage: Stage, giveaway: uuid.UUID) -> dict[int, str]:
    return {one.user_id or 0: one.state for one in await stage.drawn(giveaway)}


async def test_winners_who_need_not_claim_get_their_role_at_once(stage: Stage):
    _giveaway, (winner,) = await ended(stage, reward_role_id=ROLE)

    (wish,) = await stage.wishes()
    assert (wish.user_id, wish.role_id, wish.want) == (winner.user_id, ROLE, True)
    letter = stage.letters()[winner.user_id]
    assert "You have won **A \\*boat\\*** in Garden \\*!" in letter["content"]
    assert f"https://discord.com/channels/{GUILD}/500/4711" in letter["content"]
    assert "components" not in letter
    claimed = await stage.winning.claim(winner.id, winner.user_id)
    assert (claimed.is_new, claimed.code) == (False, None)


async def test_a_prize_is_claimed_once_with_role_and_code(stage: Stage):
    stage.vault.free = ["ABC", "DEF"]
    giveaway, (winner,) = await ended(stage, claim_seconds=3600, reward_role_id=ROLE)
    assert winner.state == PENDING
    assert await stage.wishes() == []
    button = stage.letters()[winner.user_id]["components"][0]["components"][0]
    assert button["custom_id"] == f"giveaways:claim:{winner.id}"
    public = stage.posts()[-1]["components"][0]["components"][0]
    assert public["custom_id"] == f"giveaways:prize:{giveaway}"

    claims = await asyncio.gather(
        stage.winning.claim(winner.id, winner.user_id),
        stage.winning.claim_in(giveaway, winner.user_id),
        stage.winning.claim_in(giveaway, winner.user_id),
    )

    assert sorted(one.is_new for one in claims) == [False, False, True]
    assert {one.code for one in claims} == {"ABC"}
    assert not any(one.is_code_missing for one in claims)
    assert [one.user_id for one in await stage.wishes()] == [winner.user_id]
    await stage.wait(2 * HOUR)
    assert await states(stage, giveaway) == {winner.user_id: WON}


async def test_nobody_claims_what_is_somebody_elses(stage: Stage):
    giveaway, (winner,) = await ended(stage, claim_seconds=3600)
    other = next(one for one in range(1, 7) if one != winner.user_id)

    with pytest.raises(Denied):
        await stage.winning.claim(winner.id, other)
    with pytest.raises(Denied):
        await stage.winning.claim_in(giveaway, other)
    with pytest.raises(Denied):
        await stage.winning.claim(winner.id + 999, winner.user_id)
    assert await states(stage, giveaway) == {winner.user_id: PENDING}


async def test_a_code_that_cant_be_read_leaves_the_prize_unclaimed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    giveaway, (winner,) = await ended(stage, claim_seconds=3600, reward_role_id=ROLE)

    async def unreadable(*_arguments: object) -> str:
        raise ConfigurationError("another key")

    monkeypatch.setattr(stage.vault, "hand_over", unreadable)
    with pytest.raises(ConfigurationError):
        await stage.winning.claim(winner.id, winner.user_id)
    assert await states(stage, giveaway) == {winner.user_id: PENDING}
    assert await stage.wishes() == []


async def test_what_is_not_claimed_in_time_goes_to_somebody_else(stage: Stage):
    giveaway, (winner,) = await ended(stage, claim_seconds=3600, reward_role_id=ROLE)

    stage.clock.advance(HOUR)
    with pytest.raises(Conflict, match="is over"):
        await stage.winning.claim(winner.id, winner.user_id)
    await stage.settle()

    first, second = await stage.drawn(giveaway)
    assert (first.state, second.state, second.round) == (EXPIRED, PENDING, 1)
    assert second.claim_until == stage.clock.now() + HOUR
    assert f"not claimed in time and was drawn again: <@{second.user_id}>" in stage.said()[-1]
    assert (await stage.get(giveaway)).rounds == 2
    assert first.user_id is not None
    assert second.user_id is not None
    with pytest.raises(Conflict):
        await stage.winning.claim_in(giveaway, first.user_id)
    await check(stage, giveaway)

    assert (await stage.winning.claim(second.id, second.user_id)).is_new
    assert [one.user_id for one in await stage.wishes()] == [second.user_id]


async def test_what_runs_out_together_is_drawn_together(stage: Stage):
    giveaway, winners = await ended(stage, 100, winner_count=50, claim_seconds=3600)
    await stage.winning.claim(winners[0].id, winners[0].user_id)
    await stage.wait(HOUR)
    await stage.wait(10)
    rounds = await stage.rounds(giveaway)
    assert [one.wanted for one in rounds] == [50, 49]
    found = list((await states(stage, giveaway)).values())
    assert (found.count(WON), found.count(EXPIRED), found.count(PENDING)) == (1, 49, 49)
    await check(stage, giveaway)


async def test_claim_and_end_of_time_at_once_decide_for_one(stage: Stage):
    giveaway, winners = await ended(stage, 20, winner_count=8, claim_seconds=3600)
    stage.clock.advance(HOUR - timedelta(milliseconds=1))

    begun = asyncio.Event()

    async def claim(winner: Any) -> bool:
        try:
            return (await stage.winning.claim(winner.id, winner.user_id)).is_new
        except Conflict:
            return False
        finally:
            begun.set()

    async def time_passes() -> list[bool]:
        await begun.wait()
        stage.clock.advance(timedelta(milliseconds=1))
        await stage.jobs.run_due()
        return []

    results = await asyncio.gather(
        *(claim(one) for one in winners[:4]), time_passes(), *(claim(one) for one in winners[4:])
    )
    await stage.settle()

    await stage.wait(10)

    claimed = sum(one is True for one in results)
    assert claimed
    found = list((await states(stage, giveaway)).values())
    assert found.count(WON) == claimed
    assert found.count(EXPIRED) == 8 - claimed == found.count(PENDING)
    await check(stage, giveaway)


async def test_when_nobody_is_left_the_end_of_a_claim_says_so(stage: Stage):
    giveaway, (winner,) = await ended(stage, 1, claim_seconds=3600)
    await stage.wait(HOUR)

    assert await states(stage, giveaway) == {winner.user_id: EXPIRED}
    assert f"<@{winner.user_id}> did not claim" in stage.said()[-1]
    assert len(await stage.rounds(giveaway)) == 1


async def test_what_many_left_unclaimed_is_said_once(stage: Stage):
    giveaway, winners = await ended(stage, 5, winner_count=5, claim_seconds=3600)
    await stage.wait(HOUR)

    assert set((await states(stage, giveaway)).values()) == {EXPIRED}
    (said,) = (one for one in stage.said() if "did not claim" in one)
    assert all(f"<@{one.user_id}>" in said for one in winners)


async def test_codes_that_come_after_the_draw_have_a_button(stage: Stage):
    giveaway, (winner,) = await ended(stage)
    assert "components" not in stage.posts()[-1]

    for _ in range(2):
        async with stage.database.write() as session:
            await stage.winning.tell_of_codes(session, giveaway)
    await stage.settle()

    told = stage.posts()[-1]
    assert len(stage.posts()) == 3
    assert told["components"][0]["components"][0]["custom_id"] == f"giveaways:prize:{giveaway}"
    assert told["allowed_mentions"]["users"] == [str(winner.user_id)]
    stage.vault.free = ["LATE"]
    assert (await stage.winning.claim_in(giveaway, winner.user_id)).code == "LATE"


@pytest.mark.parametrize("values", [{"claim_seconds": 3600}, {"ends_at": None}])
async def test_nobody_is_told_of_codes_who_has_a_button_or_has_yet_to_win(
    sqlite_database: Database, values: dict[str, Any]
):
    stage = make_stage(sqlite_database)
    giveaway = await stage.add(**values)
    await stage.fill(giveaway, 2)
    if "claim_seconds" in values:
        await stage.end(giveaway)
    before = len(await stage.queued())
    async with stage.database.write() as session:
        await stage.winning.tell_of_codes(session, giveaway)

    assert len(await stage.queued()) == before


async def test_when_all_draws_are_used_up_the_end_of_a_claim_says_so(stage: Stage):
    giveaway, _winners = await ended(stage, claim_seconds=3600)
    await stage.change(giveaway, rounds=ROUNDS)
    await stage.wait(HOUR)

    assert "It can't be drawn any more" in stage.said()[-1]
    assert len(await stage.rounds(giveaway)) == 1
    with pytest.raises(Conflict, match=f"all its {ROUNDS} draws"):
        await stage.winning.reroll(giveaway, by=HOST)


async def test_further_winners_are_none_who_were_drawn_before(stage: Stage):
    stage.members.gone = {1}
    giveaway, _first = await ended(stage, winner_count=2)

    await stage.winning.reroll(giveaway, by=HOST, count=2)
    await stage.winning.reroll(giveaway, by=HOST, count=50)
    # The second waits for the first.
    await stage.wait(10)
    await stage.wait(10)

    drawn = await stage.drawn(giveaway)
    assert len({one.digest for one in drawn}) == len(drawn) == 6
    assert {one.user_id for one in drawn if one.state == WON} == {2, 3, 4, 5, 6}
    assert [one.requested_by for one in await stage.rounds(giveaway)] == [None, HOST, HOST]
    assert "Drawn again" in stage.said()[-1]
    await check(stage, giveaway)
    with pytest.raises(Conflict, match="drawn already"):
        await stage.winning.reroll(giveaway, by=HOST)


async def test_a_named_winner_gives_way_to_another(stage: Stage):
    giveaway, winners = await ended(stage, winner_count=2, reward_role_id=ROLE, claim_seconds=3600)
    gone, stays = winners
    await stage.winning.claim(gone.id, gone.user_id)

    await stage.winning.reroll(giveaway, by=HOST, user_id=gone.user_id)
    await stage.settle()

    *_, new = await stage.drawn(giveaway)
    found = await states(stage, giveaway)
    assert (found[gone.user_id], found[stays.user_id]) == (REPLACED, PENDING)
    assert new.user_id not in (gone.user_id, stays.user_id)
    (wish,) = await stage.wishes()
    assert (wish.user_id, wish.want) == (gone.user_id, False)
    with pytest.raises(Conflict, match="somebody else"):
        await stage.winning.claim(gone.id, gone.user_id)
    # Its claim ran out, if it had any: nothing more comes of that.
    await stage.wait(HOUR)
    assert (await states(stage, giveaway))[gone.user_id] == REPLACED


async def test_two_hosts_replace_the_same_winner_once(stage: Stage):
    giveaway, (winner,) = await ended(stage)

    results = await asyncio.gather(
        *(stage.winning.reroll(giveaway, by=HOST, user_id=winner.user_id) for _ in range(3)),
        return_exceptions=True,
    )
    await stage.settle()

    assert sum(isinstance(one, NotFound) for one in results) == 2
    assert len(await stage.drawn(giveaway)) == 2


async def test_a_draw_that_can_not_be_noted_is_not_ordered(stage: Stage):
    giveaway, (winner,) = await ended(stage)

    async def note(_session: object) -> None:
        raise OSError

    with pytest.raises(OSError):
        await stage.winning.reroll(giveaway, by=HOST, user_id=winner.user_id, note=note)

    assert await states(stage, giveaway) == {winner.user_id: WON}
    assert len(await stage.rounds(giveaway)) == 1


async def test_a_refused_draw_leaves_the_winner_their_prize(stage: Stage):
    giveaway, (winner,) = await ended(stage, 1)
    with pytest.raises(Conflict):
        await stage.winning.reroll(giveaway, by=HOST, user_id=winner.user_id)
    assert await states(stage, giveaway) == {winner.user_id: WON}


@pytest.mark.parametrize("count", [0, 51, -1])
async def test_the_number_of_further_winners_is_bounded(sqlite_database: Database, count: int):
    stage = make_stage(sqlite_database)
    giveaway, _winners = await ended(stage)
    with pytest.raises(InvalidInput, match="1 to 50"):
        await stage.winning.reroll(giveaway, by=HOST, count=count)


async def test_what_has_not_ended_is_not_drawn_again(sqlite_database: Database):
    stage = make_stage(sqlite_database)
    giveaway = await stage.add()
    with pytest.raises(Conflict, match="has ended"):
        await stage.winning.reroll(giveaway, by=HOST)


async def test_draws_ordered_at_once_are_made_one_after_the_other(stage: Stage):
    """Each excludes whom the one before it drew, which has to be known for that."""
    giveaway, _winners = await ended(stage, 30)
    await asyncio.gather(*(stage.winning.reroll(giveaway, by=HOST, count=3) for _ in range(6)))
    # A draw that looks while the one before it is being stored looks again some seconds later.
    for _turn in range(7):
        await stage.wait(10)

    assert [one.drawn_at is not None for one in await stage.rounds(giveaway)] == [True] * 7
    assert len(await stage.drawn(giveaway)) == 19
    await check(stage, giveaway)


async def test_winners_are_not_written_to_where_the_guild_says_so(sqlite_database: Database):
    stage = make_stage(sqlite_database)
    await stage.set(tell_winners=False)
    giveaway, (winner,) = await ended(stage, claim_seconds=3600)

    assert stage.letters() == {}
    assert (await stage.winning.claim_in(giveaway, winner.user_id)).is_new


async def test_nobody_who_holds_rows_waits_for_another_connection(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
):
    """Each of those who claim at once would hold one and wait for a second."""
    held: list[bool] = []
    holds = ContextVar("holds", default=False)
    load, write = SettingsStore._load, sqlite_database.write

    async def loading(self: SettingsStore, guild_ids: Any) -> Any:
        held.append(holds.get())
        return await load(self, guild_ids)

    @asynccontextmanager
    async def writing() -> AsyncIterator[Any]:
        async with write() as session:
            token = holds.set(True)
            yield session
            holds.reset(token)

    monkeypatch.setattr(SettingsStore, "_load", loading)
    monkeypatch.setattr(sqlite_database, "write", writing)
    _giveaway, (winner,) = await ended(make_stage(sqlite_database), claim_seconds=3600)
    await make_stage(sqlite_database).winning.claim(winner.id, winner.user_id)

    assert held == [False, False]


async def test_everything_is_said_in_the_guilds_language(sqlite_database: Database):
    stage = make_stage(sqlite_database)
    from bot.core.contracts import SYSTEM

    await stage.settings.change(GUILD, "general", {"language": "es"}, actor=SYSTEM)
    _giveaway, (winner,) = await ended(stage, claim_seconds=3600)
    assert "ganado" in stage.said()[-1]
    assert "Has ganado" in stage.letters()[winner.user_id]["content"]
