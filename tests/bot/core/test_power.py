"""The list of permissions that give power, and that features share it."""

from __future__ import annotations

import discord
import pytest

from bot.core.contracts import RoleSummary
from bot.core.power import DANGEROUS, DESTRUCTIVE, is_powerful
from cogs.antinuke.rules import is_dangerous


@pytest.mark.parametrize("name", sorted(DANGEROUS))
def test_bits_are_discords(name: str) -> None:
    assert discord.Permissions(**{name: True}).value == DANGEROUS[name]


@pytest.mark.parametrize("name", sorted(discord.Permissions.VALID_FLAGS))
def test_features_agree_on_what_gives_power(name: str) -> None:
    role = RoleSummary(1, 2, "R", 3, permissions=frozenset({name}))
    assert is_powerful(role) == (name in DANGEROUS)
    assert is_dangerous(role) == (name in DESTRUCTIVE)
