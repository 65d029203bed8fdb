"""Channels and roles that settings name: whether they are the guild's own and of a fitting kind.

A guild's admin must not be able to make the bot act in another guild by writing its ids.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from bot.core.contracts import BotState, RoleSummary
from bot.core.errors import FieldError
from bot.core.fields import Form, Widget, describe_fields, form_of
from bot.core.i18n import Message, _
from bot.core.places import label_of
from bot.core.settings.model import FeatureSettings
from bot.core.settings.validation import pointer_to

_ONE = frozenset({Widget.CHANNEL, Widget.ROLE})
_SEVERAL = frozenset({Widget.CHANNELS, Widget.ROLES})


@dataclass(frozen=True, slots=True)
class Reference:
    """An id that the settings hold, what it has to be, and where it stands."""

    place: tuple[str | int, ...]
    form: Form
    id: int


def references_in(settings: FeatureSettings, name: str | None = None) -> Iterator[Reference]:
    """Yield every id of a channel or role in the settings, or in the one of this name.

    Those inside documents are included.
    """
    for field in describe_fields(type(settings)):
        if name not in (None, field.name):
            continue
        value = getattr(settings, field.name)
        yield from _references(value, field.form, (field.name,))


def _references(value: Any, form: Form | None, place: tuple[str | int, ...]) -> Iterator[Reference]:
    if value is None:
        return
    if isinstance(value, BaseModel):
        for name, declared in type(value).model_fields.items():
            inner = getattr(value, name)
            yield from _references(inner, form_of(declared), (*place, declared.alias or name))
    elif form is not None and form.widget in _ONE:
        yield Reference(place, form, value)
    elif form is not None and form.widget in _SEVERAL:
        yield from (Reference(place, form, one) for one in value)
    elif isinstance(value, tuple):
        for index, one in enumerate(value):
            yield from _references(one, None, (*place, index))


def find_foreign(
    settings: FeatureSettings, names: Collection[str], state: BotState, guild_id: int
) -> list[FieldError]:
    """Return an error for each named field whose channels or roles are not ones of the guild.

    Finds nothing while the bot does not see the guild, as when Discord is not connected.
    """
    if state.guild(guild_id) is None:
        return []
    return [
        FieldError(pointer_to(one.place), problem)
        for one in references_in(settings)
        if one.place[0] in names
        for problem in _problems(one, state, guild_id)
    ]


def _problems(one: Reference, state: BotState, guild_id: int) -> Iterator[Message]:
    if one.form.widget in (Widget.ROLE, Widget.ROLES):
        if state.role(guild_id, one.id) is None:
            yield _("There is no role with the ID {id} in this server.", id=one.id)
        return
    channel = state.channel(guild_id, one.id)
    if channel is None:
        yield _("There is no channel with the ID {id} in this server.", id=one.id)
    elif one.form.kinds and channel.kind not in one.form.kinds:
        label = label_of(channel)
        yield _("{channel} is not a channel of the kind needed here.", channel=label)


def find_above(
    before: FeatureSettings, after: FeatureSettings, state: BotState, guild_id: int, rank: int
) -> RoleSummary | None:
    """Return a role that the bot is newly to give, and that is not below somebody's highest role.

    `rank` is that role's position. Else whoever may change settings could have the bot give them
    what Discord does not let them give.
    """
    known = {one.id for one in _given_in(before)}
    for one in _given_in(after):
        role = None if one.id in known else state.role(guild_id, one.id)
        if role is not None and role.position >= rank:
            return role
    return None


def _given_in(settings: FeatureSettings) -> Iterator[Reference]:
    return (one for one in references_in(settings) if one.form.assignable)
