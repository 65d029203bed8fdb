"""What the dashboard says of giveaways, templates, series and blocks besides their forms."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from bot.core.fields import Widget
from bot.core.fields.bodies import describe_body, readable
from bot.core.i18n import Message
from bot.core.nullstate import NullState
from cogs.giveaways.block_resource import BlockDetail
from cogs.giveaways.bodies import GiveawayBody, GiveawayDetail
from cogs.giveaways.bodyplans import Counts, detail_of
from cogs.giveaways.listing import STATES
from cogs.giveaways.series_resource import SeriesDetail
from cogs.giveaways.template_resource import TemplateDetail
from tests.cogs.giveaways.rows import make_giveaway
from web.dashboard.controls import sections_of
from web.dashboard.kept.details import details_of
from web.dashboard.values import Reader


@pytest.mark.parametrize("model", [GiveawayDetail, SeriesDetail, TemplateDetail, BlockDetail])
def test_fields_are_named_for_people_in_each_language(model: type[BaseModel]) -> None:
    for one in describe_body(model):
        declared = model.model_fields[one.name.partition(".")[0]]
        assert declared.title, f"{one.name} is called {readable(one.name)!r} in every language"
        assert Message(one.title).render("es") != one.title or one.title in ("ID", "Color"), (
            one.name
        )


def test_state_and_winners_are_said_in_words() -> None:
    giveaway = make_giveaway(revision=1)
    shown = detail_of(giveaway, Counts(3, (11, 12), (2, 1)))
    reader = Reader(NullState(), 1, "es")
    found = {one.title: one.lines for one in details_of(shown, (), reader)}
    assert found["Estado"] == (STATES["ended"].render("es"),)
    assert found["Quién ha ganado"] == ("11, 12",)
    by_name = {one.name: one.form.widget for one in describe_body(GiveawayDetail)}
    assert by_name["winner_ids"] is Widget.MEMBERS


def test_each_state_has_a_name() -> None:
    [status] = [one for one in describe_body(GiveawayDetail) if one.name == "status"]
    named = {one.value: one.title for one in status.choices}
    assert named == {name: message.msgid for name, message in STATES.items()}


def test_hints_say_what_can_be_typed() -> None:
    fields = describe_body(GiveawayBody)
    reader, texts = Reader(NullState(), 1, "en-US"), {one.name: "" for one in fields}
    sections = sections_of(fields, texts, {}, reader)
    hints = {one.name: one.hints[-1] for part in sections for one in part.controls}
    assert hints["look.colour"] == "Write it like #5865f2, or a name such as blue."
    assert hints["reward_role_time"] == "From 10 minutes to 365 days, such as 1h 30m."
    assert hints["requirements.account_age"] == "From 1 second to 3650 days, such as 1h 30m."
