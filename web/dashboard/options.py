"""What there is to choose for a field: channels, roles, values, and what features keep."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.core.contracts import ChannelSummary
from bot.core.fields import FieldInfo, Widget
from bot.core.fields.text import choice_title
from bot.core.i18n import _
from bot.core.preflight import missing_permissions
from web.dashboard.texts import SEVERAL
from web.dashboard.values import Reader, channel_label


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to choose."""

    value: str
    label: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class OptionGroup:
    """Options under a heading, such as the channels of a category; "" stands for no heading."""

    label: str
    options: tuple[Option, ...]


def groups_of(field: FieldInfo, text: str, reader: Reader) -> tuple[OptionGroup, ...]:
    """Return what a field chooses from, with what is chosen in it, whether it is there or not."""
    match field.form.widget:
        case Widget.CHANNEL | Widget.CHANNELS:
            groups = _channels(field, reader)
            known = _with_lost(groups, text, reader.channel)
        case Widget.ROLE | Widget.ROLES:
            groups = _roles(field, reader)
            known = _with_lost(groups, text, reader.role)
        case Widget.CHOICE | Widget.LANGUAGE:
            choices = (
                Option(one.value, reader.say(choice_title(field, one.value)))
                for one in field.choices
            )
            known = [OptionGroup("", tuple(choices))]
        case Widget.ITEM:
            items = reader.kept.get(field.form.resource, {}).items()
            known = [OptionGroup("", tuple(Option(*one) for one in items))]
            if text and text not in dict(items):
                known = [OptionGroup("", (Option(text, text),)), *known]
        case Widget.TOGGLE if field.optional:
            words = (Option("true", reader.say(_("yes"))), Option("false", reader.say(_("no"))))
            known = [OptionGroup("", words)]
        case _:
            return ()
    if field.form.widget not in SEVERAL and (field.optional or field.loose or not text):
        known = [OptionGroup("", (Option("", reader.say(_("not set"))),)), *known]
    chosen = frozenset(text.split()) if field.form.widget in SEVERAL else {text}
    return tuple(_with_choice(one, chosen) for one in known)


def _with_choice(group: OptionGroup, chosen: Iterable[str]) -> OptionGroup:
    options = (Option(one.value, one.label, one.value in chosen) for one in group.options)
    return OptionGroup(group.label, tuple(options))


def _with_lost(
    groups: list[OptionGroup], text: str, name_of: Callable[[int], str]
) -> list[OptionGroup]:
    """Keep what is chosen and no longer exists, so that saving something else does not drop it."""
    present = {option.value for group in groups for option in group.options}
    lost = [one for one in text.split() if one not in present and one.isdecimal()]
    if not lost:
        return groups
    return [OptionGroup("", tuple(Option(one, name_of(int(one))) for one in lost)), *groups]


def _channels(field: FieldInfo, reader: Reader) -> list[OptionGroup]:
    channels = reader.state.channels(reader.guild_id)
    names = {one.id: one.name for one in channels if one.kind == "category"}
    groups: dict[str, list[Option]] = {}
    for one in channels:
        if not field.form.kinds or one.kind in field.form.kinds:
            heading = names.get(one.parent_id, "") if one.parent_id else ""
            groups.setdefault(heading, []).append(_channel_option(field, one, reader))
    return [OptionGroup(heading, tuple(options)) for heading, options in groups.items()]


def _channel_option(field: FieldInfo, channel: ChannelSummary, reader: Reader) -> Option:
    label = channel_label(channel.name, channel.kind)
    if missing_permissions(field.form.needs, channel.bot_permissions, channel) is not None:
        label = reader.say(_("{name} (I lack permissions there)", name=label))
    return Option(str(channel.id), label)


def _roles(field: FieldInfo, reader: Reader) -> list[OptionGroup]:
    options = []
    for one in reader.state.roles(reader.guild_id):
        label = f"@{one.name}"
        if field.form.assignable and not one.assignable:
            label = reader.say(_("{name} (I can't give it)", name=label))
        options.append(Option(str(one.id), label))
    return [OptionGroup("", tuple(options))] if options else []
