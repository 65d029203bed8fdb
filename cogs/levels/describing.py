"""Rewards, multipliers and numbers in words; free of discord.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from babel.numbers import format_decimal

from bot.core.i18n import Message, _, babel_locale

if TYPE_CHECKING:
    from cogs.levels.settings import Multiplier, Reward


class Number(Message):
    """A number inside a message, as the reader's language writes it."""

    def __init__(self, value: int) -> None:
        super().__init__("", {"value": value})

    def render(self, locale: str | None) -> str:
        """Return it with its thousands set apart."""
        return number(self.values["value"], locale)


def describe_reward(one: Reward) -> Message:
    """Return what a level gives or takes."""
    role = f"<@&{one.role_id}>"
    if one.action == "take":
        return _("Level {level} takes {role}", level=one.level, role=role)
    return _("Level {level} gives {role}", level=one.level, role=role)


def describe_multiplier(one: Multiplier) -> Message:
    """Return how much a role or channel earns."""
    target = f"<@&{one.role_id}>" if one.role_id is not None else f"<#{one.channel_id}>"
    return _("{target}: {percent} %", target=target, percent=one.percent)


def number(value: int, locale: str | None) -> str:
    """Return a number as the reader's language writes it."""
    return format_decimal(value, locale=babel_locale(locale))
