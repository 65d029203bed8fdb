"""Games over the wire: an answer that everybody sees, buttons that outlive the process."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from tests.wire.running import bot_process, scalar, until

OPEN = "SELECT count(*) FROM economy_games WHERE status = 'open'"
ESCROW = "SELECT coalesce(sum(balance), 0) FROM economy_accounts WHERE kind = 'escrow'"
SHOWN = "SELECT coalesce(max(message_id), 0) FROM economy_games WHERE status = 'open'"


def board(message: Any) -> str:
    return message.embeds[0]["description"]


async def test_hand_is_played_on_after_a_restart(
    sandbox: Sandbox, guild: Guild, sqlite_url: str, tmp_path: Path
) -> None:
    owner = sandbox.actor(sandbox.world.users[guild.owner_id], guild)
    channel = guild.channel("general")
    async with bot_process(sandbox, sqlite_url, tmp_path) as bot:
        await until(lambda: sandbox.application.commands)
        await owner.slash(channel, "economy give", member=owner.user, amount="100000", reason="x")
        tossed = await owner.slash(channel, "coinflip", amount="100", side="heads")
        assert "called heads." in board(tossed.response)
        # Those that end at once leave nothing to press.
        for _deal in range(50):
            dealt = await owner.slash(channel, "blackjack", amount="10")
            if await scalar(sqlite_url, OPEN):
                break
        assert "`??`" in board(dealt.response)
        await until(lambda: scalar(sqlite_url, SHOWN), what="the message noted")
        message_id = await scalar(sqlite_url, SHOWN)
        await bot.kill()
    assert await scalar(sqlite_url, ESCROW) == 10

    async with bot_process(sandbox, sqlite_url, tmp_path):
        message = channel.messages[message_id]
        assert await scalar(sqlite_url, OPEN) == 1
        again = await owner.slash(channel, "blackjack", amount="10")
        assert re.search(rf"/{channel.id}/{message_id}\b", again.response.text())
        await owner.click(message, "Stand")
        await until(lambda: "Balance" in board(channel.messages[message_id]), what="the end")
        told = await owner.click(channel.messages[message_id], "Odds")
        assert "98.91 %" in board(told.response)
    assert (await scalar(sqlite_url, OPEN), await scalar(sqlite_url, ESCROW)) == (0, 0)
