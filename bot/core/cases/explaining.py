"""Turns what Discord refused into an error that says why, and what to do about it."""

from __future__ import annotations

from bot.core.cases.calls import Caller, Need
from bot.core.cases.outcomes import EnforcementError, Gone, NotPermitted
from bot.core.cases.rules import ACTIONS
from bot.core.cases.values import Case
from bot.core.cases.wording import failure_words
from bot.core.errors import AppError, Denied, DiscordFailed, NotFound
from bot.core.fields.text import escape_markdown
from bot.core.i18n import Message, _

_HINTS = {
    "member_gone": _("They may have left; someone who is gone can only be banned or unbanned."),
    "role_gone": _("Choose another role in the settings."),
    "ban_cap": _("Try again tomorrow, or ban them when they join."),
}


def explain(caller: Caller, case: Case, error: EnforcementError) -> AppError:
    """Return the error that tells people why a case was not carried out."""
    name = escape_markdown(case.target.name) or str(case.target.id)
    message = _(
        "Case {number} about {member} was not carried out: {why}.",
        number=case.number,
        member=name,
        why=failure_words(error.reason),
    )
    if isinstance(error, NotPermitted):
        return Denied(message, hint=_fix(caller, case), discord=str(error))
    kind = NotFound if isinstance(error, Gone) and error.reason in _ABSENT else DiscordFailed
    return kind(message, hint=_HINTS.get(error.reason), discord=str(error))


_ABSENT = frozenset({"member_gone", "user_gone", "role_gone", "not_banned"})


def _fix(caller: Caller, case: Case) -> Message:
    need = Need(case.guild_id, case.target.id, ACTIONS[case.kind], case.role_id)
    refusal = caller.refusal_of(need)
    if refusal is not None:
        return refusal.fix
    return _("Drag my role above theirs in Server Settings > Roles, and look at its permissions.")
