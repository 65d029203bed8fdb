"""Tells of new levels: where, in which words, to whom; what is told is stored with the rise."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.core.contracts import BotState
from bot.core.fields.text import escape_markdown
from bot.core.i18n import N_, Message
from bot.core.outbox import Delivery
from bot.core.preflight import can_post
from bot.core.templates import parse
from cogs.levels.describing import number
from cogs.levels.settings import KEY, VARIABLES, Announcing, LevelSettings

DEFAULT_TEXT = N_("🎉 {member.mention} has reached level {level}!")
PRIVATE_TEXT = N_("🎉 You have reached level {level} in {guild}!")
# A level that is told later than this surprises more than it pleases.
TOLD_WITHIN = timedelta(minutes=15)
LONGEST = 2000
# What a member can want to be told, as `levels_members.notify` keeps it.
NEVER, IN_PRIVATE = "off", "private"


@dataclass(frozen=True, slots=True)
class Rise:
    """That somebody's level has changed; `channel_id` is where they earned it, if anywhere."""

    guild_id: int
    user_id: int
    before: int
    level: int
    xp: int
    channel_id: int | None = None


def compose(
    rise: Rise,
    settings: LevelSettings,
    *,
    wish: str | None,
    state: BotState,
    locale: str | None,
    now: datetime,
    tickets: Collection[int | None] = (),
) -> Delivery | None:
    """Return what is said of a rise; `None` where nobody is to be told, or nothing can be said.

    `wish` is what the member wants, which outweighs the guild's settings. `tickets` are rooms of
    tickets: nothing is said there, nor in private threads.
    """
    where = Announcing.PRIVATE if wish == IN_PRIVATE else settings.announce
    if wish == NEVER or where is Announcing.OFF:
        return None
    key = f"{KEY}:{rise.guild_id}:{rise.user_id}:{rise.level}:{rise.xp}"
    until = now + TOLD_WITHIN
    if where is Announcing.PRIVATE:
        payload = _payload(rise, settings, PRIVATE_TEXT, state, locale)
        return Delivery.direct(
            rise.user_id, payload, dedupe_key=key, guild_id=rise.guild_id, expires_at=until
        )
    channel_id = _channel_for(rise, settings, where, state, tickets)
    if channel_id is None:
        return None
    return Delivery.message(
        channel_id,
        _payload(rise, settings, DEFAULT_TEXT, state, locale),
        dedupe_key=key,
        guild_id=rise.guild_id,
        subject_id=rise.user_id,
        expires_at=until,
    )


def _channel_for(
    rise: Rise,
    settings: LevelSettings,
    where: Announcing,
    state: BotState,
    tickets: Collection[int | None],
) -> int | None:
    if where is Announcing.CHANNEL and settings.announce_channel_id is not None:
        return settings.announce_channel_id
    if rise.channel_id is None or rise.channel_id in tickets:
        return None
    # Many channels are for reading only: that is no problem that anybody has to be told of.
    channel = state.channel(rise.guild_id, rise.channel_id)
    if channel is None or channel.private or can_post(channel) is not None:
        return None
    return channel.id


def _payload(
    rise: Rise, settings: LevelSettings, default: str, state: BotState, locale: str | None
) -> dict[str, Any]:
    template = parse(settings.announce_text or Message(default).render(locale), VARIABLES)
    mentioned = settings.announce_ping and "member.mention" in template.variables
    return {
        "content": template.render(_values(rise, state, locale), LONGEST),
        "allowed_mentions": {"parse": [], "users": [str(rise.user_id)] if mentioned else []},
    }


def _values(rise: Rise, state: BotState, locale: str | None) -> Mapping[str, str]:
    guild = state.guild(rise.guild_id)
    return {
        "member.mention": f"<@{rise.user_id}>",
        "level": number(rise.level, locale),
        "xp": number(rise.xp, locale),
        "guild": escape_markdown(guild.name) if guild else "Discord",
    }
