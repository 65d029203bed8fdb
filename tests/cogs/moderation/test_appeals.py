"""Appeals: from the button in the farewell to the staff's decision, which comes about once."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from bot.core.cases import Case, CaseKind, CaseState
from bot.core.contracts import Actor
from bot.core.errors import Conflict, Denied, NotFound, RateLimited
from cogs.moderation.appealing import AppealService
from db.appeals import ACCEPTED, OPEN, REJECTED
from db.engine import Database
from tests.bot.core.cases.world import ANN, GUILD
from tests.cogs.moderation.feature_world import ModeratedWorld
from tests.cogs.moderation.world import Place, text_of
from tests.fakes import FakeClock

STAFF = 600
MOD, OTHER, THIRD = (Actor(user_id, "command", "mod") for user_id in (9, 10, 11))


class Appealed(ModeratedWorld):
    def __init__(self, database: Database, clock: FakeClock) -> None:
        super().__init__(database, clock)
        self.appeals = AppealService(
            database,
            clock,
            self.settings,
            cases=self.cases,
            jobs=self.jobs,
            outbox=self.outbox,
            state=lambda: self.view,
        )
        self.appeals.start()

    async def told(self) -> list[str]:
        return [
            json.dumps(row.payload)
            for row in await self.queued()
            if row.user_id == ANN.id and "appeal" in row.dedupe_key
        ]


@pytest.fixture
async def world(database: Database, clock: FakeClock) -> Appealed:
    world = Appealed(database, clock)
    await world.start(log=False)
    await world.set(appeal_channel_id=str(STAFF))
    return world


@pytest.fixture
async def ban(world: Appealed) -> Case:
    return await world.order(CaseKind.BAN)


async def test_accepted_appeal_lifts_the_ban_and_tells(world: Appealed, ban: Case) -> None:
    await world.appeals.appeal(ban.id, ANN.id, "I am sorry")

    assert await world.appeals.vote(GUILD, 1, MOD, ACCEPTED) == ACCEPTED
    # The decision is made; a process that dies here leaves the job.
    assert ANN.id in world.discord.bans
    await world.jobs.run_due()

    assert ANN.id not in world.discord.bans
    case = await world.cases.get(GUILD, ban.number)
    assert (case.state, case.ended_by) == (CaseState.UNDONE, MOD.user_id)
    (text,) = await world.told()
    assert "was accepted" in text


async def test_rejected_appeal_leaves_the_ban_and_tells(world: Appealed, ban: Case) -> None:
    await world.appeals.appeal(ban.id, ANN.id, "I am sorry")
    assert await world.appeals.vote(GUILD, 1, MOD, REJECTED) == REJECTED
    await world.jobs.run_due()
    assert ANN.id in world.discord.bans
    (text,) = await world.told()
    assert "was rejected" in text


async def test_two_votes_at_once_decide_once(world: Appealed, ban: Case, clock: FakeClock) -> None:
    await world.set(appeal_votes=2)
    other = Appealed(world.database, clock)
    await world.appeals.appeal(ban.id, ANN.id, "I am sorry")

    states = await asyncio.gather(
        world.appeals.vote(GUILD, 1, MOD, ACCEPTED), other.appeals.vote(GUILD, 1, OTHER, ACCEPTED)
    )

    assert sorted(states) == [ACCEPTED, OPEN]
    with pytest.raises(Conflict):
        await world.appeals.vote(GUILD, 1, THIRD, REJECTED)


async def test_one_person_has_one_vote_which_may_change(world: Appealed, ban: Case) -> None:
    await world.set(appeal_votes=2)
    await world.appeals.appeal(ban.id, ANN.id, "I am sorry")
    assert await world.appeals.vote(GUILD, 1, MOD, ACCEPTED) == OPEN
    assert await world.appeals.vote(GUILD, 1, MOD, ACCEPTED) == OPEN
    assert await world.appeals.vote(GUILD, 1, MOD, REJECTED) == OPEN
    assert await world.appeals.vote(GUILD, 1, OTHER, REJECTED) == REJECTED


async def test_appeal_sent_twice_at_once_is_one(world: Appealed, ban: Case) -> None:
    outcomes = await asyncio.gather(
        *(world.appeals.appeal(ban.id, ANN.id, "sorry") for _ in range(3)), return_exceptions=True
    )
    assert len([one for one in outcomes if one is None]) == 1


async def test_case_can_be_appealed_again_after_a_pause(world: Appealed, ban: Case) -> None:
    await world.appeals.appeal(ban.id, ANN.id, "sorry")
    await world.appeals.vote(GUILD, 1, MOD, REJECTED)
    with pytest.raises(RateLimited):
        await world.appeals.appeal(ban.id, ANN.id, "sorry")
    world.clock.advance(timedelta(days=8))
    await world.appeals.appeal(ban.id, ANN.id, "sorry")


async def test_only_the_person_it_is_about_appeals_and_never_decides(
    world: Appealed, ban: Case
) -> None:
    with pytest.raises(Denied):
        await world.appeals.appeal(ban.id, 4711, "sorry")
    await world.appeals.appeal(ban.id, ANN.id, "sorry")
    with pytest.raises(Denied):
        await world.appeals.vote(GUILD, 1, Actor(ANN.id, "command", "ann"), ACCEPTED)


async def test_what_is_over_or_nowhere_heard_is_not_appealed(world: Appealed, ban: Case) -> None:
    await world.set(appeal_channel_id=None)
    with pytest.raises(NotFound):
        await world.appeals.appeal(ban.id, ANN.id, "sorry")
    await world.set(appeal_channel_id=str(STAFF))
    await world.cases.undo(GUILD, ban.number, MOD)
    with pytest.raises(Conflict):
        await world.appeals.appeal(ban.id, ANN.id, "sorry")


async def test_timed_out_member_appeals_by_the_button_in_the_message(place: Place) -> None:
    await place.set(appeal_channel_id=str(place.log.id))
    await place.say(place.mod, "timeout", member=place.ada, duration="1h", reason="x")
    await place.bench.deliver()
    letter = place.ada.user.dm_channel.history()[-1]

    form = await place.ada.user.click(letter, label="Appeal")
    done = await place.ada.user.submit_modal(form, {"text": "I am *sorry*"})
    assert "Thank you" in text_of(done)
    await place.bench.deliver()
    (card,) = (one for one in place.log.history() if one.components)
    voted = await place.mod.click(card, label="Accept")
    assert "accepted" in text_of(voted)
    await place.bench.run_jobs()

    case = (await place.cases.list(place.guild.id))[0]
    assert case.state is CaseState.UNDONE
    guild = place.backend.get_guild(place.guild.id)
    assert guild.members[place.ada.id].timed_out_until is None
