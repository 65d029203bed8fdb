"""The words of verification: what members read at the gate, and staff in the log; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.core.contracts import Actor
from bot.core.durations import Span
from bot.core.fields.text import escape_markdown, shorten
from bot.core.i18n import Message, _, ngettext
from bot.core.preflight import Refusal
from cogs.verification.questions import Question
from cogs.verification.rules import Applicant, Standing
from cogs.verification.settings import VerificationSettings

_LOG_COLOUR = 0x5865F2
_LONGEST_SHOWN = 300
# Button styles: https://discord.com/developers/docs/components/reference#button
_GREEN, _RED = 3, 4

OFF = _("Verification is switched off here at the moment.")
SCREENING = _(
    "First accept this server's rules: Discord offers them to you at the bottom of the window. "
    "Then press Verify again."
)
VERIFIED = _("You are verified already.")
COMING = _(
    "You have passed. Your role comes as soon as Discord lets me give it; "
    "if that takes long, ask the staff."
)
REVIEWED = _("Your answers are with the staff. Your role comes when they have agreed.")
HANDED_IN = _("Thank you. Staff read your answers and decide.")
TIME_IS_UP = _("Your time to verify is over. You can join again and verify then.")
NOT_READY = _(
    "Verification can't let anybody in yet, because its setup isn't complete. "
    "The staff have been told; please come back later."
)
BUSY = _("Very many people are verifying. Please try again in a minute.")
OUTDATED = _("That question is over. Press Verify again to get a new one.")
TOO_LATE = _("That took too long. Press Verify again to get a new question.")
PASSED = _("Welcome! You have passed, and your role is on its way.")
HELD_UP = _(
    "You have passed, but I can't give you your role yet. The staff have been told; it comes by "
    "itself once they have put that right."
)
AUDIT_REASON = _("Verified")


def paused(standing: Standing) -> Message:
    """Return what somebody reads who has to wait."""
    when = end_of_pause(standing)
    if standing.was_turned_down:
        return _("The staff turned your answers down; you can try again {when}.", when=when)
    return _("There were too many attempts. You can try again {when}.", when=when)


def end_of_pause(standing: Standing) -> str:
    """Return when somebody can try again, as Discord shows an instant."""
    return _relative(standing.locked_until)


def paused_log(standing: Standing) -> Message:
    """Return what staff read of somebody who has to wait."""
    return _("They can try again {when}.", when=_relative(standing.locked_until))


def wrong(settings: VerificationSettings, standing: Standing) -> Message:
    """Return what somebody reads after a wrong answer that is not their last."""
    return ngettext(
        "That was not right. You have {count} try left; here is a new question.",
        "That was not right. You have {count} tries left; here is a new question.",
        settings.attempts - standing.attempts,
    )


def wrong_form(settings: VerificationSettings, standing: Standing) -> Message:
    """Return what somebody reads after wrong answers to a form."""
    return ngettext(
        "Not all of that was right. You have {count} try left; press Verify again.",
        "Not all of that was right. You have {count} tries left; press Verify again.",
        settings.attempts - standing.attempts,
    )


def _relative(instant: datetime | None) -> str:
    return f"<t:{round(instant.timestamp())}:R>" if instant else ""


# --- for staff --------------------------------------------------------------------------------


def who(user_id: int, name: str) -> str:
    """Return a person's mention and name, such that the name does nothing."""
    return f"<@{user_id}> ({escape_markdown(shorten(name, 60))})"


def with_refusal(text: Message, refusal: Refusal) -> Message:
    """Return what staff read of somebody whose role has to wait for them."""
    return _(
        "{text}\n⏳ The role has to wait. {problem} {fix}",
        text=text,
        problem=refusal.message,
        fix=refusal.fix,
    )


def log_payload(title: Message, text: str, locale: str | None) -> dict[str, Any]:
    """Return a line of the log."""
    embed = {"title": title.render(locale), "description": text, "color": _LOG_COLOUR}
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def decided_line(decided: Message, actor: Actor) -> Message:
    """Return what the staff's card says from then on."""
    return _("{decided} Decided by {who}", decided=decided, who=who(actor.user_id, actor.name))


def review_payload(
    applicant: Applicant,
    moment: int,
    questions: Sequence[Question],
    answers: Sequence[str],
    locale: str | None,
) -> dict[str, Any]:
    """Return the card by which staff decide on the form that was handed in at that moment."""
    title = _("Somebody answered the questions")
    payload = log_payload(title, who(applicant.user_id, applicant.name), locale)
    payload["embeds"][0]["fields"] = [
        {
            "name": escape_markdown(one.text)[:256],
            "value": escape_markdown(shorten(text.strip(), _LONGEST_SHOWN)) or "…",
        }
        for one, text in zip(questions, answers, strict=False)
    ]
    subject = f"{applicant.user_id}:{moment}"
    buttons = (
        (_("Let in"), _GREEN, f"verification:review:approve:{subject}"),
        (_("Turn down"), _RED, f"verification:review:refuse:{subject}"),
    )
    payload["components"] = [
        {
            "type": 1,
            "components": [
                {"type": 2, "style": style, "label": label.render(locale), "custom_id": custom_id}
                for label, style, custom_id in buttons
            ],
        }
    ]
    return payload


# --- the panel and the reminder ---------------------------------------------------------------


def panel_payload(settings: VerificationSettings, guild: str, locale: str | None) -> dict[str, Any]:
    """Return the message with the lasting button."""
    own = _(
        "**Welcome to {guild}!**\nPress the button to verify and see the other channels.",
        guild=escape_markdown(guild),
    )
    button = {
        "type": 2,
        "style": _GREEN,
        "label": _("Verify").render(locale),
        "custom_id": "verification:begin",
    }
    return {
        "content": settings.panel_text or own.render(locale),
        "components": [{"type": 1, "components": [button]}],
        "allowed_mentions": {"parse": []},
    }


def reminder_payload(user_id: int, kick_at: datetime | None, locale: str | None) -> dict[str, Any]:
    """Return the message that mentions somebody who has not verified."""
    member = f"<@{user_id}>"
    if kick_at is None:
        text = _("{member}, please verify with the button in this channel.", member=member)
    else:
        text = _(
            "{member}, please verify with the button in this channel. Who has not done it {when} "
            "is removed, and can come back later.",
            member=member,
            when=_relative(kick_at),
        )
    mentions = {"parse": [], "users": [str(user_id)]}
    return {"content": text.render(locale), "allowed_mentions": mentions}


def kick_reason(settings: VerificationSettings) -> Message:
    """Return why somebody was removed; they read it in their farewell."""
    return _(
        "Not verified within {time}. You can join again and verify then.",
        time=Span(settings.kick_deadline) if settings.kick_deadline else "",
    )
