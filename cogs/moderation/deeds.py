"""Does to one member what a moderator asked for, and says what came of it.

The one way of commands, menus and forms: preflight, order, answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import discord

from bot.checks import actor_of, guild_id_of
from bot.core.cases import Case, CaseKind, Order, Target
from bot.core.errors import NotFound
from bot.core.i18n import _
from bot.core.preflight import Action, can_act, may_decide_on
from bot.localization import locale_of
from bot.replies import answer
from cogs.moderation.people import (
    Interaction,
    actor_facts,
    bot_facts,
    protection_of,
    raise_refusal,
    settings_of,
    target_facts,
)
from cogs.moderation.rules.reading import read_reason
from cogs.moderation.wording import outcome_text

User = discord.User | discord.Member

# Of warnings and mutes only the ranks are compared: the bot, not the moderator, gives the role.
ACTIONS = {
    CaseKind.NOTE: Action.RECORD,
    CaseKind.WARN: Action.WARN,
    CaseKind.TIMEOUT: Action.TIMEOUT,
    CaseKind.UNTIMEOUT: Action.TIMEOUT,
    CaseKind.MUTE: Action.WARN,
    CaseKind.UNMUTE: Action.WARN,
    CaseKind.KICK: Action.KICK,
    CaseKind.SOFTBAN: Action.BAN,
    CaseKind.BAN: Action.BAN,
    CaseKind.TEMPBAN: Action.BAN,
    CaseKind.UNBAN: Action.UNBAN,
}
# What the bot needs for taking a case back, where that is more than to write.
UNDO_ACTIONS = {CaseKind.BAN: Action.UNBAN, CaseKind.TEMPBAN: Action.UNBAN}
_ROLE_ACTIONS = {CaseKind.MUTE: Action.ADD_ROLE, CaseKind.UNMUTE: Action.REMOVE_ROLE}
# These take nothing from anybody.
_HARMLESS = frozenset({CaseKind.NOTE, CaseKind.UNBAN, CaseKind.UNMUTE, CaseKind.UNTIMEOUT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What a moderator asked for; `reason` as they typed it."""

    kind: CaseKind
    target: User
    reason: str | None = None
    duration: timedelta | None = None
    points: int | None = None
    delete_window: timedelta | None = None
    details: dict[str, Any] = field(default_factory=dict)


async def ensure_can(interaction: Interaction, kind: CaseKind, target: User) -> None:
    """Raise `Denied` with the reason and the fix unless moderator and bot may do this."""
    settings = await settings_of(interaction)
    bot, actor = bot_facts(interaction), await actor_facts(interaction)
    facts = target_facts(target)
    raise_refusal(can_act(ACTIONS[kind], bot=bot, actor=actor, target=facts))
    if kind not in _HARMLESS:
        raise_refusal(protection_of(facts, actor, settings.protected_role_ids))
    if kind in _ROLE_ACTIONS:
        _check_mute_role(interaction, kind, settings.mute_role_id)


async def ensure_may_lift(interaction: Interaction, kind: CaseKind) -> None:
    """Raise `Denied` unless a moderator may punish in this way, and the bot can take it back."""
    raise_refusal(may_decide_on(ACTIONS[kind], await actor_facts(interaction)))
    raise_refusal(can_act(UNDO_ACTIONS.get(kind, Action.RECORD), bot=bot_facts(interaction)))


def _check_mute_role(interaction: Interaction, kind: CaseKind, role_id: int | None) -> None:
    guild_id, state = guild_id_of(interaction), interaction.client.kernel.state()
    role = state.role(guild_id, role_id) if role_id is not None else None
    if role is None:
        if kind is CaseKind.UNMUTE:
            return
        raise NotFound(
            _("There is no mute role yet."),
            hint=_("Choose one in /moderation settings, or use /timeout."),
        )
    bot = bot_facts(interaction)
    # Whom the role goes to has been judged; here it is about the bot and the role.
    raise_refusal(can_act(_ROLE_ACTIONS[kind], bot=bot, target=bot, role=role))


async def carry_out(interaction: Interaction, deed: Deed, *, occasion: int | None = None) -> Case:
    """Do it and tell the moderator; the interaction is deferred already.

    `occasion` is the interaction that began it: what comes twice of it is done once.
    """
    await ensure_can(interaction, deed.kind, deed.target)
    settings = await settings_of(interaction)
    window = deed.delete_window
    if window is None:
        window = settings.ban_delete_window if deed.kind in _BANS else timedelta()
    order = Order(
        guild_id=guild_id_of(interaction),
        kind=deed.kind,
        target=target_of(deed.target),
        moderator=actor_of(interaction),
        source="command",
        dedupe_key=f"command:{occasion or interaction.id}",
        reason=read_reason(deed.reason, settings.reason_templates, settings.default_reason),
        duration=deed.duration,
        points=deed.points,
        delete_window=window,
        details=deed.details,
    )
    cases = interaction.client.kernel.cases
    case = await cases.order(order)
    told = await cases.told(case)
    now = interaction.client.kernel.clock.now()
    points = None
    if case.points:
        points = await cases.points(case.guild_id, case.target.id, now)
    text = outcome_text(case, told, points, locale_of(interaction))
    await answer(interaction, text)
    return case


_BANS = (CaseKind.BAN, CaseKind.TEMPBAN)


def target_of(user: User) -> Target:
    """Return a person as cases name them."""
    return Target(user.id, user.name, user.bot)
