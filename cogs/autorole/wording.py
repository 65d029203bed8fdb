"""Join roles, back-fills and roles for a time in words."""

from __future__ import annotations

from bot.core.i18n import Message, _
from cogs.autorole.backfill import Count
from cogs.autorole.describing import describe
from cogs.autorole.settings import JoinRole


def line_of(one: JoinRole, locale: str) -> str:
    """Return a join role as a line."""
    return f"<@&{one.role_id}>: {_conditions(one, locale)}"


def gone_line(one: JoinRole, locale: str) -> str:
    """Return a join role whose role was deleted as a line: which it is, and what to do."""
    role = str(one.role_id)
    name = _("⚠️ A role that is gone (its ID was {role})", role=role).render(locale)
    fix = _("Remove it with `/autorole remove role:{role}`", role=role).render(locale)
    return f"{name}: {_conditions(one, locale)}. {fix}"


def _conditions(one: JoinRole, locale: str) -> str:
    return " · ".join(part.render(locale) for part in describe(one))


def question_of(count: Count, locale: str) -> Message:
    """Return the question before a back-fill."""
    lines = [
        _(
            "{count} of {seen} members would get roles:", count=count.members, seen=count.seen
        ).render(locale)
        if count.whole
        else _(
            "Of the first {seen} members, {count} would get roles, and more of the others:",
            seen=count.seen,
            count=count.members,
        ).render(locale)
    ]
    lines += [f"- <@&{role_id}>: {number}" for role_id, number in count.by_role.items()]
    slow = _("Discord lets me give about one role a second. You can stop it at any time.")
    lines.append(f"-# {slow.render(locale)}")
    return Message("{text}", {"text": "\n".join(lines)})
