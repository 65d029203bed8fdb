"""What the commands of hosts share: where a giveaway may be posted, when it ends, what it gives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import discord

from bot.checks import guild_id_of, manages
from bot.core.contracts import MemberFacts
from bot.core.durations import parse_duration
from bot.core.errors import Conflict, Denied, InvalidInput, NotFound
from bot.core.guild_locale import BASICS
from bot.core.i18n import _
from bot.core.leveling import LEVELS, are_levels_on
from bot.core.moments import is_by_clock, parse_moment
from bot.core.money import ECONOMY, is_economy_on
from bot.core.power import is_powerful
from bot.core.preflight import Action, can_act, can_post
from bot.state import member_facts, names_of
from cogs.giveaways.access import Interaction
from cogs.giveaways.items import ItemCheck
from cogs.giveaways.opening import Order
from cogs.giveaways.plan import Plan
from cogs.giveaways.rules import LONGEST, LONGEST_ROLE, PLACES
from db.giveaways import Giveaway

# Kinds of channels that a message with a button can stand in.
Where = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.Thread
_NEEDS = ("embed_links",)
_NEVER = frozenset({"never", "no end", "nunca", "sin fin", "sin final"})


@dataclass(frozen=True, slots=True)
class Times:
    """When something begins, and how long it lasts; `None` where no time ends it.

    `by_clock` where its end was named, and not how long it lasts.
    """

    starts_at: datetime
    duration: timedelta | None
    by_clock: bool = False


def ensure_may_post(interaction: Interaction, channel_id: int) -> None:
    """Raise `Denied` with the fix unless bot and person may post a giveaway in the channel."""
    state, guild_id = interaction.client.kernel.state(), guild_id_of(interaction)
    place = state.channel(guild_id, channel_id)
    if place is None:
        raise NotFound(_("I can't see that channel."), hint=_("Choose another channel."))
    if place.kind not in PLACES:
        raise InvalidInput(
            _("A giveaway can't be posted in {channel}.", channel=f"<#{channel_id}>"),
            hint=_("Choose a channel that people write in."),
        )
    refusal = can_post(place, _NEEDS)
    if refusal is not None:
        raise Denied(refusal.message, hint=refusal.fix)
    guild, user = interaction.guild, interaction.user
    channel = guild and guild.get_channel_or_thread(channel_id)
    if channel is None or not isinstance(user, discord.Member):
        return
    allowed = channel.permissions_for(user)
    in_thread = isinstance(channel, discord.Thread)
    if not (allowed.send_messages_in_threads if in_thread else allowed.send_messages):
        raise Denied(
            _("You can't write in {channel} yourself.", channel=f"<#{channel_id}>"),
            hint=_("Choose a channel in which you may send messages."),
        )


def ensure_may_host(member: discord.Member | None) -> None:
    """Raise `InvalidInput` for a bot."""
    if member is not None and member.bot:
        raise InvalidInput(_("A bot can't be the host."), hint=_("Choose a person."))


def make_order(
    interaction: Interaction,
    plan: Plan,
    channel_id: int,
    host: discord.Member | None = None,
    *,
    starts_at: datetime | None = None,
) -> Order:
    """Return what is to be held; raises in words for a bot as host or a channel that can't be."""
    ensure_may_host(host)
    ensure_may_post(interaction, channel_id)
    return Order(
        guild_id=guild_id_of(interaction),
        channel_id=channel_id,
        host_id=(host or interaction.user).id,
        plan=plan,
        starts_at=starts_at,
    )


async def timezone_of(interaction: Interaction) -> str:
    """Return the guild's zone."""
    settings = interaction.client.kernel.settings
    return (await settings.get(guild_id_of(interaction), BASICS)).settings.time_zone


async def read_moment(
    interaction: Interaction, text: str, *, since: datetime | None = None
) -> datetime:
    """Return the instant that somebody means, in the guild's zone; raises `InvalidInput`.

    With `since` it is the end of what begins then.
    """
    return await parse_moment(
        text,
        now=interaction.client.kernel.clock.now(),
        timezone=await timezone_of(interaction),
        longest=LONGEST,
        since=since,
    )


def is_never(text: str) -> bool:
    """Tell whether somebody means that no time ends it."""
    return " ".join(text.casefold().split()) in _NEVER


async def read_times(interaction: Interaction, start: str | None, duration: str) -> Times:
    """Return when a giveaway begins and how long it lasts; the end may be a date, too.

    Raises `InvalidInput` for an end that is not after the beginning.
    """
    kernel = interaction.client.kernel
    # Ends are in whole seconds: "10s" must not become nine and a half.
    now = kernel.clock.now().replace(microsecond=0)
    starts_at = await read_moment(interaction, start) if start else now
    if is_never(duration):
        return Times(starts_at, None)
    ends_at = await parse_moment(
        duration,
        now=now,
        timezone=await timezone_of(interaction),
        longest=LONGEST,
        # A duration counts from the beginning; a date is a date whenever it begins.
        since=starts_at,
    )
    return Times(starts_at, ends_at - starts_at, is_by_clock(duration))


def read_role_time(text: str | None) -> timedelta | None:
    """Return how long somebody means a role to last; raises `InvalidInput`."""
    return parse_duration(text, maximum=LONGEST_ROLE) if text else None


async def ensure_may_reward(interaction: Interaction, role_id: int) -> None:
    """Raise in words unless bot and person may give the role."""
    kernel, guild_id = interaction.client.kernel, guild_id_of(interaction)
    me, role = kernel.state().me(guild_id), kernel.state().role(guild_id, role_id)
    user: Any = interaction.user
    if me is None or role is None or role_id == guild_id:
        raise NotFound(_("I can't give that role."), hint=_("Choose another role."))
    if role_id == await kernel.cases.mute_role_id(guild_id):
        raise Denied(_("That is the mute role."), hint=_("Choose another role."))
    actor = replace(member_facts(user), permissions=names_of(interaction.permissions.value))
    anybody = MemberFacts(0, guild_id, "", top_role_position=-1)
    refusal = can_act(Action.ADD_ROLE, bot=me, actor=actor, target=anybody, role=role)
    if refusal is not None:
        raise Denied(refusal.message, hint=refusal.fix)
    if is_powerful(role):
        raise Denied(
            _("{role} gives power over this server, so it can't be won.", role=f"<@&{role_id}>"),
            hint=_("Choose a role without rights of staff, or have them taken from it."),
        )


async def ensure_may_promise(
    interaction: Interaction, plan: Plan, before: Plan | None = None
) -> None:
    """Raise in words unless bot and person may give all that a plan gives more than `before`.

    So it is with a level that it asks for or rewards: where levels are off nobody could reach it.
    """
    await _ensure_level_is_reached(interaction, plan, before)
    await _ensure_items_are_had(interaction, plan, before)
    role_id = plan.reward_role_id
    if role_id is not None and (before is None or role_id != before.reward_role_id):
        await ensure_may_reward(interaction, role_id)
    if plan.total_xp > (before.total_xp if before else 0):
        if not await are_levels_on(interaction.client.kernel.settings, guild_id_of(interaction)):
            raise levels_off()
        await ensure_may_give_xp(interaction)
    if plan.total_amount <= (before.total_amount if before else 0):
        return
    if not await is_economy_on(interaction.client.kernel.settings, guild_id_of(interaction)):
        raise economy_off()
    await ensure_may_mint(interaction)


async def _ensure_level_is_reached(
    interaction: Interaction, plan: Plan, before: Plan | None
) -> None:
    asked = before.requirements.level if before else None
    is_asked = (plan.requirements.level or 0) > (asked or 0)
    kept = {one.level for one in before.level_bonuses} if before else set[int]()
    if not is_asked and all(one.level in kept for one in plan.level_bonuses):
        return
    if not await are_levels_on(interaction.client.kernel.settings, guild_id_of(interaction)):
        raise Conflict(
            _("Levels are switched off in this server, so nobody could reach one to enter.")
            if is_asked
            else _("Levels are switched off in this server, so nobody could reach one."),
            hint=_("An admin can switch them on with /feature enable."),
        )


async def ensure_may_give_again(interaction: Interaction, giveaway: Giveaway) -> None:
    """Raise `Denied` unless the person may have more given than the giveaway has promised."""
    if giveaway.prize_amount is not None:
        await ensure_may_mint(interaction)
    if giveaway.prize_xp is not None:
        await ensure_may_give_xp(interaction)


async def ensure_may_give_xp(interaction: Interaction) -> None:
    """Raise `Denied` unless the person may give experience, as `/xp give` asks it."""
    if not await manages(interaction, LEVELS):
        raise Denied(
            _("Only whoever manages levels can have experience given away."),
            hint=_("An admin can hand that to you with /permissions grant and Levels."),
        )


def levels_off() -> Conflict:
    """Return why no experience can be promised."""
    return Conflict(
        _("Levels are switched off in this server, so no experience can be won."),
        hint=_("An admin can switch them on with /feature enable."),
    )


async def _ensure_items_are_had(interaction: Interaction, plan: Plan, before: Plan | None) -> None:
    kernel = interaction.client.kernel
    kept = {one.item_id for one in before.item_bonuses} if before else set[int]()
    new = [one.item_id for one in plan.item_bonuses if one.item_id not in kept]
    check = ItemCheck(kernel.database, kernel.settings)
    for reason in (await check.mistakes(guild_id_of(interaction), new)).values():
        raise InvalidInput(reason, hint=_("/shop shows what there is."))


async def ensure_may_mint(interaction: Interaction) -> None:
    """Raise `Denied` unless the person manages the economy: what is won comes from nowhere else."""
    if not await manages(interaction, ECONOMY):
        raise Denied(
            _("Only whoever manages the economy can have its currency given away."),
            hint=_("An admin can hand that to you with /permissions grant and Economy."),
        )


def economy_off() -> Conflict:
    """Return why no currency can be promised."""
    return Conflict(
        _("The economy is switched off in this server, so no currency can be won."),
        hint=_("An admin can switch it on with /feature enable."),
    )
