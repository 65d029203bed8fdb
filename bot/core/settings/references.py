"""Channels and roles that settings name: whether they are the guild's own and of a fitting kind.

A guild's admin must not be able to make the bot act in another guild by writing its ids.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from bot.core.contracts import BotState
from bot.core.errors import FieldError
from bot.core.fields import FieldInfo, Widget, describe_fields
from bot.core.i18n import Message, _
from bot.core.settings.model import FeatureSettings
from bot.core.settings.validation import pointer_to


def ids_in(settings: FeatureSettings, field: FieldInfo) -> tuple[int, ...]:
    """Return the ids that a channel or role field holds; none for other fields and no value."""
    value = getattr(settings, field.name)
    if field.form.widget in (Widget.CHANNEL, Widget.ROLE):
        return () if value is None else (value,)
    if field.form.widget in (Widget.CHANNELS, Widget.ROLES):
        return tuple(value or ())
    return ()


def find_foreign(
    settings: FeatureSettings, names: Collection[str], state: BotState, guild_id: int
) -> list[FieldError]:
    """Return an error for each named field whose channels or roles are not ones of the guild.

    Finds nothing while the bot does not see the guild, as when Discord is not connected.
    """
    if state.guild(guild_id) is None:
        return []
    return [
        FieldError(pointer_to([field.name]), problem)
        for field in describe_fields(type(settings))
        if field.name in names
        for problem in _problems(settings, field, state, guild_id)
    ]


def _problems(
    settings: FeatureSettings, field: FieldInfo, state: BotState, guild_id: int
) -> Iterator[Message]:
    for one in ids_in(settings, field):
        if field.form.widget in (Widget.ROLE, Widget.ROLES):
            if state.role(guild_id, one) is None:
                yield _("There is no role with the ID {id} in this server.", id=one)
            continue
        channel = state.channel(guild_id, one)
        if channel is None:
            yield _("There is no channel with the ID {id} in this server.", id=one)
        elif field.form.kinds and channel.kind not in field.form.kinds:
            yield _("#{channel} is not a channel of the kind needed here.", channel=channel.name)
