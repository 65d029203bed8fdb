"""Keeps a client logged in and connected, and tells a lasting refusal from a passing failure.

discord.py reconnects and resumes by itself; what ends its `connect()` is handled here. A refusal
that only the operator can cure is never retried: each try spends one of 1,000 daily IDENTIFYs,
after which Discord resets the token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import discord
import structlog

from bot.core.errors import ConfigurationError
from bot.core.i18n import Message, _
from bot.reconnects import PASSING, Reconnects
from bot.sessions import SessionsUsedUp

if TYPE_CHECKING:
    from bot.client import Pegasus

log = structlog.get_logger(__name__)

PORTAL = "https://discord.com/developers/applications"

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway
_FATAL_CLOSES: dict[int, Message] = {
    4004: _(
        "Discord does not accept the bot token. Reset it in the developer portal ({portal}, your "
        "application, Bot, Reset Token), set DISCORD_TOKEN to the new one and start again.",
        portal=PORTAL,
    ),
    4010: _(
        "Discord refused the shard: discord.shard_ids and discord.shard_count in config.toml do "
        "not fit together. Every id must be below the count."
    ),
    4011: _(
        "The bot is in too many servers for one connection. Remove discord.shard_count from "
        "config.toml, so that Discord recommends a number, or raise it."
    ),
    4012: _("Discord no longer speaks this version of its gateway. Please update Pegasus."),
    4013: _(
        "Discord does not know the intents that were asked for. Please update Pegasus; if you "
        "set discord.api_base_url, check what answers there."
    ),
    4014: _(
        "The bot asks for privileged intents that are switched off. Switch on Server Members "
        "Intent and Message Content Intent in the developer portal ({portal}, your application, "
        "Bot), or set discord.members_intent and discord.message_content_intent to false.",
        portal=PORTAL,
    ),
}


def refusal_of(error: BaseException) -> tuple[str, Message] | None:
    """Return code and advice when trying again can't help, else `None`."""
    if isinstance(error, ConfigurationError):
        # `confirm()` of bot.core.ownership: the token is that of another bot.
        return error.code, _("{problem} {advice}", problem=error.message, advice=error.hint or "")
    if isinstance(error, discord.LoginFailure):
        return "4004", _FATAL_CLOSES[4004]
    if isinstance(error, discord.PrivilegedIntentsRequired):
        return "4014", _FATAL_CLOSES[4014]
    if isinstance(error, discord.ConnectionClosed) and error.code in _FATAL_CLOSES:
        return str(error.code), _FATAL_CLOSES[error.code]
    return None


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Connection:
    """Runs one client after another until told to stop or refused for good."""

    def __init__(
        self,
        make_client: Callable[[], Pegasus],
        token: str,
        *,
        on_refused: Callable[[str, Message], None],
    ) -> None:
        self._make_client = make_client
        self._token = token
        self._on_refused = on_refused
        self._closing = False
        self.client: Pegasus | None = None

    async def run(self) -> None:
        """Stay connected; returns when Discord refuses the bot for good, or after `close()`."""
        reconnects = Reconnects()
        while not self._closing:
            client = self.client = self._make_client()
            ended = await self._connect(client)
            refused = refusal_of(ended) if ended is not None else None
            if refused is not None:
                # Told first: it takes seconds until a connection is closed in good order.
                self._refuse(*refused)
            await self._tidy_up(client)
            if refused is not None:
                return
            reconnects.note(ended)
            wait = ended.after if isinstance(ended, SessionsUsedUp) else 0.0
            pause = max(wait, reconnects.delay())
            if not self._closing:
                log.info("discord_retried_later", seconds=round(pause, 1))
            await asyncio.sleep(pause)

    async def _connect(self, client: Pegasus) -> BaseException | None:
        """Run one client to its end and return what ended it, whatever that is."""
        try:
            await client.login(self._token)
            await client.connect()
        except (*PASSING, ConfigurationError) as error:
            if refusal_of(error) is None:
                log.warning("discord_unreachable", error=type(error).__name__)
            return error
        except asyncio.CancelledError as error:
            if _is_cancelled():
                await self._tidy_up(client)
                raise
            # A task inside the client was cancelled, which is no reason to stay away.
            log.warning("discord_client_cancelled")
            return error
        except Exception as error:  # what was not thought of must not keep the bot offline
            log.exception("discord_client_failed")
            return error
        return None

    async def _tidy_up(self, client: Pegasus) -> None:
        try:
            await client.close()
        except Exception:  # it is given up anyway, and a refusal must not be forgotten over it
            log.exception("discord_client_not_closed")

    def _refuse(self, code: str, advice: Message) -> None:
        log.error("discord_refused", code=code, advice=str(advice))
        self._on_refused(code, advice)

    async def close(self) -> None:
        """Close the gateway and Discord's API session, for good."""
        self._closing = True
        if self.client is not None:
            await self.client.close()
