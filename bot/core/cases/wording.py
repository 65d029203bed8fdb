"""The words of cases: the message in the log channel, and what the member is written.

Pure; bodies are Discord's Create Message as the outbox takes them. Names and reasons are hostile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.core.cases.values import Case, CaseKind, CaseState, FollowUp
from bot.core.durations import Span
from bot.core.fields.text import escape_markdown, shorten
from bot.core.i18n import Message, _, ngettext

KIND_NAMES: Mapping[CaseKind, Message] = {
    CaseKind.NOTE: _("Note"),
    CaseKind.WARN: _("Warning"),
    CaseKind.TIMEOUT: _("Timeout"),
    CaseKind.UNTIMEOUT: _("Timeout lifted"),
    CaseKind.MUTE: _("Mute"),
    CaseKind.UNMUTE: _("Mute lifted"),
    CaseKind.KICK: _("Kick"),
    CaseKind.SOFTBAN: _("Softban"),
    CaseKind.BAN: _("Ban"),
    CaseKind.TEMPBAN: _("Temporary ban"),
    CaseKind.UNBAN: _("Ban lifted"),
    CaseKind.ADD_ROLE: _("Role given"),
    CaseKind.REMOVE_ROLE: _("Role taken"),
}
_COLOURS = {
    CaseKind.NOTE: 0x9AA0A6,
    CaseKind.WARN: 0xF2C94C,
    CaseKind.TIMEOUT: 0xF2994A,
    CaseKind.MUTE: 0xF2994A,
    CaseKind.KICK: 0xEB5757,
    CaseKind.SOFTBAN: 0xEB5757,
    CaseKind.BAN: 0xC0392B,
    CaseKind.TEMPBAN: 0xC0392B,
}
_CALM = 0x27AE60
_OVER = 0x6C757D
_FAILURES: Mapping[str, Message] = {
    "member_gone": _("they are not in this server"),
    "user_gone": _("Discord does not know this person"),
    "role_gone": _("the role is gone"),
    "not_banned": _("they were not banned"),
    "missing_permissions": _("I lack the permission, or their highest role is not below mine"),
    "missing_access": _("I lack the permission"),
    "ban_cap": _("Discord takes no more bans of people outside this server for now"),
    "too_late": _("Discord did not answer for too long"),
}
_UNKNOWN_FAILURE = _("Discord refused it")

_TOLD: Mapping[CaseKind, Message] = {
    CaseKind.WARN: _("You were warned in {guild}."),
    CaseKind.TIMEOUT: _("You were timed out in {guild}."),
    CaseKind.MUTE: _("You were muted in {guild}."),
    CaseKind.KICK: _("You were removed from {guild}. You can join it again."),
    CaseKind.SOFTBAN: _(
        "You were removed from {guild} with your latest messages. You can join it again."
    ),
    CaseKind.BAN: _("You were banned from {guild}."),
    CaseKind.TEMPBAN: _("You were banned from {guild}."),
    CaseKind.UNTIMEOUT: _("Your timeout in {guild} was lifted."),
    CaseKind.UNMUTE: _("Your mute in {guild} was lifted."),
    CaseKind.UNBAN: _("Your ban from {guild} was lifted."),
}
_TOLD_UNTIL: Mapping[CaseKind, Message] = {
    CaseKind.TIMEOUT: _("You were timed out in {guild} until {end}."),
    CaseKind.MUTE: _("You were muted in {guild} until {end}."),
    CaseKind.TEMPBAN: _("You were banned from {guild} until {end}."),
}


def failure_words(reason: str | None) -> Message:
    """Return why a case was not carried out, as the rest of a sentence."""
    return _FAILURES.get(reason or "", _UNKNOWN_FAILURE)


def follow_up_words(follow_up: FollowUp) -> Message:
    """Return what a threshold sets off, such as "Timeout, 1 hour"."""
    if follow_up.duration is None:
        return KIND_NAMES[follow_up.kind]
    return Message(
        "{kind}, {duration}",
        {"kind": KIND_NAMES[follow_up.kind], "duration": Span(follow_up.duration)},
    )


def direct_message(
    case: Case, guild_name: str, locale: str | None, closing: str | None = None
) -> dict[str, Any] | None:
    """Return what the member is written, `None` for what no member is told of.

    `closing` are the guild's own words at the end.
    """
    template = _TOLD.get(case.kind)
    if case.expires_at is not None:
        template = _TOLD_UNTIL.get(case.kind, template)
    if template is None:
        return None
    values = {"guild": _bold(guild_name), "end": _instant(case.expires_at)}
    lines = [Message(template.msgid, values).render(locale)]
    if case.reason:
        reason = escape_markdown(shorten(case.reason, 1000))
        lines.append(_("Reason: {reason}", reason=reason).render(locale))
    if case.follow_up is not None:
        text = ngettext(
            "You have reached {count} warn point. What follows: {what}.",
            "You have reached {count} warn points. What follows: {what}.",
            case.follow_up.points,
            what=follow_up_words(case.follow_up),
        )
        lines.append(text.render(locale))
    if closing:
        lines.append(f"\n{shorten(closing, 700)}")
    return {"content": "\n".join(lines)}


def lifted_message(lift: CaseKind, guild_name: str, locale: str | None) -> dict[str, Any]:
    """Return what a member is written when a case that held them is undone."""
    text = Message(_TOLD[lift].msgid, {"guild": _bold(guild_name)})
    return {"content": text.render(locale)}


def correction(guild_name: str, locale: str | None) -> dict[str, Any]:
    """Return what takes the place of a message about something that then failed."""
    text = _(
        "I wrote here that you were removed from {guild}. That did not happen: "
        "please disregard it, with my apologies.",
        guild=_bold(guild_name),
    )
    return {"content": text.render(locale), "components": []}


def log_message(case: Case, locale: str | None) -> dict[str, Any]:
    """Return the message about a case for the log channel, as the case stands now."""
    title = _("Case {number}: {kind}", number=case.number, kind=KIND_NAMES[case.kind])
    fields = [
        _field(_("Member"), _who(case.target.id, case.target.name, locale), locale),
        _field(_("Moderator"), _who(case.moderator_id, case.moderator_name, locale), locale),
    ]
    if case.expires_at is not None:
        fields.append(_field(_("Until"), _instant(case.expires_at, "R"), locale))
    if case.points:
        points = ngettext("{count} point", "{count} points", case.points)
        fields.append(_field(_("Points"), points.render(locale), locale))
    if case.role_id is not None:
        fields.append(_field(_("Role"), f"<@&{case.role_id}>", locale))
    reason = escape_markdown(shorten(case.reason, 1000)) if case.reason else "—"
    embed = {
        "title": title.render(locale),
        "description": "\n".join([reason, *(one.render(locale) for one in _standing(case))]),
        "fields": fields,
        "color": _colour(case),
        "timestamp": case.created_at.isoformat(),
    }
    return {"embeds": [embed]}


def bulk_log_message(cases: Sequence[Case], locale: str | None) -> dict[str, Any]:
    """Return the one message about many bans made together."""
    first, last = cases[0], cases[-1]
    text = ngettext(
        "{count} person was banned (case {first}).",
        "{count} people were banned (cases {first} to {last}).",
        len(cases),
        first=first.number,
        last=last.number,
    )
    reason = escape_markdown(shorten(first.reason, 1000)) if first.reason else "—"
    moderator = _who(first.moderator_id, first.moderator_name, locale)
    embed = {
        "title": _("Mass ban").render(locale),
        "description": f"{text.render(locale)}\n{reason}",
        "fields": [_field(_("Moderator"), moderator, locale)],
        "color": _COLOURS[CaseKind.BAN],
        "timestamp": first.created_at.isoformat(),
    }
    return {"embeds": [embed]}


def _standing(case: Case) -> list[Message]:
    """Return what has become of the case, where that is more than done."""
    lines: list[Message] = []
    by = f"<@{case.ended_by}>" if case.ended_by else None
    if case.state is CaseState.FAILED:
        lines.append(_("**Not carried out**: {why}.", why=failure_words(case.failure)))
    elif case.state is CaseState.PLANNED:
        lines.append(_("Discord does not answer; I keep trying."))
    elif case.state is CaseState.UNDONE:
        lines.append(_("**Undone** by {who}.", who=by or "?"))
    elif case.state is CaseState.ENDED:
        when = _instant(case.ended_at)
        text = (
            _("Ended {when} by {who}.", when=when, who=by)
            if by
            else _("Over since {when}.", when=when)
        )
        lines.append(text)
    if case.details.get("absent") and case.state is CaseState.APPLIED:
        lines.append(_("They are not here now; it takes hold when they come back."))
    if case.deleted_at is not None:
        lines.append(_("**Deleted** {when}.", when=_instant(case.deleted_at)))
    return lines


def _colour(case: Case) -> int:
    over = case.state in (CaseState.UNDONE, CaseState.ENDED, CaseState.FAILED)
    return _OVER if over or case.deleted_at else _COLOURS.get(case.kind, _CALM)


def _field(name: Message, value: str, locale: str | None) -> dict[str, Any]:
    return {"name": name.render(locale), "value": value, "inline": True}


def _who(user_id: int, name: str, locale: str | None) -> str:
    if not user_id:
        return escape_markdown(name) or _("nobody").render(locale)
    return f"<@{user_id}> {escape_markdown(name)}\n`{user_id}`"


def _bold(name: str) -> str:
    return f"**{escape_markdown(name)}**"


def _instant(instant: datetime | None, style: str = "f") -> str:
    # https://discord.com/developers/docs/reference#message-formatting
    return "" if instant is None else f"<t:{round(instant.timestamp())}:{style}>"
