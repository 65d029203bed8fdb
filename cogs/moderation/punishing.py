"""What the commands that punish have in common: their options, and the way from these to a deed."""

from __future__ import annotations

from datetime import timedelta

from discord import app_commands

from bot.core.cases import CaseKind
from cogs.moderation.deeds import Deed, User, carry_out
from cogs.moderation.people import Interaction
from cogs.moderation.rules.reading import read_duration

WHY = "Why; kept with the case and told to the member"
HOW_FAR_BACK = "How far back their messages go; as the settings say if left out"

# How far back messages go, in seconds, as Discord's own client offers.
DELETE_CHOICES = [
    app_commands.Choice(name="None", value=0),
    app_commands.Choice(name="1 hour", value=3600),
    app_commands.Choice(name="6 hours", value=6 * 3600),
    app_commands.Choice(name="1 day", value=24 * 3600),
    app_commands.Choice(name="3 days", value=3 * 24 * 3600),
    app_commands.Choice(name="7 days", value=7 * 24 * 3600),
]


async def punish(
    interaction: Interaction,
    kind: CaseKind,
    target: User,
    reason: str | None = None,
    *,
    duration: str | None = None,
    points: int | None = None,
    delete_window: timedelta | None = None,
) -> None:
    """Answer a command by doing what it asks for; `duration` as it was typed."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    deed = Deed(
        kind=kind,
        target=target,
        reason=reason,
        duration=read_duration(duration),
        points=points,
        delete_window=delete_window,
    )
    await carry_out(interaction, deed)


def window_of(choice: app_commands.Choice[int] | None) -> timedelta | None:
    """Return how far back messages go, `None` when it was left to the settings."""
    return None if choice is None else timedelta(seconds=choice.value)
