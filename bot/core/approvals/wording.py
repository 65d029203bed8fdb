"""The words of second approvals: the card, and what the requester is told.

Pure; names and reasons are hostile.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.core.fields.text import escape_markdown, shorten
from bot.core.i18n import Message, _, ngettext
from bot.core.message_json import message_from_json
from db.approvals import APPROVED, DONE, EXPIRED, OPEN, REFUSED, Approval, ApprovalSubject

MOST_SHOWN = 15
_COLOURS = {OPEN: 0xF2994A, APPROVED: 0x5865F2, DONE: 0x27AE60}
_OVER = 0x6C757D
# https://discord.com/developers/docs/components/reference#button-button-styles
_SUCCESS, _DANGER = 3, 4

TOLD = {
    REFUSED: _("Your request in {guild} was refused: {title}."),
    EXPIRED: _("Your request in {guild} was not approved in time, so nothing was done: {title}."),
    DONE: _("Your request in {guild} was approved: {title}. {outcome}"),
}


def approval_card(
    approval: Approval, title: Message, people: Sequence[ApprovalSubject], locale: str | None
) -> dict[str, Any]:
    """Return the message about a request, as it stands now; `people` are the first of them."""
    fields = [(_("Asked for by"), _who(approval.requested_by, approval.requester_name))]
    if people:
        fields.append((_("Whom"), _people(approval, people, locale)))
    fields.append((_("State"), _state(approval, locale)))
    embed = {
        "title": shorten(title.render(locale), 250),
        "description": escape_markdown(shorten(approval.reason, 1000)) if approval.reason else "—",
        "fields": [{"name": name.render(locale), "value": text} for name, text in fields],
        "color": _COLOURS.get(approval.state, _OVER),
        "timestamp": approval.made_at.isoformat(),
    }
    rows = [_buttons(approval, locale)] if approval.state == OPEN else []
    return {"embeds": [embed], "components": rows}


def _people(approval: Approval, people: Sequence[ApprovalSubject], locale: str | None) -> str:
    lines = [_who(one.user_id, one.name) for one in people[:MOST_SHOWN]]
    rest = approval.count - len(lines)
    text = shorten("\n".join(lines), 900)
    if rest > 0:
        text += "\n" + ngettext("and {count} more", "and {count} more", rest).render(locale)
    return text


def _state(approval: Approval, locale: str | None) -> str:
    decider = _who(approval.decided_by, None)
    match approval.state:
        case "open":
            text = _(
                "Waits for somebody else to approve it; expires {when}.",
                when=_instant(approval.expires_at),
            )
        case "approved":
            text = _("Approved by {who}; being carried out.", who=decider)
        case "refused":
            text = _("Refused by {who}.", who=decider)
        case "expired":
            text = _("Expired: nothing was done.")
        case _:
            outcome = message_from_json(approval.outcome) if approval.outcome else ""
            text = _("Approved by {who}. {outcome}", who=decider, outcome=outcome)
    return text.render(locale)


def told_text(approval: Approval, title: Message, guild_name: str, locale: str | None) -> str:
    """Return what the requester is written about how it ended."""
    outcome = message_from_json(approval.outcome) if approval.outcome else ""
    values = {
        "guild": f"**{escape_markdown(guild_name)}**",
        "title": title,
        "outcome": outcome,
    }
    return Message(TOLD[approval.state].msgid, values).render(locale)


def button_id(what: str, approval_id: int) -> str:
    """Return the id of one of the card's buttons."""
    return f"antinuke:approval:{what}:{approval_id}"


def _buttons(approval: Approval, locale: str | None) -> dict[str, Any]:
    labels = (("approve", _("Approve"), _SUCCESS), ("refuse", _("Refuse"), _DANGER))
    return {
        "type": 1,
        "components": [
            {
                "type": 2,
                "style": style,
                "label": label.render(locale),
                "custom_id": button_id(what, approval.id),
            }
            for what, label, style in labels
        ],
    }


def _who(user_id: int | None, name: str | None) -> str:
    if not user_id:
        return "—"
    return f"<@{user_id}> {escape_markdown(name)}" if name else f"<@{user_id}>"


def _instant(at: datetime) -> str:
    # https://discord.com/developers/docs/reference#message-formatting
    return f"<t:{round(at.timestamp())}:R>"
