"""Finds what keeps Welcome from speaking that the field declarations can't express; pure."""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.contracts import BotState
from bot.core.i18n import N_, _
from bot.core.preflight import can_post, missing_permissions
from bot.core.problems.rules import Problem
from bot.core.settings.model import FeatureState
from cogs.welcome.rules import Kind, channel_for, is_greeted
from cogs.welcome.settings import WelcomeSettings

KEY = "welcome"

_UNSAID = {
    Kind.JOIN: N_("New members are not greeted, because there is no channel for it."),
    Kind.RETURNING: N_("Returning members are not greeted, because there is no channel for it."),
    Kind.LEAVE: N_("Nobody is seen off, because there is no channel for it."),
}


def find_welcome_problems(state: FeatureState, bot_state: BotState, guild_id: int) -> list[Problem]:
    """Return a problem for each message without a channel, and for each channel that won't do.

    Channels that are set are looked at by their declaration; here it is the one that Discord's own
    system messages go to, and what embeds and cards need besides.
    """
    guild = bot_state.guild(guild_id)
    if guild is None:
        return []
    found: dict[tuple[str, str], Problem] = {}
    for kind in Kind:
        if is_greeted(state.settings, kind):
            channel_id = channel_for(state.settings, kind, guild.system_channel_id)
            for problem in _about(state.settings, kind, channel_id, bot_state, guild_id):
                found.setdefault((problem.cause, problem.subject), problem)
    return list(found.values())


def _about(
    settings: WelcomeSettings,
    kind: Kind,
    channel_id: int | None,
    bot_state: BotState,
    guild_id: int,
) -> Iterator[Problem]:
    if channel_id is None:
        yield Problem(
            KEY,
            "no_channel",
            kind,
            _(_UNSAID[kind]),
            _("Choose a channel with /welcome settings, or set a system channel in Discord."),
        )
        return
    channel = bot_state.channel(guild_id, channel_id)
    if channel is None:
        # One that was chosen and is gone is found by its declaration.
        return
    needs = needs_of(settings, kind)
    if channel_for(settings, kind, None) is None:
        refusal = can_post(channel, needs)
    else:
        refusal = missing_permissions(needs, channel.bot_permissions, channel)
    if refusal is not None:
        yield Problem(KEY, "cannot_post", str(channel_id), refusal.message, refusal.fix)


def needs_of(settings: WelcomeSettings, kind: Kind) -> tuple[str, ...]:
    """Return the permissions that this kind of message needs besides those to post."""
    needs = []
    if settings.embed_enabled:
        needs.append("embed_links")
    if settings.card_enabled and kind is not Kind.LEAVE:
        needs.append("attach_files")
    return tuple(needs)
