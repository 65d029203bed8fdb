"""What is said when a giveaway is drawn: in its channel, and to the winners. Payloads only, pure.

Whoever reads an announcement reads it in the guild's language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bot.core.fields.text import escape_markdown, shorten
from bot.core.i18n import Message, _, ngettext
from bot.core.money import Number
from cogs.giveaways.mentions import MOST_NAMED, people, roles
from db.giveaways import Giveaway, GiveawayRound

_ROW, _BUTTON, _GREEN = 1, 2, 3
_LONGEST_PRIZE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a draw went: who has won, in their order, and what they have to do.

    `claim_until` is `None` when winners need not claim; `has_codes`: the button hands out a code.
    `amount` is what each is given of the currency. The role `is_role_withheld` where it has got
    rights of staff since.
    """

    giveaway: Giveaway
    round: GiveawayRound
    winner_ids: Sequence[int]
    seed: str
    claim_until: datetime | None = None
    has_codes: bool = False
    amount: Message | None = None
    is_role_withheld: bool = False

    @property
    def has_button(self) -> bool:
        """Whether winners have something to press."""
        return self.claim_until is not None or self.has_codes


def closed_payload(
    giveaway: Giveaway, *, root: str, entries: tuple[int, int], locale: str | None
) -> dict[str, Any]:
    """Return what is said once the list of entries is final and nobody knows the winners yet."""
    text = _entered(*entries)
    note = _(
        "Giveaway {id}. Fingerprint of the list: {root}. Commitment to the seed: {commitment}. The "
        "winners follow.",
        # The draw depends on it, and neither seed nor list tell it.
        id=f"`{giveaway.id}`",
        root=f"`{root}`",
        commitment=f"`{giveaway.commitment}`",
    )
    content = f"🔒 {text.render(locale)}\n-# {note.render(locale)}"
    return _said(giveaway, content)


def _entered(count: int, weight: int) -> Message:
    if weight == count:
        return ngettext(
            "The entries are closed: {count} person has entered.",
            "The entries are closed: {count} people have entered.",
            count,
        )
    return ngettext(
        "The entries are closed: {count} person with {weight} entries.",
        "The entries are closed: {count} people with {weight} entries.",
        count,
        weight=weight,
    )


def result_payload(result: Result, locale: str | None) -> dict[str, Any]:
    """Return the announcement of a draw, which mentions its winners and nobody else."""
    lines = [one.render(locale) for one in _lines(result)]
    note = _(
        "Draw {number}, seed {seed}. /giveaway verify shows how to check it.",
        number=result.round.round + 1,
        seed=f"`{result.seed}`",
    )
    if result.round.entry_count:
        lines.append(f"-# {note.render(locale)}")
    payload = _said(result.giveaway, "\n".join(lines))
    payload["allowed_mentions"] = {
        "parse": [],
        "users": [str(one) for one in result.winner_ids],
        "replied_user": False,
    }
    if result.winner_ids and result.has_button:
        payload["components"] = [button_row(f"giveaways:prize:{result.giveaway.id}", locale)]
    return payload


def letter_payload(
    result: Result, winner_id: int, guild_name: str, locale: str | None
) -> dict[str, Any]:
    """Return what a winner is written; `winner_id` is their row's id."""
    giveaway = result.giveaway
    lines = [
        _(
            "🎉 You have won {prize} in {guild}!",
            prize=_prize(giveaway),
            guild=escape_markdown(guild_name),
        )
    ]
    if result.claim_until is not None:
        lines.append(_claim_line(result.claim_until))
    if result.claim_until is None and result.amount is not None:
        lines.append(_("{amount} was put into your account there.", amount=result.amount))
    if result.claim_until is None and giveaway.prize_xp is not None:
        lines.append(_("{xp} experience is counted for you there.", xp=Number(giveaway.prize_xp)))
    if result.claim_until is None and result.has_codes:
        lines.append(_("The button hands you your code."))
    content = "\n".join(one.render(locale) for one in lines)
    if giveaway.message_id is not None:
        content += f"\n{link_to(giveaway)}"
    payload: dict[str, Any] = {"content": content}
    if result.has_button:
        payload["components"] = [button_row(f"giveaways:claim:{winner_id}", locale)]
    return payload


def no_more_draws_payload(
    giveaway: Giveaway, user_ids: Sequence[int], locale: str | None
) -> dict[str, Any]:
    """Return what is said when prizes were not claimed and can't be drawn again."""
    text = ngettext(
        "{winners} did not claim {prize} in time. It can't be drawn any more: everybody who "
        "entered was drawn, or this giveaway has had all its draws.",
        "{winners} did not claim {prize} in time. It can't be drawn any more: everybody who "
        "entered was drawn, or this giveaway has had all its draws.",
        len(user_ids),
        winners=people(user_ids) if user_ids else "—",
        prize=_prize(giveaway),
    )
    return _said(giveaway, text.render(locale))


def longer_payload(
    giveaway: Giveaway, user_ids: Sequence[int], until: datetime, locale: str | None
) -> dict[str, Any]:
    """Return what winners are told whose time to claim ran out while the bot was away."""
    text = _(
        "I was away when the time to claim {prize} ran out. {winners}: you can still claim it "
        "until {when}.",
        prize=_prize(giveaway),
        winners=people(user_ids),
        when=f"<t:{int(until.timestamp())}:f>",
    )
    return _calling(giveaway, text, user_ids, locale)


def codes_payload(
    giveaway: Giveaway, user_ids: Sequence[int], locale: str | None
) -> dict[str, Any]:
    """Return what winners are told of codes that were kept for them after the draw."""
    text = _(
        "🔐 There are codes for {prize} now. {winners}: press the button for yours.",
        prize=_prize(giveaway),
        winners=people(user_ids),
    )
    return _calling(giveaway, text, user_ids, locale)


def _calling(
    giveaway: Giveaway, text: Message, user_ids: Sequence[int], locale: str | None
) -> dict[str, Any]:
    """Return a message that mentions winners, with the button for their prize."""
    payload = _said(giveaway, text.render(locale))
    told = [str(one) for one in user_ids[:MOST_NAMED]]
    payload["allowed_mentions"] = {"parse": [], "users": told, "replied_user": False}
    payload["components"] = [button_row(f"giveaways:prize:{giveaway.id}", locale)]
    return payload


def button_row(custom_id: str, locale: str | None) -> Mapping[str, Any]:
    """Return the row with the button that claims a prize."""
    label = _("Claim the prize").render(locale)
    button = {"type": _BUTTON, "style": _GREEN, "label": label, "custom_id": custom_id}
    return {"type": _ROW, "components": [button]}


def link_to(giveaway: Giveaway) -> str:
    """Return the address of a giveaway's message."""
    place = f"{giveaway.guild_id}/{giveaway.channel_id}/{giveaway.message_id}"
    return f"https://discord.com/channels/{place}"


def round_key(giveaway_id: UUID, number: int) -> str:
    """Return the key under which a draw is announced once."""
    return f"giveaways:{giveaway_id}:drawn:{number}"


def _lines(result: Result) -> list[Message]:
    prize, count = _prize(result.giveaway), len(result.winner_ids)
    if not count:
        return [_nobody(result, prize)]
    winners = people(result.winner_ids)
    lines = [_headline(result, winners, prize)]
    if count < result.round.wanted:
        lines.append(
            ngettext(
                "Only {count} of {wanted} winners could be drawn: nobody else who entered may win.",
                "Only {count} of {wanted} winners could be drawn: nobody else who entered may win.",
                count,
                wanted=result.round.wanted,
            )
        )
    if result.claim_until is not None:
        lines.append(_claim_line(result.claim_until))
    if result.is_role_withheld:
        lines.append(withheld_line(result.giveaway))
    return lines


def _headline(result: Result, winners: Message, prize: str) -> Message:
    count = len(result.winner_ids)
    if result.round.round == 0:
        return ngettext(
            "🎉 {winners} has won {prize}. Congratulations!",
            "🎉 {winners} have won {prize}. Congratulations!",
            count,
            winners=winners,
            prize=prize,
        )
    if result.round.requested_by is None:
        return _(
            "🎉 A prize was not claimed in time and was drawn again: {winners} has won {prize}. "
            "Congratulations!",
            winners=winners,
            prize=prize,
        )
    return ngettext(
        "🎉 Drawn again: {winners} has won {prize}. Congratulations!",
        "🎉 Drawn again: {winners} have won {prize}. Congratulations!",
        count,
        winners=winners,
        prize=prize,
    )


def _nobody(result: Result, prize: str) -> Message:
    if result.round.entry_count == 0:
        return _("Nobody entered the giveaway of {prize}, so nobody has won it.", prize=prize)
    if result.round.round == 0:
        return _("Nobody who entered may still win {prize}, so nobody has won it.", prize=prize)
    return _("{prize} was drawn again, but nobody who entered is left who may win.", prize=prize)


def _claim_line(until: datetime) -> Message:
    moment = int(until.timestamp())
    return _(
        "Press the button by {when} ({left}) to claim it; after that somebody else is drawn.",
        when=f"<t:{moment}:f>",
        left=f"<t:{moment}:R>",
    )


def withheld_line(giveaway: Giveaway) -> Message:
    """Return why a role is not given that has got power after it was promised."""
    return _(
        "The role {role} has got rights of staff since, so I don't give it.",
        role=roles([giveaway.reward_role_id or 0]),
    )


def _prize(giveaway: Giveaway) -> str:
    # Escaped it may be twice as long, and stands beside up to fifty mentions.
    return f"**{escape_markdown(shorten(giveaway.prize, _LONGEST_PRIZE))}**"


def _said(giveaway: Giveaway, content: str) -> dict[str, Any]:
    """Return a message that answers the giveaway's own, where that is there."""
    payload: dict[str, Any] = {"content": content}
    if giveaway.message_id is not None:
        payload["message_reference"] = {
            "message_id": str(giveaway.message_id),
            "channel_id": str(giveaway.channel_id),
            "fail_if_not_exists": False,
        }
    return payload
