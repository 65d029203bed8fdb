"""Fixtures for the tests of the database layer alone."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """The URL of a database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    admin = request.getfixturevalue("postgres_admin")
    name = f"pegasus_test_{secrets.token_hex(8)}"
    yield admin.create_database(name)
    admin.drop_database(name)
