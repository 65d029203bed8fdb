"""The parts of a panel as its admins edit them: each a form, and what its answers stand for.

What does not fit is refused by the panel's model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.core.durations import compact_duration
from bot.core.i18n import N_, Message, _
from bot.forms import Input, Question, Values
from cogs.tickets.desk import read_panel
from cogs.tickets.entered import Entered
from cogs.tickets.hours import write_hours
from cogs.tickets.panel import Panel, Priority, Room
from cogs.tickets.wording import PRIORITIES

ROOMS: Mapping[str, str] = {
    Room.THREAD: N_("Private thread"),
    Room.CHANNEL: N_("Channel of its own"),
}
COLOURS: Mapping[str, str] = {
    "blurple": N_("blue"),
    "grey": N_("grey"),
    "green": N_("green"),
    "red": N_("red"),
}
_YES_NO: Mapping[str, str] = {"yes": N_("Yes"), "no": N_("No")}
OUTSIDE: Mapping[str, str] = {
    "note": N_("Take tickets and say when the staff are back"),
    "refuse": N_("Take no tickets"),
}
_SPAN = _("Such as 2h or 3d; empty for never")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a panel: its name, its form, and the values that a filled-in form stands for."""

    key: str
    title: str
    ask: Callable[[Panel, str], Sequence[Input]]
    read: Callable[[Entered], Mapping[str, Any]]

    def question(self, panel: Panel, locale: str) -> Question:
        """Return the form as the panel fills it in."""
        return Question(_(self.title), self.ask(panel, locale))

    def change(self, panel: Panel, values: Values) -> Panel:
        """Return the panel with what was entered; raises `InvalidInput`."""
        entered = Entered(values)
        changes = self.read(entered)
        entered.done()
        return read_panel({**panel.to_json(), **changes})


def _line(name: str, label: Message, value: Any, note: Message | None = None, **more: Any) -> Input:
    shown = "" if value is None else str(value)
    return Input(name, label, note, value=shown, **{"longest": 100, **more})


def _span_line(name: str, label: Message, value: timedelta | None) -> Input:
    return _line(name, label, compact_duration(value) if value else "", _SPAN)


def _one_of(name: str, label: Message, value: str, titles: Mapping[str, str], locale: str) -> Input:
    choices = [(str(key), _(title).render(locale)) for key, title in titles.items()]
    return Input(name, label, value=(str(value),), kind="choices", choices=choices, required=True)


def _yes(name: str, label: Message, value: bool, locale: str) -> Input:
    return _one_of(name, label, "yes" if value else "no", _YES_NO, locale)


def _roles(name: str, label: Message, value: Sequence[int], note: Message | None = None) -> Input:
    return Input(name, label, note, value=tuple(value), kind="roles", most=10)


def _ids(values: Sequence[Any]) -> list[str]:
    return [str(one) for one in values]


# --- the sections --------------------------------------------------------------------------------


def _ask_basics(panel: Panel, locale: str) -> Sequence[Input]:
    return [
        _line("name", _("Name"), panel.name, longest=45, required=True),
        _line("description", _("Description"), panel.description),
        _line("emoji", _("Emoji"), panel.emoji, longest=64),
        _one_of("colour", _("Colour of the button"), panel.colour, COLOURS, locale),
        _yes("enabled", _("Can be opened"), panel.enabled, locale),
    ]


def _read_basics(values: Entered) -> Mapping[str, Any]:
    return {
        "name": values["name"],
        "description": values["description"].strip(),
        "emoji": values["emoji"].strip(),
        "colour": values["colour"][0],
        "enabled": values["enabled"][0] == "yes",
    }


def _ask_place(panel: Panel, locale: str) -> Sequence[Input]:
    parents = (panel.parent_id,) if panel.parent_id else ()
    return [
        _one_of("room", _("Rooms are"), panel.room, ROOMS, locale),
        Input(
            "parent",
            _("Place"),
            _("The text channel of threads, the category of channels; empty: where it is posted"),
            value=parents,
            kind="channels",
            most=1,
        ),
        Input(
            "overflow",
            _("Further categories"),
            _("For channels, when the first is full"),
            value=panel.overflow_ids,
            kind="channels",
            most=10,
        ),
        _line(
            "naming",
            _("Names of rooms"),
            panel.naming,
            _("With {number}, {panel} and {opener}", **_SHOWN),
            longest=80,
            required=True,
        ),
        Input(
            "log",
            _("Transcripts go to"),
            _("Whoever reads there reads them; empty: where the server's go"),
            value=(panel.log_channel_id,) if panel.log_channel_id else (),
            kind="channels",
            most=1,
        ),
    ]


def _read_place(values: Entered) -> Mapping[str, Any]:
    parents, logs = _ids(values["parent"]), _ids(values["log"])
    return {
        "room": values["room"][0],
        "parent_id": parents[0] if parents else None,
        "overflow_ids": _ids(values["overflow"]),
        "naming": values["naming"],
        "log_channel_id": logs[0] if logs else None,
    }


def _ask_people(panel: Panel, _locale: str) -> Sequence[Input]:
    return [
        _roles("staff", _("Staff"), panel.staff_roles, _("See to these tickets")),
        _roles("ping", _("Notified"), panel.ping_roles, _("Mentioned in each new ticket")),
        _roles("required", _("Required"), panel.required_roles, _("One of them is needed to open")),
        _roles("blocked", _("Blocked"), panel.blocked_roles, _("Can't open these tickets")),
    ]


def _read_people(values: Entered) -> Mapping[str, Any]:
    return {
        "staff_roles": _ids(values["staff"]),
        "ping_roles": _ids(values["ping"]),
        "required_roles": _ids(values["required"]),
        "blocked_roles": _ids(values["blocked"]),
    }


def _ask_limits(panel: Panel, locale: str) -> Sequence[Input]:
    return [
        _line("per_member", _("Open tickets of a member"), panel.per_member, required=True),
        _line("at_most", _("Open tickets in all"), panel.at_most, _("Empty for any number")),
        _span_line("cooldown", _("Pause between two"), panel.cooldown),
        _one_of("priority", _("Priority"), panel.priority, PRIORITIES, locale),
        _yes("rating", _("Ask how it was"), panel.rating, locale),
    ]


def _read_limits(values: Entered) -> Mapping[str, Any]:
    return {
        "per_member": values.number("per_member"),
        "at_most": values.number("at_most"),
        "cooldown": values.span("cooldown"),
        "priority": Priority(values["priority"][0]).value,
        "rating": values["rating"][0] == "yes",
    }


def _ask_hours(panel: Panel, locale: str) -> Sequence[Input]:
    return [
        Input(
            "hours",
            _("Hours"),
            _("One span a line, such as Mon-Fri 09:00-17:00; empty: always"),
            value=write_hours(panel.hours, locale),
            kind="paragraph",
            longest=600,
        ),
        _line("zone", _("Time zone"), panel.zone, _("Such as Europe/Madrid; empty: the server's")),
        _one_of("outside", _("At other times"), panel.outside_hours, OUTSIDE, locale),
    ]


def _read_hours(values: Entered) -> Mapping[str, Any]:
    return {
        "hours": values.hours("hours"),
        "zone": values["zone"].strip() or None,
        "outside_hours": values["outside"][0],
    }


def _ask_welcome(panel: Panel, _locale: str) -> Sequence[Input]:
    return [
        Input(
            "welcome",
            _("First message"),
            _("With {opener}, {number}, {panel}, {server}", **_SHOWN),
            value=panel.welcome or "",
            kind="paragraph",
            longest=1500,
        )
    ]


_SHOWN = {name: f"{{{name}}}" for name in ("opener", "number", "panel", "server")}


def _ask_closing(panel: Panel, locale: str) -> Sequence[Input]:
    closing = panel.closing
    return [
        _span_line("inactive", _("Close when nobody writes for"), closing.inactive_after),
        _span_line(
            "unanswered", _("Close when the opener is silent for"), closing.unanswered_after
        ),
        _yes("leave", _("Close when the opener leaves"), closing.on_leave, locale),
        _yes("opener", _("Openers can close"), closing.opener_may_close, locale),
    ]


def _read_closing(values: Entered) -> Mapping[str, Any]:
    return {
        "closing": {
            "inactive_after": values.span("inactive"),
            "unanswered_after": values.span("unanswered"),
            "on_leave": values["leave"][0] == "yes",
            "opener_may_close": values["opener"][0] == "yes",
        }
    }


def _ask_service(panel: Panel, _locale: str) -> Sequence[Input]:
    service = panel.service
    return [
        _span_line("remind", _("Remind the staff after"), service.remind_after),
        _span_line("escalate", _("Call others after"), service.escalate_after),
        _roles("roles", _("Whom to call then"), service.escalate_roles),
        _span_line("lead", _("Call the leads after"), service.lead_after),
    ]


def _read_service(values: Entered) -> Mapping[str, Any]:
    return {
        "service": {
            "remind_after": values.span("remind"),
            "escalate_after": values.span("escalate"),
            "escalate_roles": _ids(values["roles"]),
            "lead_after": values.span("lead"),
        }
    }


SECTIONS: Sequence[Section] = (
    Section("basics", N_("Basics"), _ask_basics, _read_basics),
    Section("place", N_("Rooms"), _ask_place, _read_place),
    Section("people", N_("People"), _ask_people, _read_people),
    Section("limits", N_("Limits"), _ask_limits, _read_limits),
    Section("hours", N_("Opening hours"), _ask_hours, _read_hours),
    Section(
        "welcome",
        N_("First message"),
        _ask_welcome,
        lambda values: {"welcome": values["welcome"].strip() or None},
    ),
    Section("closing", N_("Closing by itself"), _ask_closing, _read_closing),
    Section("service", N_("Waiting times"), _ask_service, _read_service),
)
