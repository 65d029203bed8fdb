"""Presets against the corpora: no innocent message is hit, and they see through disguises."""

from __future__ import annotations

import pytest

from cogs.automod.presets import PREFIX, Preset, rules_of, with_preset
from cogs.automod.rules.engine import Engine
from cogs.automod.rules.windows import Windows
from cogs.automod.settings import AutomodSettings
from cogs.automod.triggers import Invites
from tests.cogs.automod.rules.corpora import load, message

EVASIONS, INNOCENT = load("evasions"), load("innocent")
# What each preset has to catch at least, of a corpus in twelve languages that is not its own.
SHARES = {Preset.RELAXED: 0.06, Preset.BALANCED: 0.2, Preset.STRICT: 0.8, Preset.RAID: 0.8}
# Words that are insults in one language and harmless in another, or have a harmless sense.
HARMLESS = [
    "le train est en retard",
    "le train a du retard",
    "on va avoir du retard de 5 minutes",
    "j'ai un retard de deux jours",
    "excusez mon retard",
    "Kai Yu Sun (K.Y.S.)",
    "take the A55 to Chester",
    "part no. 5H1T",
    "grades: A, S, S",
    "cock-a-doodle-doo",
    "the Ass. Prof. is ill",
    "a cock and bull story",
    "he fights with a bastard sword",
    "faggots and peas for dinner",
    "la zorra y las uvas",
    "```sql\nSELECT NAME, PRICE FROM ORDERS WHERE PRICE > 5 ORDER BY NAME;\n```",
    "`CREATE TABLE MEMBERS` fails here",
    "qué pedo, güey",
    "Kike marcó dos goles",
    "a chink in the armour",
    "he graduated magna cum laude",
    "my Maine Coon is huge",
    "spic and span",
    "I play bass and bassoon in class",
    "¿cuántos años tienes?",
    "nos vamos a Machu Picchu",
    "how do I get free nitro?",
    "don't fall for those free nitro scams",
    "they sell steam gift cards for 50$ at the store",
]


def compiled(preset: Preset) -> Engine:
    # One innocent message of the corpus invites to a guild that is listed as a friend.
    rules = tuple(
        one.model_copy(update={"when": Invites(allowed_guilds=(3,))})
        if one.name == "preset-invites"
        else one
        for one in rules_of(preset, "en")
    )
    return Engine.compile(AutomodSettings(rules=rules))


@pytest.fixture(scope="module", params=list(Preset))
def preset(request: pytest.FixtureRequest) -> Preset:
    return request.param


def test_preset_spares_every_innocent_message(preset: Preset) -> None:
    engine = compiled(preset)
    for sample in INNOCENT:
        assert engine.judge(sample.message, sample.context, Windows()) is None, sample.name


def test_preset_spares_words_with_a_harmless_sense(preset: Preset) -> None:
    engine, example = compiled(preset), INNOCENT[0]
    for text in HARMLESS:
        assert engine.judge(message(text), example.context, Windows()) is None, text


def test_preset_catches_its_share_of_evasions(preset: Preset) -> None:
    engine = compiled(preset)
    judged = [engine.judge(one.message, one.context, Windows()) for one in EVASIONS]
    caught = sum(one is not None and bool(one.hits) for one in judged)

    assert caught / len(EVASIONS) >= SHARES[preset]


def test_preset_rules_delete_or_tell_and_give_reasons_in_the_guilds_language(
    preset: Preset,
) -> None:
    english, spanish = rules_of(preset, "en"), rules_of(preset, "es")

    for one, other in zip(english, spanish, strict=True):
        assert one.name.startswith(PREFIX)
        assert {"delete", "alert"} & {action.type for action in one.actions}
        assert (one.reason == other.reason) == (one.reason == "")


def test_preset_takes_the_place_of_another_and_spares_own_rules() -> None:
    own = rules_of(Preset.RELAXED, "en")[0].model_copy(update={"name": "own"})
    raid = with_preset((own, *rules_of(Preset.RELAXED, "en")), rules_of(Preset.RAID, "en"))

    assert with_preset(raid, rules_of(Preset.RELAXED, "en")) == (
        own,
        *rules_of(Preset.RELAXED, "en"),
    )


def test_preset_in_shadow_only_reports() -> None:
    assert all(one.shadow for one in rules_of(Preset.STRICT, "en", shadow=True))
