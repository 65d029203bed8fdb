"""What is seen of an appeal: the button under a message about a case, and the staff's card. Pure.

Texts are hostile; they are escaped here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.core.cases import Case, CaseKind
from bot.core.fields.text import escape_markdown, shorten
from bot.core.i18n import _
from cogs.moderation.wording import instant, member_text
from db.appeals import ACCEPTED, OPEN, REJECTED, Appeal

# What a decision of the staff can lift.
APPEALABLE = frozenset({CaseKind.TIMEOUT, CaseKind.MUTE, CaseKind.BAN, CaseKind.TEMPBAN})

_COLOURS = {OPEN: 0x5865F2, ACCEPTED: 0x27AE60, REJECTED: 0x6C757D}
# https://discord.com/developers/docs/components/reference#button-button-styles
_SECONDARY, _SUCCESS, _DANGER = 2, 3, 4


def appeal_button(case: Case, locale: str | None) -> list[dict[str, Any]]:
    """Return the row under the message that tells a member of their case."""
    label = _("Appeal").render(locale)
    return [_row([(f"moderation:appeal:{case.id}", label, _SECONDARY)])]


def appeal_card(
    appeal: Appeal, name: str, votes: Mapping[str, int], locale: str | None
) -> dict[str, Any]:
    """Return the message about an appeal for the staff's channel, as it stands now."""
    title = _("Appeal against case {number}", number=appeal.case_number)
    tally = f"✅ {votes.get(ACCEPTED, 0)} · ❌ {votes.get(REJECTED, 0)}"
    fields = [(_("Member"), member_text(appeal.user_id, name)), (_("Votes"), tally)]
    if appeal.decided_at is not None:
        words = _("Accepted") if appeal.state == ACCEPTED else _("Rejected")
        fields.append((words, instant(appeal.decided_at, "R")))
    embed = {
        "title": title.render(locale),
        "description": escape_markdown(shorten(appeal.text, 1500)),
        "fields": [{"name": title.render(locale), "value": text} for title, text in fields],
        "color": _COLOURS[appeal.state],
        "timestamp": appeal.made_at.isoformat(),
    }
    buttons = (("accept", _("Accept"), _SUCCESS), ("reject", _("Reject"), _DANGER))
    rows = [
        _row(
            [
                (f"moderation:appeal:{what}:{appeal.id}", label.render(locale), style)
                for what, label, style in buttons
            ]
        )
    ]
    return {"embeds": [embed], "components": rows if appeal.state == OPEN else []}


def _row(buttons: list[tuple[str, str, int]]) -> dict[str, Any]:
    return {
        "type": 1,
        "components": [
            {"type": 2, "style": style, "label": label, "custom_id": custom_id}
            for custom_id, label, style in buttons
        ],
    }
