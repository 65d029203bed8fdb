"""What members have of a guild's shop, for every feature that takes pieces of it or gives some.

Free of discord.py, and without a service, as `bot.core.ledger` is: each function works in the
caller's transaction. Whoever moves pieces begins with `ledger.hold` of whom they are taken from
and given to, and takes or gives them last, after all rows of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.core.errors import Conflict
from bot.core.fields.text import escape_markdown
from bot.core.i18n import _
from db import economy_inventory as table
from db.economy_inventory import Pieces
from db.economy_shop import ShopItem

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


class ItemKind(StrEnum):
    """What an item does."""

    KEEP = "keep"
    ROLE_ON_USE = "role_on_use"
    ROLE_AT_ONCE = "role_at_once"


def name_key(name: str) -> str:
    """Return an item's name without regard to case, as it has to be unique among those on offer."""
    return " ".join(name.split()).casefold()


def title_of(item: ShopItem) -> str:
    """Return an item's name with its emoji, harmless in a text of Discord's."""
    name = f"**{escape_markdown(item.name)}**"
    return f"{item.emoji} {name}" if item.emoji else name


def choose_pieces(held: Sequence[Pieces], quantity: int) -> tuple[Pieces, ...] | None:
    """Return which pieces go, those that expire soonest first; `None` when there are too few."""
    chosen: list[Pieces] = []
    left = quantity
    for one in sorted(held, key=lambda piece: piece.expires_at):
        if left <= 0:
            break
        part = min(left, one.quantity)
        if part > 0:
            chosen.append(Pieces(one.expires_at, part))
            left -= part
    return tuple(chosen) if left <= 0 else None


def count_pieces(pieces: Sequence[Pieces]) -> int:
    """Return how many pieces these are."""
    return sum(one.quantity for one in pieces)


async def take_from(
    session: AsyncSession, item: ShopItem, user_id: int, quantity: int, now: datetime
) -> tuple[Pieces, ...]:
    """Take pieces from a member, those that expire soonest first; raises `Conflict` for too few."""
    held = await table.list_pieces(session, item.guild_id, user_id, item.id, now)
    pieces = choose_pieces(held, quantity)
    if pieces is None:
        raise Conflict(
            _(
                "<@{member}> has {count} of {item}, not {wanted}.",
                member=user_id,
                count=count_pieces(held),
                item=title_of(item),
                wanted=quantity,
            ),
            hint=_("/inventory view shows what you have."),
        )
    if not await table.take_pieces(session, item.guild_id, user_id, item.id, pieces):
        raise at_once()
    return pieces


def at_once() -> Conflict:
    """Return the refusal of what met another change of the same thing."""
    return Conflict(
        _("Somebody changed that at the same moment. Nothing was done."),
        hint=_("Please try again."),
    )
