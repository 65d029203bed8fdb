"""Message templates: nothing but named placeholders, and mistakes in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.templates import InvalidTemplate, escape, parse, render

NAMES = ("member", "member.name", "guild")


def test_render_fills_in_values_and_single_braces() -> None:
    text = "Hi {member}, {{this}} is { guild } :}"
    assert render(text, {"member": "Ada", "guild": "Home"}) == "Hi Ada, {this} is Home :}"


def test_render_does_not_look_into_values() -> None:
    assert render("{member}", {"member": "{guild}", "guild": "x"}) == "{guild}"


def test_render_too_long_ends_in_an_ellipsis_and_cuts_no_mention() -> None:
    assert render("aaaa {m} b", {"m": "<@12345>"}, 10) == "aaaa…"
    assert render("abcdef", {}, 4) == "abc…"
    assert render("abcd", {}, 4) == "abcd"


@pytest.mark.parametrize(
    ("text", "position", "nearest"),
    [
        ("Hi {membr}", 4, "member"),
        ("{Member}", 1, "member"),
        ("{member.__class__}", 1, None),
        ("{0}", 1, None),
        ("a {", 3, None),
        ("{member", 1, None),
        ("{}", 1, None),
        ("{member!r}", 1, "member"),
    ],
)
def test_parse_mistake_names_place_and_nearest(
    text: str, position: int, nearest: str | None
) -> None:
    with pytest.raises(InvalidTemplate) as caught:
        parse(text, NAMES)
    assert (caught.value.position, caught.value.nearest) == (position, nearest)


def test_parse_mistake_without_a_near_name_lists_all() -> None:
    with pytest.raises(InvalidTemplate) as caught:
        parse("{zzzz}", NAMES)
    assert "{guild}, {member}, {member.name}" in caught.value.render("en")


@given(st.text(max_size=200))
def test_escaped_text_renders_as_itself(text: str) -> None:
    assert parse(escape(text), ()).render({}) == text


@given(st.text(max_size=60), st.integers(1, 50), st.text(max_size=60))
def test_render_is_never_longer_than_the_limit(text: str, limit: int, value: str) -> None:
    assert len(parse(escape(text) + "{m}", ("m",)).render({"m": value}, limit)) <= limit


@given(st.text(alphabet="{}ab.", max_size=30))
def test_parse_any_text_gives_a_template_or_a_mistake_in_it(text: str) -> None:
    assert 0 <= _position_of_mistake(text) <= len(text)


def _position_of_mistake(text: str) -> int:
    try:
        parse(text, ("a", "b"))
    except InvalidTemplate as error:
        return error.position
    return 0
