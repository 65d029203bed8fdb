"""Menus on members and messages, and the forms they open."""

from __future__ import annotations

import pytest

from bot.core.cases import CaseKind
from tests.cogs.moderation.world import Place, text_of


async def test_warn_menu_asks_for_a_reason_and_warns(place: Place) -> None:
    shown = await place.mod.context_menu(place.channel, "Warn", place.ada)
    assert shown.modal["title"] == "Warn ada"

    done = await place.mod.submit_modal(shown, {"reason": "Spoilers"})

    assert "was warned" in text_of(done)
    assert done.response.ephemeral
    (case,) = await place.cases.list(place.guild.id)
    assert (case.kind, case.reason) == (CaseKind.WARN, "Spoilers")


async def test_form_sent_twice_warns_once(place: Place) -> None:
    shown = await place.mod.context_menu(place.channel, "Warn", place.ada)

    first = await place.mod.submit_modal(shown, {"reason": "Spoilers"})
    # simcord does what Discord's client does; a request that is sent again does not ask it.
    shown._interaction.modal_consumed = False
    await place.mod.submit_modal(shown, {"reason": "Spoilers"})

    assert "Case 1" in text_of(first)
    assert len(await place.cases.list(place.guild.id)) == 1


async def test_timeout_menu_begins_with_the_usual_length(place: Place) -> None:
    await place.set(timeout_length="45m")
    shown = await place.mod.context_menu(place.channel, "Timeout", place.ada)

    assert "45m" in str(shown.modal)
    done = await place.mod.submit_modal(shown, {"duration": "2h", "reason": ""})

    assert "is timed out until" in text_of(done)


async def test_timeout_form_with_a_bad_duration_is_refused(place: Place) -> None:
    shown = await place.mod.context_menu(place.channel, "Timeout", place.ada)

    done = await place.mod.submit_modal(shown, {"duration": "a while", "reason": ""})

    assert "not a duration" in text_of(done)
    assert await place.cases.list(place.guild.id) == []


@pytest.mark.parametrize("menu", ["Warn", "Timeout"])
async def test_menu_on_somebody_above_opens_no_form(place: Place, menu: str) -> None:
    shown = await place.mod.context_menu(place.channel, menu, place.boss)

    assert shown.modal is None
    assert "not below yours" in text_of(shown)


async def test_rank_is_judged_again_when_the_form_comes_back(place: Place) -> None:
    shown = await place.mod.context_menu(place.channel, "Warn", place.ada)
    place.backend.edit_member(place.guild.id, place.ada.id, {"role_ids": [place.roles["Boss"].id]})
    await place.set(protected_role_ids=[str(place.roles["Member"].id)])

    done = await place.mod.submit_modal(shown, {"reason": "x"})

    assert "protected role" in text_of(done) or "not below yours" in text_of(done)


async def test_cases_menu_lists_a_members_cases(place: Place) -> None:
    await place.say(place.mod, "warn", member=place.ada, reason="Spoilers")
    await place.say(place.boss, "warn", member=place.mod, reason="Other")

    shown = await place.mod.context_menu(place.channel, "Cases", place.ada)

    assert "Spoilers" in text_of(shown)
    assert "Other" not in text_of(shown)


async def test_delete_and_warn_does_both(place: Place) -> None:
    message = await place.ada.send(place.channel, "The butler did it")
    shown = await place.mod.context_menu(place.channel, "Delete and warn", message)

    done = await place.mod.submit_modal(shown, {"reason": "Spoilers"})

    assert "was warned" in text_of(done)
    assert [one.id for one in place.channel.history() if one.id == message.id] == []
    (case,) = await place.cases.list(place.guild.id)
    assert case.details["link"] == message.jump_url


async def test_delete_and_warn_of_a_message_that_went_meanwhile(place: Place) -> None:
    message = await place.ada.send(place.channel, "The butler did it")
    shown = await place.mod.context_menu(place.channel, "Delete and warn", message)
    await place.ada.delete(message)

    done = await place.mod.submit_modal(shown, {"reason": "Spoilers"})

    assert "was warned" in text_of(done)
    assert "gone already" in text_of(done)


async def test_delete_and_warn_of_somebody_who_left(place: Place) -> None:
    message = await place.ada.send(place.channel, "Bye")
    place.guild.remove_member(place.ada)
    await place.bench.env.settle()

    shown = await place.mod.context_menu(place.channel, "Delete and warn", message)

    assert shown.modal is None
    assert "not a member" in text_of(shown)
