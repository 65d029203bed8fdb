"""What is earned and paid: streaks, wages, taxes. Pure; all amounts are whole numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from cogs.economy.settings import EconomySettings

# A random number from 0 to one less than the argument, each as likely as the others.
Below = Callable[[int], int]


@dataclass(frozen=True, slots=True)
class DailyGift:
    """A day's gift: `amount` holds the bonus; `broken` says that an earlier streak has ended."""

    day: date
    amount: int
    bonus: int
    streak: int
    broken: bool = False


def daily_gift(
    settings: EconomySettings, day: date, *, last: date | None, streak: int
) -> DailyGift | None:
    """Return the gift of a day, or None for one that was had, or comes before the last one.

    A streak goes on while no more days in between were missed than there are days of grace.
    """
    if last is not None and last >= day:
        return None
    goes_on = last is not None and (day - last).days <= 1 + settings.daily_grace_days
    now = streak + 1 if goes_on else 1
    bonus = settings.daily_bonus * min(now - 1, settings.daily_bonus_days)
    return DailyGift(
        day, settings.daily_amount + bonus, bonus, now, broken=not goes_on and streak > 1
    )


def day_of(now: datetime, zone: str) -> date:
    """Return the calendar day that it is in a zone."""
    return now.astimezone(ZoneInfo(zone)).date()


def next_day(day: date, zone: str) -> datetime:
    """Return when the day after begins in a zone."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone))


def wage(settings: EconomySettings, below: Below) -> int:
    """Return what a shift earns: any amount from the least to the highest, equally likely.

    Where the least is above the highest, it is always the least.
    """
    span = max(0, settings.work_maximum - settings.work_minimum)
    return settings.work_minimum + below(span + 1)


def tax_on(amount: int, percent: int) -> int:
    """Return the tax on a payment, rounded up to whole units."""
    return -(-amount * percent // 100)
