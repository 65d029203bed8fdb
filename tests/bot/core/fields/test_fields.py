"""Form types: what each reads and writes, and how a model is described."""

from __future__ import annotations

import json
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from hypothesis import given
from hypothesis import settings as run_with
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from bot.core.errors import InvalidInput
from bot.core.fields import (
    ChannelId,
    ChannelIds,
    Colour,
    Duration,
    Form,
    Language,
    LongText,
    MemberIds,
    RoleId,
    RoleIds,
    TimeZone,
    UndescribedFieldError,
    Widget,
    channel,
    choice,
    describe_fields,
    document,
    duration,
    template,
    templates,
)
from bot.core.fields.text import edit_text, read_text, show_value
from bot.core.fields.unions import TaggedUnion
from bot.core.settings import FeatureSettings, setting
from bot.core.settings.references import references_in
from bot.core.templates import escape


class Order(StrEnum):
    RANDOM = "random"
    IN_TURN = "in_turn"


class Everything(FeatureSettings):
    toggle: bool = setting(True, "Toggle", "A switch.")
    number: Annotated[int, Field(ge=-5, le=5)] = setting(0, "Number", "A number.", group="More")
    ratio: float = setting(0.5, "Ratio", "A ratio.")
    text: Annotated[str, Field(max_length=20)] = setting("", "Text", "A text.")
    long_text: LongText = setting("", "Long text", "A long text.")
    order: Annotated[Order, choice(random="At random", in_turn="In turn")] = setting(
        Order.RANDOM, "Order", "A choice."
    )
    literal: Literal["a", "b_c"] | None = setting(None, "Literal", "A choice without names.")
    channel_id: Annotated[int, channel(needs=("send_messages",), kinds=("voice",))] | None = (
        setting(None, "Channel", "A channel.")
    )
    channel_ids: ChannelIds = setting((), "Channels", "Some channels.")
    role_id: RoleId | None = setting(None, "Role", "A role.")
    role_ids: RoleIds = setting((), "Roles", "Some roles.")
    pause: Annotated[
        timedelta, duration(minimum=timedelta(seconds=5), maximum=timedelta(days=2))
    ] = setting(timedelta(minutes=1), "Pause", "A span.")
    colour: Colour = setting(0x5865F2, "Colour", "A colour.")
    greeting: Annotated[str, template(("member",), max_length=100)] = setting(
        "Hi {member}", "Greeting", "A template."
    )
    greetings: Annotated[tuple[str, ...], templates(("member",), max_items=3)] = setting(
        (), "Greetings", "Some templates."
    )
    language: Language | None = setting(None, "Language", "A language.")
    zone: TimeZone = setting("UTC", "Zone", "A time zone.")


ids = st.integers(1, 2**63 - 1)
# Every character that a database can store: PostgreSQL takes no NUL, UTF-8 no surrogates.
storable = st.characters(exclude_characters="\0", exclude_categories=("Cs",))
texts = st.text(storable, min_size=1, max_size=30).filter(str.strip).map(escape)
variants = texts.map(str.strip).filter(lambda one: one and "---" not in one)
values = st.fixed_dictionaries(
    {
        "toggle": st.booleans(),
        "number": st.integers(-5, 5),
        "ratio": st.floats(allow_nan=False, allow_infinity=False),
        "text": st.text(storable, max_size=20),
        "long_text": st.text(storable, max_size=50),
        "order": st.sampled_from(Order),
        "literal": st.sampled_from(["a", "b_c", None]),
        "channel_id": st.none() | ids,
        "channel_ids": st.lists(ids, unique=True, max_size=25).map(tuple),
        "role_id": st.none() | ids,
        "role_ids": st.lists(ids, unique=True, max_size=25).map(tuple),
        "pause": st.integers(5, 172_800).map(lambda s: timedelta(seconds=s)),
        "colour": st.integers(0, 0xFFFFFF),
        "greeting": texts,
        "greetings": st.lists(variants, max_size=3).map(tuple),
        "language": st.sampled_from([None, "en", "es"]),
        "zone": st.sampled_from(["UTC", "Europe/Madrid", "America/Mexico_City"]),
    }
)


@run_with(max_examples=30, deadline=None)
@given(values)
def test_settings_survive_json_and_fit_their_schema(chosen: dict[str, Any]) -> None:
    settings = Everything.model_validate(chosen)

    document = json.loads(json.dumps(settings.to_json()))

    assert Everything.read(document) == settings
    jsonschema.validate(document, Everything.model_json_schema(mode="serialization"))


@pytest.mark.parametrize(
    ("name", "given_value", "expected"),
    [
        ("channel_id", "<#123>", "123"),
        ("channel_id", " 123 ", "123"),
        ("role_id", "<@&5>", "5"),
        ("channel_ids", "<#1><#2>, 3 1", ["1", "2", "3"]),
        ("pause", "1h 30m", 5400),
        ("pause", 60, 60),
        ("colour", "Blurple", "#5865f2"),
        ("colour", "rojo", "#e74c3c"),
        ("colour", "#FFF", "#ffffff"),
        ("colour", 255, "#0000ff"),
        ("language", "Español", "es"),
        ("language", "Spanish", "es"),
        ("zone", "europe/madrid", "Europe/Madrid"),
        ("zone", "america/mexico city", "America/Mexico_City"),
        ("greetings", "Hi\n---\nHo {member}", ["Hi", "Ho {member}"]),
        ("toggle", "true", True),
        ("number", "3", 3),
    ],
)
def test_value_is_read_from_what_people_type(name: str, given_value: Any, expected: Any) -> None:
    assert Everything.read({name: given_value}).to_json()[name] == expected


@pytest.mark.parametrize(
    ("name", "given_value", "words"),
    [
        ("channel_id", "<@&5>", "not a channel"),
        ("channel_id", 0, "not a channel"),
        ("channel_id", True, "not a channel"),
        ("channel_id", 2**63, "not a channel"),
        ("channel_id", "१२३", "not a channel"),
        ("role_id", "<#5>", "not a role"),
        ("channel_ids", list(range(1, 30)), "At most 25 fit; these are 29"),
        ("channel_ids", 5, "a list"),
        ("pause", "90", "not a duration"),
        ("pause", "3s", "At least 5 seconds"),
        ("pause", 10**30, "At most 2 days"),
        ("pause", 1.5, "a duration"),
        ("pause", True, "a duration"),
        ("colour", "chartreuse", "not a colour"),
        ("colour", -1, "not a colour"),
        ("greeting", "Hi {membr}", "Did you mean {member}?"),
        ("greeting", "  ", "can't be empty"),
        ("greeting", "x" * 101, "at most 100 fit"),
        ("greetings", ["a\n---\nb"], "three dashes"),
        ("greetings", "---\n ---", "no text between"),
        ("greetings", ["a", "{x}"], "Text 2:"),
        ("greetings", list("abcd"), "At most 3 texts fit; these are 4"),
        ("language", "fi", "don't speak"),
        ("zone", "Europe/Madird", "Europe/Madrid"),
        ("zone", "../../etc/passwd", "no time zone"),
        ("toggle", "perhaps", "yes or no"),
        ("number", 6, "At most 5"),
        ("number", "3.5", "whole number"),
        ("order", "sideways", "Choose one of"),
        ("text", "x" * 21, "at most 20 characters"),
        ("texte", "x", "Did you mean text?"),
    ],
)
def test_bad_value_is_refused_in_words(name: str, given_value: Any, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Everything.read({name: given_value})

    [error] = caught.value.errors
    assert error.pointer == f"/{name}"
    assert words in str(error.message)
    assert words in caught.value.render("en")


def test_refusal_is_translated() -> None:
    with pytest.raises(InvalidInput) as caught:
        Everything.read({"greeting": "{membr}"})
    assert "¿Querías decir {member}?" in caught.value.render("es-ES")


def test_describe_fields_gives_what_a_form_needs() -> None:
    fields = {field.name: field for field in describe_fields(Everything)}

    assert [fields[name].form.widget for name in ("toggle", "ratio", "text", "long_text")] == [
        Widget.TOGGLE,
        Widget.NUMBER,
        Widget.TEXT,
        Widget.PARAGRAPH,
    ]
    assert fields["number"].group == "More"
    assert (fields["number"].constraints.minimum, fields["number"].constraints.maximum) == (-5, 5)
    assert fields["number"].integral
    assert [one.title for one in fields["order"].choices] == ["At random", "In turn"]
    assert [one.title for one in fields["literal"].choices] == ["A", "B c"]
    assert fields["literal"].optional
    assert (fields["channel_id"].form.needs, fields["channel_id"].form.kinds) == (
        ("send_messages",),
        ("voice",),
    )
    assert fields["channel_id"].optional
    assert fields["pause"].constraints.maximum == 172_800
    assert fields["greeting"].form.variables == ("member",)
    assert fields["pause"].default == 60


def test_schema_carries_the_form() -> None:
    schema = Everything.model_json_schema(mode="serialization")["properties"]
    assert schema["greeting"]["x-form"] == {"widget": "template", "variables": ["member"]}
    assert schema["order"]["x-form"]["labels"] == {"random": "At random", "in_turn": "In turn"}


def make(annotation: Any, declared: Any) -> type[FeatureSettings]:
    namespace = {"__annotations__": {"odd": annotation}, "odd": declared, "__module__": __name__}
    return type("Odd", (FeatureSettings,), namespace)


@pytest.mark.parametrize(
    ("annotation", "declared"),
    [
        (int, Field(default=1, description="No title.")),
        (int, Field(default=1, title="No description")),
        (dict[str, int], setting({}, "Dict", "No control draws this.")),
        (int | str, setting(1, "Either", "No control draws this.")),
        (object, setting(object(), "Object", "Is no JSON.")),
        (float, setting(float("nan"), "Number", "Is no JSON.")),
        (ChannelId, setting("x", "Channel", "A default that does not fit.")),
        (Duration, setting("soon", "Pause", "A default that does not fit.")),
    ],
)
def test_describe_fields_refuses_what_no_form_can_show(annotation: Any, declared: Any) -> None:
    with pytest.raises(UndescribedFieldError, match="Odd"):
        describe_fields(make(annotation, declared))


def test_form_is_a_value() -> None:
    assert channel() == Form(Widget.CHANNEL, kinds=("text", "news"))


# --- documents and members ----------------------------------------------------------------------


class Leaf(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["leaf"] = "leaf"
    size: Annotated[int, Field(ge=1)]
    role_ids: RoleIds = ()
    place: ChannelId | None = None


class Both(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    both: tuple[Node, ...]


Node = Annotated[Leaf | Both, TaggedUnion(Leaf | Both)]
Both.model_rebuild()


class Wood(FeatureSettings):
    trees: Annotated[tuple[Node, ...], Field(max_length=3), document("wood edit")] = setting(
        (), "Trees", "Some trees."
    )
    friends: MemberIds = setting((), "Friends", "Some members.")


def _refused_at(data: dict[str, Any]) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        Wood.read(data)
    return [one.pointer for one in caught.value.errors]


def test_document_reads_and_writes_its_structure() -> None:
    data = {"trees": [{"both": [{"type": "leaf", "size": 2, "role_ids": ["5"]}]}], "friends": ["7"]}
    wood = Wood.read(data)

    assert wood.friends == (7,)
    assert Wood.read(wood.to_json()) == wood
    schema = Wood.model_json_schema(mode="serialization")
    jsonschema.Draft202012Validator(schema).validate(wood.to_json())
    assert schema["properties"]["trees"]["x-form"] == {"widget": "document", "command": "wood edit"}


@pytest.mark.parametrize(
    ("tree", "pointer"),
    [
        ({"type": "leaf", "size": 0}, "/trees/0/size"),
        ({"type": "leaf", "size": 1, "colour": 2}, "/trees/0/colour"),
        ({"both": [{"type": "leaf", "size": 1}, {"type": "loaf"}]}, "/trees/0/both/1"),
        ({"both": [{"both": [{"type": "leaf"}]}]}, "/trees/0/both/0/both/0/size"),
        ({"type": "leaf", "size": 1, "role_ids": ["x"]}, "/trees/0/role_ids"),
        ({"neither": 1}, "/trees/0"),
        (5, "/trees/0"),
    ],
)
def test_document_error_points_into_the_structure(tree: Any, pointer: str) -> None:
    assert _refused_at({"trees": [tree]}) == [pointer]


def test_document_names_what_is_of_another_guild() -> None:
    tree = {"both": [{"type": "leaf", "size": 1, "role_ids": ["5", "6"], "place": "9"}]}
    found = [(one.place, one.id) for one in references_in(Wood.read({"trees": [tree]}))]

    assert found == [
        (("trees", 0, "both", 0, "role_ids"), 5),
        (("trees", 0, "both", 0, "role_ids"), 6),
        (("trees", 0, "both", 0, "place"), 9),
    ]


def test_document_is_shown_short_and_edited_by_its_command() -> None:
    field = describe_fields(Wood)[0]

    assert show_value(field, [], "en") == "not set"
    assert show_value(field, [{"name": "oak"}, {"name": "elm"}], "en") == "2 entries: `oak, elm`"
    assert edit_text(field, [{"name": "oak"}]) == ""
    with pytest.raises(InvalidInput) as caught:
        read_text(field, "oak", "en")
    assert "/wood edit" in str(caught.value.hint)


def test_members_are_mentioned_and_read_from_mentions() -> None:
    field = describe_fields(Wood)[1]

    assert Wood.read({"friends": "<@7> <@!8>, 9"}).friends == (7, 8, 9)
    assert show_value(field, ["7", "8"], "en") == "<@7> <@8>"
    assert edit_text(field, ["7", "8"]) == "7 8"
    assert _refused_at({"friends": ["<#7>"]}) == ["/friends"]
