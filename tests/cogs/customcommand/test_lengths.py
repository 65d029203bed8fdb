"""What can be told of an answer before anybody uses the command: too long, or always empty."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.errors import Denied, InvalidInput
from cogs.customcommand.cog import _changed
from cogs.customcommand.rules import (
    MAX_ALIASES,
    MAX_CONTENT,
    EmbedTexts,
    Response,
    check_may_use,
    check_response,
)
from tests.cogs.customcommand.world import draft, invocation

LONG = "x" * (MAX_CONTENT - 10)


@pytest.mark.parametrize(
    "text",
    [
        LONG + "x" * 11,
        LONG + "{random: a|" + "y" * 11 + "}",
        "{if args}" + LONG + "x" * 11 + "{else}short{end}",
        LONG + "{if 1}" + "a" * 6 + "{end}{if 2}" + "b" * 6 + "{end}",
    ],
)
def test_text_that_can_be_too_long_by_itself_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="longer than Discord takes"):
        check_response(Response((text,)))


def test_text_that_fits_and_words_of_members_are_no_mistake() -> None:
    check_response(Response((LONG + "{random: a|bb}{args}",)))
    check_response(Response(("{if args}" + LONG + "{else}" + LONG + "{end}",)))


def test_title_that_can_be_too_long_is_refused() -> None:
    with pytest.raises(InvalidInput, match="Embed title"):
        check_response(Response((), EmbedTexts("x" * 257, "text")))


@pytest.mark.parametrize("text", ["{random:|}", "{if args}{else}{end}", "{if 1} {end}"])
def test_answer_that_can_only_be_empty_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="never says anything"):
        check_response(Response((text,)))
    check_response(Response(("{if args}yes{end}",)))
    check_response(Response((text,), EmbedTexts("News")))


def test_aliases_are_counted_when_they_are_typed() -> None:
    with pytest.raises(InvalidInput, match="5 aliases at most"):
        _changed(draft(), None, None, None, " ".join(f"a{one}" for one in range(MAX_ALIASES + 1)))


@pytest.mark.parametrize("typed", ["-", " - ", "0"])
def test_cooldown_and_aliases_can_be_emptied(typed: str) -> None:
    before = draft(cooldown=timedelta(hours=1), aliases=("a",))
    assert _changed(before, None, None, typed, None).cooldown == timedelta()
    if typed != "0":
        assert _changed(before, None, None, None, typed).aliases == ()


def test_refusal_leaves_out_what_was_deleted() -> None:
    wanted = draft(role_ids=(700, 701))
    with pytest.raises(Denied) as refused:
        check_may_use(wanted, invocation(), exists={701}.__contains__)
    assert "<@&700>" not in refused.value.render("en")
    assert "<@&701>" in refused.value.render("en")
    with pytest.raises(Denied) as refused:
        check_may_use(wanted, invocation(), exists=lambda _one: False)
    assert "Ask the staff" in refused.value.render("en")
