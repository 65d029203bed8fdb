"""The schema's history: Alembic runs these revisions through `db.migrate`."""
