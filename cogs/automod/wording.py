"""The words of incidents: the message in the log channel, alerts, and what *Explain* says.

Pure; bodies are Discord's Create Message as the outbox takes them. Names and texts are hostile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.core.durations import Span
from bot.core.fields.text import escape_markdown, quote, shorten, shorten_marked, spoiler
from bot.core.i18n import N_, Message, _, ngettext
from bot.core.message_json import message_from_json
from cogs.automod.details import describe_detail
from cogs.automod.summaries import TRIGGERS
from db.automod import UNDONE, Incident, IncidentMember
from db.automod_messages import DELETED, FAILED, PENDING

MOST_MEMBERS = 10
# What a rule of conditions alone is found by.
_RULE = N_("The whole rule")
_EXCERPT = 300
_RED, _AMBER, _GREY, _BLUE = 0xC0392B, 0xF2994A, 0x6C757D, 0x3B82F6
_SERIOUS = 4
_ACTION_ROW, _BUTTON, _SECONDARY, _DANGER = 1, 2, 2, 4

SOURCES: Mapping[str, Message] = {
    "content": _("the text"),
    "embed": _("an embed"),
    "preview": _("a link's preview"),
    "forward": _("a forwarded message"),
    "poll": _("a poll"),
    "attachment": _("a file's name"),
    "file": _("a text file"),
    "sticker": _("a sticker"),
    "component": _("buttons and texts of a bot"),
    "thread": _("a thread's name"),
    "name": _("the member's name"),
}
DONE: Mapping[str, Message] = {
    "warn": _("warned"),
    "timeout": _("timed out"),
    "mute": _("muted"),
    "kick": _("kicked"),
    "tempban": _("banned for a time"),
    "ban": _("banned"),
    "add_role": _("role given"),
    "remove_role": _("role taken"),
}
EFFECTS: Mapping[str, Message] = {
    "slowmode": _("slowmode in {channel}"),
    "lock": _("{channel} locked"),
    "pause_invites": _("invites paused"),
}
WOULD: Mapping[str, Message] = {
    "delete": _("delete the message"),
    "warn": _("warn"),
    "add_role": _("give a role"),
    "remove_role": _("take a role"),
    "timeout": _("time out"),
    "mute": _("mute"),
    "kick": _("kick"),
    "tempban": _("ban for a time"),
    "ban": _("ban"),
    "alert": _("alert staff"),
    "slowmode": _("turn on slowmode"),
    "lock": _("lock the channel"),
    "pause_invites": _("pause invites"),
}


@dataclass(frozen=True, slots=True)
class Report:
    """An incident with what is shown of it."""

    incident: Incident
    members: Sequence[IncidentMember]
    member_count: int
    messages: Mapping[str, int]


def log_message(report: Report, locale: str | None) -> dict[str, Any]:
    """Return the message about an incident as it stands now, with its buttons."""
    incident = report.incident
    embed: dict[str, Any] = {
        "title": _title(incident).render(locale),
        "description": "\n".join(_description(incident, locale)),
        "fields": [
            {"name": name.render(locale), "value": shorten(value, 1024), "inline": inline}
            for name, value, inline in _fields(report, locale)
            if value
        ],
        "color": _colour(incident),
        "timestamp": incident.opened_at.isoformat(),
        "footer": {"text": _("Incident {number}", number=incident.id).render(locale)},
    }
    return {"embeds": [embed], "components": _buttons(incident, locale)}


def _title(incident: Incident) -> Message:
    if incident.shadow:
        return _("Automod (shadow): nothing was done")
    if incident.scope == "campaign":
        return _("Automod: the same from many members")
    return _("Automod")


def _description(incident: Incident, locale: str | None) -> list[str]:
    lines = []
    if incident.excerpt:
        lines.append(f"||{escape_markdown(shorten(incident.excerpt, _EXCERPT))}||")
    if incident.state == UNDONE and incident.undone_by is not None:
        lines.append(_("**Undone** by {who}.", who=f"<@{incident.undone_by}>").render(locale))
    return lines


def _fields(report: Report, locale: str | None) -> list[tuple[Message, str, bool]]:
    incident = report.incident
    hits = incident.findings.get("hits", ())
    rules = dict.fromkeys(hit["rule"] for hit in hits)
    sources = dict.fromkeys(hit["source"] for hit in hits if hit["trigger"] != "voice_moves")
    shown = (SOURCES[one].render(locale) for one in sources if one in SOURCES)
    place = f"<#{incident.channel_id}>" if incident.channel_id else ""
    return [
        (_("Member"), _who(report, locale), True),
        (_("Rules"), ", ".join(quote(one, 40) for one in rules), True),
        (_("Found in"), " · ".join([*shown, *([place] if place else [])]), True),
        (_("Done"), "\n".join(_done(report, locale)), False),
    ]


def _who(report: Report, locale: str | None) -> str:
    incident = report.incident
    if incident.scope == "campaign":
        count = ngettext("{count} member", "{count} members", report.member_count)
        named = " ".join(f"<@{one.user_id}>" for one in report.members[:MOST_MEMBERS])
        more = report.member_count - MOST_MEMBERS
        return f"{count.render(locale)}: {named}" + (f" +{more}" if more > 0 else "")
    if incident.user_id is None:
        return "—"
    return (
        f"<@{incident.user_id}> {escape_markdown(incident.user_name or '')}\n`{incident.user_id}`"
    )


def _done(report: Report, locale: str | None) -> list[str]:
    incident = report.incident
    if incident.shadow:
        would = (WOULD[one["type"]].render(locale) for one in incident.findings.get("would", ()))
        text = _("Nothing. Without shadow I would: {actions}.", actions=", ".join(would))
        return [text.render(locale)]
    lines = [one.render(locale) for one in _messages(report.messages)]
    if incident.findings.get("blocked"):
        lines.append(_("Discord's own AutoMod blocked the message.").render(locale))
    lines += _punished(report, locale)
    for effect in incident.effects.get("list", ()):
        channel = f"<#{effect['channel_id']}>"
        what = Message(EFFECTS[effect["kind"]].msgid, {"channel": channel}).render(locale)
        if error := effect.get("error"):
            failed = _("not done: {what}. {why}", what=what, why=message_from_json(error))
            lines.append(f"⚠ {failed.render(locale)}")
        else:
            length = Span(timedelta(seconds=effect["seconds"]))
            lines.append(_("{what}, for {length}", what=what, length=length).render(locale))
    return lines or [_("Nothing but this report.").render(locale)]


def _messages(counts: Mapping[str, int]) -> list[Message]:
    lines = []
    if count := counts.get(DELETED, 0):
        lines.append(ngettext("{count} message deleted", "{count} messages deleted", count))
    if count := counts.get(PENDING, 0):
        lines.append(ngettext("deleting {count} message …", "deleting {count} messages …", count))
    if count := counts.get(FAILED, 0):
        lines.append(
            ngettext(
                "⚠ {count} message could not be deleted: I lack the permission",
                "⚠ {count} messages could not be deleted: I lack the permission",
                count,
            )
        )
    return lines


def _punished(report: Report, locale: str | None) -> list[str]:
    """Return what was done to members; of a campaign summed up by what was done."""
    if report.incident.scope == "campaign":
        return _summed(report, locale)
    lines = []
    for member in report.members:
        for one in member.outcome.get("list", ()):
            what = DONE[one["kind"]].render(locale)
            if error := one.get("error"):
                failed = _("not {done}: {why}", done=what, why=message_from_json(error))
                lines.append(f"⚠ {failed.render(locale)}")
            else:
                case = _("{done} (case {number})", done=what, number=one["case"])
                lines.append(case.render(locale))
    return lines


def _summed(report: Report, locale: str | None) -> list[str]:
    cases: dict[str, list[int]] = {}
    failed = 0
    for member in report.members:
        for one in member.outcome.get("list", ()):
            if "error" in one:
                failed += 1
            else:
                cases.setdefault(one["kind"], []).append(one["case"])
    lines = []
    for kind, numbers in cases.items():
        text = ngettext(
            "{count} member {done} (case {first})",
            "{count} members {done} (cases {first} to {last})",
            len(numbers),
            done=DONE[kind].render(locale),
            first=min(numbers),
            last=max(numbers),
        )
        lines.append(text.render(locale))
    if failed:
        text = ngettext("⚠ {count} action failed", "⚠ {count} actions failed", failed)
        lines.append(text.render(locale))
    return lines


def _colour(incident: Incident) -> int:
    if incident.state == UNDONE:
        return _GREY
    if incident.shadow:
        return _BLUE
    return _RED if incident.severity >= _SERIOUS else _AMBER


def _buttons(incident: Incident, locale: str | None) -> list[dict[str, Any]]:
    wanted = [("explain", _("Explain"), _SECONDARY)]
    if incident.state != UNDONE and not incident.shadow:
        wanted.append(("undo", _("Undo"), _DANGER))
    if incident.state != UNDONE:
        wanted.append(("pardon", _("Not a violation"), _SECONDARY))
    buttons = [
        {
            "type": _BUTTON,
            "style": style,
            "label": label.render(locale),
            "custom_id": f"automod:{what}:{incident.id}",
        }
        for what, label, style in wanted
    ]
    return [{"type": _ACTION_ROW, "components": buttons}]


def alert_message(incident: Incident, locale: str | None) -> dict[str, Any]:
    """Return the short word to staff in a channel that a rule names."""
    rules = ", ".join(
        quote(one, 40) for one in dict.fromkeys(hit["rule"] for hit in incident.findings["hits"])
    )
    who = f"<@{incident.user_id}>"
    place = f"<#{incident.channel_id}>" if incident.channel_id else "—"
    text = _(
        "Automod found {rules} by {who} in {place} (incident {number}).",
        rules=rules,
        who=who,
        place=place,
        number=incident.id,
    )
    return {"content": text.render(locale)}


def explanation(incident: Incident, locale: str | None) -> str:
    """Return what matched, where and in which reading, and what exemptions were looked at."""
    lines = []
    for hit in incident.findings.get("hits", ()):
        source = SOURCES.get(hit["source"], _("the text"))
        line = _(
            "**{rule}** ({trigger}) in {source}, characters {start} to {end}, "
            "in the {view} text: {text}",
            rule=escape_markdown(hit["rule"]),
            trigger=_(TRIGGERS.get(hit["trigger"], _RULE)),
            source=source,
            start=hit["start"],
            end=hit["end"],
            view=_VIEWS.get(hit["view"], _VIEWS["raw"]),
            text=spoiler(hit["text"], 80),
        ).render(locale)
        if hit["detail"]:
            line += f" — {_matched(hit).render(locale)}"
        lines.append(f"• {line}")
    lines.append(_("Exemptions that were looked at and did not fit:").render(locale))
    lines += [f"• {one.render(locale)}" for one in _exemptions(incident)]
    return shorten_marked("\n".join(lines), 2000)


_VIEWS: Mapping[str, Message] = {
    "raw": _("written"),
    "plain": _("cleaned"),
    "folded": _("look-alike"),
    "joined": _("joined"),
    "squeezed": _("shortened"),
    "reversed": _("turned"),
}


def _matched(hit: Mapping[str, Any]) -> Message:
    worded = describe_detail(hit["trigger"], hit["detail"])
    return worded or _("matches {what}", what=spoiler(hit["detail"], 80))


def _exemptions(incident: Incident) -> list[Message]:
    lines = []
    if incident.findings.get("staff"):
        lines.append(_("staff are spared; the member has no staff role"))
    for name, counts in incident.findings.get("rules", {}).items():
        lines.append(
            _(
                "{rule}: {roles} roles, {channels} channels, {members} members",
                rule=quote(name, 40),
                roles=counts["roles"],
                channels=counts["channels"],
                members=counts["members"],
            )
        )
    return lines
