"""What a join role is, in words for Discord and for the pages."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

from bot.core.durations import Span
from bot.core.i18n import N_, Message, _
from cogs.autorole.settings import JoinRole

_RECIPIENTS = {
    "people": N_("for people"),
    "bots": N_("for bots"),
    "everyone": N_("for people and bots"),
}


def describe(one: JoinRole) -> list[Message]:
    """Return who gets a join role, and when."""
    return list(_parts(one))


def _parts(one: JoinRole) -> Iterator[Message]:
    yield _(_RECIPIENTS[one.recipients])
    if one.recipients != "bots":
        yield _("after screening") if one.after_screening else _("also before screening")
    if one.delay:
        yield _("{delay} after joining", delay=Span(one.delay))
    if one.account_age:
        yield _("once the account is {age} old", age=Span(one.account_age))
    if one.after_role_id is not None:
        yield _("once they have {role}", role=f"<@&{one.after_role_id}>")


def in_words(one: JoinRole) -> Message:
    """Return a join role with who gets it when, as one text."""
    conditions = reduce(_joined, describe(one))
    return Message("{role}: {conditions}", {"role": f"<@&{one.role_id}>", "conditions": conditions})


def _joined(before: Message, after: Message) -> Message:
    return Message("{before} · {after}", {"before": before, "after": after})
