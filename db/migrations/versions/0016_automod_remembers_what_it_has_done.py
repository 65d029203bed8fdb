"""Have Automod remember what it found in a message, and count what is wanted of a member."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_JSON = sa.JSON(none_as_null=True).with_variant(
    postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
)


def upgrade() -> None:
    with op.batch_alter_table("automod_messages", schema=None) as batch_op:
        batch_op.add_column(sa.Column("judged", _JSON, nullable=True))
    # What is wanted of a member has versions now, instead of being the harshest so far.
    with op.batch_alter_table("automod_members", schema=None) as batch_op:
        batch_op.add_column(sa.Column("version", sa.Integer(), nullable=True))
    op.execute(
        "UPDATE automod_members SET version = 1,"
        " carried_out = CASE WHEN carried_out < severity THEN 0 ELSE 1 END"
    )
    with op.batch_alter_table("automod_members", schema=None) as batch_op:
        batch_op.alter_column("version", existing_type=sa.Integer(), nullable=False)
        batch_op.drop_column("severity")
    # A channel may be changed for several incidents at once.
    with op.batch_alter_table("automod_effects", schema=None) as batch_op:
        batch_op.add_column(sa.Column("wants", _JSON, nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("stamp", sa.Integer(), nullable=False, server_default="0"))
        batch_op.drop_column("incident_id")
    with op.batch_alter_table("automod_effects", schema=None) as batch_op:
        batch_op.alter_column("wants", existing_type=_JSON, server_default=None)
        batch_op.alter_column("stamp", existing_type=sa.Integer(), server_default=None)


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
