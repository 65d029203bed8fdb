"""The words of raids and lockdowns. Pure; names are hostile, bodies are Create Message's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.core.fields.text import escape_markdown, quote
from bot.core.i18n import Message, _, ngettext
from cogs.automod.raid.rules import Mark, Suspicion, Trigger
from db.lockdowns import ChangeState, LockdownState
from db.raids import RaidState

if TYPE_CHECKING:
    from db.lockdowns import Lockdown
    from db.raids import Raid

TRIGGERS: Mapping[Trigger, Message] = {
    Trigger.RATE: _("Many joined at once."),
    Trigger.FRESH: _("Many of those who joined are new accounts or have no picture."),
    Trigger.ALIKE: _("Many of those who joined have the same picture or similar names."),
    Trigger.STAFF: _("Staff said so."),
}
MARKS: Mapping[Mark, Message] = {
    Mark.NEW_ACCOUNT: _("new account"),
    Mark.NO_AVATAR: _("no picture"),
    Mark.SIMILAR_NAME: _("similar name"),
    Mark.SAME_AVATAR: _("same picture"),
    Mark.SAME_AGE: _("made on the same day"),
}
_MEASURES: Mapping[str, Message] = {
    "invites": _("Nobody can join: invites are paused."),
    "verification": _("The verification level is raised."),
    "lockdown": _("Channels are closed; see /automod lockdown end."),
}
_REFUSED: Mapping[str, Message] = {
    "invites": _("I could not pause invites: I need the Manage Server permission."),
    "verification": _("I could not raise the verification level: I need Manage Server."),
    "lockdown": _("I could not close channels: I need Manage Roles and Send Messages."),
}
_ALARM, _OVER = 0xC0392B, 0x27AE60
_PRIMARY, _SECONDARY, _DANGER = 1, 2, 4
# What a button of the alert does is in its id, before the raid's own.
END, BAN, EXPLAIN = "end", "ban", "explain"


def button_id(what: str, raid_id: int) -> str:
    """Return the id of one of the alert's buttons."""
    return f"automod:raid:{what}:{raid_id}"


def stamp(instant: datetime, style: str = "R") -> str:
    """Return an instant as each reader's own client shows it."""
    return f"<t:{round(instant.timestamp())}:{style}>"


def lockdown_text(
    lockdown: Lockdown, state: str, counts: Mapping[str, int], planned: int | None
) -> Message:
    """Return the one message about a lockdown that staff ordered."""
    who = f"<@{lockdown.started_by}>" if lockdown.started_by else "Pegasus"
    if state == LockdownState.ENDED:
        return _("🔓 The lockdown by {who} is over. All is as it was before.", who=who)
    closed = planned if planned is not None else counts.get(ChangeState.SET, 0)
    head = ngettext(
        "🔒 {who} closed {count} channel.", "🔒 {who} closed {count} channels.", closed, who=who
    )
    if state == LockdownState.CLOSING:
        head = ngettext(
            "🔒 {who} is closing {count} channel.",
            "🔒 {who} is closing {count} channels.",
            closed,
            who=who,
        )
    return _("{head} {until} {reason}", head=head, until=_until(lockdown), reason=_why(lockdown))


def _until(lockdown: Lockdown) -> Message:
    if lockdown.ends_at is None:
        return _("It lasts until /automod lockdown end.")
    return _("It ends {when}.", when=stamp(lockdown.ends_at))


def _why(lockdown: Lockdown) -> Message | str:
    if not lockdown.reason:
        return ""
    return _("Reason: {reason}", reason=escape_markdown(lockdown.reason))


def alert_body(raid: Raid, *, handled: int, locale: str | None) -> dict[str, Any]:
    """Return the one message about a raid, with its buttons."""
    is_over = raid.state == RaidState.ENDED
    title = _("The raid is over") if is_over else _("Raid")
    embed = {
        "title": title.render(locale),
        "description": alert_text(raid, locale, handled=handled),
        "color": _OVER if is_over else _ALARM,
    }
    return {"embeds": [embed], "components": [_buttons(raid, locale)]}


def alert_text(raid: Raid, locale: str | None, *, handled: int = 0) -> str:
    """Return what is known of a raid: why, how many, what was done, since when."""
    lines = [
        TRIGGERS[Trigger(raid.trigger)],
        ngettext("{count} member joined.", "{count} members joined.", raid.joins),
    ]
    if handled:
        lines.append(
            ngettext("I acted on {count} of them.", "I acted on {count} of them.", handled)
        )
    is_over = raid.state == RaidState.ENDED
    lines += [_measure(name, one, is_over) for name, one in raid.measures.items() if _is_told(one)]
    lines.append(_span(raid))
    return "\n".join(line.render(locale) for line in lines)


def _is_told(measure: Mapping[str, Any]) -> bool:
    """Whether there was something to do for a measure at all."""
    return measure["on"] or "done" in measure or "refused" in measure


def _span(raid: Raid) -> Message:
    if raid.ended_at is not None:
        return _(
            "It began {begin} and ended {end}.",
            begin=stamp(raid.opened_at, "f"),
            end=stamp(raid.ended_at, "f"),
        )
    return _(
        "It began {begin}; the last join was {last}. It ends by itself when nobody joins for "
        "a while.",
        begin=stamp(raid.opened_at),
        last=stamp(raid.last_join_at),
    )


def _measure(name: str, measure: Mapping[str, Any], is_over: bool) -> Message:
    if measure.get("refused"):
        return _REFUSED[name]
    return _TAKEN_BACK[name] if is_over else _MEASURES[name]


_TAKEN_BACK: Mapping[str, Message] = {
    "invites": _("Invites work as before."),
    "verification": _("The verification level is as before."),
    "lockdown": _("The channels are open as before."),
}


def _buttons(raid: Raid, locale: str | None) -> dict[str, Any]:
    labels = [
        (END, _("End raid"), _PRIMARY, raid.state != RaidState.OPEN),
        (BAN, _("Ban all…"), _DANGER, False),
        (EXPLAIN, _("Explain"), _SECONDARY, False),
    ]
    return {
        "type": 1,
        "components": [
            {
                "type": 2,
                "style": style,
                "label": label.render(locale),
                "custom_id": button_id(what, raid.id),
                "disabled": disabled,
            }
            for what, label, style, disabled in labels
        ],
    }


def member_line(suspicion: Suspicion, locale: str | None) -> str:
    """Return one line about someone: who, how old, joined when, and what speaks against them."""
    joiner = suspicion.joiner
    marks = ", ".join(MARKS[mark].render(locale) for mark in suspicion.marks)
    line = _(
        "<@{id}> {name}: made {created}, joined {joined}",
        id=joiner.user_id,
        name=quote(joiner.name, 32),
        created=stamp(joiner.created_at),
        joined=stamp(joiner.joined_at, "T"),
    ).render(locale)
    return f"- {line} ({marks})" if marks else f"- {line}"


def member_list(suspicions: Sequence[Suspicion], locale: str | None, *, limit: int = 1_500) -> str:
    """Return lines about as many as fit, those of whom most speaks for the raid first."""
    text = ""
    ranked = sorted(suspicions, key=lambda one: -one.score)
    for shown, one in enumerate(ranked):
        line = member_line(one, locale)
        if len(text) + len(line) > limit:
            rest = ngettext("…and {count} more", "…and {count} more", len(ranked) - shown)
            return f"{text}\n{rest.render(locale)}"
        text = f"{text}\n{line}" if text else line
    return text
