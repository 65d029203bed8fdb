"""What the forms of hosts promise holds, in a draft and in a giveaway that is kept for later."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.core.contracts import SYSTEM
from cogs.giveaways.columns import plan_of
from cogs.giveaways.manifest import KEY
from cogs.giveaways.plan import Plan
from cogs.giveaways.questions import FORMS, create_form
from tests.cogs.giveaways.test_hosting import desk as desk
from tests.cogs.giveaways.test_hosting import start, stored
from tests.cogs.giveaways.test_proving import Desk


async def test_empty_time_to_claim_is_none_even_where_the_guild_has_set_one(desk: Desk) -> None:
    changes = {"claim_window": "1h"}
    await desk.bench.kernel.settings.change(desk.guild.id, KEY, changes, actor=SYSTEM)
    await start(desk)
    form = await desk.host.slash(desk.channel, "giveaway create")
    values = {"prize": "A mug", "duration": "1h", "winners": "2", "description": ""}
    draft = (await desk.host.submit_modal(form, values)).response
    assert "1 hour to claim" in (draft.embeds[0].description or "")
    limits = {"max_entries": "", "end_at_entries": "", "claim_window": ""}
    await desk.host.submit_modal(await desk.host.click(draft, label="Limits"), limits)
    await desk.host.click(draft, label="Start it")
    await desk.ask(desk.host, "giveaway template save", name="Mugs", giveaway="2")
    await desk.ask(desk.host, "giveaway template use", name="mugs")

    assert [one.claim_seconds for one in await stored(desk)] == [3600, None, None]


async def test_templates_are_all_listed(desk: Desk) -> None:
    client: Any = desk.bench.env.bot
    cog = client.get_cog("Giveaways")
    for number in range(25):
        plan = Plan(prize=f"{number}`" + "p" * 250, duration=timedelta(hours=1))
        await cog.templates.save(desk.guild.id, f"{number:02} " + "t" * 47, plan, SYSTEM)

    answer = await desk.ask(desk.host, "giveaway template list")
    shown = answer.embeds[0].description or ""
    assert len(shown) <= 4096
    assert all(f"{number:02} t" in shown for number in range(25))


@pytest.mark.parametrize(
    ("name", "most"), [("channel", 1), ("reward", 1), ("any_roles", 10), ("bypass_roles", 10)]
)
def test_menus_offer_no_more_than_may_be_chosen(name: str, most: int) -> None:
    questions = [create_form(), *(form(Plan(prize="x")) for _, form, _ in FORMS)]
    inputs = {one.name: one for question in questions for one in question.inputs}
    assert inputs[name].most == most


async def test_level_is_not_asked_for_where_nobody_can_rise(desk: Desk) -> None:
    """Levels are off unless an admin wants them."""
    await start(desk)
    panel = await desk.ask(desk.host, "giveaway edit", giveaway="1")
    needs = {"account_age": "", "time_in_guild": "", "level": "5", "messages": ""}
    form = await desk.host.click(panel, label="Age and activity")
    refused = await desk.host.submit_modal(form, needs)
    text = refused.followups[-1] if refused.followups else refused.response
    assert "Levels are switched off" in text.content
    assert (await stored(desk))[0].requirements == {}

    settings = desk.bench.kernel.settings
    await settings.change(desk.guild.id, "levels", {}, enabled=True, actor=SYSTEM)
    form = await desk.host.click(panel, label="Age and activity")
    await desk.host.submit_modal(form, needs)
    await settings.change(desk.guild.id, "levels", {}, enabled=False, actor=SYSTEM)
    # What was asked for before stays, and all else can be changed.
    form = await desk.host.click(panel, label="Age and activity")
    await desk.host.submit_modal(form, needs | {"messages": "3"})
    requirements = plan_of((await stored(desk))[0]).requirements
    assert (requirements.level, requirements.messages) == (5, 3)


async def test_role_that_everybody_has_is_not_asked_for(desk: Desk) -> None:
    """Members come with it when they press, and without it when they are drawn."""
    await start(desk)
    panel = await desk.ask(desk.host, "giveaway edit", giveaway="1")
    everyone = desk.guild.default_role
    needs: dict[str, Any] = {"all_roles": [], "no_roles": [], "bypass_roles": []}
    for label, values in (
        ("Roles to enter", needs | {"any_roles": [everyone]}),
        ("More chances", {"roles": [everyone], "entries": "3", "levels": ""}),
    ):
        form = await desk.host.click(panel, label=label)
        refused = await desk.host.submit_modal(form, values)
        text = refused.followups[-1] if refused.followups else refused.response
        assert "name another role" in text.content
    assert not plan_of((await stored(desk))[0]).bonuses
