"""Create the tables of the shop, of inventories and of trades."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "economy_bought",
        sa.Column("item_id", _ROW_ID, autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_economy_bought_quantity")),
        sa.PrimaryKeyConstraint("item_id", "user_id", name=op.f("pk_economy_bought")),
    )
    with op.batch_alter_table("economy_bought", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_economy_bought_user_id"), ["user_id"])

    op.create_table(
        "economy_item_uses",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", _ROW_ID, nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_economy_item_uses")),
        sa.UniqueConstraint("guild_id", "key", name=op.f("uq_economy_item_uses_guild_id_key")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("economy_item_uses", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_economy_item_uses_created_at"), ["created_at"])
        batch_op.create_index(batch_op.f("ix_economy_item_uses_target_id"), ["target_id"])
        batch_op.create_index(batch_op.f("ix_economy_item_uses_user_id"), ["user_id"])

    op.create_table(
        "economy_items",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("name_key", sa.String(length=150), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=False),
        sa.Column("emoji", sa.String(length=64), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("role_id", sa.BigInteger(), nullable=True),
        sa.Column("trusted", sa.Boolean(), nullable=False),
        sa.Column("lasts", sa.BigInteger(), nullable=True),
        sa.Column("stock", sa.BigInteger(), nullable=True),
        sa.Column("per_member", sa.Integer(), nullable=True),
        sa.Column("required_role_id", sa.BigInteger(), nullable=True),
        sa.Column("required_level", sa.Integer(), nullable=True),
        sa.Column("offered_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sold", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("price >= 1", name=op.f("ck_economy_items_price")),
        sa.CheckConstraint("stock >= 0", name=op.f("ck_economy_items_stock")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_economy_items")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("economy_items", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_economy_items_created_by"), ["created_by"])
        batch_op.create_index(
            batch_op.f("ix_economy_items_guild_id_name_key"),
            ["guild_id", "name_key"],
            unique=True,
            sqlite_where=sa.text("archived_at IS NULL"),
            postgresql_where=sa.text("archived_at IS NULL"),
        )

    op.create_table(
        "economy_lots",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", _ROW_ID, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_economy_lots_quantity")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_economy_lots")),
        sa.UniqueConstraint(
            "guild_id",
            "user_id",
            "item_id",
            "expires_at",
            name=op.f("uq_economy_lots_guild_id_user_id_item_id_expires_at"),
        ),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("economy_lots", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_economy_lots_expires_at"), ["expires_at"])
        batch_op.create_index(batch_op.f("ix_economy_lots_item_id"), ["item_id"])
        batch_op.create_index(batch_op.f("ix_economy_lots_user_id"), ["user_id"])

    op.create_table(
        "economy_purchases",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", _ROW_ID, nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("lot_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("role_id", sa.BigInteger(), nullable=True),
        sa.Column("role_lasts", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_economy_purchases")),
        sa.UniqueConstraint("guild_id", "key", name=op.f("uq_economy_purchases_guild_id_key")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("economy_purchases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_economy_purchases_item_id"), ["item_id"])
        batch_op.create_index(batch_op.f("ix_economy_purchases_user_id"), ["user_id"])

    op.create_table(
        "economy_roles",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("role_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_economy_roles")),
        sa.UniqueConstraint(
            "guild_id", "user_id", "role_id", name=op.f("uq_economy_roles_guild_id_user_id_role_id")
        ),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("economy_roles", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_economy_roles_user_id"), ["user_id"])

    op.create_table(
        "economy_trades",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("give_coins", sa.BigInteger(), nullable=False),
        sa.Column("give_item_id", _ROW_ID, nullable=True),
        sa.Column("give_quantity", sa.BigInteger(), nullable=False),
        sa.Column("want_coins", sa.BigInteger(), nullable=False),
        sa.Column("want_item_id", _ROW_ID, nullable=True),
        sa.Column("want_quantity", sa.BigInteger(), nullable=False),
        sa.Column(
            "pieces",
            _JSON,
            nullable=False,
        ),
        sa.Column(
            "got_pieces",
            _JSON,
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_economy_trades")),
        sa.UniqueConstraint("guild_id", "key", name=op.f("uq_economy_trades_guild_id_key")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("economy_trades", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_economy_trades_guild_id_user_id_partner_id"),
            ["guild_id", "user_id", "partner_id"],
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.create_index(batch_op.f("ix_economy_trades_partner_id"), ["partner_id"])
        batch_op.create_index(
            batch_op.f("ix_economy_trades_state_expires_at"), ["state", "expires_at"]
        )
        batch_op.create_index(batch_op.f("ix_economy_trades_user_id"), ["user_id"])


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
