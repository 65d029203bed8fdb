"""Create the table of the roles that Automod has given for a time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "automod_roles",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("role_id", sa.BigInteger(), nullable=False),
        sa.Column("incident_id", _ROW_ID, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automod_roles")),
        sa.UniqueConstraint(
            "guild_id", "user_id", "role_id", name=op.f("uq_automod_roles_guild_id_user_id_role_id")
        ),
    )
    with op.batch_alter_table("automod_roles", schema=None) as batch_op:
        name = batch_op.f("ix_automod_roles_user_id")
        batch_op.create_index(name, ["user_id"], unique=False)


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
