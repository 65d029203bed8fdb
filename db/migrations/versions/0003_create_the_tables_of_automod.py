"""Create the tables of Automod's incidents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "automod_effects",
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "incident_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "original", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column(
            "applied", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "kind", "channel_id", name=op.f("pk_automod_effects")),
    )
    op.create_table(
        "automod_false_positives",
        sa.Column(
            "incident_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "rules", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("marked_by", sa.BigInteger(), nullable=True),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_automod_false_positives")),
    )
    with op.batch_alter_table("automod_false_positives", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_automod_false_positives_guild_id_marked_at"),
            ["guild_id", "marked_at"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_automod_false_positives_user_id"), ["user_id"], unique=False
        )

    op.create_table(
        "automod_incidents",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("open_key", sa.String(length=200), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("user_name", sa.String(length=100), nullable=True),
        sa.Column("channel_id", sa.BigInteger(), nullable=True),
        sa.Column("shadow", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column(
            "findings", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column(
            "effects", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("excerpt", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("open_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("logged_revision", sa.Integer(), nullable=False),
        sa.Column("log_channel_id", sa.BigInteger(), nullable=True),
        sa.Column("log_message_id", sa.BigInteger(), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automod_incidents")),
        sa.UniqueConstraint("open_key", name=op.f("uq_automod_incidents_open_key")),
    )
    with op.batch_alter_table("automod_incidents", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_automod_incidents_guild_id_opened_at"),
            ["guild_id", "opened_at"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_automod_incidents_opened_at"), ["opened_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_automod_incidents_user_id"), ["user_id"], unique=False)

    op.create_table(
        "automod_members",
        sa.Column(
            "incident_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("carried_out", sa.Integer(), nullable=False),
        sa.Column(
            "steps", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column(
            "outcome", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.PrimaryKeyConstraint("incident_id", "user_id", name=op.f("pk_automod_members")),
    )
    with op.batch_alter_table("automod_members", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_automod_members_user_id"), ["user_id"], unique=False)

    op.create_table(
        "automod_messages",
        sa.Column(
            "incident_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "message_id", name=op.f("pk_automod_messages")),
    )
    with op.batch_alter_table("automod_messages", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_automod_messages_message_id"), ["message_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_automod_messages_user_id"), ["user_id"], unique=False)

    op.create_table(
        "automod_strikes",
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("rule", sa.String(length=32), nullable=False),
        sa.Column(
            "incident_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("struck_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "guild_id", "user_id", "rule", "incident_id", name=op.f("pk_automod_strikes")
        ),
    )
    with op.batch_alter_table("automod_strikes", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_automod_strikes_incident_id"), ["incident_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_automod_strikes_struck_at"), ["struck_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_automod_strikes_user_id"), ["user_id"], unique=False)


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
