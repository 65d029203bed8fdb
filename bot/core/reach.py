"""Whom an act on many people leaves alone, asked again in the moment it is carried out.

Between the preview and the act somebody may have been promoted, and what is meant for raiders is
never meant for staff. Pure rules, and the shape of what asks Discord for the members.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from bot.core.contracts import MemberFacts, Permissions
from bot.core.fields.text import escape_markdown, shorten
from bot.core.i18n import Message, _, ngettext
from bot.core.preflight import Action, Cause, Refusal, can_act

# Returns whom of these people a mass ban by the second id may not take in a guild, and why.
Reach = Callable[[int, int, Sequence[int]], Awaitable[Mapping[int, Refusal]]]

STAFF_RIGHTS = frozenset(
    {
        "administrator",
        "manage_guild",
        "ban_members",
        "kick_members",
        "moderate_members",
        "manage_messages",
    }
)
_MOST_NAMED = 10


def refuse_staff(target: MemberFacts | None, usual: Permissions = frozenset()) -> Refusal | None:
    """Return the refusal for a member with moderator rights.

    `usual` is what everybody may do in the guild: that makes nobody staff.
    """
    if target is None or not (target.permissions & STAFF_RIGHTS) - usual:
        return None
    return Refusal(
        Cause.ACTOR_HIERARCHY,
        _("{member} has moderator rights.", member=target.name),
        _("Ban them by themselves, with /ban."),
    )


def refuse_mass_ban(
    target: MemberFacts,
    *,
    bot: MemberFacts,
    actor: MemberFacts | None,
    usual: Permissions = frozenset(),
) -> Refusal | None:
    """Return why somebody can't be banned along with others; ranks decide, and moderator rights.

    What the actor may do was asked when they ordered it. One who has left the guild is `None`.
    """
    ranked = actor and replace(actor, permissions=actor.permissions | {"ban_members"})
    refusal = can_act(Action.BAN, bot=bot, actor=ranked, target=target)
    if refusal is not None and refusal.cause is Cause.BOT_PERMISSION:
        # The cases themselves say so, and wait for it.
        return None
    return refusal or refuse_staff(target, usual)


def skipped_text(names: Sequence[str]) -> Message:
    """Return who was left alone, by name."""
    shown = ", ".join(escape_markdown(shorten(one, 40)) for one in names[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    return ngettext(
        "Left alone, because of their rank or moderator rights: {names}.",
        "Left alone, because of their ranks or moderator rights: {names}.",
        len(names),
        names=f"{shown} (+{more})" if more > 0 else shown,
    )
