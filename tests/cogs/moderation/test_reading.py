"""What moderators type, read and completed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.durations import parse_duration
from bot.core.errors import InvalidInput
from cogs.moderation.rules.reading import (
    MAX_OFFERS,
    MAX_TEXT,
    duration_offers,
    read_duration,
    read_message_id,
    read_reason,
    reason_offers,
)


@pytest.mark.parametrize("typed", [None, "", "  ", "permanent", "Forever", "para siempre"])
def test_duration_for_good(typed: str | None) -> None:
    assert read_duration(typed) is None


@pytest.mark.parametrize("typed", ["2 days", "2 días", "48h", "1d 24h"])
def test_duration_in_words(typed: str) -> None:
    assert read_duration(typed) == timedelta(days=2)


def test_offers_of_a_bare_number_are_its_units_in_the_readers_words() -> None:
    offers = duration_offers("2", "es-ES")

    assert [one.value for one in offers] == ["2m", "2h", "2d", "14d"]
    assert offers[1].name == "2 horas"


def test_offers_of_nothing_typed_end_with_for_good_where_that_is_possible() -> None:
    assert duration_offers("", "en-US", endless=True)[-1].value == "permanent"
    assert "permanent" not in [one.value for one in duration_offers("", "en-US")]


@given(st.text(max_size=40))
def test_offers_fit_discord_and_can_be_read(typed: str) -> None:
    offers = duration_offers(typed, "en-US", endless=True)

    assert len(offers) <= MAX_OFFERS
    for one in offers:
        assert 1 <= len(one.name) <= MAX_TEXT
        assert one.value == "permanent" or parse_duration(one.value) >= timedelta()


def test_long_template_is_chosen_by_its_number() -> None:
    templates = ["Spam", "Long " * 40]

    (offer,) = reason_offers("LONG", templates)

    assert len(offer.name) <= MAX_TEXT
    assert read_reason(offer.value, templates) == templates[1]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("#1", "Spam"), ("#9", "#9"), ("#1 again", "#1 again"), ("", "Rule 1"), (None, "Rule 1")],
)
def test_reason_is_a_template_the_text_or_the_default(typed: str | None, meant: str) -> None:
    assert read_reason(typed, ["Spam"], "Rule 1") == meant


@pytest.mark.parametrize(
    "typed",
    [
        "123456789012345678",
        "https://discord.com/channels/1/2/123456789012345678",
        " https://canary.discord.com/channels/1/2/123456789012345678/ ",
    ],
)
def test_message_is_named_by_link_or_id(typed: str) -> None:
    assert read_message_id(typed) == 123456789012345678


def test_message_is_left_out_or_refused() -> None:
    assert read_message_id(None) is None
    with pytest.raises(InvalidInput):
        read_message_id("the one above")
