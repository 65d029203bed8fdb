"""In Spanish the giveaway is the "sorteo", so its draw is called otherwise, throughout."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import cogs.giveaways
from bot.core.i18n import Message
from cogs.giveaways.listing import pages_of
from cogs.giveaways.resource import RESOURCE
from tests.cogs.giveaways.rows import make_giveaway

CATALOGUE = Path(cogs.giveaways.__file__).parent / "locales" / "es.po"
# Every form of the verb; "sorteo" and "sorteos" are the noun.
_VERB = re.compile(r"\bsorte(?!os?\b)\w+|\bextracci", re.IGNORECASE)


@pytest.fixture(scope="module")
def texts() -> list[tuple[str, str]]:
    """Texts with their context, each form of a plural by itself."""
    with CATALOGUE.open("rb") as file:
        catalogue = read_po(file)
    found: list[tuple[str, str]] = []
    for message in catalogue:
        forms = message.string if isinstance(message.string, tuple | list) else [message.string]
        found += [(message.context or "", str(one)) for one in forms]
    return found


def test_a_draw_is_an_election_and_a_giveaway_a_sorteo(texts: list[tuple[str, str]]) -> None:
    assert [one for _, one in texts if _VERB.search(one)] == []
    assert [one for _, one in texts if re.search(r"[Nn]uevo sorteo|orden del sorteo", one)] == []


def test_entries_of_a_giveaway_are_no_items_of_a_list() -> None:
    [page] = pages_of([make_giveaway()], {make_giveaway().id: 3}, [], "es")

    assert "3 participantes" in page


def test_drawing_again_is_not_called_as_coming_again_is(texts: list[tuple[str, str]]) -> None:
    """`/sorteo repetir` would be read as holding the giveaway once more."""
    names = {one for context, one in texts if context == "command-name"}
    options = {one for context, one in texts if context == "parameter-name"}
    assert "repetir" in options
    assert "repetir" not in names


def test_what_is_said_of_a_draw_is_not_said_of_the_giveaway() -> None:
    with CATALOGUE.open("rb") as file:
        texts = [(str(one.id), str(one.string)) for one in read_po(file)]
    of_draws = [
        (english, spanish)
        for english, spanish in texts
        if re.search(r"\bdraw", english) and not re.search(r"giveaway|host", english, re.I)
    ]
    assert of_draws
    assert [spanish for _, spanish in of_draws if re.search(r"\bsorteos?\b", spanish, re.I)] == []
    # A prize is given to somebody who is drawn, and is not itself drawn.
    assert [spanish for _, spanish in texts if "se ha elegido de nuevo" in spanish] == []


def test_more_chances_are_called_the_same_wherever_they_come_from() -> None:
    with CATALOGUE.open("rb") as file:
        texts = {str(one.id): str(one.string) for one in read_po(file)}
    chances = {one for english, one in texts.items() if english.startswith("More chances")}
    assert len(chances) > 3
    assert {one.split(maxsplit=2)[1].rstrip(":") for one in chances} == {"posibilidades"}


def test_the_button_that_pauses_is_no_noun() -> None:
    """Elsewhere a "Pause" is the time between two things."""
    [title] = [one.title for one in RESOURCE.actions if one.name == "pause"]
    assert Message(title).render("es") == "Pausarlo"
