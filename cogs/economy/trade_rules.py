"""What a trade is: coins, pieces of an item, or both, from each side. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.errors import InvalidInput
from bot.core.i18n import _
from bot.core.ledger import MAX_AMOUNT
from bot.core.money import Number
from cogs.economy.shop_rules import MOST_PIECES

OPEN_FOR = timedelta(hours=24)
# What expires sooner than this is gone before anybody could answer.
SHORTEST_OFFER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Side:
    """What one of the two gives."""

    coins: int = 0
    item_id: int | None = None
    quantity: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether it is nothing."""
        return not self.coins and self.item_id is None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the offerer gives, and wants for it."""

    give: Side
    want: Side


def check_proposal(proposal: Proposal) -> Proposal:
    """Return the proposal; raises `InvalidInput` for one that is no trade."""
    for side in (proposal.give, proposal.want):
        _check_side(side)
    if proposal.give.is_empty or proposal.want.is_empty:
        raise InvalidInput(
            _("A trade has something from each of you."),
            hint=_("To give something for nothing, use /pay or /inventory gift."),
        )
    if proposal.give.item_id is None and proposal.want.item_id is None:
        raise InvalidInput(
            _("Coins for coins are no trade: one side has to give an item."),
            hint=_("To give somebody coins, use /pay."),
        )
    if proposal.give.item_id == proposal.want.item_id:
        raise InvalidInput(_("Both sides give the same item."), hint=_("Choose another item."))
    return proposal


def _check_side(side: Side) -> None:
    if not 0 <= side.coins <= MAX_AMOUNT:
        raise InvalidInput(_("At most {count} coins, please.", count=Number(MAX_AMOUNT)))
    if side.item_id is not None and not 1 <= side.quantity <= MOST_PIECES:
        raise InvalidInput(_("From 1 to {count} pieces, please.", count=MOST_PIECES))
    if side.item_id is None and side.quantity:
        raise InvalidInput(_("Say which item it is."))


def offer_end(now: datetime, first_piece_ends: datetime) -> datetime:
    """Return until when an offer can be accepted: no longer than what is set aside lasts."""
    if first_piece_ends < now + SHORTEST_OFFER:
        raise InvalidInput(_("What you offer expires within a minute."))
    return min(now + OPEN_FOR, first_piece_ends)
