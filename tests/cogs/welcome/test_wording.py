"""Texts, names made harmless, and the message as Discord takes it."""

from __future__ import annotations

from typing import Any

import pytest

from cogs.welcome.rules import Kind, Person
from cogs.welcome.settings import VARIABLES, WelcomeSettings
from cogs.welcome.wording import (
    CARD_FILE,
    Place,
    compose,
    compose_digest,
    compose_private,
    harmless,
    ordinal,
    sample_names,
    shown_name,
    texts_for,
    values_for,
    without_card,
)

ANN = Person(42, "ann_b", "Ann", "0123456789abcdef0123456789abcdef")
GUILD = Place("Garden", 1234, "en-US")
SPANISH = Place("Jardín", 1234, "es-ES")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\u202egro.live\u202c", "gro.live"),
        ("\u2066Ann\u2069", "Ann"),
        ("A\u200dn\u200cn", "Ann"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0645"),
        ("\U0001f469\u200d\U0001f680", "\U0001f469\u200d\U0001f680"),
        ("dis\u00adcord.gg", "discord.g\u200bg"),
    ],
)  # fmt: skip
def test_harmless_name_turns_no_text_around(name: str, shown: str) -> None:
    assert harmless(name) == shown


def test_values_for_turn_nothing_around_with_names_of_guild_or_member() -> None:
    person = Person(42, "ann_b", "\u202e\u2066")
    values = values_for(person, Place("\u202eGarden", 1, "en"))

    assert (values["member"], values["guild"]) == (r"ann\_b", "Garden")


def payload(text: str, kind: Kind = Kind.JOIN, **chosen: Any) -> dict[str, Any]:
    return dict(compose(WelcomeSettings(**chosen), kind, text, ANN, GUILD).payload)


def test_values_for_has_one_value_for_each_variable() -> None:
    values = values_for(ANN, GUILD)

    assert tuple(values) == tuple(VARIABLES)
    assert values["member"] == "Ann"
    assert values["member.name"] == r"ann\_b"
    assert values["member.mention"] == "<@42>"
    assert values["count"] == "1,234"
    assert values["ordinal"] == "1,234th"


@pytest.mark.parametrize(
    ("number", "locale", "expected"),
    [
        (1, "en-US", "1st"),
        (2, "en-GB", "2nd"),
        (3, "en", "3rd"),
        (11, "en", "11th"),
        (112, "en", "112th"),
        (21, "fi", "21st"),
        (1000, "es-ES", "1.000.º"),
        (12000, "es-419", "12,000.º"),
    ],
)
def test_ordinal(number: int, locale: str, expected: str) -> None:
    assert ordinal(number, locale) == expected


@pytest.mark.parametrize(
    "name",
    [
        "**bold**", "@everyone", "<@1>", "<#5>", "<:x:1>", "[a](https://evil.example)", "`code`",
        "||x||", "# big", "- item", "https://evil.example", "discord.gg/abc", "two\nlines",
    ],
)  # fmt: skip
def test_harmless_leaves_no_markup_link_or_mention(name: str) -> None:
    shown = harmless(name)

    unescaped = shown.replace("\\*", "").replace("\\<", "").replace("\\[", "").replace("\\`", "")
    unescaped = unescaped.replace("\\|", "").replace("\\#", "").replace("\\-", "")
    unescaped = unescaped.replace("\\@", "")
    assert not set("*<[`|#-@\n") & set(unescaped)
    assert "https:" not in shown
    assert "discord.gg" not in shown


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("place", [GUILD, SPANISH], ids=["en", "es"])
def test_texts_for_default_is_in_the_guilds_language_and_renders(kind: Kind, place: Place) -> None:
    (text,) = texts_for(WelcomeSettings(), kind, place.locale)

    content = compose(WelcomeSettings(), kind, text, ANN, place).payload["content"]

    assert "{" not in content
    assert (text == texts_for(WelcomeSettings(), kind, "en")[0]) is (place is GUILD)


def test_texts_for_own_texts_come_first() -> None:
    assert texts_for(WelcomeSettings(join_texts=("Hi", "Ho")), Kind.JOIN, "en") == ("Hi", "Ho")


def test_compose_mentions_only_the_member_and_only_when_the_text_does() -> None:
    assert payload("Hi {member.mention}")["allowed_mentions"] == {"parse": [], "users": ["42"]}
    assert payload("Hi {member} @everyone")["allowed_mentions"] == {"parse": [], "users": []}


def test_compose_departure_notifies_nobody() -> None:
    message = payload("Bye {member.mention}", Kind.LEAVE)

    assert message["allowed_mentions"] == {"parse": [], "users": []}


def test_compose_name_is_not_a_template() -> None:
    person = Person(42, "x", "{guild} {nonsense}")

    greeting = compose(WelcomeSettings(), Kind.JOIN, "Hi {member}", person, GUILD)

    assert greeting.payload["content"] == "Hi {guild} {nonsense}"


def test_compose_long_text_stays_within_discords_limit() -> None:
    assert len(payload("{guild}" + "x" * 1400 + "{member}" * 12)["content"]) <= 2000


def test_compose_embed_carries_mention_outside_because_inside_it_notifies_nobody() -> None:
    message = payload(
        "Hi {member.mention}",
        embed_enabled=True,
        embed_title="Hello {member}",
        embed_avatar=True,
        colour=0x112233,
    )

    assert message["content"] == "<@42>"
    (embed,) = message["embeds"]
    assert embed["description"] == "Hi <@42>"
    assert embed["title"] == "Hello Ann"
    assert embed["color"] == 0x112233
    assert "/avatars/42/" in embed["thumbnail"]["url"]
    assert embed["image"]["url"] == f"attachment://{CARD_FILE}"


def test_compose_embed_image_stands_where_no_card_is() -> None:
    image = "https://example.org/a.png"
    (embed,) = payload("Hi", embed_enabled=True, card_enabled=False, embed_image_url=image)[
        "embeds"
    ]

    assert embed["image"] == {"url": image}


def test_compose_departure_has_neither_card_nor_title() -> None:
    greeting = compose(
        WelcomeSettings(embed_enabled=True, embed_title="Hello"), Kind.LEAVE, "Bye", ANN, GUILD
    )

    assert greeting.card is None
    assert greeting.payload["embeds"] == [{"description": "Bye", "color": 0x5865F2}]


def test_compose_card_speaks_the_guilds_language() -> None:
    card = compose(WelcomeSettings(), Kind.JOIN, "Hola", ANN, SPANISH).card

    assert card is not None
    assert card.headline == "Te damos la bienvenida a Jardín"
    assert card.name == "Ann"


def test_without_card_drops_only_the_reference_to_it() -> None:
    message = payload("Hi", embed_enabled=True)

    (embed,) = without_card(message)["embeds"]
    assert "image" not in embed
    assert embed["description"] == "Hi"
    assert without_card(payload("Hi")) == payload("Hi")


def test_compose_private_uses_own_text_or_the_default() -> None:
    assert compose_private(WelcomeSettings(dm_text="Hi {member}"), ANN, GUILD) == {
        "content": "Hi Ann",
        "allowed_mentions": {"parse": []},
    }
    assert "Garden" in compose_private(WelcomeSettings(), ANN, GUILD)["content"]


def test_compose_digest_names_everyone_in_a_small_raid() -> None:
    message = compose_digest(["Ann", "Bob", "C*l"], GUILD)

    assert message["content"] == r"3 members joined: **Ann**, **Bob**, and **C\*l**"
    assert message["allowed_mentions"] == {"parse": []}


def test_compose_digest_large_raid_is_cut_short() -> None:
    content = compose_digest([f"Raider {number}" * 2 for number in range(500)], GUILD)["content"]

    assert content.startswith("500 members joined: ")
    assert content.endswith("and 480 others")
    assert len(content) <= 2000


def test_compose_digest_one_member_alone() -> None:
    assert compose_digest(["Ann"], SPANISH)["content"] == "¡Te damos la bienvenida, **Ann**!"


def test_sample_names_are_different_people() -> None:
    names = sample_names(Person(1, "ann", "Ann"), 10)
    assert names[0] == "Ann"
    assert len(set(names)) == 10


@pytest.mark.parametrize("name", ["\u200b\u200d", "\u3164", "\u2800 \u2800"])
def test_shown_name_of_what_can_not_be_seen_is_the_username(name: str) -> None:
    assert shown_name(Person(1, "ann", name)) == "ann"
