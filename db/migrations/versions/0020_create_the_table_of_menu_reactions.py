"""Remember which reactions on role menus were dealt with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "role_menu_reactions",
        sa.Column("post_id", _ROW_ID, autoincrement=False, nullable=False),
        sa.Column("role_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint(
            "post_id", "role_id", "user_id", name=op.f("pk_role_menu_reactions")
        ),
    )
    with op.batch_alter_table("role_menu_reactions", schema=None) as batch_op:
        name = batch_op.f("ix_role_menu_reactions_user_id")
        batch_op.create_index(name, ["user_id"], unique=False)
    # Reactions of before are taken as dealt with when they are first read.
    with op.batch_alter_table("role_menu_posts", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("is_read", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    with op.batch_alter_table("role_menu_posts", schema=None) as batch_op:
        batch_op.alter_column("is_read", existing_type=sa.Boolean(), server_default=None)


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
