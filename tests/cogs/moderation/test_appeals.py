"""Appeals: from the button in the farewell to the staff's decision, which comes about once."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import discord
import pytest

from bot.core.cases import Case, CaseKind, CaseState, NotPermitted
from bot.core.contracts import Actor
from bot.core.errors import Conflict, Denied, NotFound, RateLimited
from cogs.moderation.appealing import AppealService
from db.appeals import ACCEPTED, OPEN, REJECTED
from db.engine import Database
from tests.bot.core.cases.world import ANN, GUILD
from tests.cogs.moderation.feature_world import ModeratedWorld
from tests.cogs.moderation.world import STAFF_RIGHTS, Place, text_of
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


async def test_accepted_appeal_that_can_not_be_lifted_yet_is_told_and_comes_true(
    world: Appealed, ban: Case
) -> None:
    await world.appeals.appeal(ban.id, ANN.id, "I am sorry")
    await world.appeals.vote(GUILD, 1, MOD, ACCEPTED)
    for _attempt in range(2):
        world.discord.before = [NotPermitted("missing_permissions")]
        await world.pass_time(700)
    assert ANN.id in world.discord.bans
    assert await world.told() == []
    stuck = [row for row in await world.queued() if row.dedupe_key.endswith(":stuck")]
    assert [row.channel_id for row in stuck] == [STAFF]
    assert "can't lift it yet" in json.dumps(stuck[0].payload)

    await world.pass_time(700)

    assert ANN.id not in world.discord.bans
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


async def test_open_appeal_is_told_from_one_that_has_to_wait(world: Appealed, ban: Case) -> None:
    await world.appeals.appeal(ban.id, ANN.id, "sorry")
    with pytest.raises(Conflict, match="the moderators see it"):
        await world.appeals.ensure_may(ban.id, ANN.id)


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


@pytest.mark.parametrize("kind", [CaseKind.WARN, CaseKind.KICK, CaseKind.SOFTBAN])
async def test_what_holds_nobody_is_appealed_and_loses_its_points(
    world: Appealed, kind: CaseKind
) -> None:
    await world.set(kick_points=2)
    case = await world.order(kind)
    assert await world.cases.points(GUILD, ANN.id, world.clock.now()) > 0

    await world.appeals.appeal(case.id, ANN.id, "It was a joke")
    await world.appeals.vote(GUILD, 1, MOD, ACCEPTED)
    await world.jobs.run_due()

    assert (await world.cases.get(GUILD, case.number)).state is CaseState.UNDONE
    assert await world.cases.points(GUILD, ANN.id, world.clock.now()) == 0


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


@pytest.mark.parametrize(
    ("kind", "right"),
    [
        ("warn", "moderate_members"),
        ("timeout", "moderate_members"),
        ("kick", "kick_members"),
        ("softban", "ban_members"),
        ("ban", "ban_members"),
    ],
)
async def test_who_could_not_punish_so_decides_nothing(place: Place, kind: str, right: str) -> None:
    await place.set(appeal_channel_id=str(place.log.id))
    options = {"duration": "1h"} if kind == "timeout" else {}
    who = "user" if kind == "ban" else "member"
    await place.say(place.boss, kind, reason="x", **{who: place.ada}, **options)
    case = (await place.cases.list(place.guild.id))[0]
    cog: Any = place.bench.bot.get_cog("Appeals")
    await cog.service.appeal(case.id, place.ada.id, "I am sorry")
    await place.bench.deliver()
    (card,) = (one for one in place.log.history() if one.components)

    def staff_with(rights: discord.Permissions) -> Any:
        role = place.guild.create_role("some", permissions=rights)
        name = "able" if getattr(rights, right) else "unable"
        return place.guild.add_member(place.bench.env.create_user(name), roles=[role])

    rights = discord.Permissions(**{right: True})
    others = discord.Permissions(STAFF_RIGHTS.value & ~rights.value)
    unable, able = staff_with(others), staff_with(rights)
    await place.bench.env.settle()

    assert "You need the permission" in text_of(await unable.click(card, label="Accept"))
    assert "You need the permission" in text_of(await unable.click(card, label="Ask"))
    assert "rejected" in text_of(await able.click(card, label="Reject"))


async def test_staff_ask_and_the_answer_comes_back(place: Place) -> None:
    cog: Any = place.bench.bot.get_cog("Appeals")
    cog.asking_seconds = 0
    await place.set(appeal_channel_id=str(place.log.id))
    await place.say(place.mod, "warn", member=place.ada, reason="x")
    await place.bench.deliver()
    letter = place.ada.user.dm_channel.history()[-1]
    form = await place.ada.user.click(letter, label="Appeal")
    await place.ada.user.submit_modal(form, {"text": "It was a joke"})
    await place.bench.deliver()
    (card,) = (one for one in place.log.history() if one.components)

    form = await place.mod.click(card, label="Ask")
    asked = await place.mod.submit_modal(form, {"text": "Whose *joke*?"})
    assert "comes into this channel" in text_of(asked)
    await place.bench.deliver()
    question = place.ada.user.dm_channel.history()[-1]
    assert "> Whose \\*joke\\*?" in question.content
    form = await place.ada.user.click(question, label="Answer")
    done = await place.ada.user.submit_modal(form, {"text": "@everyone's"})
    assert "Thank you" in text_of(done)
    await place.bench.deliver()

    said = place.log.history()[-1].content
    assert "answered about the appeal against case 1" in said
    assert "> \\@everyone's" in said
    (card,) = (one for one in place.log.history() if one.components)
    fields = {one.name: one.value for one in card.embeds[0].fields}
    assert (fields["Question"], fields["Answer"]) == ("Whose \\*joke\\*?", "\\@everyone's")
    again = await place.ada.user.click(question, label="Answer")
    assert "answered that already" in text_of(again)


async def test_question_is_answered_by_the_first_button_too(place: Place) -> None:
    cog: Any = place.bench.bot.get_cog("Appeals")
    cog.asking_seconds = 0
    await place.set(appeal_channel_id=str(place.log.id))
    await place.say(place.mod, "warn", member=place.ada, reason="x")
    await place.bench.deliver()
    letter = place.ada.user.dm_channel.history()[-1]
    await cog.service.appeal(1, place.ada.id, "It was a joke")

    appeal = await cog.service.get(place.guild.id, 1)
    await cog.service.questions.ask(appeal, Actor(place.mod.id, "command", "mod"), "Whose joke?")
    form = await place.ada.user.click(letter, label="Appeal")
    await place.ada.user.submit_modal(form, {"text": "Mine"})
    await place.bench.deliver()

    assert "> Mine" in place.log.history()[-1].content
