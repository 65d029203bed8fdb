"""Models of what is sent, described as the fields of a form."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import pytest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from bot.core.fields import FieldInfo, Widget, choice
from bot.core.fields.bodies import (
    channel_text,
    channel_texts,
    colour_number,
    describe_body,
    member_text,
    member_texts,
    readable,
    role_text,
    role_texts,
    seconds,
    variants,
)
from tests.web.support import REGISTRY

STRICT = ConfigDict(strict=True, extra="forbid")


class Inner(BaseModel):
    model_config = STRICT

    size: int = Field(3, ge=1, title="Size", description="How much.")
    name: str


class Switched(BaseModel):
    on: bool = True


class Outer(BaseModel):
    inner: Inner


class Body(BaseModel):
    """One of everything."""

    model_config = STRICT

    name: str
    title: str | None = Field(None, max_length=301, title="Title", description="Over it.")
    kind: Literal["a", "b"] = "b"
    number: Literal[1, 2] = 1
    inner: Inner = Field(Inner(size=5, name="x"), title="Inside", description="What is in it.")
    loose: Inner | None = None
    switched: Switched | None = None
    deep: Outer | None = None
    several: list[Inner] = []
    words: list[str] = []
    numbers: list[int] = []
    either: int | str = 1
    at: AwareDatetime | None = None
    seen: datetime | None = None
    channel_id: Annotated[str, channel_text()]
    channel_ids: Annotated[list[str], channel_texts()] = []
    role_id: Annotated[str, role_text()] | None = None
    role_ids: Annotated[list[str], role_texts(max_items=3)] = []
    host_id: Annotated[str, member_text()] | None = None
    winner_ids: Annotated[list[str], member_texts()] = []
    wait: Annotated[int, seconds(maximum=timedelta(days=1))] = 60
    colour: Annotated[int, colour_number()] | None = None
    texts: Annotated[list[str], variants()] = []
    state: Annotated[str, choice(open="Open", shut="Shut")] = "open"


def fields() -> dict[str, FieldInfo]:
    return {one.name: one for one in describe_body(Body)}


def test_body_fields_have_the_widgets_of_their_types() -> None:
    assert {name: one.form.widget for name, one in fields().items()} == {
        "name": Widget.TEXT,
        "title": Widget.PARAGRAPH,
        "kind": Widget.CHOICE,
        "number": Widget.DOCUMENT,
        "inner.size": Widget.NUMBER,
        "inner.name": Widget.TEXT,
        "loose.size": Widget.NUMBER,
        "loose.name": Widget.TEXT,
        # A box can't say whether it is there at all.
        "switched": Widget.DOCUMENT,
        "deep": Widget.DOCUMENT,
        "several": Widget.DOCUMENT,
        "words": Widget.LINES,
        "numbers": Widget.DOCUMENT,
        "either": Widget.DOCUMENT,
        "at": Widget.INSTANT,
        "seen": Widget.INSTANT,
        "channel_id": Widget.CHANNEL,
        "channel_ids": Widget.CHANNELS,
        "role_id": Widget.ROLE,
        "role_ids": Widget.ROLES,
        "host_id": Widget.MEMBER,
        "winner_ids": Widget.MEMBERS,
        "wait": Widget.DURATION,
        "colour": Widget.COLOUR,
        "texts": Widget.TEMPLATES,
        "state": Widget.CHOICE,
    }


def test_body_fields_inside_models_have_their_group() -> None:
    inside, loose = fields()["inner.size"], fields()["loose.size"]
    assert (inside.group, inside.note, inside.title) == ("Inside", "What is in it.", "Size")
    assert (inside.default, inside.loose) == (5, False)
    # Its title is made of its name, and nothing stands in it while there is none.
    assert (loose.group, loose.default, loose.loose) == ("Loose", None, True)


def test_body_fields_say_what_is_needed() -> None:
    needed = {name for name, one in fields().items() if one.required}
    assert needed == {"name", "channel_id", "loose.name", "inner.name"}
    optional = {name for name, one in fields().items() if one.optional}
    assert {"title", "at", "role_id", "host_id", "colour"} <= optional


def test_body_text_can_have_names_for_its_values() -> None:
    assert [one.title for one in fields()["state"].choices] == ["Open", "Shut"]
    assert [one.value for one in fields()["kind"].choices] == ["a", "b"]


def test_body_field_names_its_entries_model() -> None:
    assert fields()["several"].entries is Inner
    assert fields()["words"].entries is None


def test_body_that_is_marked_stays_what_json_has() -> None:
    sent: dict[str, Any] = {
        "name": "x",
        "channel_id": "12",
        "role_ids": ["1"],
        "wait": 90,
        "colour": 255,
        "texts": ["a\nb"],
    }
    body = Body.model_validate(sent)
    assert body.model_dump(mode="json", include=set(sent)) == sent
    schema = Body.model_json_schema()["properties"]
    assert schema["channel_id"]["type"] == "string"
    assert schema["channel_id"]["x-form"]["widget"] == "channel"
    assert schema["wait"]["type"] == "integer"
    with pytest.raises(ValueError, match="wait"):
        Body.model_validate({**sent, "wait": "90s"})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("id", "ID"),
        ("required_role_ids", "Required roles"),
        ("channel_id", "Channel"),
        ("last_used_at", "Last used at"),
    ],
)
def test_readable_name(name: str, words: str) -> None:
    assert readable(name) == words


@pytest.mark.parametrize(
    "model",
    [
        model
        for feature in REGISTRY.all()
        for resource in feature.resources
        for model in (
            resource.model,
            resource.addition,
            resource.change,
            *(one.body for one in resource.actions),
        )
        if model is not None
    ],
    ids=lambda model: model.__name__,
)
def test_every_resources_models_are_described(model: type[BaseModel]) -> None:
    found = describe_body(model)
    assert {one.name.partition(".")[0] for one in found} == set(model.model_fields)
    assert all(one.title for one in found)
