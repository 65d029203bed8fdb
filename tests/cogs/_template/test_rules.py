"""Whether thanks may be passed on, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.errors import InvalidInput
from cogs._template.rules import Thanks, word_thanks
from cogs._template.settings import TemplateSettings


def thanks(**changes: Any) -> Thanks:
    values = {"giver_id": 1, "receiver_id": 2, "receiver_is_bot": False, "reason": "your help"}
    return Thanks(**(values | changes))


def test_word_thanks_names_both_and_the_reason() -> None:
    text = word_thanks(TemplateSettings(), thanks(reason=" your \n help "))

    assert text.render("en") == "<@1> thanks <@2>: your help"
    assert text.render("es") == "<@1> da las gracias a <@2>: your help"


@pytest.mark.parametrize(
    "wrong",
    [{"receiver_id": 1}, {"receiver_is_bot": True}, {"reason": " "}, {"reason": "x" * 201}],
    ids=["oneself", "a bot", "no reason", "too long"],
)
def test_word_thanks_refuses(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        word_thanks(TemplateSettings(), thanks(**wrong))


def test_word_thanks_shows_markup_as_it_is() -> None:
    assert "\\*\\*" in str(word_thanks(TemplateSettings(), thanks(reason="**loud**")))
