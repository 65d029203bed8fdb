"""What makes a giveaway good: bounds of a plan, and what may be changed in which state. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from bot.core.durations import Span
from bot.core.errors import InvalidInput
from bot.core.i18n import Message, _
from cogs.giveaways.plan import Plan, Requirements

LONGEST_PRIZE = LONGEST_TITLE = 256
LONGEST_DESCRIPTION = 2000
LONGEST_ADDRESS = 500
MOST_WINNERS = 50
# Entries are one list that is read, hashed and drawn from whole.
MOST_ENTRANTS = 100_000
MOST_ROLES = 10
MOST_BONUS = 100
MOST_STEPS = 10
# Kinds of items, and pieces of one that somebody can use.
MOST_ITEMS, MOST_PIECES = 5, 10
SHORTEST, LONGEST = timedelta(seconds=10), timedelta(days=365)
OLDEST = timedelta(days=3650)
SHORTEST_CLAIM, LONGEST_CLAIM = timedelta(minutes=5), timedelta(days=30)
MOST_LEVEL, MOST_MESSAGES = 1000, 100_000
# What the ledger moves at once.
MOST_AMOUNT = 10**12
MOST_XP_PRIZE = 10**9
SHORTEST_ROLE, LONGEST_ROLE = timedelta(minutes=10), timedelta(days=365)

# Kinds of channels that a message with a button can stand in.
PLACES = frozenset({"text", "news", "voice", "stage", "thread"})

_LINES = re.compile(r"[\s\x00-\x1f]+")
# Letters of which nothing is seen, beside what Unicode calls separators, controls and formats.
_BLANKS = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0")
_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})


def checked_plan(plan: Plan) -> Plan:
    """Return the plan with its texts tidied; raises `InvalidInput` that says what to change.

    Every mistake is named at once.
    """
    tidy = replace(
        plan,
        prize=_one_line(plan.prize),
        title=None if _is_blank(plan.title) else _one_line(plan.title or ""),
        description=None if _is_blank(plan.description) else (plan.description or "").strip(),
    )
    mistakes = list(_mistakes(tidy))
    if not mistakes:
        return tidy
    if len(mistakes) == 1:
        raise InvalidInput(mistakes[0])
    raise InvalidInput(Lines(mistakes))


def checked_start(starts_at: datetime, now: datetime) -> datetime:
    """Return when a giveaway begins: now for a start that is past; raises `InvalidInput`."""
    if starts_at > now + LONGEST:
        raise InvalidInput(_("A giveaway begins within {longest}.", longest=Span(LONGEST)))
    return max(starts_at, now)


def end_after_late_start(starts_at: datetime, ends_at: datetime, now: datetime) -> datetime:
    """Return when a giveaway ends that begins at `now` instead of `starts_at`, after an outage.

    Its end stays while at least half of its time is left; else it lasts as long as was planned:
    nobody could enter one that ends as soon as it begins.
    """
    planned = ends_at - starts_at
    return ends_at if ends_at - now >= planned / 2 else now + planned


class Lines(Message):
    """Several messages, each in a line of its own."""

    def __init__(self, messages: list[Message]) -> None:
        super().__init__("", {"messages": tuple(messages)})

    def render(self, locale: str | None) -> str:
        """Return them as a list."""
        return "\n" + "\n".join(f"- {one.render(locale)}" for one in self.values["messages"])


def _one_line(text: str) -> str:
    return _LINES.sub(" ", text).strip()


def _is_blank(text: str | None) -> bool:
    """Tell whether nothing of a text would be seen."""
    return all(one in _BLANKS or unicodedata.category(one) in _UNSEEN for one in text or "")


def _mistakes(plan: Plan) -> Iterator[Message]:
    yield from _wrong_texts(plan)
    yield from _wrong_numbers(plan)
    yield from _wrong_times(plan)
    yield from _wrong_requirements(plan.requirements)
    yield from _wrong_bonuses(plan)
    yield from _wrong_rewards(plan)
    for address in (plan.look.image_url, plan.look.thumbnail_url):
        if address is not None and not is_image_address(address):
            yield _("The address of an image begins with https:// and has no spaces.")


def _wrong_texts(plan: Plan) -> Iterator[Message]:
    if _is_blank(plan.prize):
        yield _("The prize is empty. Say what there is to win.")
    if len(plan.prize) > LONGEST_PRIZE:
        yield _(
            "The prize has {count} characters. At most {most}, please; more fits into the "
            "description.",
            count=len(plan.prize),
            most=LONGEST_PRIZE,
        )
    if plan.title and len(plan.title) > LONGEST_TITLE:
        yield _("The title has at most {most} characters.", most=LONGEST_TITLE)
    if plan.description and len(plan.description) > LONGEST_DESCRIPTION:
        yield _("The description has at most {most} characters.", most=LONGEST_DESCRIPTION)


def _wrong_numbers(plan: Plan) -> Iterator[Message]:
    if not 1 <= plan.winners <= MOST_WINNERS:
        yield _("A giveaway has 1 to {most} winners.", most=MOST_WINNERS)
    for count in (plan.max_entries, plan.end_at_entries):
        if count is not None and not 1 <= count <= MOST_ENTRANTS:
            yield _("A number of entries is between 1 and {most}.", most=f"{MOST_ENTRANTS:,}")
    if plan.max_entries and plan.end_at_entries and plan.end_at_entries > plan.max_entries:
        yield _("It can't end at more entries than it takes.")


def _wrong_times(plan: Plan) -> Iterator[Message]:
    if plan.duration is not None and not SHORTEST <= plan.duration <= LONGEST:
        yield _(
            "A giveaway lasts at least {shortest} and at most {longest}.",
            shortest=Span(SHORTEST),
            longest=Span(LONGEST),
        )
    window = plan.claim_window
    if window and not SHORTEST_CLAIM <= window <= LONGEST_CLAIM:
        yield _(
            "Winners get at least {shortest} and at most {longest} to claim.",
            shortest=Span(SHORTEST_CLAIM),
            longest=Span(LONGEST_CLAIM),
        )


def _wrong_requirements(needs: Requirements) -> Iterator[Message]:
    for roles in (needs.any_roles, needs.all_roles, needs.no_roles, needs.bypass_roles):
        if len(roles) > MOST_ROLES:
            yield _("At most {most} roles in one requirement, please.", most=MOST_ROLES)
    if not {*needs.any_roles, *needs.all_roles}.isdisjoint(needs.no_roles):
        yield _("A role can't be required and forbidden at once.")
    for age in (needs.account_age, needs.time_in_guild):
        if age is not None and not timedelta(0) < age <= OLDEST:
            yield _("An age is at most {longest}.", longest=Span(OLDEST))
    if needs.level is not None and not 1 <= needs.level <= MOST_LEVEL:
        yield _("A level is between 1 and {most}.", most=MOST_LEVEL)
    if needs.messages is not None and not 1 <= needs.messages <= MOST_MESSAGES:
        yield _("A number of messages is between 1 and {most}.", most=f"{MOST_MESSAGES:,}")


def _wrong_bonuses(plan: Plan) -> Iterator[Message]:
    roles = plan.role_bonuses
    if len(roles) > MOST_ROLES:
        yield _("At most {most} roles give bonus entries.", most=MOST_ROLES)
    if len({one.role_id for one in roles}) < len(roles):
        yield _("A role gives bonus entries once.")
    if any(not 1 <= one.entries <= MOST_BONUS for one in roles):
        yield _("A role gives 1 to {most} bonus entries.", most=MOST_BONUS)
    yield from _wrong_steps(plan)
    yield from _wrong_items(plan)


def _wrong_steps(plan: Plan) -> Iterator[Message]:
    steps = plan.level_bonuses
    if len(steps) > MOST_STEPS:
        yield _("At most {most} levels give bonus entries.", most=MOST_STEPS)
    if len({one.level for one in steps}) < len(steps):
        yield _("A level gives bonus entries once.")
    if any(not 1 <= one.level <= MOST_LEVEL for one in steps):
        yield _("A level is between 1 and {most}.", most=MOST_LEVEL)
    if any(not 1 <= one.entries <= MOST_BONUS for one in steps):
        yield _("A level gives 1 to {most} bonus entries.", most=MOST_BONUS)


def _wrong_items(plan: Plan) -> Iterator[Message]:
    items = plan.item_bonuses
    if len(items) > MOST_ITEMS:
        yield _("At most {most} items give bonus entries.", most=MOST_ITEMS)
    if len({one.item_id for one in items}) < len(items):
        yield _("An item gives bonus entries by one rule.")
    if any(not 1 <= one.entries <= MOST_BONUS for one in items):
        yield _("An item gives 1 to {most} bonus entries.", most=MOST_BONUS)
    if any(not 1 <= one.most <= MOST_PIECES for one in items):
        yield _("Each person can use 1 to {most} pieces of an item.", most=MOST_PIECES)


def _wrong_rewards(plan: Plan) -> Iterator[Message]:
    if plan.prize_amount is not None and not 1 <= plan.prize_amount <= MOST_AMOUNT:
        yield _("Each winner is given 1 to {most} of the currency.", most=f"{MOST_AMOUNT:,}")
    if plan.prize_xp is not None and not 1 <= plan.prize_xp <= MOST_XP_PRIZE:
        yield _("Each winner is given 1 to {most} experience.", most=f"{MOST_XP_PRIZE:,}")
    time = plan.reward_role_time
    if time is None:
        return
    if plan.reward_role_id is None:
        yield _("Name the role that winners have for that time.")
    if not SHORTEST_ROLE <= time <= LONGEST_ROLE:
        yield _(
            "Winners have a role for at least {shortest} and at most {longest}.",
            shortest=Span(SHORTEST_ROLE),
            longest=Span(LONGEST_ROLE),
        )


def is_image_address(address: str) -> bool:
    """Tell whether Discord would take the address of an image."""
    if len(address) > LONGEST_ADDRESS or re.search(r"[\s<>]", address):
        return False
    try:
        parts = urlsplit(address)
        # Also whether the port is one.
        names = (parts.hostname or "").split(".") if parts.port != 0 else []
    except ValueError:
        return False
    return parts.scheme == "https" and len(names) > 1 and all(names)
