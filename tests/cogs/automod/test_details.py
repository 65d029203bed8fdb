"""What *Explain* and `/automod test` say of a hit, in both languages."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from cogs.automod.details import describe_detail
from cogs.automod.planning import hit_to_json
from cogs.automod.rules.values import NameFacts, ViewName
from cogs.automod.rules.windows import Windows
from cogs.automod.trying import VIEWS, describe_hit
from cogs.automod.wording import explanation
from db.automod import Incident
from tests.cogs.automod.rules.corpora import AUTHOR, message
from tests.cogs.automod.rules.judging import context, engine

TOKEN = "MTA" + "x1" * 11 + ".abcdef." + "z" * 30
SAID: list[tuple[dict[str, Any], str, str, str]] = [
    ({"type": "mentions", "limit": 2}, "<@1> <@2>", "2, with a limit of", "2, con un límite de"),
    ({"type": "caps"}, "AAAA BBBB CCCC", "100 % of 12 letters", "100 % de 12 letras"),
    ({"type": "leaks"}, TOKEN, "a bot's token", "el token de un bot"),
    ({"type": "words", "words": ["5 of 5"]}, "5 of 5", "`5 of 5`", "`5 of 5`"),
    ({"type": "words", "words": ["moron"]}, "moooooron", "shortened text", "texto acortado"),
    ({"type": "words", "words": ["moron"]}, "\u202enorom", "turned text", "texto girado"),
]


def incident_of(when: dict[str, Any], text: str) -> Incident:
    found = engine({"when": when}).judge(message(text), context(), Windows())
    assert found is not None
    return Incident(findings={"hits": [hit_to_json(hit) for hit in found.hits]})


@pytest.mark.parametrize(("when", "text", "english", "spanish"), SAID)
def test_explanation_words_what_matched(
    when: dict[str, Any], text: str, english: str, spanish: str
) -> None:
    incident = incident_of(when, text)

    assert english in explanation(incident, "en")
    assert spanish in explanation(incident, "es")


def test_explanation_names_the_trigger_in_the_readers_language() -> None:
    incident = incident_of({"type": "caps"}, "AAAA BBBB CCCC")

    assert "(Too many capitals)" in explanation(incident, "en")
    assert "(Demasiadas mayúsculas)" in explanation(incident, "es")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("!hey", "sube en la lista de miembros"),
        ("Adm1n", "se parece a `Admin`"),
        ("\ua9c1\ua9c2", "ilegible"),
    ],
)
def test_names_are_worded(name: str, said: str) -> None:
    when = {"type": "name", "hoisted": True, "unreadable": True, "copies": ["Admin"]}
    facts = NameFacts(AUTHOR, name)
    found = engine({"when": when}).judge_name(facts, context(), Windows())

    assert found is not None
    assert [describe_hit(hit, name).render("es").startswith(said) for hit in found.hits] == [True]


def test_detail_of_what_people_wrote_is_left_to_be_quoted() -> None:
    assert describe_detail("words", "hoisted") is None


def test_every_reading_has_its_words() -> None:
    assert set(get_args(ViewName)) == set(VIEWS)
