"""What holds for the settings of every feature: they are complete, and survive JSON and editing."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.core.errors import InvalidInput
from bot.core.features import Feature
from bot.core.fields import FieldInfo, Widget
from bot.core.fields.text import edit_text, read_text
from bot.core.fields.values import VARIANT_LINE
from bot.core.i18n import _
from bot.core.settings import FeatureSettings
from tests.declared import LANGUAGES, every_declaration, every_field

# What a panel shows of a title in bold; a form's label takes a little more.
LONGEST_TITLE = 40
LONGEST_DESCRIPTION = 100


@functools.cache
def validator_of(model: type[FeatureSettings]) -> jsonschema.protocols.Validator:
    """Return what a feature's stored settings are judged by; making it takes longest."""
    schema = model.model_json_schema(mode="serialization")
    return jsonschema.validators.validator_for(schema)(schema)


@every_declaration
def test_settings_defaults_survive_json(feature: Feature) -> None:
    default = feature.settings()

    assert feature.settings.read(json.loads(json.dumps(default.to_json()))) == default


@every_field
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_settings_value_survives_json(feature: Feature, field: FieldInfo, data: Any) -> None:
    changed = _read(feature, {field.name: data.draw(values_of(field))})
    stored = json.loads(json.dumps(changed.to_json(), allow_nan=False))

    assert feature.settings.read(stored) == changed
    validator_of(feature.settings).validate(stored)


@every_field
@pytest.mark.parametrize("locale", LANGUAGES)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_settings_value_offered_for_editing_reads_back(
    feature: Feature, field: FieldInfo, locale: str, data: Any
) -> None:
    if field.form.widget is Widget.DOCUMENT:  # has a command of its own, which the refusal names
        with pytest.raises(InvalidInput) as caught:
            read_text(field, "anything", locale)
        assert f"/{field.form.command}" in str(caught.value.hint)
        return
    changed = _read(feature, {field.name: data.draw(values_of(field))})
    value = changed.to_json()[field.name]

    typed = read_text(field, edit_text(field, value), locale)

    assert feature.settings.read({field.name: typed}) == changed


def _read(feature: Feature, changes: dict[str, Any]) -> Any:
    try:
        return feature.settings.read(changes)
    except InvalidInput as error:
        # One field alone may break a rule between fields; a rule of its own it may not.
        assume(all(one.pointer.strip("/") not in changes for one in error.errors))
        raise


# Fields whose texts have a grammar of their own, which no declaration tells.
GRAMMARS: dict[str, st.SearchStrategy[Any]] = {
    "point_thresholds": st.sampled_from([[], ["3 timeout 1h"], ["3 timeout 1h", "10 ban"]]),
    "emoji": st.sampled_from(["🎉", "🎈", "👍🏽"]),
    "kick_confirmation": st.sampled_from(["kick", "expulsar"]),
}


def values_of(field: FieldInfo) -> st.SearchStrategy[Any]:
    """Return valid JSON values of a field, made from its declaration alone."""
    if field.name in GRAMMARS:
        return GRAMMARS[field.name]
    values = _values_by_widget(field)
    return st.none() | values if field.optional else values


def _values_by_widget(field: FieldInfo) -> st.SearchStrategy[Any]:
    form, bounds = field.form, field.constraints
    ids = st.integers(1, 2**63 - 1).map(str)
    words = st.sampled_from(["Hello", "¿qué?", "名", "🎉", "a_b", "{{", "}}", " ", "\n", "<@1>"])
    holes = st.sampled_from([f"{{{name}}}" for name in form.variables] or ["-"])
    template = st.lists(words | holes, max_size=8).map(lambda parts: "x" + "".join(parts) + "x")
    match form.widget:
        case Widget.TOGGLE:
            return st.booleans()
        case Widget.NUMBER:
            low, high = bounds.minimum, bounds.maximum
            if field.integral:
                return st.integers(None if low is None else int(low), _whole(high))
            return st.floats(low, high, allow_nan=False, allow_infinity=False)
        case Widget.CHOICE | Widget.LANGUAGE:
            return st.sampled_from([one.value for one in field.choices])
        case Widget.CHANNEL | Widget.ROLE:
            return ids
        case Widget.CHANNELS | Widget.ROLES | Widget.MEMBERS:
            return st.lists(ids, max_size=form.maximum, unique=True)
        case Widget.DURATION:
            return st.integers(form.minimum, form.maximum)
        case Widget.COLOUR:
            return st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
        case Widget.TEMPLATE:
            return template
        case Widget.TEMPLATES:
            return st.lists(template.filter(_is_one_variant), max_size=form.maximum)
        case Widget.DOCUMENT:
            # Its parts have rules of their own, and tests beside their feature.
            return st.just(field.default)
        case Widget.TIMEZONE:
            return st.sampled_from(["UTC", "Europe/Madrid", "America/Mexico_City"])
        case Widget.TEXT | Widget.PARAGRAPH:
            return _texts(bounds.pattern, bounds.min_length or 0, bounds.max_length or 200)


def _whole(bound: float | None) -> int | None:
    return None if bound is None else int(bound)


def _is_one_variant(text: str) -> bool:
    return all(line.strip() != VARIANT_LINE for line in text.splitlines())


def _texts(pattern: str | None, low: int, high: int) -> st.SearchStrategy[str]:
    if pattern is None:
        letters = st.characters(categories=["L", "N"])
        return st.text(letters, min_size=max(low, 1), max_size=high)
    printable = st.characters(min_codepoint=33, max_codepoint=126)
    texts = st.from_regex(re.compile(pattern), fullmatch=True, alphabet=printable)
    return texts.filter(lambda text: low <= len(text) <= high)


@every_field
@pytest.mark.parametrize("locale", LANGUAGES)
def test_field_texts_fit_panel_and_form_in_every_language(
    feature: Feature, field: FieldInfo, locale: str
) -> None:
    assert len(_(field.title).render(locale)) <= LONGEST_TITLE
    assert len(_(field.description).render(locale)) <= LONGEST_DESCRIPTION


@every_field
def test_field_without_a_value_says_what_applies(feature: Feature, field: FieldInfo) -> None:
    if field.optional or field.default == []:
        assert field.unset, field.name


@every_field
def test_variables_of_a_field_are_explained(feature: Feature, field: FieldInfo) -> None:
    assert [name for name, _text in field.form.meanings] == list(field.form.variables)


@every_declaration
def test_settings_schema_is_complete(feature: Feature) -> None:
    schema = feature.settings.model_json_schema(mode="serialization")
    jsonschema.Draft202012Validator.check_schema(schema)

    for name, described in schema.get("properties", {}).items():
        assert described["title"].strip(), name
        assert described["description"].strip(), name
        assert "default" in described, name
        for form in _forms_in(described):
            assert form["widget"] in set(Widget), name
            # A form offers every channel and role of the guild, so it has to say which it takes.
            assert form["widget"] not in {"channel", "channels"} or form["kinds"], name


def _forms_in(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "x-form" in node:
            yield node["x-form"]
        for value in node.values():
            yield from _forms_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from _forms_in(value)


@every_field
def test_settings_reference_is_unset_by_default(feature: Feature, field: FieldInfo) -> None:
    if field.form.widget in (Widget.CHANNEL, Widget.CHANNELS, Widget.ROLE, Widget.ROLES):
        assert field.default in (None, []), f"{feature.key}: no id exists in every guild"
