"""What is seen of an appeal: its buttons in direct messages, and the staff's card. Pure.

Texts are hostile; they are escaped here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.core.cases import Case, CaseKind
from bot.core.fields.text import escape_markdown, shorten
from bot.core.i18n import Message, _
from cogs.moderation.wording import instant, member_text
from db.appeals import ACCEPTED, OPEN, REJECTED, Appeal, AppealQuestion

# What a decision of the staff can take back. Of a kick it is the record, with its points.
APPEALABLE = frozenset(
    {
        CaseKind.WARN,
        CaseKind.TIMEOUT,
        CaseKind.MUTE,
        CaseKind.KICK,
        CaseKind.SOFTBAN,
        CaseKind.BAN,
        CaseKind.TEMPBAN,
    }
)
# Together they stay within what an embed holds, 6,000 characters:
# https://discord.com/developers/docs/resources/message#embed-object-embed-limits
MOST_QUESTIONS = 3
MAX_QUESTION = 250
MAX_ANSWER = 800
_SHOWN_TEXT = 2000

_COLOURS = {OPEN: 0x5865F2, ACCEPTED: 0x27AE60, REJECTED: 0x6C757D}
_UNREACHED = _(
    "I could not write to them. They are shown the question when they press Appeal again under my"
    " earlier message."
)
# https://discord.com/developers/docs/components/reference#button-button-styles
_SECONDARY, _SUCCESS, _DANGER = 2, 3, 4


def appeal_button(case: Case, locale: str | None) -> list[dict[str, Any]]:
    """Return the row under the message that tells a member of their case."""
    label = _("Appeal").render(locale)
    return [_row([(f"moderation:appeal:{case.id}", label, _SECONDARY)])]


def question_message(question: AppealQuestion, guild: str, locale: str | None) -> dict[str, Any]:
    """Return the direct message that asks whoever appeals."""
    words = _("The moderators of {guild} have a question about your appeal:", guild=guild)
    text = f"{words.render(locale)}\n{quote_block(question.question)}"
    button = (f"moderation:appeal:answer:{question.id}", _("Answer").render(locale), _SECONDARY)
    return {"content": text, "components": [_row([button])]}


def quote_block(text: str) -> str:
    """Return text that others wrote as a quotation, line by line."""
    return "\n".join(f"> {line}" for line in escape_markdown(text).splitlines())


def appeal_card(
    appeal: Appeal,
    name: str,
    votes: Mapping[str, int],
    locale: str | None,
    questions: Sequence[AppealQuestion] = (),
) -> dict[str, Any]:
    """Return the message about an appeal for the staff's channel, as it stands now."""
    title = _("Appeal against case {number}", number=appeal.case_number)
    tally = f"✅ {votes.get(ACCEPTED, 0)} · ❌ {votes.get(REJECTED, 0)}"
    fields = [(_("Member"), member_text(appeal.user_id, name)), (_("Votes"), tally)]
    if appeal.decided_at is not None:
        words = _("Accepted") if appeal.state == ACCEPTED else _("Rejected")
        fields.append((words, instant(appeal.decided_at, "R")))
    fields += [field for one in questions for field in _exchange(one, locale)]
    embed = {
        "title": title.render(locale),
        "description": shorten(escape_markdown(appeal.text), _SHOWN_TEXT),
        "fields": [{"name": title.render(locale), "value": text} for title, text in fields],
        "color": _COLOURS[appeal.state],
        "timestamp": appeal.made_at.isoformat(),
    }
    buttons = [("accept", _("Accept"), _SUCCESS), ("reject", _("Reject"), _DANGER)]
    if len(questions) < MOST_QUESTIONS:
        buttons.append(("ask", _("Ask"), _SECONDARY))
    rows = [
        _row(
            [
                (f"moderation:appeal:{what}:{appeal.id}", label.render(locale), style)
                for what, label, style in buttons
            ]
        )
    ]
    return {"embeds": [embed], "components": rows if appeal.state == OPEN else []}


def _exchange(one: AppealQuestion, locale: str | None) -> list[tuple[Message, str]]:
    asked = (_("Question"), _shown(one.question, MAX_QUESTION))
    if one.answer is not None:
        return [asked, (_("Answer"), _shown(one.answer, MAX_ANSWER))]
    state = _UNREACHED if one.unreached else _("Not answered yet")
    return [asked, (_("Answer"), state.render(locale))]


def _shown(text: str, limit: int) -> str:
    # Discord takes no field without a value, and a form takes blanks.
    return shorten(escape_markdown(text.strip()), limit) or "—"


def _row(buttons: list[tuple[str, str, int]]) -> dict[str, Any]:
    return {
        "type": 1,
        "components": [
            {"type": 2, "style": style, "label": label, "custom_id": custom_id}
            for custom_id, label, style in buttons
        ],
    }
