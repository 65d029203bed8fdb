"""What the commands offer while a person types, and what they make of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.core.contracts import BotState
from bot.core.errors import NotFound
from bot.core.features import Feature
from bot.core.fields import FieldInfo, Widget, describe_fields
from bot.core.fields.text import choice_title, edit_text, read_text
from bot.core.fields.values import COLOURS, VARIANT_LINE, suggest_time_zones
from bot.core.i18n import LANGUAGES, _
from bot.core.settings.model import FeatureState
from bot.core.settings.validation import unknown_name

# Limits of Discord for what is offered: how many, and how long.
MAX_OFFERS = 25
MAX_TEXT = 100
_INLINE_SEPARATOR = re.compile(rf"(?:^|\s+){VARIANT_LINE}(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Offer:
    """Something to pick: `name` is shown, `value` is what the command gets."""

    name: str
    value: str


def fitting(offers: Iterable[Offer], typed: str) -> list[Offer]:
    """Return the offers that contain what was typed, those that start with it first."""
    wanted = typed.strip().casefold().lstrip("#@")
    found = [one for one in offers if wanted in one.name.casefold() or wanted == one.value]
    found.sort(key=lambda one: not one.name.casefold().lstrip("#@").startswith(wanted))
    return [
        Offer(one.name[:MAX_TEXT], one.value) for one in found if 0 < len(one.value) <= MAX_TEXT
    ][:MAX_OFFERS]


def feature_offers(features: Iterable[Feature], locale: str) -> list[Offer]:
    """Return the features by their titles."""
    return [Offer(_(one.title).render(locale), one.key) for one in features]


def field_offers(feature: Feature, locale: str) -> list[Offer]:
    """Return a feature's settings by their titles."""
    fields = describe_fields(feature.settings)
    return [Offer(_(one.title).render(locale), one.name) for one in fields]


def field_of(feature: Feature, name: str) -> FieldInfo:
    """Return the setting of a name or title; raises `NotFound` with the nearest one."""
    fields = {one.name: one for one in describe_fields(feature.settings)}
    wanted = name.strip().casefold()
    for one in fields.values():
        titles = (_(one.title).render(locale).casefold() for locale in LANGUAGES)
        if wanted == one.name or wanted in titles:
            return one
    raise NotFound(unknown_name(name, fields))


def value_offers(
    field: FieldInfo, state: FeatureState, bot_state: BotState, typed: str, locale: str
) -> list[Offer]:
    """Return values to pick for a setting, what is set now first where it has to be typed."""
    match field.form.widget:
        case Widget.TOGGLE:
            words = (_("yes"), "true"), (_("no"), "false")
            return fitting([Offer(word.render(locale), value) for word, value in words], typed)
        case Widget.CHOICE | Widget.LANGUAGE:
            names = [(choice_title(field, one.value), one.value) for one in field.choices]
            return fitting([Offer(name.render(locale), value) for name, value in names], typed)
        case Widget.TIMEZONE:
            return [Offer(zone, zone) for zone in suggest_time_zones(typed, MAX_OFFERS)]
        case Widget.COLOUR:
            return fitting([Offer(name, name) for name in COLOURS], typed)
        case Widget.CHANNEL | Widget.ROLE:
            return fitting(_things(field, bot_state, state.guild_id), typed)
        case _:
            return _present(field, state, typed)


def _present(field: FieldInfo, state: FeatureState, typed: str) -> list[Offer]:
    value = edit_text(field, state.settings.to_json()[field.name])
    return fitting([Offer(value, value)], typed) if value else []


def _things(field: FieldInfo, bot_state: BotState, guild_id: int) -> list[Offer]:
    if field.form.widget is Widget.ROLE:
        return [Offer(f"@{one.name}", str(one.id)) for one in bot_state.roles(guild_id)]
    return [
        Offer(f"#{one.name}", str(one.id))
        for one in bot_state.channels(guild_id)
        if not field.form.kinds or one.kind in field.form.kinds
    ]


def read_value(
    field: FieldInfo, typed: str, bot_state: BotState, guild_id: int, locale: str
) -> Any:
    """Return what a change takes for a typed value; channels and roles may be named.

    An option of a command is one line: there " --- " separates several texts.
    """
    if field.form.widget in (Widget.CHANNEL, Widget.ROLE):
        wanted = typed.strip().casefold().lstrip("#@")
        things = _things(field, bot_state, guild_id)
        named = [one.value for one in things if one.name.casefold()[1:] == wanted]
        if len(named) == 1:
            return named[0]
    if field.form.widget is Widget.TEMPLATES and "\n" not in typed:
        typed = _INLINE_SEPARATOR.sub(f"\n{VARIANT_LINE}\n", typed)
    return read_text(field, typed, locale)


def grouped(fields: Sequence[FieldInfo]) -> dict[str | None, list[FieldInfo]]:
    """Return the fields under their group's title, in their order."""
    groups: dict[str | None, list[FieldInfo]] = {}
    for one in fields:
        groups.setdefault(one.group, []).append(one)
    return groups
