"""Verification in a running bot: the panel, the member's own message, and what staff decide."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from bot.core.imaging.studio import NotDrawnError
from cogs.verification.desk import timer_key
from cogs.verification.drawing import WIDTH
from cogs.verification.easel import Easel
from tests.cogs.moderation.world import text_of
from tests.cogs.verification.gateworld import Yard
from tests.simcord_env import speaking


def labels(message: Any) -> list[str]:
    rows = [one if isinstance(one, dict) else one.to_dict() for one in message.components]
    return [button["label"] for row in rows for button in row["components"]]


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was drawn, in order."""
    drawn: list[str] = []
    draw = Easel.draw

    async def noting(self: Easel, answer: str) -> bytes:
        drawn.append(answer)
        return await draw(self, answer)

    monkeypatch.setattr(Easel, "draw", noting)
    return drawn


async def press(yard: Yard, panel: Any, who: Any = None) -> Any:
    return await (who or yard.ada).click(panel, custom_id="verification:begin")


async def enter(yard: Yard, question: Any, typed: str) -> Any:
    form = await yard.ada.click(question, label="Enter the text")
    return await yard.ada.submit_modal(form, {"typed": typed})


async def test_button_of_the_panel_lets_in(yard: Yard) -> None:
    panel = await yard.panel()
    assert "Welcome to Harbour" in panel.content

    done = await press(yard, panel)
    await yard.work()

    assert done.response.ephemeral
    assert "your role is on its way" in text_of(done)
    assert yard.has_role(yard.ada)
    (line,) = yard.log.history()
    assert line.embeds[0].title == "Verified"


async def test_picture_is_read_in_one_message_of_the_members_own(
    yard: Yard, letters: list[str]
) -> None:
    await yard.set(method="captcha")
    panel = await yard.panel()

    shown = await press(yard, panel)
    question = shown.response
    assert question.ephemeral
    (file,) = question.attachments
    assert Image.open(BytesIO(await file.read())).width == WIDTH
    assert letters[0] not in (file.description or "")
    assert labels(question) == ["Enter the text", "New picture", "Question in words"]

    await yard.ada.click(question, label="New picture")
    assert len(set(letters)) == 2
    missed = await enter(yard, question, "nope")
    assert "That was not right" in text_of(missed)
    assert len(letters) == 3
    done = await enter(yard, question, letters[-1].lower())
    await yard.work()

    assert "your role is on its way" in text_of(done)
    assert yard.has_role(yard.ada)


async def test_question_in_words_needs_no_picture(yard: Yard, letters: list[str]) -> None:
    await yard.set(method="captcha")
    shown = await press(yard, await yard.panel())

    other = await yard.ada.click(shown.response, label="Question in words")

    assert "Which of these words is" in text_of(other)
    assert labels(other.response) == ["Answer", "New question", "Picture instead"]
    assert other.response.attachments == []


async def test_under_load_the_question_comes_in_words(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_self: Easel, _letters: str) -> bytes:
        raise NotDrawnError("full")

    monkeypatch.setattr(Easel, "draw", full)
    await yard.set(method="captcha")
    panel = await yard.panel()

    assert "Which of these words is" in text_of(await press(yard, panel))
    await yard.set(method="captcha", words_offered=False)
    assert "try again in a minute" in text_of(await press(yard, panel))
    monkeypatch.setattr(Easel, "is_full", True)
    await yard.set(method="captcha", words_offered=True)
    assert "Which of these words is" in text_of(await press(yard, panel))


async def test_form_is_judged_by_staff_who_may(yard: Yard) -> None:
    long = "Why would you like to be a part of this harbour, of all the harbours?"
    await yard.set(method="form", questions=["Port? = left", long])
    form = await press(yard, await yard.panel())
    done = await yard.ada.submit_modal(form, {"answer1": "Left", "answer2": "To *sail*"})
    assert "Staff read your answers" in text_of(done)
    await yard.bench.deliver()
    (card,) = yard.log.history()
    assert "To \\*sail\\*" in card.embeds[0].fields[1].value

    refused = await yard.ada.click(card, label="Let in")
    assert "Manage Roles" in text_of(refused)
    await yard.mod.click(card, label="Let in")
    await yard.work()

    assert yard.has_role(yard.ada)
    card = yard.log.history()[0]
    assert f"They are let in. Decided by <@{yard.mod.id}>" in card.content
    assert card.components == []


async def test_manual_lets_in_with_the_rights_for_it(yard: Yard) -> None:
    refused = await yard.ada.slash(yard.lobby, "verification manual", member=yard.ada)
    assert "Manage Roles" in text_of(refused)

    done = await yard.mod.slash(yard.lobby, "verification manual", member=yard.ada)
    await yard.work()

    assert "They are let in" in text_of(done)
    assert yard.has_role(yard.ada)


async def test_post_says_what_is_missing(yard: Yard) -> None:
    await yard.set(enabled=False, channel_id=None)

    nowhere = await yard.mod.slash(yard.lobby, "verification post")
    assert "no verification channel" in text_of(nowhere)
    posted = await yard.mod.slash(yard.lobby, "verification post", channel=yard.lobby)
    assert "still switched off" in text_of(posted)
    await yard.bench.deliver()

    pressed = await press(yard, yard.lobby.last_message)
    assert "switched off" in text_of(pressed)


async def test_join_starts_the_time_and_departure_ends_it(yard: Yard) -> None:
    await yard.set(remind_after=3600)
    eve = yard.guild.add_member(yard.bench.env.create_user("eve"))
    bob = yard.guild.add_member(yard.bench.env.create_user("bob"))
    await yard.bench.env.settle()
    yard.guild.remove_member(bob)
    await yard.bench.env.settle()

    kernel = yard.bench.kernel
    async with kernel.database.read() as session:
        runs = {
            who.name: await kernel.jobs.is_open(session, timer_key(yard.guild.id, who.id))
            for who in (eve, bob)
        }

    assert runs == {"eve": True, "bob": False}


async def test_member_is_answered_in_their_language(yard: Yard) -> None:
    await yard.set(method="captcha")
    panel = await yard.panel()

    async with speaking("es-ES"):
        shown = await press(yard, panel)
        other = await yard.ada.click(shown.response, label="Pregunta en palabras")

    assert "¿Cuál de estas palabras es" in text_of(other)
