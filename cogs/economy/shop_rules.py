"""The shop's rules: what an item is, who may buy it, which pieces go first. Pure.

One model is stored, sent over the API and edited by the commands.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

from bot.core.fields import choice, duration, role
from bot.core.goods import ItemKind, name_key, title_of
from bot.core.i18n import N_, Message, _, ngettext
from bot.core.ledger import MAX_AMOUNT
from db.economy_inventory import NEVER, Pieces
from db.economy_shop import ShopItem

MOST_ITEMS = 250
MOST_PIECES = 1000
MOST_STOCK = 10**9
MOST_LEVEL = 1000
LONGEST_NAME = 50
LONGEST_DESCRIPTION = 200
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=3650)
_MINUTE = timedelta(minutes=1)

# What stands for an item and the price that somebody was shown, in options and menus.
_PICK = re.compile(r"#(\d{1,18})(?:@(\d{1,13}))?")
# A custom emoji as Discord writes it, or one character of Unicode with what belongs to it.
_EMOJI = re.compile(
    r"<a?:\w{2,32}:\d{15,20}>|[0-9#*]\ufe0f?\u20e3|(?=[^\x00-\xff])[^\w\s<>:@#]{1,16}|[©®]\ufe0f?"
)


KINDS = {
    ItemKind.KEEP: N_("Stays in the inventory"),
    ItemKind.ROLE_ON_USE: N_("Gives a role when it is used"),
    ItemKind.ROLE_AT_ONCE: N_("Gives a role as soon as it is bought"),
}

_Whole = Annotated[int, Field(strict=True)]


class ItemPlan(BaseModel):
    """An item as it is offered; ids are strings in JSON, `lasts` is in seconds.

    `lasts` is how long a piece that is kept, or the role that it gives, lasts: without it, for
    good. Without `stock` there is no end of it, without `per_member` no limit for a member. A role
    that gives power over others is only sold where somebody has `trusted` it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)] = Field(
        title=N_("Name"), description=N_("What it is called in the shop.")
    )
    description: Annotated[str, Field(max_length=LONGEST_DESCRIPTION)] = Field(
        "", title=N_("Description"), description=N_("What the shop says of it, on one line.")
    )
    emoji: Annotated[str, Field(max_length=64)] = Field(
        "", title=N_("Emoji"), description=N_("Stands before the name.")
    )
    price: Annotated[_Whole, Field(ge=1, le=MAX_AMOUNT)] = Field(
        title=N_("Price"), description=N_("What one piece costs, in the server's currency.")
    )
    kind: Annotated[ItemKind, choice(**{one.value: text for one, text in KINDS.items()})] = Field(
        ItemKind.KEEP, title=N_("What it does"), description=N_("What becomes of a bought piece.")
    )
    role_id: Annotated[int, role(assignable=True)] | None = Field(
        None, title=N_("Role"), description=N_("The role that it gives, if it gives one.")
    )
    trusted: bool = Field(
        False,
        title=N_("Role with power"),
        description=N_("Agrees to sell a role that gives power over others."),
    )
    lasts: Annotated[timedelta, duration(minimum=SHORTEST, maximum=LONGEST)] | None = Field(
        None,
        title=N_("Lasts"),
        description=N_("How long a piece that is kept, or its role, lasts; empty for good."),
    )
    stock: Annotated[_Whole, Field(ge=0, le=MOST_STOCK)] | None = Field(
        None, title=N_("Stock"), description=N_("How many are left; empty for no end of it.")
    )
    per_member: Annotated[_Whole, Field(ge=1, le=MOST_PIECES)] | None = Field(
        None,
        title=N_("Limit per member"),
        description=N_("How many pieces each member can buy; empty for no limit."),
    )
    required_role_id: Annotated[int, role()] | None = Field(
        None, title=N_("Required role"), description=N_("Only members with this role can buy it.")
    )
    required_level: Annotated[_Whole, Field(ge=1, le=MOST_LEVEL)] | None = Field(
        None, title=N_("Required level"), description=N_("The level from which members can buy it.")
    )
    offered_until: AwareDatetime | None = Field(
        None, title=N_("On offer until"), description=N_("When it leaves the shop by itself.")
    )

    @field_validator("name", "description", mode="before")
    @classmethod
    def _on_one_line(cls, value: Any) -> Any:
        return " ".join(value.split()) if isinstance(value, str) else value

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if _PICK.fullmatch(name):
            raise ValueError(_("This name can't be told from an item's number."))
        return name

    @field_validator("emoji")
    @classmethod
    def _check_emoji(cls, emoji: str) -> str:
        if emoji and not _EMOJI.fullmatch(emoji):
            raise ValueError(_("This is no emoji: choose one from Discord's list."))
        return emoji

    @model_validator(mode="after")
    def _check_role(self) -> Self:
        if self.kind is ItemKind.KEEP and self.role_id is not None:
            raise ValueError(_("An item that is only kept gives no role: choose what it does."))
        if self.kind is not ItemKind.KEEP and self.role_id is None:
            raise ValueError(_("Say which role the item gives."))
        return self

    def to_json(self) -> dict[str, Any]:
        """Return it for editing and for the API."""
        return self.model_dump(mode="json")

    def to_row(self) -> dict[str, Any]:
        """Return the values of its columns."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        until = self.offered_until
        return values | {
            "kind": self.kind.value,
            "name_key": name_key(self.name),
            "lasts": None if self.lasts is None else round(self.lasts.total_seconds()),
            "offered_until": None if until is None else until.astimezone(UTC),
        }


def plan_of(item: ShopItem) -> ItemPlan:
    """Return an item on record as it was asked for."""
    return ItemPlan.model_validate({name: getattr(item, name) for name in ItemPlan.model_fields})


def pick_of(item_id: int, price: int | None = None) -> str:
    """Return what stands for an item, and for the price that is shown with it."""
    return f"#{item_id}" if price is None else f"#{item_id}@{price}"


def read_pick(text: str) -> tuple[int, int | None] | None:
    """Return the item's id and the price that were picked; `None` where a name was written."""
    match = _PICK.fullmatch(text.strip())
    if match is None:
        return None
    return int(match[1]), int(match[2]) if match[2] else None


# --- buying --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Buyer:
    """A member as the shop sees one; `bought` is how many pieces of the item they bought."""

    user_id: int
    role_ids: Collection[int] = frozenset()
    level: int = 0
    bought: int = 0


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why something can't be bought, and what would change that."""

    message: Message
    hint: Message | None = None


def why_not_sold(item: ShopItem, quantity: int, now: datetime) -> Obstacle | None:
    """Return why the shop does not sell so many pieces now, or `None`."""
    name = title_of(item)
    if item.archived_at is not None:
        return Obstacle(_("{item} is not in the shop any more.", item=name), _SEE_SHOP)
    if item.offered_until is not None and item.offered_until <= now:
        until = f"<t:{int(item.offered_until.timestamp())}:f>"
        return Obstacle(_("{item} was on offer until {when}.", item=name, when=until), _SEE_SHOP)
    if item.stock == 0:
        return Obstacle(_("{item} is sold out. You were charged nothing.", item=name), _SEE_SHOP)
    if item.stock is not None and item.stock < quantity:
        left = ngettext(
            "There is only {count} piece of {item} left. You were charged nothing.",
            "There are only {count} pieces of {item} left. You were charged nothing.",
            item.stock,
            item=name,
        )
        return Obstacle(left, _("Buy fewer."))
    return None


def why_not_bought(item: ShopItem, buyer: Buyer, quantity: int, now: datetime) -> Obstacle | None:
    """Return why a member can't buy so many pieces, or `None` when nothing speaks against it."""
    if (obstacle := why_not_sold(item, quantity, now)) is not None:
        return obstacle
    name = title_of(item)
    if item.required_role_id is not None and item.required_role_id not in buyer.role_ids:
        needed = f"<@&{item.required_role_id}>"
        return Obstacle(_("{item} is only for members with {role}.", item=name, role=needed))
    if item.required_level is not None and buyer.level < item.required_level:
        text = _(
            "{item} is for members from level {level} on; you have level {own}.",
            item=name,
            level=item.required_level,
            own=buyer.level,
        )
        return Obstacle(text, _("Being active here brings levels."))
    if item.kind == ItemKind.ROLE_AT_ONCE and quantity > 1:
        return Obstacle(_("{item} gives a role: buy one at a time.", item=name))
    return why_over_limit(item, buyer.bought, quantity)


def why_over_limit(item: ShopItem, bought: int, quantity: int) -> Obstacle | None:
    """Return why a member who has bought some pieces can't buy so many more, or `None`."""
    limit = item.per_member
    if limit is None or bought + quantity <= limit:
        return None
    name, left = title_of(item), max(0, limit - bought)
    text = ngettext(
        "Everybody can buy {count} piece of {item}; you have bought {bought}.",
        "Everybody can buy {count} pieces of {item}; you have bought {bought}.",
        limit,
        item=name,
        bought=bought,
    )
    return Obstacle(text, _("Buy fewer.") if left else None)


_SEE_SHOP = _("/shop shows what there is.")


# --- pieces and roles ----------------------------------------------------------------------------


def piece_end(item: ShopItem, now: datetime) -> datetime:
    """Return when a piece that is bought now expires, `NEVER` if it does not.

    Whole minutes, so that what is bought together is kept together.
    """
    if item.kind != ItemKind.KEEP or item.lasts is None:
        return NEVER
    end = now + timedelta(seconds=item.lasts)
    over = timedelta(seconds=end.second, microseconds=end.microsecond)
    return end - over + _MINUTE if over else end


def role_end(item: ShopItem, now: datetime, current: datetime | None) -> datetime | None:
    """Return until when a role lasts that is given now, `None` for good.

    To a member who has it until `current` the time is added.
    """
    if item.lasts is None:
        return None
    begins = now if current is None else max(now, current)
    return min(begins + timedelta(seconds=item.lasts), now + LONGEST)


def soonest_end(pieces: Sequence[Pieces]) -> datetime:
    """Return when the first of these pieces expires, `NEVER` if none does."""
    return min((one.expires_at for one in pieces), default=NEVER)


def pieces_to_json(pieces: Sequence[Pieces]) -> list[list[Any]]:
    """Return pieces for storing."""
    return [[one.expires_at.isoformat(), one.quantity] for one in pieces]


def pieces_from_json(stored: Sequence[Sequence[Any]]) -> tuple[Pieces, ...]:
    """Return pieces that were stored."""
    return tuple(Pieces(datetime.fromisoformat(end), quantity) for end, quantity in stored)
