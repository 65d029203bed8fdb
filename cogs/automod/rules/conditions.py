"""Conditions on the author and the place, and triggers that are about them alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cogs.automod.rules.cases import NO, YES, Case, Said
from cogs.automod.rules.values import Hit

if TYPE_CHECKING:
    from cogs.automod.triggers import Honeypot, Native


class Condition:
    """Holds or not, and finds nothing by itself."""

    cost = 0
    needs_hint = False

    def __init__(self, holds: Callable[[Case], bool]) -> None:
        self._holds = holds

    def check(self, case: Case) -> Said:
        """Return whether it holds."""
        return YES if self._holds(case) else NO


def account_younger_than(spec: Any) -> Condition:
    """Make the condition on the account's age."""
    span = spec.age.total_seconds()
    return Condition(lambda case: case.account_age < span)


def joined_within(spec: Any) -> Condition:
    """Make the condition on the time since the member joined; not known is not within."""
    span = spec.age.total_seconds()

    def holds(case: Case) -> bool:
        membership = case.membership
        return membership is not None and membership < span

    return Condition(holds)


def has_roles(spec: Any) -> Condition:
    """Make the condition that the member has one of the roles."""
    roles = frozenset(spec.roles)
    return Condition(lambda case: not case.role_ids.isdisjoint(roles))


def lacks_roles(spec: Any) -> Condition:
    """Make the condition that the member has none of the roles."""
    roles = frozenset(spec.roles)
    return Condition(lambda case: case.role_ids.isdisjoint(roles))


def in_channels(spec: Any) -> Condition:
    """Make the condition on the place."""
    channels = frozenset(spec.channels)
    return Condition(lambda case: case.is_in(channels))


def no_avatar(_spec: Any) -> Condition:
    """Make the condition that the member has no picture of their own."""
    return Condition(lambda case: case.lacks_avatar)


class HoneypotLeaf:
    """Finds any message in a channel where nobody has a reason to write."""

    cost = 0
    needs_hint = False

    def __init__(self, rule: str, spec: Honeypot) -> None:
        self._rule = rule
        self._channels = frozenset(spec.channels)

    def check(self, case: Case) -> Said:
        """Return whether the message stands in one; an edit is no new message."""
        if case.kind != "message" or case.edited or not case.is_in(self._channels):
            return NO
        return Said(True, (Hit(self._rule, "honeypot", text=case.content[:100]),))


class NativeLeaf:
    """Takes over what Discord's own AutoMod found."""

    cost = 0
    needs_hint = False

    def __init__(self, rule: str, spec: Native) -> None:
        self._rule = rule
        self._rules = frozenset(spec.rules)

    def check(self, case: Case) -> Said:
        """Return whether one of its rules acted."""
        if case.kind != "native" or (self._rules and case.native_rule not in self._rules):
            return NO
        detail = str(case.native_rule)
        return Said(True, (Hit(self._rule, "native", text=case.content[:100], detail=detail),))
