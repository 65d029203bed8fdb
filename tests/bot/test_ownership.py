"""A database belongs to one bot; another is turned away before it changes anything."""

from __future__ import annotations

import base64

import pytest

from bot.connection import refusal_of
from bot.core.errors import ConfigurationError
from bot.core.ownership import DatabaseOwnership
from db.bot_identity import release_database
from db.engine import Database

ONE, OTHER = 1 << 60, 2 << 60


def token_of(bot_id: int) -> str:
    return f"{base64.b64encode(str(bot_id).encode()).decode().rstrip('=')}.GabcDE.{'x' * 30}"


async def test_database_is_the_first_bots_until_it_is_released(database: Database) -> None:
    await DatabaseOwnership(database).check_token(token_of(OTHER))
    await DatabaseOwnership(database).confirm(ONE)
    await DatabaseOwnership(database).confirm(ONE)
    await DatabaseOwnership(database).check_token(token_of(ONE))
    await DatabaseOwnership(database).check_token("says.nothing")

    with pytest.raises(ConfigurationError) as before:
        await DatabaseOwnership(database).check_token(token_of(OTHER))
    with pytest.raises(ConfigurationError) as after:
        await DatabaseOwnership(database).confirm(OTHER)
    for error in (before.value, after.value):
        assert str(ONE) in str(error.message)
        assert "pegasus adopt" in str(error.hint)
    refused = refusal_of(after.value)
    assert refused is not None
    assert refused[0] == "E008"

    async with database.write() as session:
        assert await release_database(session)
    await DatabaseOwnership(database).confirm(OTHER)
    with pytest.raises(ConfigurationError):
        await DatabaseOwnership(database).confirm(ONE)
