"""Let giveaways give currency, and roles for a time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "giveaway_loans",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("role_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_giveaway_loans")),
        sa.UniqueConstraint(
            "guild_id",
            "user_id",
            "role_id",
            name=op.f("uq_giveaway_loans_guild_id_user_id_role_id"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_giveaway_loans_user_id"), "giveaway_loans", ["user_id"], unique=False)
    with op.batch_alter_table("giveaways", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reward_role_seconds", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("prize_amount", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
