"""What moderators read: outcomes of their commands, cases and lists of cases. Pure.

Names and reasons are hostile; they are escaped here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.core.cases import Case, CaseEdit, CaseKind, CaseNote, CaseState, Evidence, Told
from bot.core.cases.wording import KIND_NAMES, failure_words, follow_up_words
from bot.core.fields.text import escape_markdown, shorten
from bot.core.i18n import Message, _, ngettext

MOST_SHOWN = 10
_LINE_REASON = 90

_DONE: Mapping[CaseKind, Message] = {
    CaseKind.NOTE: _("Case {number}: the note about {member} is kept."),
    CaseKind.WARN: _("Case {number}: {member} was warned."),
    CaseKind.TIMEOUT: _("Case {number}: {member} is timed out until {end}."),
    CaseKind.UNTIMEOUT: _("Case {number}: {member}'s timeout is lifted."),
    CaseKind.MUTE: _("Case {number}: {member} is muted."),
    CaseKind.UNMUTE: _("Case {number}: {member}'s mute is lifted."),
    CaseKind.KICK: _("Case {number}: {member} was kicked."),
    CaseKind.SOFTBAN: _("Case {number}: {member} was removed, with their latest messages."),
    CaseKind.BAN: _("Case {number}: {member} is banned."),
    CaseKind.TEMPBAN: _("Case {number}: {member} is banned until {end}."),
    CaseKind.UNBAN: _("Case {number}: {member}'s ban is lifted."),
}
_MUTED_UNTIL = _("Case {number}: {member} is muted until {end}.")
_TOLD: Mapping[Told, Message] = {
    Told.WRITTEN: _("I wrote to them."),
    Told.WAITING: _("I am still trying to write to them."),
    Told.REFUSED: _("I could not write to them: they take no messages from this server."),
}
_STATES: Mapping[CaseState, Message] = {
    CaseState.PLANNED: _("being carried out"),
    CaseState.FAILED: _("not carried out"),
    CaseState.UNDONE: _("undone"),
    CaseState.ENDED: _("over"),
}
_FIELDS: Mapping[str, Message] = {
    "reason": _("Reason"),
    "duration": _("Duration"),
    "state": _("State"),
    "deleted": _("Deleted"),
}


def member_text(user_id: int, name: str) -> str:
    """Return a person as staff need one: mention, name and id."""
    if not user_id:
        return escape_markdown(name) or "—"
    return f"<@{user_id}> ({escape_markdown(name)}, `{user_id}`)" if name else f"<@{user_id}>"


def instant(at: datetime | None, style: str = "f") -> str:
    """Return an instant as Discord shows it in each reader's own time."""
    # https://discord.com/developers/docs/reference#message-formatting
    return "" if at is None else f"<t:{round(at.timestamp())}:{style}>"


def outcome_text(case: Case, told: Told, points: int | None, locale: str | None) -> str:
    """Return what a moderator is told of what they ordered."""
    if case.state is CaseState.FAILED:
        why = failure_words(case.failure)
        text = _("Case {number} was not carried out: {why}.", number=case.number, why=why)
        return f"⚠️ {text.render(locale)}"
    template = _DONE.get(case.kind, _("Case {number} about {member} is on record."))
    if case.kind is CaseKind.MUTE and case.expires_at is not None:
        template = _MUTED_UNTIL
    values = {
        "number": case.number,
        "member": member_text(case.target.id, case.target.name),
        "end": f"{instant(case.expires_at)} ({instant(case.expires_at, 'R')})",
    }
    lines = [f"✅ {Message(template.msgid, values).render(locale)}"]
    if case.state is CaseState.PLANNED:
        lines[0] = f"⏳ {Message(template.msgid, values).render(locale)}"
        lines.append(_("Discord does not answer; I keep trying.").render(locale))
    if case.details.get("absent"):
        lines.append(_("They are not here now; it takes hold when they come back.").render(locale))
    if points:
        text = ngettext("They have {count} point now.", "They have {count} points now.", points)
        lines.append(text.render(locale))
    if case.follow_up is not None:
        text = ngettext(
            "That reaches the threshold of {count} point. What follows: {what}.",
            "That reaches the threshold of {count} points. What follows: {what}.",
            case.follow_up.points,
            what=follow_up_words(case.follow_up),
        )
        lines.append(text.render(locale))
    if told in _TOLD:
        lines.append(_TOLD[told].render(locale))
    return "\n".join(lines)


def case_line(case: Case, locale: str | None) -> str:
    """Return a case as one line of a list."""
    kind = KIND_NAMES[case.kind].render(locale)
    who = f"<@{case.target.id}>" if case.target.id else escape_markdown(case.target.name) or "—"
    parts = [f"**#{case.number}** {kind}", who, instant(case.created_at, "d")]
    if case.state in _STATES:
        parts.append(f"*{_STATES[case.state].render(locale)}*")
    elif case.expires_at is not None:
        parts.append(f"→ {instant(case.expires_at, 'R')}")
    if case.points:
        parts.append(ngettext("{count} point", "{count} points", case.points).render(locale))
    if case.deleted_at is not None:
        parts.append(f"*{_('deleted').render(locale)}*")
    reason = escape_markdown(shorten(" ".join((case.reason or "—").split()), _LINE_REASON))
    return f"{' · '.join(parts)}\n-# {reason}"


def case_fields(case: Case, locale: str | None) -> list[tuple[str, str]]:
    """Return what is known of a case as titles and texts."""
    fields = [
        (_("Member"), member_text(case.target.id, case.target.name)),
        (_("Moderator"), member_text(case.moderator_id, case.moderator_name)),
        (_("Made"), f"{instant(case.created_at)} ({instant(case.created_at, 'R')})"),
    ]
    if case.expires_at is not None:
        fields.append((_("Until"), instant(case.expires_at)))
    if case.points:
        fields.append((_("Points"), str(case.points)))
    if case.role_id is not None:
        fields.append((_("Role"), f"<@&{case.role_id}>"))
    state = _STATES.get(case.state)
    if state is not None:
        words = state.render(locale)
        if case.state is CaseState.FAILED:
            words = f"{words}: {failure_words(case.failure).render(locale)}"
        if case.ended_at is not None:
            words = f"{words}, {instant(case.ended_at)}"
        fields.append((_("State"), words))
    if case.deleted_at is not None:
        fields.append((_("Deleted"), instant(case.deleted_at)))
    if link := case.details.get("link"):
        fields.append((_("Message"), str(link)[:200]))
    return [(title.render(locale), text) for title, text in fields]


def edit_line(edit: CaseEdit, locale: str | None) -> str:
    """Return one change of a case's history."""
    title = _FIELDS.get(edit.field, Message(edit.field)).render(locale)
    who = f"<@{edit.editor_id}>" if edit.editor_id else "—"
    before, after = (
        escape_markdown(shorten(text or "—", 60)) for text in (edit.before, edit.after)
    )
    change = "" if edit.field == "deleted" else f": {before} → {after}"
    return f"{instant(edit.edited_at, 'd')} {who} · {title}{change}"


def note_line(note: CaseNote) -> str:
    """Return a note under a case."""
    who = f"<@{note.author_id}>" if note.author_id else "—"
    text = escape_markdown(shorten(" ".join(note.text.split()), 200))
    return f"{instant(note.created_at, 'd')} {who}: {text}"


def evidence_line(one: Evidence) -> str:
    """Return what is known of a kept file."""
    size = max(1, round(one.size / 1024))
    return f"{escape_markdown(one.filename)} · {size} KiB · `{one.sha256[:12]}`"


def newest(lines: Sequence[str], limit: int = 1000) -> str:
    """Return as many of the last lines as fit, oldest first."""
    kept: list[str] = []
    for line in reversed(lines[-MOST_SHOWN:]):
        if sum(map(len, kept)) + len(kept) + len(line) > limit:
            break
        kept.insert(0, line)
    return "\n".join(kept)


def kind_name(kind: CaseKind, locale: str | None) -> str:
    """Return a kind's name."""
    return KIND_NAMES[kind].render(locale)
