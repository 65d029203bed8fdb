"""Find due role wishes by their index, however many there are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_OLD = ["guild_id", "state", "priority", "due_at"]


def upgrade() -> None:
    held = sa.text("lease_until IS NOT NULL")
    with op.batch_alter_table("role_wishes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f(f"ix_role_wishes_{'_'.join(_OLD)}"))
        columns = [*_OLD, "user_id"]
        batch_op.create_index(batch_op.f(f"ix_role_wishes_{'_'.join(columns)}"), columns)
        batch_op.create_index(
            batch_op.f("ix_role_wishes_lease_until"),
            ["lease_until"],
            sqlite_where=held,
            postgresql_where=held,
        )


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
