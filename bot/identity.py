"""Asks Discord's REST API who the holder of a token is; opens no gateway and changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aiohttp

import bot

SECONDS = 10.0
# https://discord.com/developers/docs/reference#user-agent
_USER_AGENT = f"DiscordBot (https://discord.com/developers/applications, {bot.__version__})"
_UNAUTHORIZED = 401
# Granted to a verified bot, or switched on for one in fewer than 100 guilds (the limited ones):
# https://discord.com/developers/docs/resources/application#application-object-application-flags
_MEMBERS = 1 << 14 | 1 << 15
_MESSAGE_CONTENT = 1 << 18 | 1 << 19


class TokenRefused(Exception):
    """Discord doesn't know the token."""


class DiscordNotAsked(Exception):
    """There was no answer, or none that says anything about the token; the text says why."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A bot's name, and which privileged intents are switched on for it."""

    name: str
    members: bool
    message_content: bool


async def ask_who_i_am(token: str, api_base_url: str) -> Identity:
    """Return whom the token belongs to.

    Raises `TokenRefused`, or `DiscordNotAsked` after ten seconds at most.
    """
    headers = {"Authorization": f"Bot {token}", "User-Agent": _USER_AGENT}
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with (
            aiohttp.ClientSession(headers=headers, timeout=timeout) as session,
            session.get(f"{api_base_url}/applications/@me") as response,
        ):
            if response.status == _UNAUTHORIZED:
                raise TokenRefused
            if response.status != 200:
                raise DiscordNotAsked(f"HTTP {response.status}")
            body = await response.json()
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise DiscordNotAsked(str(error) or type(error).__name__) from error
    account: dict[str, Any] = body.get("bot") or {"username": body.get("name", "?")}
    flags = int(body.get("flags", 0))
    return Identity(account["username"], bool(flags & _MEMBERS), bool(flags & _MESSAGE_CONTENT))
