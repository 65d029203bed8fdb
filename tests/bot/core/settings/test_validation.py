"""What is wrong with input, in the reader's words."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ValidationError, field_validator

from bot.core.errors import InvalidInput
from bot.core.fields import choice
from bot.core.i18n import Message
from bot.core.settings import FeatureSettings, setting
from bot.core.settings.validation import invalid_input


class Wind(StrEnum):
    NORTH = "north"
    SOUTH = "south"


class BoatSettings(FeatureSettings):
    # Titles that the catalogue knows, as the test of the translation needs one.
    wind: Annotated[Wind, choice(north="At random", south="In turn")] = setting(
        Wind.NORTH, "Wind", "From where it blows."
    )
    sail: Annotated[Literal["jib", "main", "none"], choice(jib="Jib")] = setting(
        "jib", "Sail", "What is set."
    )
    crew: int = setting(2, "Crew", "How many sail.")
    name: str = setting("Boat", "Name", "What it is called.")

    @field_validator("crew")
    @classmethod
    def check_crew(cls, value: int) -> int:
        if value == 13:
            raise ValueError(Message("Not {count} of them.", {"count": value}))
        return value

    @field_validator("name")
    @classmethod
    def check_name(cls, value: str) -> str:
        if value == "{x}":
            raise ValueError("You manage no feature here.")
        return value


def problem(values: dict[str, Any], locale: str) -> str:
    with pytest.raises(InvalidInput) as refused:
        BoatSettings.read(values)
    return refused.value.errors[0].message.render(locale)


@pytest.mark.parametrize(
    ("values", "locale", "expected"),
    [
        ({"wind": "zigzag"}, "en-US", "Choose one of these: At random or In turn."),
        ({"wind": "zigzag"}, "es-ES", "Elige una de estas opciones: Al azar o Por turno."),
        ({"sail": "x"}, "en-US", "Choose one of these: Jib, Main, or None."),
        ({"crew": 13}, "en-US", "Not 13 of them."),
        ({"name": "{x}"}, "es-ES", "Aquí no gestionas ninguna función."),
    ],
)
def test_problem_is_told_in_the_readers_language(
    values: dict[str, Any], locale: str, expected: str
) -> None:
    assert problem(values, locale) == expected


def test_choice_without_titles_names_its_values() -> None:
    class Query(BaseModel):
        order: Literal["up", "down"]

    with pytest.raises(ValidationError) as refused:
        Query.model_validate({"order": "x"})

    error = invalid_input(refused.value, {})
    assert str(error.message) == "Choose one of these: up or down."
