"""What staff see of a report: its card with buttons, and who reported it. Pure.

Names, excerpts and reasons are hostile; they are escaped here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.core.fields.text import escape_markdown, shorten
from bot.core.i18n import Message, _, ngettext
from cogs.moderation.wording import instant, member_text
from db.reports import DISMISSED, OPEN, RESOLVED, Report, Reporter

_MOST_SHOWN = 10
_COLOURS = {OPEN: 0xF2C94C, RESOLVED: 0x27AE60, DISMISSED: 0x6C757D}
# https://discord.com/developers/docs/components/reference#button-button-styles
_PRIMARY, _SECONDARY, _SUCCESS, _DANGER = 1, 2, 3, 4
_BUTTONS: Sequence[Sequence[tuple[str, Message, int]]] = (
    (
        ("claim", _("Claim"), _PRIMARY),
        ("warn", _("Warn"), _DANGER),
        ("timeout", _("Timeout"), _DANGER),
        ("resolve", _("Resolve"), _SUCCESS),
        ("dismiss", _("Dismiss"), _SECONDARY),
    ),
    (("who", _("Who and why"), _SECONDARY),),
)


def message_link(report: Report) -> str | None:
    """Return the address of the reported message, `None` for a reported member."""
    if report.message_id is None:
        return None
    return f"https://discord.com/channels/{report.guild_id}/{report.channel_id}/{report.message_id}"


def report_card(report: Report, count: int, locale: str | None) -> dict[str, Any]:
    """Return the message about a report for the staff's channel, as the report stands now."""
    title = _("Report {number}", number=report.id)
    fields = [(_("Member"), member_text(report.target_id, report.target_name or ""))]
    if (link := message_link(report)) is not None:
        fields.append((_("Message"), link))
    voices = ngettext("{count} person", "{count} people", count)
    fields.append((_("Reported by"), voices.render(locale)))
    if report.claimed_by:
        fields.append((_("Claimed by"), f"<@{report.claimed_by}>"))
    if report.closed_at is not None:
        words = _("Resolved by") if report.state == RESOLVED else _("Dismissed by")
        who = f"<@{report.closed_by}>" if report.closed_by else "—"
        fields.append((words, f"{who} {instant(report.closed_at, 'R')}"))
    embed = {
        "title": title.render(locale),
        "description": escape_markdown(shorten(report.excerpt or "", 1000)),
        "fields": [{"name": name.render(locale), "value": text} for name, text in fields],
        "color": _COLOURS[report.state],
        "timestamp": report.opened_at.isoformat(),
    }
    return {"embeds": [embed], "components": _rows(report, locale)}


def _rows(report: Report, locale: str | None) -> list[dict[str, Any]]:
    shown = _BUTTONS if report.state == OPEN else _BUTTONS[1:]
    return [
        {
            "type": 1,
            "components": [
                {
                    "type": 2,
                    "style": style,
                    "label": label.render(locale),
                    "custom_id": f"moderation:report:{what}:{report.id}",
                }
                for what, label, style in row
                if what != "claim" or not report.claimed_by
            ],
        }
        for row in shown
    ]


def reporters_text(reporters: Sequence[Reporter], locale: str | None) -> str:
    """Return who reported something and why, for the staff's eyes."""
    if not reporters:
        return _("Nobody is on record any more.").render(locale)
    lines = [
        f"<@{one.user_id}> {instant(one.reported_at, 'R')}\n"
        f"-# {escape_markdown(shorten(' '.join(one.reason.split()), 140))}"
        for one in reporters[:_MOST_SHOWN]
    ]
    if len(reporters) > _MOST_SHOWN:
        rest = len(reporters) - _MOST_SHOWN
        lines.append(ngettext("and {count} more", "and {count} more", rest).render(locale))
    return "\n".join(lines)
