"""Create the tables of the economy's ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INDEXES = (
    ("economy_accounts", ("guild_id", "kind", "balance")),
    ("economy_accounts", ("user_id",)),
    ("economy_transactions", ("actor_id",)),
    ("economy_transactions", ("guild_id", "created_at")),
    ("economy_transactions", ("guild_id", "reference")),
    ("economy_postings", ("account_id", "transaction_id")),
    ("economy_earners", ("user_id",)),
)


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "economy_accounts",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "balance >= 0 OR kind = 'mint'", name=op.f("ck_economy_accounts_balance")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_economy_accounts")),
        sa.UniqueConstraint(
            "guild_id", "kind", "user_id", name=op.f("uq_economy_accounts_guild_id_kind_user_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "economy_transactions",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("reference", sa.String(length=40), nullable=True),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("counter_id", _ROW_ID, nullable=True),
        sa.Column("created_at", instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["counter_id"],
            ["economy_transactions.id"],
            name=op.f("fk_economy_transactions_counter_id_economy_transactions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_economy_transactions")),
        sa.UniqueConstraint("guild_id", "key", name=op.f("uq_economy_transactions_guild_id_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "economy_postings",
        sa.Column("transaction_id", _ROW_ID, autoincrement=False, nullable=False),
        sa.Column("account_id", _ROW_ID, autoincrement=False, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_economy_postings_amount")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["economy_accounts.id"],
            name=op.f("fk_economy_postings_account_id_economy_accounts"),
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["economy_transactions.id"],
            name=op.f("fk_economy_postings_transaction_id_economy_transactions"),
        ),
        sa.PrimaryKeyConstraint("transaction_id", "account_id", name=op.f("pk_economy_postings")),
    )
    op.create_table(
        "economy_earners",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("daily_on", sa.Date(), nullable=True),
        sa.Column("streak", sa.Integer(), nullable=False),
        sa.Column("worked_at", instant, nullable=True),
        sa.PrimaryKeyConstraint("guild_id", "user_id", name=op.f("pk_economy_earners")),
    )
    for table, columns in _INDEXES:
        with op.batch_alter_table(table, schema=None) as batch_op:
            name = batch_op.f(f"ix_{table}_{'_'.join(columns)}")
            batch_op.create_index(name, list(columns), unique=False)


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
