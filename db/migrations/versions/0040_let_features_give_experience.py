"""Let features give experience, and giveaways have it as a prize."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "levels_gifts",
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("xp", sa.BigInteger(), nullable=False),
        sa.Column(
            "reason",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_levels_gifts")),
    )
    op.create_index(op.f("ix_levels_gifts_user_id"), "levels_gifts", ["user_id"], unique=False)
    op.create_index(
        op.f("ix_levels_gifts_created_at"), "levels_gifts", ["created_at"], unique=False
    )
    with op.batch_alter_table("giveaways", schema=None) as batch_op:
        batch_op.add_column(sa.Column("prize_xp", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
