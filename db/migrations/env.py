"""Runs migrations on the connection that `db.migrate` passes in, inside its transaction.

Alembic loads this file by path; it opens no connection and reads no configuration of its own.
"""

from __future__ import annotations

from alembic import context

from db import schema
from db.migrations.rendering import render_item

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.metadata(),
    render_as_batch=True,
    render_item=render_item,
    compare_server_default=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
