"""The gate on each database: questions, answers, races, repeats, staff."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.core.errors import Conflict, InvalidInput
from cogs import verification
from cogs.verification.challenges import Kind
from cogs.verification.rules import MOST_ASKED, PATIENCE
from cogs.verification.steps import Answer, AskForm, AskPicture, AskWords, Told
from db import verification as table
from db.people import erase_person, export_person
from tests.bot.core.cases.world import GUILD, LOG
from tests.cogs.verification.gateworld import (
    ANN,
    BOB,
    MOD,
    OTHER,
    UNVERIFIED,
    VERIFIED,
    GateWorld,
)

QUESTIONS = ["Who may post? = everyone | all", "Why are you here?"]


def text(answer: Answer) -> str:
    assert isinstance(answer, Told), answer
    return answer.text.render("en")


# --- passing ----------------------------------------------------------------------------------


async def test_right_answer_changes_both_roles_and_is_logged(world: GateWorld) -> None:
    world.discord.roles[ANN].add(UNVERIFIED)

    told = await world.answer(await world.ask())

    assert isinstance(told, Told)
    assert told.passed
    assert all(wish.after_screening for wish in await world.wishes())
    await world.roles.run_due()
    assert world.discord.roles[ANN] == {VERIFIED}
    assert await world.logged() == ["Verified"]
    assert world.counted == ["passed"]
    assert text(await world.press()) == "You are verified already."


async def test_button_lets_in_at_once_and_once(world: GateWorld) -> None:
    await world.set(method="button")

    answers = await asyncio.gather(world.press(), world.press())

    assert sorted(text(one)[:7] for one in answers) == ["Welcome", "You hav"]
    assert await world.logged() == ["Verified"]
    assert len(await world.wishes()) == 2


async def test_pending_member_is_sent_to_screening_and_given_nothing(world: GateWorld) -> None:
    asked = await world.ask()
    world.discord.pending.add(ANN)

    assert "accept this server's rules" in text(await world.press())
    assert "accept this server's rules" in text(await world.answer(asked))
    assert await world.wishes() == []

    # Screening takes nothing from them: the same question counts afterwards.
    world.discord.pending.clear()
    assert text(await world.answer(asked)).startswith("Welcome")


async def test_question_in_words_is_as_good_and_can_be_switched_off(world: GateWorld) -> None:
    asked = await world.press(kind=Kind.WORDS)
    assert isinstance(asked, AskWords)
    assert text(await world.answer(asked)).startswith("Welcome")

    open_question = await world.press(BOB, kind=Kind.WORDS)
    await world.set(method="captcha", words_offered=False)
    assert "question is over" in text(await world.answer(open_question, user_id=BOB))
    asked = await world.press(BOB, kind=Kind.WORDS)
    assert isinstance(asked, AskPicture)
    assert not asked.words


async def test_answer_is_read_without_case_and_spaces(world: GateWorld) -> None:
    asked = await world.ask()

    assert text(await world.answer(asked, " ".join(asked.letters.lower()))).startswith("Welcome")


async def test_role_that_is_gone_keeps_members_out_kindly(world: GateWorld) -> None:
    world.view.role_ids.discard(VERIFIED)

    assert "The staff have been told" in text(await world.press())
    with pytest.raises(InvalidInput, match="no role"):
        await world.staff.pass_by_hand(world.person(), MOD)


async def test_role_above_the_bot_waits_and_gives_way_to_the_right_one(world: GateWorld) -> None:
    world.discord.roles[ANN].add(UNVERIFIED)
    world.view.above = {VERIFIED}
    assert "The staff have been told" in text(await world.answer(await world.ask()))
    await world.roles.run_due()

    assert "The staff have been told" in text(await world.press())
    (payload,) = [row.payload for row in await world.queued() if row.channel_id == LOG]
    assert "Drag my role above" in str(payload)
    assert [one.problem.subject for one in await world.problems.list(GUILD)] == [
        f"bot_hierarchy:{VERIFIED}"
    ]

    await world.set(verified_role_id=OTHER)
    await world.settle()
    await world.roles.run_due()
    assert world.discord.roles[ANN] == {OTHER}
    assert await world.wishes() == []
    assert await world.problems.list(GUILD) == []


async def test_whoever_lost_the_role_later_verifies_anew(world: GateWorld) -> None:
    await world.answer(await world.ask())
    assert "as soon as Discord lets me" in text(await world.press())
    await world.roles.run_due()
    world.discord.roles[ANN].clear()
    world.clock.advance(60)

    assert isinstance(await world.press(), AskPicture)


# --- wrong answers ----------------------------------------------------------------------------


async def test_wrong_answers_lead_to_a_pause_and_its_end_to_new_tries(world: GateWorld) -> None:
    await world.set(method="captcha", attempts=2, cooldown=600)
    second = await world.answer(await world.ask(), "wrong")
    assert isinstance(second, AskPicture)
    assert second.note is not None
    assert "1 try left" in second.note.render("en")

    assert "too many attempts" in text(await world.answer(second, "wrong"))
    assert "too many attempts" in text(await world.press())
    assert await world.logged() == ["Too many attempts to verify"]

    world.clock.advance(601)
    assert text(await world.answer(await world.ask())).startswith("Welcome")


async def test_question_takes_one_answer_only(world: GateWorld) -> None:
    asked = await world.ask()
    await world.answer(asked, "wrong")

    # The right answer to a question that is over is worth nothing, and costs nothing.
    assert "question is over" in text(await world.answer(asked))
    assert (await world.row()).attempts == 1
    assert await world.wishes() == []


async def test_question_of_another_is_nobodys(world: GateWorld) -> None:
    asked = await world.ask(ANN)

    assert "question is over" in text(await world.answer(asked, user_id=BOB))
    assert text(await world.answer(asked)).startswith("Welcome")


async def test_late_answer_costs_no_try(world: GateWorld) -> None:
    asked = await world.ask()
    world.clock.advance(PATIENCE)

    assert "took too long" in text(await world.answer(asked))
    assert (await world.row()).attempts == 0


async def test_racing_answers_get_one_try_for_one_question(world: GateWorld) -> None:
    other = GateWorld(world.database, world.clock, world.discord)
    asked = await world.ask()

    answers = await asyncio.gather(
        *(process.answer(asked, "wrong") for process in (world, other, world, other))
    )

    assert sum(isinstance(one, AskPicture) for one in answers) == 1
    assert (await world.row()).attempts == 1


async def test_racing_right_answers_let_in_once(world: GateWorld) -> None:
    other = GateWorld(world.database, world.clock, world.discord)
    asked = await world.ask()

    answers = await asyncio.gather(*(process.answer(asked) for process in (world, other)))

    assert [isinstance(one, Told) and one.passed for one in answers].count(True) == 1
    assert await world.logged() == ["Verified"]


async def test_asking_for_picture_after_picture_leads_to_a_pause(world: GateWorld) -> None:
    for _picture in range(MOST_ASKED):
        await world.ask()

    assert "too many attempts" in text(await world.press())


async def test_leaving_and_coming_back_is_no_way_to_new_tries(world: GateWorld) -> None:
    await world.set(method="captcha", attempts=2)
    asked = await world.ask()
    await world.answer(asked, "wrong")
    await world.timers.member_left(GUILD, ANN)
    assert "question is over" in text(await world.answer(asked))

    assert "too many attempts" in text(await world.answer(await world.ask(), "wrong"))
    await world.timers.member_left(GUILD, ANN)
    assert "too many attempts" in text(await world.press())


async def test_changed_method_ends_open_questions(world: GateWorld) -> None:
    asked = await world.ask()
    await world.set(method="form", questions=QUESTIONS)

    assert "question is over" in text(await world.answer(asked))
    assert isinstance(await world.press(), AskForm)


async def test_stored_row_gives_no_answer_away(world: GateWorld) -> None:
    asked = await world.ask()

    async with world.database.read() as session:
        kept = str(await export_person(session, ANN))
    assert asked.letters not in kept
    assert asked.token not in kept


# --- the form ---------------------------------------------------------------------------------


async def fill_in(world: GateWorld, *answers: str, user_id: int = ANN) -> Answer:
    asked = await world.press(user_id)
    assert isinstance(asked, AskForm), asked
    return await world.gate.answer_form(world.person(user_id), asked.token, answers)


async def test_form_with_known_answers_is_judged_at_once(world: GateWorld) -> None:
    await world.set(method="form", questions=QUESTIONS[:1], attempts=2)

    assert "1 try left" in text(await fill_in(world, "nobody"))
    assert text(await fill_in(world, " EVERYONE ")).startswith("Welcome")
    assert "1 try left" in text(await fill_in(world, "me", user_id=BOB))
    assert "too many" in text(await fill_in(world, "me", user_id=BOB))


async def test_staff_decide_on_open_answers_once(world: GateWorld) -> None:
    await world.set(method="form", questions=QUESTIONS)
    assert "Staff read" in text(await fill_in(world, "all", "to talk"))
    assert "with the staff" in text(await world.press())
    card = await world.card()
    other = GateWorld(world.database, world.clock, world.discord)

    outcomes = await asyncio.gather(
        world.staff.decide(world.person(), card, let_in=True, actor=MOD),
        other.staff.decide(world.person(), card, let_in=False, actor=MOD),
        return_exceptions=True,
    )

    assert [isinstance(one, Conflict) for one in outcomes].count(True) == 1
    assert len(await world.logged()) == 2


async def test_turned_down_answers_lead_to_a_pause_and_a_word(world: GateWorld) -> None:
    await world.set(method="form", questions=QUESTIONS)
    await fill_in(world, "all", "spam")
    first = await world.card()

    await world.staff.decide(world.person(name=""), first, let_in=False, actor=MOD)

    assert "did not accept" in (await world.written())[0]
    assert "too many" not in (await world.written())[0]
    assert "The staff turned your answers down; you can try again <t:" in text(await world.press())
    assert (await world.row()).name == f"ann_{ANN}"
    world.clock.advance(timedelta(hours=1))
    await fill_in(world, "all", "sorry")
    # What staff read on the first card is not what they would decide on now.
    with pytest.raises(Conflict):
        await world.staff.decide(world.person(), first, let_in=True, actor=MOD)
    await world.staff.decide(world.person(), await world.card(), let_in=True, actor=MOD)
    assert len(await world.wishes()) == 2


async def test_answers_to_questions_that_were_changed_are_not_judged(world: GateWorld) -> None:
    await world.set(method="form", questions=QUESTIONS)
    asked = await world.press()
    assert isinstance(asked, AskForm)
    await world.set(method="form", questions=["Something else?"])

    told = await world.gate.answer_form(world.person(), asked.token, ["all", "to talk"])

    assert "question is over" in text(told)


async def test_form_that_staff_could_not_judge_is_not_asked(world: GateWorld) -> None:
    await world.set(method="form", questions=QUESTIONS, log_channel_id=None)
    assert "setup isn't complete" in text(await world.press())

    await world.set(method="form", questions=QUESTIONS[:1], log_channel_id=None)
    assert text(await fill_in(world, "all")).startswith("Welcome")
    # Passes are told in the server's own log then.
    assert await world.logged() == ["Verified"]


# --- staff by hand, and data ------------------------------------------------------------------


async def test_staff_let_in_by_hand_also_who_has_to_pause(world: GateWorld) -> None:
    await world.set(method="captcha", attempts=1)
    await world.answer(await world.ask(), "wrong")

    said = await world.staff.pass_by_hand(world.person(), MOD)

    assert said.render("en") == "They are let in."
    await world.roles.run_due()
    assert world.discord.roles[ANN] == {VERIFIED}
    with pytest.raises(Conflict, match="verified already"):
        await world.staff.pass_by_hand(world.person(), MOD)


async def test_by_hand_is_decided_once(world: GateWorld) -> None:
    await world.staff.pass_by_hand(world.person(), MOD)

    with pytest.raises(Conflict, match="already"):
        await world.staff.pass_by_hand(world.person(), MOD)
    assert await world.logged() == ["Verified by staff"]
    assert world.counted == ["passed"]


async def test_by_hand_screening_still_comes_first(world: GateWorld) -> None:
    world.discord.pending.add(ANN)

    said = await world.staff.pass_by_hand(world.person(), MOD)

    assert "as soon as they have accepted" in said.render("en")
    await world.roles.run_due()
    assert world.discord.roles[ANN] == set()


async def test_erasing_is_no_way_around_wrong_answers(world: GateWorld) -> None:
    await world.answer(await world.ask(), "wrong")
    async with world.database.write() as session:
        await erase_person(session, ANN)
    assert (await world.row()).attempts == 1

    await world.answer(await world.ask())
    async with world.database.write() as session:
        await erase_person(session, ANN)
        assert await table.get_member(session, GUILD, ANN) is None


async def test_erasing_after_leaving_is_no_way_around_wrong_answers_or_a_pause(
    world: GateWorld,
) -> None:
    async def leave_and_erase() -> None:
        await world.timers.member_left(GUILD, ANN)
        async with world.database.write() as session:
            await erase_person(session, ANN, now=world.clock.now(), records=False)

    await world.set(method="captcha", attempts=2, cooldown=600)
    await world.answer(await world.ask(), "wrong")
    await leave_and_erase()
    assert "too many attempts" in text(await world.answer(await world.ask(), "wrong"))
    await leave_and_erase()
    assert "too many attempts" in text(await world.press())

    world.clock.advance(601)
    await leave_and_erase()
    async with world.database.read() as session:
        assert await table.get_member(session, GUILD, ANN) is None


async def test_nightly_purge_forgets_after_a_month(world: GateWorld) -> None:
    await world.ask()
    async with world.database.write() as session:
        assert await verification.purge(session, world.clock.now()) == 0
    later = world.clock.now() + timedelta(days=31)
    async with world.database.write() as session:
        assert await verification.purge(session, later) == 2
