"""What a panel shows: values in, components out. It reacts to nothing; `panel` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import discord
from discord import ui

from bot.core.features import Feature
from bot.core.fields import FieldInfo, Widget, describe_fields
from bot.core.fields.text import escape_markdown, shorten, show_diff, show_value
from bot.core.i18n import Message, _, ngettext
from bot.core.problems.rules import Problem
from bot.core.settings.model import SWITCH, Diff, FeatureState, Revision
from bot.panels.paging import pages_of

Item = ui.Item[Any]
_MOST_PROBLEMS = 3
_PROBLEM_TEXT = 200
_NOTICE_TEXT = 400
_VALUE_TEXT = 270
_DESCRIPTION_TEXT = 110
_TITLE_TEXT = 40
# Ten of these and their heads fit into one text.
_REVISION_TEXT = 220


@dataclass(frozen=True, slots=True)
class Notice:
    """What just happened, above everything else; `field` can be corrected with one press."""

    text: str
    field: FieldInfo | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """Everything that one drawing of a panel needs."""

    feature: Feature
    state: FeatureState
    locale: str
    page: int = 0
    problems: Sequence[Problem] = ()
    notice: Notice | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    def say(self, message: Message) -> str:
        """Return the message in the reader's language."""
        return message.render(self.locale)


@dataclass(frozen=True, slots=True)
class Buttons:
    """The components that react, made by the panel, by what they do."""

    edit: Mapping[str, Item]
    correct: Item | None = None
    switch: Item | None = None
    tools: Sequence[Item] = ()
    turn: Sequence[Item] = ()


def settings_screen(content: Content, buttons: Buttons) -> ui.Container[Any]:
    """Draw one page of settings with their present values."""
    pages = pages_of(describe_fields(content.feature.settings))
    items: list[Item] = [ui.TextDisplay(_headline(content))]
    items += _notice(content, buttons)
    items += _problems(content)
    items.append(ui.Separator())
    group = None
    for one in pages[content.page]:
        text = _field_text(content, one)
        if one.group and one.group != group:
            text = f"### {content.say(_(one.group))}\n{text}"
        group = one.group
        items.append(ui.Section(text, accessory=buttons.edit[one.name]))
    items.append(ui.Separator())
    items += _rows(buttons)
    return ui.Container(*items, accent_colour=_accent(content))


def _rows(buttons: Buttons) -> list[Item]:
    first = [*([buttons.switch] if buttons.switch else []), *buttons.tools]
    rows: list[Item] = [ui.ActionRow(*first)] if first else []
    return [*rows, ui.ActionRow(*buttons.turn)] if buttons.turn else rows


def _accent(content: Content) -> discord.Colour:
    if content.problems:
        return discord.Colour.orange()
    return discord.Colour.green() if content.state.enabled else discord.Colour.light_grey()


def _headline(content: Content) -> str:
    title = content.say(_(content.feature.title))
    status = _("on") if content.state.enabled else _("off")
    revision = content.state.revision
    changes = ngettext("{count} change so far", "{count} changes so far", revision)
    described = content.say(_(content.feature.description))
    return f"## {title} · {content.say(status)}\n{described}\n-# {content.say(changes)}"


def _notice(content: Content, buttons: Buttons) -> list[Item]:
    if content.notice is None:
        return []
    text = shorten(content.notice.text, _NOTICE_TEXT)
    if buttons.correct is not None:
        return [ui.Section(text, accessory=buttons.correct)]
    return [ui.TextDisplay(text)]


def _problems(content: Content) -> list[Item]:
    if not content.problems:
        return []
    lines = [
        "⚠️ "
        + shorten(escape_markdown(content.say(one.message)), _PROBLEM_TEXT)
        + "\n-# "
        + shorten(escape_markdown(content.say(one.fix)), _PROBLEM_TEXT)
        for one in content.problems[:_MOST_PROBLEMS]
    ]
    if (more := len(content.problems) - _MOST_PROBLEMS) > 0:
        lines.append(content.say(ngettext("…and {count} more", "…and {count} more", more)))
    return [ui.TextDisplay("\n".join(lines))]


def _field_text(content: Content, one: FieldInfo) -> str:
    title = shorten(content.say(_(one.title)), _TITLE_TEXT)
    value = shorten(show_value(one, content.values[one.name], content.locale), _VALUE_TEXT)
    described = shorten(content.say(_(one.description)), _DESCRIPTION_TEXT)
    return f"**{title}**: {value}\n-# {described}"


def edit_label(content: Content, one: FieldInfo) -> Message:
    """Return what the button beside a field says."""
    if one.form.widget is not Widget.TOGGLE:
        return _("Edit")
    return _("Turn off") if content.values[one.name] else _("Turn on")


def history_screen(
    content: Content, revisions: Sequence[Revision], choose: Item | None, back: Item
) -> ui.Container[Any]:
    """Draw the latest changes, with a menu to go back to one of them."""
    title = content.say(_("History of {feature}", feature=_(content.feature.title)))
    lines = [_revision_line(content, one) for one in revisions]
    text = "\n".join(lines) or content.say(_("Nothing was changed yet."))
    items: list[Item] = [ui.TextDisplay(f"## {title}"), ui.TextDisplay(shorten(text, 3000))]
    if choose is not None:
        items.append(ui.ActionRow(choose))
    return ui.Container(*items, ui.ActionRow(back))


def _revision_line(content: Content, one: Revision) -> str:
    who = f"<@{one.actor_id}>" if one.actor_id else content.say(_("somebody"))
    fields = describe_fields(content.feature.settings)
    changes = show_diff(fields, one.diff, content.locale, limit=_REVISION_TEXT)
    return f"**#{one.revision}** {timestamp(one.at)}, {who}\n{changes}"


def changed_titles(feature: Feature, diff: Diff) -> list[Message]:
    """Return the titles of what a change touched."""
    titles = feature.settings.titles()
    return [_("Switched on") if name == SWITCH else _(titles.get(name, name)) for name in diff]


def timestamp(at: datetime) -> str:
    """Return an instant as Discord shows it in each reader's own zone."""
    return discord.utils.format_dt(at, "R")


def confirm_screen(
    content: Content, question: Message, diff: Diff, accept: Item, refuse: Item
) -> ui.Container[Any]:
    """Draw a question with everything that saying yes would change."""
    fields = describe_fields(content.feature.settings)
    changes = show_diff(fields, diff, content.locale, limit=3000)
    return ui.Container(
        ui.TextDisplay(f"## {content.say(question)}"),
        ui.TextDisplay(changes or content.say(_("That would change nothing."))),
        ui.ActionRow(accept, refuse) if diff else ui.ActionRow(refuse),
        accent_colour=discord.Colour.red(),
    )


def closed_screen(content: Content) -> ui.Container[Any]:
    """Draw what is left of a panel that has timed out."""
    title = content.say(_(content.feature.title))
    closed = _("This panel has timed out. Run the command again to go on.")
    return ui.Container(ui.TextDisplay(f"## {title}\n{content.say(closed)}"))
