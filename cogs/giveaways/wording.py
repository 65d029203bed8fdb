"""A giveaway as people see it: the payload of its message in every state. Pure.

Whoever reads it reads it in the guild's language.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from bot.core.durations import Span
from bot.core.fields.text import escape_markdown, shorten
from bot.core.i18n import Message, _, ngettext
from bot.core.money import Currency, Number
from cogs.giveaways.mentions import people, roles
from cogs.giveaways.plan import (
    AnyBonus,
    ItemBonus,
    LevelBonus,
    Look,
    Requirements,
    bonuses_from_json,
)
from cogs.giveaways.settings import GiveawaySettings
from db.giveaways import ACTIVE, CANCELLED, DRAWING, ENDED, PAUSED, SCHEDULED, Giveaway

BLURPLE, GREY = 0x5865F2, 0x99AAB5
_ROW, _BUTTON = 1, 2
# Discord's limits: of a field, and of all texts of an embed together.
_LONGEST_VALUE, _LARGEST_EMBED = 1024, 6000
# A field needs a name; this one is not seen.
_NAMELESS = "\u200b"
_BLUE, _PLAIN = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the message of a giveaway shows; `items` are titles of the shop's items by their ids."""

    giveaway: Giveaway
    settings: GiveawaySettings
    currency: Currency
    entries: int = 0
    winner_ids: Sequence[int] = ()
    items: Mapping[int, str] = field(default_factory=dict)


def message_payload(view: View, locale: str | None) -> dict[str, Any]:
    """Return the message's body: an embed and, where one may enter, the button."""
    giveaway = view.giveaway
    look = Look.from_json(giveaway.embed_config)
    embed: dict[str, Any] = {
        "title": _title(view, locale),
        "description": _description(view, locale),
        "color": _colour(view, look),
        "footer": {"text": _footer(giveaway).render(locale)},
    }
    if fields := list(_fields(view, locale)):
        embed["fields"] = fields
    if (beyond := _size_of(embed) - _LARGEST_EMBED) > 0:
        # Fifty winners beside all requirements: what is decided stays, the host's words give way.
        embed["description"] = _description(view, locale, beyond)
    if look.image_url:
        embed["image"] = {"url": look.image_url}
    if look.thumbnail_url:
        embed["thumbnail"] = {"url": look.thumbnail_url}
    return {
        "content": "",
        "embeds": [embed],
        "components": _components(view, locale),
        "allowed_mentions": {"parse": []},
    }


def draft_embed(view: View, locale: str | None) -> Mapping[str, Any]:
    """Return how a giveaway would look that is not started: it has no number or commitment yet."""
    embed = message_payload(view, locale)["embeds"][0]
    return {name: value for name, value in embed.items() if name != "footer"}


def opening_payload(view: View, locale: str | None) -> dict[str, Any]:
    """Return the message with which a giveaway begins, which may notify a role."""
    payload = message_payload(view, locale)
    if (role_id := view.settings.ping_role_id) is not None:
        payload["content"] = f"<@&{role_id}>"
        payload["allowed_mentions"] = {"parse": [], "roles": [str(role_id)]}
    return payload


def enter_id(giveaway_id: UUID) -> str:
    """Return the id of the button by which people enter."""
    return f"giveaways:enter:{giveaway_id}"


def _title(view: View, locale: str | None) -> str:
    giveaway = view.giveaway
    if giveaway.status == CANCELLED:
        shown = _("Cancelled: {title}", title=giveaway.title).render(locale)
    elif giveaway.status == ENDED:
        shown = _("Over: {title}", title=giveaway.title).render(locale)
    else:
        shown = f"{view.settings.emoji} {giveaway.title}"
    return shown[:256]


def _colour(view: View, look: Look) -> int:
    if view.giveaway.status in (ENDED, CANCELLED):
        return GREY
    if look.colour is not None:
        return look.colour
    return view.settings.colour if view.settings.colour is not None else BLURPLE


def _size_of(embed: Mapping[str, Any]) -> int:
    """Return what Discord counts of an embed."""
    texts = [embed["title"], embed["description"], embed["footer"]["text"]]
    texts += [text for one in embed.get("fields", ()) for text in (one["name"], one["value"])]
    return sum(map(len, texts))


def _description(view: View, locale: str | None, beyond: int = 0) -> str:
    facts = "\n".join(one.render(locale) for one in _facts(view))
    text = view.giveaway.description
    if text and beyond:
        text = shorten(text, max(len(text) - beyond, 1))
    return f"{text}\n\n{facts}" if text else facts


def _facts(view: View) -> Iterator[Message]:
    giveaway = view.giveaway
    if giveaway.title != giveaway.prize:
        yield _("**Prize:** {prize}", prize=escape_markdown(giveaway.prize))
    yield from _state(view)
    if giveaway.status == ENDED:
        yield _won(view)
    elif giveaway.status != CANCELLED:
        yield ngettext("**{count} winner**", "**{count} winners**", giveaway.winner_count)
    if (given := rewards_of(giveaway, view.currency)) and giveaway.status != CANCELLED:
        yield _("**Each winner gets:** {what}", what=given)
    if giveaway.host_id:
        yield _("**Host:** {host}", host=people([giveaway.host_id]))
    if giveaway.status != SCHEDULED:
        yield _entries(view)
    if giveaway.claim_seconds is not None and giveaway.status in (ACTIVE, PAUSED):
        yield _(
            "Winners have {time} to claim their prize.",
            time=Span(timedelta(seconds=giveaway.claim_seconds)),
        )


def _state(view: View) -> Iterator[Message]:
    giveaway = view.giveaway
    if giveaway.status == ACTIVE:
        yield from _ends(giveaway)
    elif giveaway.status == PAUSED:
        yield _("⏸️ **Paused.** Nobody can enter until it goes on.")
    elif giveaway.status == DRAWING:
        yield _("🔒 **The entries are closed.** The winners are being drawn.")
    elif giveaway.status == SCHEDULED:
        yield _("**Begins:** {when}", when=moment(giveaway.starts_at))
    elif giveaway.status == ENDED and giveaway.ended_at is not None:
        yield _("**Ended:** {when}", when=moment(giveaway.ended_at))


def moment(instant: datetime) -> str:
    """Return an instant as Discord shows it: how far away, and when on the reader's clock."""
    at = int(instant.timestamp())
    return f"<t:{at}:R> (<t:{at}:f>)"


def _ends(giveaway: Giveaway) -> Iterator[Message]:
    if giveaway.ends_at is not None:
        yield _("**Ends:** {when}", when=moment(giveaway.ends_at))
    if giveaway.end_at_entries is not None:
        yield ngettext(
            "**Ends** with {count} entry", "**Ends** with {count} entries", giveaway.end_at_entries
        )
    if giveaway.ends_at is None and giveaway.end_at_entries is None:
        yield _("**Ends** when the host says so")


def _won(view: View) -> Message:
    if view.winner_ids:
        return ngettext(
            "**Winner:** {people}",
            "**Winners:** {people}",
            len(view.winner_ids),
            people=people(view.winner_ids),
        )
    return _("**Nobody has won.**")


def _entries(view: View) -> Message:
    if (most := view.giveaway.max_entries) is not None:
        return _("**Entries:** {count} of {most}", count=f"{view.entries:,}", most=f"{most:,}")
    return _("**Entries:** {count}", count=f"{view.entries:,}")


def _footer(giveaway: Giveaway) -> Message:
    return _(
        "Giveaway #{number} · provably fair: {commitment}",
        number=giveaway.number,
        commitment=giveaway.commitment,
    )


def _fields(view: View, locale: str | None) -> Iterator[Mapping[str, Any]]:
    giveaway = view.giveaway
    needed = requirement_lines(Requirements.from_json(giveaway.requirements))
    bonuses = bonus_lines(bonuses_from_json(giveaway.bonus_entries), view.items)
    for name, lines in ((_("To enter"), needed), (_("More chances"), bonuses)):
        title = name.render(locale)
        for value in _filled([f"- {one.render(locale)}" for one in lines]):
            yield {"name": title, "value": value, "inline": False}
            title = _NAMELESS


def _filled(lines: Sequence[str]) -> Iterator[str]:
    """Yield lines as values of fields, as many as they need: ten roles four times are too much."""
    value = ""
    for line in lines:
        if value and len(value) + 1 + len(line) > _LONGEST_VALUE:
            yield value
            value = ""
        value += f"\n{line}" if value else line
    if value:
        yield value


def requirement_lines(needs: Requirements) -> list[Message]:
    """Return what somebody needs to enter, a line each."""
    lines: list[Message] = []
    if needs.any_roles:
        lines.append(_("one of {roles}", roles=roles(needs.any_roles, either=True)))
    if needs.all_roles:
        lines.append(_("all of {roles}", roles=roles(needs.all_roles)))
    if needs.no_roles:
        lines.append(_("not {roles}", roles=roles(needs.no_roles, either=True)))
    if needs.account_age:
        lines.append(_("an account that is {age} old", age=Span(needs.account_age)))
    if needs.time_in_guild:
        lines.append(_("{time} in this server", time=Span(needs.time_in_guild)))
    if needs.level:
        lines.append(_("level {level}", level=needs.level))
    if needs.messages:
        lines.append(_messages_line(needs.messages, needs.messages_since))
    if lines and needs.bypass_roles:
        lines.append(_("none of this with {roles}", roles=roles(needs.bypass_roles, either=True)))
    return lines


def _messages_line(count: int, since: datetime | None) -> Message:
    if since is None:
        return ngettext(
            "{count} message here since it began", "{count} messages here since it began", count
        )
    return ngettext(
        "{count} message here since {when}",
        "{count} messages here since {when}",
        count,
        when=f"<t:{int(since.timestamp())}:f>",
    )


def bonus_lines(
    bonuses: Sequence[AnyBonus], items: Mapping[int, str] | None = None
) -> list[Message]:
    """Return what gives how many more entries, a line each, and of several that they add up.

    `items` are titles of items of the shop by their ids.
    """
    lines = [_bonus_line(one, items or {}) for one in bonuses]
    return [*lines, _("all of this adds up")] if len(lines) > 1 else lines


def _bonus_line(bonus: AnyBonus, items: Mapping[int, str]) -> Message:
    if isinstance(bonus, ItemBonus):
        return ngettext(
            "{item}: {count} more entry for each that you use, {most} at most (/shop)",
            "{item}: {count} more entries for each that you use, {most} at most (/shop)",
            bonus.entries,
            item=items.get(bonus.item_id) or _("an item that is gone"),
            most=bonus.most,
        )
    if isinstance(bonus, LevelBonus):
        return ngettext(
            "from level {level} on: {count} more entry",
            "from level {level} on: {count} more entries",
            bonus.entries,
            level=bonus.level,
        )
    return ngettext(
        "{role}: {count} more entry",
        "{role}: {count} more entries",
        bonus.entries,
        role=roles([bonus.role_id]),
    )


def rewards_of(giveaway: Giveaway, currency: Currency) -> Message | None:
    """Return what winners are given by the bot itself, `None` for nothing."""
    given: list[Message] = []
    if giveaway.prize_amount is not None:
        given.append(currency.amount(giveaway.prize_amount))
    if giveaway.prize_xp is not None:
        given.append(experience(giveaway.prize_xp))
    if giveaway.reward_role_id is not None:
        role = roles([giveaway.reward_role_id])
        if giveaway.reward_role_seconds is not None:
            time = Span(timedelta(seconds=giveaway.reward_role_seconds))
            role = _("{role} for {time}", role=role, time=time)
        given.append(role)
    match given:
        case [one, two, three]:
            return _("{one}, {two} and {three}", one=one, two=two, three=three)
        case [one, two]:
            return _("{one} and {two}", one=one, two=two)
        case _:
            return given[0] if given else None


def experience(amount: int) -> Message:
    """Return so much experience in words."""
    return _("{xp} experience", xp=Number(amount))


def _components(view: View, locale: str | None) -> list[Mapping[str, Any]]:
    giveaway = view.giveaway
    if giveaway.status not in (ACTIVE, PAUSED, DRAWING):
        return []
    label = _("Enter").render(locale)
    button = {
        "type": _BUTTON,
        "style": _BLUE if giveaway.status == ACTIVE else _PLAIN,
        "label": f"{label} ({view.entries:,})" if view.entries else label,
        "emoji": {"name": view.settings.emoji},
        "custom_id": enter_id(giveaway.id),
        # Whoever is in can leave a paused one.
        "disabled": giveaway.status == DRAWING,
    }
    return [{"type": _ROW, "components": [button]}]


def link_to(giveaway: Giveaway) -> str | None:
    """Return the address of a giveaway's message, `None` until there is one."""
    if giveaway.message_id is None:
        return None
    place = f"{giveaway.guild_id}/{giveaway.channel_id}/{giveaway.message_id}"
    return f"https://discord.com/channels/{place}"
