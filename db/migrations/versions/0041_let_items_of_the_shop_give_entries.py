"""Let items of the shop that members use give them entries in giveaways."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "giveaway_entries",
        sa.Column("item_entries", sa.Integer(), nullable=False, server_default="0"),
    )
    op.create_table(
        "giveaway_item_uses",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("giveaway_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("nth", sa.Integer(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_giveaway_item_uses")),
        sa.UniqueConstraint(
            "giveaway_id",
            "user_id",
            "item_id",
            "nth",
            name=op.f("uq_giveaway_item_uses_giveaway_id_user_id_item_id_nth"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_giveaway_item_uses_user_id"), "giveaway_item_uses", ["user_id"])


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
