"""The shop: what is on offer, and what members bought.

Stock, price and limits are decided here by conditional updates, in the transaction
that posts the payment: whoever comes too late changes no row. Who may buy is decided in
`cogs.economy`, and who pays whom in `db.economy`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Index,
    Integer,
    Select,
    String,
    UniqueConstraint,
    case,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import (
    DELETE_ROW,
    FORGET_PERSON,
    NOBODY,
    Base,
    Erasure,
    RowId,
    Snowflake,
    UtcDateTime,
    person,
)
from db.guilds import GuildMember
from db.statements import count_changed, insert_for

# A name is taken only for as long as its item is on offer.
_OFFERED = text("archived_at IS NULL")
# The books say what was bought, not by whom.
_FORGET_BUYER = Erasure(replacement=NOBODY)
FRESH: dict[str, Any] = {"populate_existing": True}


class ShopItem(Base):
    """Something that a guild's shop offers; `kind` says what it does.

    `lasts` is for how many seconds a piece, or the role that it gives, lasts. `stock` is NULL where
    there is no end of it, `per_member` where everybody may buy as much as they like. `trusted`
    says that somebody has agreed to the power that its role gives. An item that was taken off the
    shop has `archived_at` and stays for those who have pieces of it. `sold` counts what was bought
    and not given back.
    """

    __tablename__ = "economy_items"
    __table_args__ = (
        Index(
            None,
            "guild_id",
            "name_key",
            unique=True,
            sqlite_where=_OFFERED,
            postgresql_where=_OFFERED,
        ),
        CheckConstraint("price >= 1", name="price"),
        CheckConstraint("stock >= 0", name="stock"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    name: Mapped[str] = mapped_column(String(50))
    name_key: Mapped[str] = mapped_column(String(150))
    description: Mapped[str] = mapped_column(String(200))
    emoji: Mapped[str] = mapped_column(String(64))
    price: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(20))
    role_id: Mapped[int | None] = mapped_column(Snowflake)
    trusted: Mapped[bool] = mapped_column(Boolean)
    lasts: Mapped[int | None] = mapped_column(BigInteger)
    stock: Mapped[int | None] = mapped_column(BigInteger)
    per_member: Mapped[int | None] = mapped_column(Integer)
    required_role_id: Mapped[int | None] = mapped_column(Snowflake)
    required_level: Mapped[int | None] = mapped_column(Integer)
    offered_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sold: Mapped[int] = mapped_column(BigInteger)
    revision: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(FORGET_PERSON)
    )
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Bought(Base):
    """How many pieces of an item a member has bought and not given back, for the item's limit."""

    __tablename__ = "economy_bought"
    __table_args__ = (CheckConstraint("quantity >= 0", name="quantity"),)

    item_id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, autoincrement=False, index=True, info=person(DELETE_ROW)
    )
    quantity: Mapped[int] = mapped_column(BigInteger)


class Purchase(Base):
    """A purchase; `key` is unique in its guild, so that the same press buys once.

    `lot_expires_at` names the lot that the pieces went to, `role_id` the role that was given
    instead, for `role_lasts` seconds or for good. One that was taken back has `undone_at`.
    """

    __tablename__ = "economy_purchases"
    __table_args__ = (
        UniqueConstraint("guild_id", "key"),
        Index(None, "item_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    user_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(_FORGET_BUYER))
    item_id: Mapped[int] = mapped_column(RowId)
    key: Mapped[str] = mapped_column(String(80))
    price: Mapped[int] = mapped_column(BigInteger)
    quantity: Mapped[int] = mapped_column(BigInteger)
    lot_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    role_id: Mapped[int | None] = mapped_column(Snowflake)
    role_lasts: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


# --- items ---------------------------------------------------------------------------------------


async def add_item(session: AsyncSession, values: Mapping[str, Any]) -> ShopItem | None:
    """Put a new item on offer; `None` when one on offer has its name."""
    insert = insert_for(session, ShopItem).values(
        revision=1, sold=0, archived_at=None, **dict(values)
    )
    statement = insert.on_conflict_do_nothing(
        index_elements=["guild_id", "name_key"], index_where=_OFFERED
    )
    return await session.scalar(statement.returning(ShopItem), execution_options=FRESH)


async def get_item(
    session: AsyncSession, guild_id: int, item_id: int, *, lock: bool = False
) -> ShopItem | None:
    """Return an item, on offer or not; locked, it stays as it is until the transaction ends."""
    query = select(ShopItem).where(ShopItem.id == item_id, ShopItem.guild_id == guild_id)
    return await session.scalar(query.with_for_update() if lock else query, execution_options=FRESH)


async def find_item(session: AsyncSession, guild_id: int, name_key: str) -> ShopItem | None:
    """Return the item on offer with a name."""
    return await session.scalar(_offered(guild_id).where(ShopItem.name_key == name_key))


async def find_item_by_id(session: AsyncSession, item_id: int) -> ShopItem | None:
    """Return an item by its id alone, on offer or not."""
    return await session.scalar(select(ShopItem).where(ShopItem.id == item_id))


async def list_items(
    session: AsyncSession, guild_id: int, *, now: datetime | None = None
) -> Sequence[ShopItem]:
    """Return what a guild offers, the cheapest first; with `now` without what has run out."""
    query = _offered(guild_id)
    if now is not None:
        query = query.where(_still_offered(now))
    return (await session.scalars(query.order_by(ShopItem.price, ShopItem.name_key))).all()


async def list_items_by_id(session: AsyncSession, item_ids: Collection[int]) -> Sequence[ShopItem]:
    """Return items by their ids, on offer or not."""
    return (await session.scalars(select(ShopItem).where(ShopItem.id.in_(item_ids)))).all()


async def change_item(
    session: AsyncSession, guild_id: int, item_id: int, revision: int, values: Mapping[str, Any]
) -> ShopItem | None:
    """Change an item on offer that is as it was seen; `None` when it is not so any more."""
    statement = (
        update(ShopItem)
        .where(
            ShopItem.id == item_id,
            ShopItem.guild_id == guild_id,
            ShopItem.archived_at.is_(None),
            ShopItem.revision == revision,
        )
        .values(revision=revision + 1, **dict(values))
        .returning(ShopItem)
    )
    return await session.scalar(statement, execution_options=FRESH)


async def restock_item(
    session: AsyncSession, guild_id: int, item_id: int, quantity: int, *, most: int
) -> ShopItem | None:
    """Add pieces to an item's stock; `None` where stock has no end, or would go over `most`."""
    statement = (
        update(ShopItem)
        .where(
            ShopItem.id == item_id,
            ShopItem.guild_id == guild_id,
            ShopItem.archived_at.is_(None),
            ShopItem.stock + quantity <= most,
        )
        .values(stock=ShopItem.stock + quantity, revision=ShopItem.revision + 1)
        .returning(ShopItem)
    )
    return await session.scalar(statement, execution_options=FRESH)


async def take_stock(
    session: AsyncSession,
    guild_id: int,
    item_id: int,
    *,
    quantity: int,
    price: int,
    now: datetime,
) -> ShopItem | None:
    """Take pieces out of the shop at a price; `None` when they are not to be had at it.

    What is returned is the item as it is sold; it stays so until the transaction ends.
    """
    has_stock = ShopItem.stock.is_not(None)
    statement = (
        update(ShopItem)
        .where(
            ShopItem.id == item_id,
            ShopItem.guild_id == guild_id,
            ShopItem.archived_at.is_(None),
            ShopItem.price == price,
            or_(ShopItem.stock.is_(None), ShopItem.stock >= quantity),
            _still_offered(now),
        )
        # A change that was prepared before the sale must not put back what it has taken.
        .values(
            stock=ShopItem.stock - quantity,
            sold=ShopItem.sold + quantity,
            revision=ShopItem.revision + _as_number(has_stock),
        )
        .returning(ShopItem)
    )
    return await session.scalar(statement, execution_options=FRESH)


async def return_stock(session: AsyncSession, item_id: int, quantity: int) -> None:
    """Put pieces back into the shop; an item without an end of stock only counts them."""
    statement = (
        update(ShopItem)
        .where(ShopItem.id == item_id)
        .values(
            stock=ShopItem.stock + quantity,
            sold=ShopItem.sold - quantity,
            revision=ShopItem.revision + 1,
        )
    )
    await count_changed(session, statement)


def _offered(guild_id: int) -> Select[ShopItem]:
    return select(ShopItem).where(ShopItem.guild_id == guild_id, ShopItem.archived_at.is_(None))


def _still_offered(now: datetime) -> Any:
    return or_(ShopItem.offered_until.is_(None), ShopItem.offered_until > now)


def _as_number(condition: Any) -> Any:
    return case((condition, 1), else_=0)


async def get_level(session: AsyncSession, guild_id: int, user_id: int) -> int:
    """Return a member's level; 0 for one of whom nothing is known."""
    query = select(GuildMember.level).where(
        GuildMember.guild_id == guild_id, GuildMember.user_id == user_id
    )
    return await session.scalar(query) or 0


# --- limits --------------------------------------------------------------------------------------


async def count_bought(session: AsyncSession, item_id: int, user_id: int) -> int:
    """Return how many pieces of an item a member has bought."""
    query = select(Bought.quantity).where(Bought.item_id == item_id, Bought.user_id == user_id)
    return await session.scalar(query) or 0


async def list_bought(
    session: AsyncSession, item_ids: Collection[int], user_id: int
) -> Mapping[int, int]:
    """Return how many pieces of each of these items a member has bought, by the item's id."""
    query = select(Bought.item_id, Bought.quantity).where(
        Bought.item_id.in_(item_ids), Bought.user_id == user_id
    )
    return {row.item_id: row.quantity for row in await session.execute(query)}


async def add_bought(
    session: AsyncSession, item_id: int, user_id: int, quantity: int, *, limit: int | None
) -> bool:
    """Count what a member buys; false when it is more than the item's limit leaves them."""
    if limit is not None and quantity > limit:
        return False
    insert = insert_for(session, Bought).values(item_id=item_id, user_id=user_id, quantity=quantity)
    counted = Bought.quantity + quantity
    statement = insert.on_conflict_do_update(
        index_elements=["item_id", "user_id"],
        set_={"quantity": counted},
        where=None if limit is None else counted <= limit,
    )
    found = await session.execute(statement.returning(Bought.quantity))
    return found.scalar_one_or_none() is not None


async def return_bought(session: AsyncSession, item_id: int, user_id: int, quantity: int) -> None:
    """Count as not bought what was given back."""
    statement = (
        update(Bought)
        .where(Bought.item_id == item_id, Bought.user_id == user_id, Bought.quantity >= quantity)
        .values(quantity=Bought.quantity - quantity)
    )
    await count_changed(session, statement)


# --- what was done -------------------------------------------------------------------------------


async def add_purchase(session: AsyncSession, values: Mapping[str, Any]) -> int | None:
    """Write down a purchase and return its id; `None` when its key was used.

    Two with one key stand in line: the second sees what became of the first.
    """
    insert = insert_for(session, Purchase).values(undone_at=None, **dict(values))
    statement = insert.on_conflict_do_nothing(index_elements=["guild_id", "key"])
    return await session.scalar(statement.returning(Purchase.id))


async def change_purchase(session: AsyncSession, purchase_id: int, **values: Any) -> None:
    """Write down more of a purchase."""
    statement = update(Purchase).where(Purchase.id == purchase_id).values(**values)
    await count_changed(session, statement)


async def find_purchase(session: AsyncSession, guild_id: int, key: str) -> Purchase | None:
    """Return the purchase that was made with a key."""
    query = select(Purchase).where(Purchase.guild_id == guild_id, Purchase.key == key)
    return await session.scalar(query, execution_options=FRESH)


async def get_purchase(session: AsyncSession, purchase_id: int) -> Purchase | None:
    """Return a purchase by its id."""
    query = select(Purchase).where(Purchase.id == purchase_id)
    return await session.scalar(query, execution_options=FRESH)


async def mark_undone(session: AsyncSession, purchase_id: int, now: datetime) -> Purchase | None:
    """Write down that a purchase is taken back; `None` when it is not there or was before."""
    statement = (
        update(Purchase)
        .where(Purchase.id == purchase_id, Purchase.undone_at.is_(None))
        .values(undone_at=now)
        .returning(Purchase)
    )
    return await session.scalar(statement, execution_options=FRESH)
