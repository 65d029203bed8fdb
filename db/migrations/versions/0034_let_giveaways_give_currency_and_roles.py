"""Let giveaways give currency, and roles for a time, and be found in any script."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
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
        batch_op.add_column(sa.Column("search_key", sa.Text(), nullable=True))
    _fill_search_keys()


def _fill_search_keys() -> None:
    giveaways = sa.table(
        "giveaways",
        sa.column("id", sa.Uuid()),
        sa.column("title", sa.String()),
        sa.column("prize", sa.String()),
        sa.column("search_key", sa.Text()),
    )
    bind = op.get_bind()
    found = bind.execute(sa.select(giveaways.c.id, giveaways.c.title, giveaways.c.prize)).all()
    keys = [{"giveaway": one.id, "key": f"{one.title}\n{one.prize}".casefold()} for one in found]
    if keys:
        statement = sa.update(giveaways).where(giveaways.c.id == sa.bindparam("giveaway"))
        bind.execute(statement.values(search_key=sa.bindparam("key")), keys)


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
