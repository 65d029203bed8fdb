"""What an admin corrects after a refusal shows in the panel, wherever the form was sent from."""

from __future__ import annotations

from typing import Any

from tests.cogs.rolemenus.test_rolemenus_cog import Square, shown_in, square  # noqa: F401 - fixture

WORKING = {"style": ["buttons"], "mode": ["unique"]}


async def working(square: Square, made: Any, most: str) -> Any:  # noqa: F811
    form = await square.boss.select(made.response, ["working"], custom_id="rolemenus:panel:edit")
    return await square.boss.submit_modal(form, WORKING | {"most": most})


async def test_what_is_corrected_shows_in_the_panel(square: Square) -> None:  # noqa: F811
    made = await square.create(square.roles["Red"], square.roles["Blue"])
    refused = await working(square, made, "many")
    again = await square.boss.click(refused.followups[-1], label="Correct it")
    sent = await square.boss.submit_modal(again, WORKING | {"most": "2"})

    assert (await square.menu()).most == 2
    assert "Saved." in shown_in(made.response)
    assert "Saved." in refused.followups[-1].content
    assert not refused.followups[-1].components
    assert not sent.followups


async def test_refused_twice_and_corrected_it_shows_in_the_panel(
    square: Square,  # noqa: F811
) -> None:
    made = await square.create(square.roles["Red"])
    refused = await working(square, made, "many")
    again = await square.boss.click(refused.followups[-1], label="Correct it")
    refused = await square.boss.submit_modal(again, WORKING | {"most": "0"})
    assert "Not saved." in shown_in(made.response)
    again = await square.boss.click(refused.followups[-1], label="Correct it")
    await square.boss.submit_modal(again, WORKING | {"most": "1"})
    assert (await square.menu()).most == 1
    assert "Saved." in shown_in(made.response)
    # The panel is alive: its controls go on working.
    await working(square, made, "")
    assert (await square.menu()).most is None


async def test_saved_does_not_stand_over_what_was_refused(square: Square) -> None:  # noqa: F811
    made = await square.create(square.roles["Red"])
    await working(square, made, "1")
    assert "✅ Saved." in shown_in(made.response)
    await working(square, made, "many")
    assert "✅" not in shown_in(made.response)
    assert "Not saved." in shown_in(made.response)


async def test_roles_that_were_refused_are_added_when_corrected(
    square: Square,  # noqa: F811
) -> None:
    made = await square.create(square.roles["Red"])
    form = await square.boss.click(made.response, custom_id="rolemenus:panel:add")
    refused = await square.boss.submit_modal(form, {"roles": [square.roles["Boss"]]})
    assert "Not saved." in shown_in(made.response)
    again = await square.boss.click(refused.followups[-1], label="Correct it")
    await square.boss.submit_modal(again, {"roles": [square.roles["Blue"]]})
    assert [one.role_id for one in (await square.menu()).options] == [
        square.roles["Red"].id,
        square.roles["Blue"].id,
    ]
    assert "Saved." in shown_in(made.response)


async def test_who_gets_their_rights_back_corrects_in_the_panel(
    square: Square,  # noqa: F811
) -> None:
    made = await square.create(square.roles["Red"])
    form = await square.boss.select(made.response, ["working"], custom_id="rolemenus:panel:edit")
    rights = square.roles["Boss"].id
    square.backend.edit_role(square.guild.id, rights, {"permissions": 0})
    await square.bench.env.settle()
    refused = await square.boss.submit_modal(form, WORKING | {"most": "1"})
    message = refused.followups[-1] if refused.followups else refused.response
    square.backend.edit_role(square.guild.id, rights, {"permissions": 1 << 5 | 1 << 28})
    await square.bench.env.settle()
    again = await square.boss.click(message, label="Correct it")
    await square.boss.submit_modal(again, WORKING | {"most": "1"})
    assert (await square.menu()).most == 1
    assert "Saved." in shown_in(made.response)
