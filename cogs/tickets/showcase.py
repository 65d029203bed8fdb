"""The message that shows panels, for members to press; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bot.core.fields.text import escape_markdown, shorten
from bot.core.i18n import _
from cogs.tickets.panel import Panel
from db.ticket_panels import TicketPost

MOST_SHOWN = 25
_ROW, _BUTTON, _SELECT = 1, 2, 3
_PER_ROW = 5
_STYLES = {"blurple": 1, "grey": 2, "green": 3, "red": 4}
_CUSTOM = re.compile(r"<(a?):(\w{2,32}):(\d{15,20})>")
_BLURPLE = 0x5865F2
# Of an embed's description.
_LONGEST_TEXT = 4096

Shown = Sequence[tuple[int, Panel]]


def post_payload(post: TicketPost, panels: Shown, locale: str | None) -> dict[str, Any]:
    """Return the message: title and text, and a button or an option for each panel that is on."""
    title = post.title or _("Talk to the staff").render(locale)
    embed = {
        "title": shorten(escape_markdown(title), 256),
        "description": shorten(post.text or _lines(panels, locale), _LONGEST_TEXT),
        "color": post.colour if post.colour is not None else _BLURPLE,
    }
    offered = [one for one in panels if one[1].enabled]
    rows = _select(post, offered, locale) if post.style == "select" else _buttons(offered)
    return {"embeds": [embed], "components": rows if offered else []}


def _lines(panels: Shown, locale: str | None) -> str:
    lines = [
        f"**{escape_markdown(panel.name)}** {escape_markdown(panel.description)}".strip()
        for _panel_id, panel in panels
        if panel.enabled and panel.description
    ]
    if lines:
        return "\n".join(lines)
    return _("Choose what it is about. Only you and the staff can read along.").render(locale)


def _buttons(panels: Shown) -> list[dict[str, Any]]:
    buttons = [
        {
            "type": _BUTTON,
            "style": _STYLES[panel.colour],
            "label": shorten(panel.name, 80),
            "custom_id": f"tickets:open:{panel_id}",
            **_emoji(panel),
        }
        for panel_id, panel in panels[:MOST_SHOWN]
    ]
    return [
        {"type": _ROW, "components": buttons[at : at + _PER_ROW]}
        for at in range(0, len(buttons), _PER_ROW)
    ]


def _select(post: TicketPost, panels: Shown, locale: str | None) -> list[dict[str, Any]]:
    options = [
        {
            "label": shorten(panel.name, 100),
            "value": str(panel_id),
            **({"description": panel.description} if panel.description else {}),
            **_emoji(panel),
        }
        for panel_id, panel in panels[:MOST_SHOWN]
    ]
    select = {
        "type": _SELECT,
        "custom_id": f"tickets:choose:{post.id}",
        "placeholder": _("What is it about?").render(locale),
        "min_values": 1,
        "max_values": 1,
        "options": options,
    }
    return [{"type": _ROW, "components": [select]}]


def _emoji(panel: Panel) -> dict[str, Any]:
    if not panel.emoji:
        return {}
    if match := _CUSTOM.fullmatch(panel.emoji):
        emoji = {"id": match[3], "name": match[2], "animated": bool(match[1])}
    else:
        emoji = {"name": panel.emoji}
    return {"emoji": emoji}
