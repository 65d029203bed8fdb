"""Questions about appeals: asked once, answered once, and told to staff when they get nowhere."""

from __future__ import annotations

import asyncio

import pytest

from bot.core.cases import CaseKind, Told
from bot.core.contracts import Actor
from bot.core.errors import Conflict, Denied, NotFound
from bot.core.outbox import Refused
from cogs.moderation.appealcards import MAX_ANSWER, MAX_QUESTION, MOST_QUESTIONS, appeal_card
from cogs.moderation.questions import LOOK_EVERY
from db import appeals as table
from db.appeals import REJECTED
from db.engine import Database
from tests.bot.core.cases.world import ANN, GUILD
from tests.cogs.moderation.test_appeals import MOD, OTHER, STAFF, Appealed
from tests.fakes import FakeClock


@pytest.fixture
async def world(database: Database, clock: FakeClock) -> Appealed:
    world = Appealed(database, clock)
    await world.start(log=False)
    await world.set(appeal_channel_id=str(STAFF))
    ban = await world.order(CaseKind.BAN)
    await world.outbox.run_due()
    await world.appeals.appeal(ban.id, ANN.id, "I am sorry")
    return world


async def ask(world: Appealed, actor: Actor = MOD, text: str = "Why?") -> table.AppealQuestion:
    appeal = await world.appeals.get(GUILD, 1)
    return await world.appeals.questions.ask(appeal, actor, text)


async def asked(world: Appealed) -> list[str]:
    keys = [row.dedupe_key for row in await world.queued() if row.user_id]
    return [key for key in keys if "question" in key]


async def said(world: Appealed) -> list[str]:
    return [
        row.payload["content"]
        for row in await world.queued()
        if row.channel_id == STAFF and row.payload and "content" in row.payload
    ]


async def test_two_who_ask_at_once_ask_one_thing(world: Appealed, clock: FakeClock) -> None:
    other = Appealed(world.database, clock)

    outcomes = await asyncio.gather(ask(world), ask(other, OTHER), return_exceptions=True)

    (refusal,) = (one for one in outcomes if isinstance(one, BaseException))
    assert isinstance(refusal, Conflict)
    assert (
        len([row for row in await world.queued() if row.user_id and "question" in row.dedupe_key])
        == 1
    )


async def test_answer_sent_twice_at_once_is_one(world: Appealed, clock: FakeClock) -> None:
    question = await ask(world)
    services = [world.appeals.questions, Appealed(world.database, clock).appeals.questions]

    outcomes = await asyncio.gather(
        *(one.answer(question.id, ANN.id, "Because") for one in services), return_exceptions=True
    )

    assert len([one for one in outcomes if isinstance(one, Conflict)]) == 1
    assert len(await said(world)) == 1


async def test_questions_are_bounded(world: Appealed) -> None:
    for number in range(MOST_QUESTIONS):
        question = await ask(world, text=f"{number}?")
        with pytest.raises(Conflict, match="not answered yet"):
            await ask(world)
        await world.appeals.questions.answer(question.id, ANN.id, "!")
    with pytest.raises(Conflict, match="at most"):
        await ask(world)


async def test_only_the_person_asked_answers_while_the_appeal_is_open(world: Appealed) -> None:
    question = await ask(world)
    with pytest.raises(Denied):
        await world.appeals.questions.answer(question.id, 4711, "Me!")
    with pytest.raises(NotFound):
        await world.appeals.questions.answer(4711, ANN.id, "Me!")
    await world.appeals.vote(GUILD, 1, MOD, REJECTED)
    with pytest.raises(Conflict):
        await world.appeals.questions.answer(question.id, ANN.id, "Wait!")
    with pytest.raises(Conflict):
        await ask(world)


async def test_nobody_asks_themselves(world: Appealed) -> None:
    with pytest.raises(Denied):
        await ask(world, Actor(ANN.id, "command", "ann"))


async def test_question_that_gets_nowhere_is_told_to_staff_once(world: Appealed) -> None:
    await world.outbox.run_due()
    world.courier.refused.append(Refused("dms_closed"))
    question = await ask(world)
    await world.outbox.run_due()

    told = await asyncio.gather(
        *(world.appeals.questions.told(question, 0) for _ in range(2)), world.pass_time(LOOK_EVERY)
    )

    assert told[:2] == [Told.REFUSED, Told.REFUSED]
    (text,) = await said(world)
    assert "they take no messages from me" in text
    # It is not lost: the button that they have shows it.
    case = await world.cases.get(GUILD, 1)
    waiting = await world.appeals.questions.waiting(case.id, ANN.id)
    assert waiting is not None
    assert waiting.id == question.id
    await world.appeals.questions.answer(question.id, ANN.id, "Because")
    assert await world.appeals.questions.waiting(case.id, ANN.id) is None


async def test_process_that_died_leaves_a_job_which_tells_staff(
    world: Appealed, clock: FakeClock
) -> None:
    await world.outbox.run_due()
    world.courier.refused.append(Refused("dms_closed"))
    await ask(world)
    await world.outbox.run_due()

    other = Appealed(world.database, clock)
    await other.pass_time(LOOK_EVERY)

    assert len(await said(world)) == 1


async def test_question_that_got_there_is_told_so(world: Appealed) -> None:
    question = await ask(world)
    assert await world.appeals.questions.told(question, 0) is Told.WAITING
    await world.outbox.run_due()
    assert await world.appeals.questions.told(question, 0) is Told.WRITTEN
    await world.pass_time(LOOK_EVERY)
    assert await said(world) == []


async def test_largest_card_is_within_discords_limits(world: Appealed) -> None:
    appeal = await world.appeals.get(GUILD, 1)
    appeal.text = "*" * 1500
    questions = [
        table.AppealQuestion(id=number, question="*" * MAX_QUESTION, answer="*" * MAX_ANSWER)
        for number in range(MOST_QUESTIONS)
    ]
    for locale in ("en", "es-ES"):
        (embed,) = appeal_card(appeal, "*" * 32, {}, locale, questions)["embeds"]
        texts = [embed["title"], embed["description"]]
        for one in embed["fields"]:
            assert len(one["value"]) <= 1024
            texts += [one["name"], one["value"]]
        assert sum(map(len, texts)) <= 6000


async def test_answer_of_many_lines_or_blanks_is_still_shown(world: Appealed) -> None:
    lines = "\n".join("*" for _ in range(MAX_ANSWER // 2))
    for text in (lines, " \n "):
        question = await ask(world)
        await world.appeals.questions.answer(question.id, ANN.id, text)

    assert all(len(one) <= 2000 for one in await said(world))
    (embed,) = (await world.queued())[-2].payload["embeds"]
    assert all(one["value"].strip() for one in embed["fields"])
