"""What Discord offers while an option of these commands is typed; wrong input offers nothing."""

from __future__ import annotations

from discord import app_commands

from bot.checks import guild_id_of
from bot.core.fields.text import shorten
from bot.core.preflight import Action, can_act
from bot.localization import locale_of
from cogs.moderation.people import Interaction, actor_facts, bot_facts, settings_of
from cogs.moderation.rules.reading import (
    MAX_OFFERS,
    MAX_TEXT,
    Offer,
    duration_offers,
    reason_offers,
)
from cogs.moderation.wording import kind_name

Choices = list[app_commands.Choice[str]]


async def complete_duration(interaction: Interaction, current: str) -> Choices:
    """Offer durations in the reader's words."""
    return _choices(duration_offers(current, locale_of(interaction)))


async def complete_span(interaction: Interaction, current: str) -> Choices:
    """Offer durations, and for good."""
    return _choices(duration_offers(current, locale_of(interaction), endless=True))


async def complete_reason(interaction: Interaction, current: str) -> Choices:
    """Offer the guild's templates."""
    settings = await settings_of(interaction)
    return _choices(reason_offers(current, settings.reason_templates))


async def complete_case(
    interaction: Interaction, current: str | int
) -> list[app_commands.Choice[int]]:
    """Offer the newest cases, or the one with the number that was typed, to those who may read."""
    actor = await actor_facts(interaction)
    if can_act(Action.RECORD, bot=bot_facts(interaction), actor=actor) is not None:
        return []
    typed = str(current).strip().removeprefix("#")
    before = int(typed) + 1 if typed.isdecimal() and len(typed) < 10 else None
    cases = await interaction.client.kernel.cases.list(
        guild_id_of(interaction), before_number=before, limit=MAX_OFFERS
    )
    locale = locale_of(interaction)
    offers: list[app_commands.Choice[int]] = []
    for case in cases:
        parts = (f"#{case.number}", kind_name(case.kind, locale), case.target.name)
        name = shorten(" · ".join(part for part in parts if part), MAX_TEXT)
        offers.append(app_commands.Choice(name=name, value=case.number))
    return offers


def _choices(offers: list[Offer]) -> Choices:
    return [app_commands.Choice(name=one.name, value=one.value) for one in offers]
