"""Members are found by name as Discord finds them, over the wire and on the pages."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.errors import DiscordFailed
from bot.core.namesearch import search_nowhere
from bot.namesearch import DiscordSearch
from bot.sandbox import RestFault, Sandbox
from bot.sandbox.guild import Guild
from tests.wire.running import config_for, running, until


async def test_members_are_found_by_how_their_names_begin(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await until(lambda: sandbox.application.commands)
        ada, adam = sandbox.join(guild, "ada"), sandbox.join(guild, "adam")
        sandbox.join(guild, "bea")
        client: Any = bot.runtime._connection.client
        search = DiscordSearch(lambda: client).search
        found = await search(guild.id, "ADA")
        assert {one.id for one in found} == {ada.id, adam.id}
        [exact] = [one for one in found if one.is_called("ada")]
        assert (exact.id, exact.names[-1]) == (ada.id, "ada")
        assert await search(guild.id, "zz") == []

        sandbox.faults.add(RestFault(403, "GET", "/guilds/*/members/search", times=1))
        with pytest.raises(DiscordFailed):
            await search(guild.id, "ada")


async def test_nobody_is_found_without_discord(sqlite_url: str) -> None:
    with pytest.raises(DiscordFailed):
        await DiscordSearch(lambda: None).search(1, "ada")
    with pytest.raises(DiscordFailed):
        await search_nowhere(1, "ada")
