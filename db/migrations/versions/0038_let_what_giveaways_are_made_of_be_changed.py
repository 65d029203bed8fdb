"""Let what giveaways are made of be changed, and keep how long they are to last.

Templates and series count their changes; series say whether they end by the clock.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A table that is rebuilt on SQLite would give numbers of deleted rows again: nothing here is.
    for table in ("giveaway_templates", "giveaway_series"):
        op.add_column(
            table, sa.Column("revision", sa.Integer(), nullable=False, server_default="1")
        )
    op.add_column("giveaway_series", sa.Column("by_clock", sa.Boolean(), nullable=True))
    op.add_column("giveaways", sa.Column("planned_seconds", sa.Integer(), nullable=True))


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
