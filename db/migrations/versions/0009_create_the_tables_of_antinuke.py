"""Create the tables of anti-nuke and of second approvals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_INSTANT = sa.DateTime(timezone=True)
_INDEXED = {
    "antinuke_people": (("user_id",), ("seen_at",)),
    "antinuke_deeds": (
        ("guild_id", "user_id", "at"),
        ("at",),
        ("user_id",),
        ("target_id",),
        ("incident_id",),
    ),
    "antinuke_incidents": (("guild_id",), ("opened_at",), ("user_id",), ("restored_by",)),
    "approvals": (("guild_id", "state"), ("made_at",), ("requested_by",), ("decided_by",)),
    "approval_subjects": (("user_id",),),
}


def upgrade() -> None:
    _create_counting()
    _create_incidents()
    _create_approvals()
    for table, indexes in _INDEXED.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for columns in indexes:
                name = batch_op.f(f"ix_{table}_{'_'.join(columns)}")
                batch_op.create_index(name, list(columns), unique=False)


def _create_counting() -> None:
    op.create_table(
        "antinuke_people",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seen_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "user_id", name=op.f("pk_antinuke_people")),
    )
    op.create_table(
        "antinuke_deeds",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=True),
        sa.Column("target_name", sa.String(length=100), nullable=True),
        sa.Column("incident_id", _ROW_ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_antinuke_deeds")),
        sa.UniqueConstraint("key", name=op.f("uq_antinuke_deeds_key")),
    )


def _create_incidents() -> None:
    op.create_table(
        "antinuke_incidents",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("user_name", sa.String(length=100), nullable=True),
        sa.Column("is_bot", sa.Boolean(), nullable=False),
        sa.Column("open_key", sa.String(length=48), nullable=True),
        sa.Column("response", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("limits", _JSON, nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("opened_at", _INSTANT, nullable=False),
        sa.Column("open_until", _INSTANT, nullable=False),
        sa.Column("notes", _JSON, nullable=False),
        sa.Column("case_number", sa.Integer(), nullable=True),
        sa.Column("log_channel_id", sa.BigInteger(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("restored_by", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_antinuke_incidents")),
        sa.UniqueConstraint("open_key", name=op.f("uq_antinuke_incidents_open_key")),
    )
    op.create_table(
        "antinuke_roles",
        sa.Column("incident_id", _ROW_ID, autoincrement=False, nullable=False),
        sa.Column("role_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "role_id", name=op.f("pk_antinuke_roles")),
    )


def _create_approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("dedupe_key", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("requested_by", sa.BigInteger(), nullable=True),
        sa.Column("requester_name", sa.String(length=100), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("payload", _JSON, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", _INSTANT, nullable=True),
        sa.Column("outcome", _JSON, nullable=True),
        sa.Column("card_channel_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_approvals_dedupe_key")),
    )
    op.create_table(
        "approval_subjects",
        sa.Column("approval_id", _ROW_ID, autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("approval_id", "user_id", name=op.f("pk_approval_subjects")),
    )


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
