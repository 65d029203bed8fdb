"""Reports as people make them in Discord, and as staff deal with them."""

from __future__ import annotations

from typing import Any

from tests.cogs.moderation.world import Place, text_of


async def report(place: Place, target: Any) -> Any:
    await place.set(report_channel_id=str(place.log.id))
    mia = place.guild.add_member(place.bench.env.create_user("mia"))
    name = "Report member" if target is place.ada else "Report message"
    shown = await mia.context_menu(place.channel, name, target)
    done = await mia.submit_modal(shown, {"why": "rude"})
    assert done.response.ephemeral
    await place.bench.deliver()
    return mia, done


async def test_reported_message_becomes_a_card_that_staff_act_from(place: Place) -> None:
    message = await place.ada.send(place.channel, "such *words*")

    mia, done = await report(place, message)

    assert "Thank you" in text_of(done)
    (card,) = place.log.history()
    assert "such" in card.embeds[0].description
    assert "mia" not in str(card.embeds[0].to_dict())

    who = await place.mod.click(card, label="Who and why")
    assert who.response.ephemeral
    assert f"<@{mia.id}>" in text_of(who)
    assert "rude" in text_of(who)

    await place.mod.click(card, label="Claim")
    form = await place.mod.click(card, label="Warn")
    await place.mod.submit_modal(form, {"reason": "Be kind"})
    (case,) = await place.cases.list(place.guild.id)
    assert case.target.id == place.ada.id
    assert str(message.id) in case.details["link"]

    assert "closed" in text_of(await place.mod.click(card, label="Resolve"))
    await place.bench.deliver()
    await place.bench.deliver()
    (card,) = place.log.history()
    assert [one.name for one in card.embeds[0].fields][-1] == "Resolved by"
    again = await place.boss.click(card, custom_id="moderation:report:who:1")
    assert "rude" in text_of(again)


async def test_reported_member_becomes_a_card_that_only_staff_touch(place: Place) -> None:
    await report(place, place.ada)
    (card,) = place.log.history()

    refused = await place.ada.click(card, label="Who and why")

    assert refused.response.ephemeral
    assert "rude" not in text_of(refused)
    assert "Timeout Members" in text_of(refused)


async def test_without_a_channel_the_menu_says_so(place: Place) -> None:
    said = await place.mod.context_menu(place.channel, "Report member", place.ada)
    assert said.response.ephemeral
    assert "takes no reports" in text_of(said)
