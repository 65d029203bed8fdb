"""Says why somebody earns, or does not: everything that decides it, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from bot.core.durations import Span
from bot.core.i18n import Message, _, ngettext
from cogs.levels.describing import Number
from cogs.levels.plan import Plan
from cogs.levels.rules import minute_worth, share
from cogs.levels.seats import Seat, talking


@dataclass(frozen=True, slots=True)
class Gift:
    """Experience that another feature has given, and for what."""

    xp: int
    reason: Message
    given_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that decides what somebody earns at this moment.

    `channel_percent` is of the channel that is asked about, `voice_percent` of the one they sit in;
    `ready_in` are the seconds of their pause that are left, `boost` the guild's with its end.
    `gifts` are the last that they were given, where they ask for themselves.
    """

    plan: Plan
    role_ids: frozenset[int]
    is_bot: bool
    channel_id: int
    channel_percent: int
    ready_in: float
    reads_content: bool
    seat: Seat | None
    room: tuple[Seat, ...]
    afk_channel_id: int | None
    voice_percent: int
    minutes: int
    xp_today: int
    boost: tuple[int, datetime] | None
    gifts: tuple[Gift, ...] = ()


def explain(one: Situation) -> Iterator[Message]:
    """Yield what holds, line by line."""
    if not one.plan.state.enabled:
        yield _("❌ Levels are switched off here. Switch them on with /feature enable.")
    if one.is_bot:
        yield _("❌ Bots earn nothing.")
        return
    barred = sorted(one.plan.excluded_roles.intersection(one.role_ids))
    if barred:
        roles = " ".join(f"<@&{role}>" for role in barred)
        yield _("❌ Nothing is earned with {roles}.", roles=roles)
    yield from _explain_text(one)
    yield from _explain_voice(one)
    yield from _explain_factors(one)
    yield ngettext(
        "📅 Today: {xp} experience, {count} minute of talking.",
        "📅 Today: {xp} experience, {count} minutes of talking.",
        one.minutes,
        xp=one.xp_today,
    )
    for gift in one.gifts:
        yield _(
            "🎁 Given: {xp} experience, {day}. {reason}.",
            xp=Number(gift.xp),
            day=f"<t:{int(gift.given_at.timestamp())}:d>",
            reason=gift.reason,
        )


def _explain_text(one: Situation) -> Iterator[Message]:
    settings = one.plan.settings
    if not settings.text_enabled:
        yield _("❌ Writing earns nothing in this server.")
        return
    if not one.channel_percent:
        yield _("❌ Nothing is earned in {channel}.", channel=f"<#{one.channel_id}>")
    elif one.ready_in > 0:
        yield ngettext(
            "⏳ The next message counts in {count} second.",
            "⏳ The next message counts in {count} seconds.",
            int(one.ready_in) + 1,
        )
    else:
        yield _(
            "✅ The next message earns {least} to {most}, then none for {pause}.",
            least=_earned(one, one.plan.text_range[0], one.channel_percent),
            most=_earned(one, sum(one.plan.text_range) - 1, one.channel_percent),
            pause=Span(settings.text_cooldown),
        )
    if not one.reads_content:
        yield _("💡 I can't read messages, so also short and repeated ones earn.")
        return
    if settings.text_length > 1:
        yield _(
            "💡 Messages of fewer than {count} characters earn nothing.", count=settings.text_length
        )
    if settings.text_similarity:
        yield _("💡 A message that is nearly the same as the last that earned earns nothing.")


def _explain_voice(one: Situation) -> Iterator[Message]:
    settings = one.plan.settings
    if not settings.voice_enabled:
        yield _("❌ Talking earns nothing in this server.")
        return
    worth = minute_worth(
        settings.voice_each,
        one.minutes,
        full_for=round(settings.voice_full_for.total_seconds() / 60),
        cap=round(settings.voice_cap.total_seconds() / 60),
    )
    if (obstacle := _voice_obstacle(one)) is not None:
        yield obstacle
    elif one.minutes >= settings.voice_cap.total_seconds() / 60:
        yield _("❌ Talking earns no more today: {cap} are the most.", cap=Span(settings.voice_cap))
    else:
        yield _("✅ Talking now earns {xp} a minute.", xp=_earned(one, worth, one.voice_percent))
    if one.minutes >= settings.voice_full_for.total_seconds() / 60:
        yield _(
            "💡 Minutes are worth less after {full} on a day.", full=Span(settings.voice_full_for)
        )


def _earned(one: Situation, base: int, place_percent: int) -> int:
    """Return what is earned of a base with all that is told below."""
    boost = 100 if one.boost is None else one.boost[0]
    return share(base, (one.plan.role_percent(one.role_ids), place_percent, boost))


def _voice_obstacle(one: Situation) -> Message | None:
    """Return what keeps somebody from earning by talking as they are now."""
    if one.seat is None:
        return _("💡 In voice with somebody else, each minute earns, too.")
    if one.seat.channel_id == one.afk_channel_id:
        return _("❌ In the channel for the absent nothing is earned.")
    if not one.seat.talks:
        return _("❌ Whoever is muted or deafened earns nothing by talking.")
    if not one.voice_percent:
        return _("❌ Nothing is earned in {channel}.", channel=f"<#{one.seat.channel_id}>")
    if one.seat not in talking(one.room, one.afk_channel_id):
        return _("❌ Nobody else in the channel can hear and be heard; it takes two.")
    return None


def _explain_factors(one: Situation) -> Iterator[Message]:
    role = one.plan.role_percent(one.role_ids)
    if role != 100:
        yield _("✖️ Included for roles: {percent} %", percent=role)
    if one.channel_percent not in (0, 100):
        yield _(
            "✖️ Included for {channel}: {percent} %",
            channel=f"<#{one.channel_id}>",
            percent=one.channel_percent,
        )
    seat = one.seat
    if seat and seat.channel_id != one.channel_id and one.voice_percent not in (0, 100):
        yield _(
            "✖️ Included for {channel}: {percent} %",
            channel=f"<#{seat.channel_id}>",
            percent=one.voice_percent,
        )
    if one.boost is not None:
        yield _(
            "🚀 Included for a boost: {percent} % until {end}",
            percent=one.boost[0],
            end=f"<t:{int(one.boost[1].timestamp())}:t>",
        )
