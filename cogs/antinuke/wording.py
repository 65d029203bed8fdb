"""The words of anti-nuke: what staff are told of an incident. Pure; names are hostile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.core.durations import Span
from bot.core.fields.text import escape_markdown, quote, shorten
from bot.core.i18n import Message, _
from bot.core.message_json import message_from_json
from cogs.antinuke.rules import DeedKind, exceeded
from db.antinuke import (
    ACTING,
    DONE,
    OPEN,
    PLANNED,
    RESTORED,
    RESTORING,
    RETURNED,
    TAKEN,
    IncidentRole,
    NukeIncident,
    StaffDeed,
)

MOST_SHOWN = 12
KIND_NAMES: Mapping[DeedKind, Message] = {
    DeedKind.BAN: _("Bans"),
    DeedKind.KICK: _("Kicks"),
    DeedKind.CHANNEL_DELETE: _("Deleted channels"),
    DeedKind.ROLE_DELETE: _("Deleted roles"),
    DeedKind.CHANNEL_CREATE: _("New channels"),
    DeedKind.ROLE_CREATE: _("New roles"),
    DeedKind.WEBHOOK_CREATE: _("New webhooks"),
    DeedKind.GRANT: _("Grants of power"),
    DeedKind.BOT_ADD: _("Added bots"),
}
_STATES: Mapping[str, Message] = {
    OPEN: _("being looked at"),
    ACTING: _("roles are being taken"),
    DONE: _("dealt with"),
    RESTORING: _("roles are being given back"),
    RESTORED: _("roles given back"),
}
_ALARM, _OVER = 0xC0392B, 0x27AE60
# https://discord.com/developers/docs/components/reference#button-button-styles
_SECONDARY = 2
_PEOPLE = frozenset({DeedKind.BAN, DeedKind.KICK, DeedKind.BOT_ADD})


@dataclass(frozen=True, slots=True)
class Report:
    """An incident with all that is told of it; `deeds` are the latest, oldest first."""

    incident: NukeIncident
    counts: Mapping[str, int]
    deeds: Sequence[StaffDeed]
    roles: Sequence[IncidentRole]


def person_text(user_id: int | None, name: str | None) -> str:
    """Return somebody of the staff as others need them: mention, name and id."""
    if not user_id:
        return "—"
    return f"<@{user_id}> ({escape_markdown(name)}, `{user_id}`)" if name else f"<@{user_id}>"


def alert_body(report: Report, locale: str | None) -> dict[str, Any]:
    """Return the one message about an incident, as it stands now."""
    incident = report.incident
    fields = [
        (_("Who"), person_text(incident.user_id, incident.user_name)),
        (_("What I did"), "\n".join(done_lines(report, locale))),
    ]
    if report.deeds:
        lines = [deed_line(one, locale) for one in report.deeds[-MOST_SHOWN:]]
        fields.append((_("The latest of it"), _fitting(lines)))
    embed = {
        "title": _("Too many staff actions").render(locale),
        "description": "\n".join(count_lines(report, locale)),
        "fields": [
            {"name": title.render(locale), "value": shorten(text, 1000)} for title, text in fields
        ],
        "color": _OVER if incident.state == RESTORED else _ALARM,
        "timestamp": incident.opened_at.isoformat(),
    }
    return {"embeds": [embed], "components": _buttons(report, locale)}


def count_lines(report: Report, locale: str | None) -> list[str]:
    """Return what was done how often, and how much of it is fine."""
    incident = report.incident
    over = exceeded(report.counts, incident.limits)
    span = Span(timedelta(seconds=incident.seconds))
    lines = []
    for kind in DeedKind:
        if not (count := report.counts.get(kind)):
            continue
        text = _("{what}: {count}", what=KIND_NAMES[kind], count=count)
        if kind in over:
            text = _(
                "**{what}: {count}**, fine are {limit} in {span}",
                what=KIND_NAMES[kind],
                count=count,
                limit=incident.limits[kind],
                span=span,
            )
        lines.append(text.render(locale))
    return lines


def done_lines(report: Report, locale: str | None) -> list[str]:
    """Return what was done about it, and what could not be."""
    incident = report.incident
    lines = []
    for states, text in (
        ((PLANNED,), _("I am taking these roles: {roles}")),
        ((TAKEN,), _("Roles taken: {roles}")),
        ((RETURNED,), _("Roles given back: {roles}")),
    ):
        names = [quote(one.name, 40) for one in report.roles if one.state in states]
        if names:
            lines.append(Message(text.msgid, {"roles": ", ".join(names)}).render(locale))
    lines += [message_from_json(one).render(locale) for one in incident.notes]
    if incident.case_number is not None:
        lines.append(_("On record as case {number}.", number=incident.case_number).render(locale))
    if incident.restored_by and incident.state in (RESTORING, RESTORED):
        who = f"<@{incident.restored_by}>"
        lines.append(_("Given back by order of {who}.", who=who).render(locale))
    return lines or [_("I am looking at it.").render(locale)]


def deed_line(deed: StaffDeed, locale: str | None) -> str:
    """Return one deed as a line."""
    kind = DeedKind(deed.kind)
    target = quote(deed.target_name, 40) if deed.target_name else ""
    if deed.target_id and kind in _PEOPLE:
        target = f"<@{deed.target_id}>"
    times = f" ({deed.weight})" if deed.weight > 1 else ""
    return f"{stamp(deed.at, 'T')} {KIND_NAMES[kind].render(locale)}{times} {target}".rstrip()


def incident_line(incident: NukeIncident, locale: str | None) -> str:
    """Return an incident as one line of a list."""
    who = person_text(incident.user_id, incident.user_name)
    state = _STATES[incident.state].render(locale)
    return f"- {stamp(incident.opened_at, 'R')} {who}: {state}"


def stamp(instant: datetime, style: str) -> str:
    """Return an instant as each reader's own client shows it."""
    return f"<t:{round(instant.timestamp())}:{style}>"


def restore_id(incident_id: int) -> str:
    """Return the id of the button that gives an incident's roles back."""
    return f"antinuke:restore:{incident_id}"


def _fitting(lines: Sequence[str], limit: int = 1000) -> str:
    kept: list[str] = []
    for line in reversed(lines):
        if sum(map(len, kept)) + len(kept) + len(line) > limit:
            break
        kept.insert(0, line)
    return "\n".join(kept)


def _buttons(report: Report, locale: str | None) -> list[dict[str, Any]]:
    restorable = any(one.state == TAKEN for one in report.roles)
    if report.incident.state != DONE or not restorable:
        return []
    button = {
        "type": 2,
        "style": _SECONDARY,
        "label": _("Give the roles back").render(locale),
        "custom_id": restore_id(report.incident.id),
    }
    return [{"type": 1, "components": [button]}]
