"""The gateway's WebSocket, which outlives what it can't read.

discord.py ends the whole client, and with it the session and its events, when a frame is no JSON or
its compression is broken. Here such a frame costs at most a reconnect: Discord sends everything
again from the last event that was read. What is inside an event is the intake's to judge.
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import discord
import structlog
from discord import shard
from discord.gateway import DiscordWebSocket, ReconnectWebSocket

log = structlog.get_logger(__name__)

# A connection that was younger than this is not followed by the next one at once: whoever sends
# nothing but noise must not be asked for more of it a hundred times a second.
YOUNG_SECONDS = 10.0
PAUSE = 1.0
# How long beginning a session may take, in seconds, without spoiling what the heartbeat measures.
PROMPT = 0.25
# What discord.py raises to steer its own receive loop.
_STEERING = (ReconnectWebSocket, discord.DiscordException, aiohttp.ClientError, OSError)


class SessionLost(ConnectionError):
    """Nothing more can be read of this session; discord.py waits and begins another."""


class LastingWebSocket(DiscordWebSocket):
    """Resumes the session after a frame that can't be read, once for each place in it.

    Where the same trouble comes back at the same place, a frame that is merely no JSON is left out
    and a broken compression gives the session up. Each unreadable frame is dispatched as
    `unreadable_frame` with the shard's id.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._opened_at = self.loop.time()
        # Whether any event was read since this connection was opened.
        self._has_advanced = False

    async def identify(self) -> None:
        """Begin a session as soon as Discord takes one, and measure the latency from then on.

        While it waits for its turn, for seconds or longer, nobody reads the answer to the first
        heartbeat: the wait would count as the connection's latency until the next one, 40 s later.
        """
        began_at = self.loop.time()
        await super().identify()
        if self._keep_alive is not None and self.loop.time() - began_at > PROMPT:
            await self.send_heartbeat(self._keep_alive.beat())

    async def received_message(self, msg: Any, /) -> None:
        """Read one frame; raises what makes discord.py reconnect."""
        before, session_id = self.sequence, self.session_id
        is_intact = False
        try:
            text = self._decompressor.decompress(msg) if type(msg) is bytes else msg
            if text is None:  # the rest is still to come
                return
            is_intact = True
            await super().received_message(text)
        except _STEERING:
            raise
        except Exception as error:  # noqa: BLE001 - a stranger's bytes can fail in any way
            await self._outlive(error, has_session=session_id is not None, is_intact=is_intact)
        if self.sequence != before:
            self._has_advanced = True

    async def _outlive(self, error: Exception, *, has_session: bool, is_intact: bool) -> None:
        self._dispatch("unreadable_frame", self.shard_id)
        if has_session and self._has_advanced:
            action = self._resume
        elif has_session and is_intact and self._keep_alive is not None:
            action = self._leave_out
        else:
            action = self._give_up
        log.warning(
            "gateway_frame_unreadable",
            shard=self.shard_id,
            reaction=action.__name__.strip("_"),
            exc_info=error,
        )
        await action()

    async def _resume(self) -> None:
        # As after any code but 1000 and 1001, Discord keeps the session.
        await self.close(code=4000)
        if self.loop.time() - self._opened_at < YOUNG_SECONDS:
            await asyncio.sleep(PAUSE)
        raise ReconnectWebSocket(self.shard_id)

    async def _leave_out(self) -> None:
        """Go on with the next frame."""

    async def _give_up(self) -> None:
        await self.close(code=4000)
        raise SessionLost("the gateway's frames can't be read")


def install() -> None:
    """Have discord.py open every shard's connection with this class, in the whole process."""
    shard.DiscordWebSocket = LastingWebSocket  # pyright: ignore[reportPrivateImportUsage]
