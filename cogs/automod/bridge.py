"""Automod's way to Discord: what its services ask for through protocols, over discord.py's client.

What Discord answers becomes one of the outcomes of `cogs.automod.calls`; nothing else leaves here.
"""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import discord
import structlog

from bot.core.overwrites import SPEAKING, TALKING, Overwrite, as_json, from_json
from bot.staff import staff_of
from cogs.automod.calls import CallError, Gone, NotAllowed, TooOld, TryAgain
from cogs.automod.directory import Membership
from cogs.automod.states import State

log = structlog.get_logger(__name__)

READ_SECONDS = 5.0
REASON = "Automod"
# How many changes of threads are looked through for one.
MOST_RENAMES = 20
# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
_TOO_OLD = 50034
_UNKNOWN = range(10000, 11000)
# https://discord.com/developers/docs/resources/audit-log#audit-log-entry-object-audit-log-events
_THREAD_UPDATE = 111
# https://discord.com/developers/docs/resources/channel#channel-object-channel-types
_THREADS = frozenset({10, 11, 12})
_VOICES = frozenset({2, 13})
# How a file may begin; that of UTF-32 begins with that of UTF-16. Windows writes both of UTF-16.
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@contextmanager
def judging() -> Iterator[None]:
    """Turn what discord.py raises into an outcome."""
    try:
        yield
    except discord.HTTPException as error:
        raise _judge(error) from error
    except discord.RateLimited as error:
        raise TryAgain(error.retry_after) from error
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise TryAgain from error


def _judge(error: discord.HTTPException) -> CallError:
    if error.code == _TOO_OLD:
        return TooOld()
    if error.status == 404 or error.code in _UNKNOWN:
        return Gone()
    if error.status == 403:
        return NotAllowed()
    if error.status == 429 or error.status >= 500:
        return TryAgain()
    return NotAllowed(f"{error.status} {error.code}")


class DiscordBridge:
    """All of Automod's protocols for one client; `close()` ends its HTTP session."""

    def __init__(self, client: discord.Client, cdn_base_url: str) -> None:
        self._client = client
        self._cdn = urlsplit(cdn_base_url)
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the HTTP session; a later read opens a new one."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    # --- deleting (deletions.Remover) --------------------------------------------------------

    async def delete(self, guild_id: int, channel_id: int, message_id: int) -> None:
        """Delete one message; one that is gone is as good."""
        self._check(guild_id, channel_id, "view_channel", "manage_messages")
        try:
            with judging():
                await self._client.http.delete_message(channel_id, message_id, reason=REASON)
        except Gone:
            return

    async def delete_many(self, guild_id: int, channel_id: int, ids: Sequence[int]) -> None:
        """Delete 2 to 100 messages; of a channel that is gone they are gone, too."""
        self._check(guild_id, channel_id, "view_channel", "manage_messages")
        try:
            with judging():
                await self._client.http.delete_messages(channel_id, list(ids), reason=REASON)
        except Gone:
            return

    def _check(self, guild_id: int, channel_id: int, *needs: str) -> None:
        """Raise `NotAllowed` for what is known to be refused: that call would count against us."""
        guild = self._client.get_guild(guild_id)
        channel = guild.get_channel_or_thread(channel_id) if guild else None
        if guild is None or guild.me is None or channel is None:
            return
        granted = channel.permissions_for(guild.me)
        if not all(getattr(granted, need) for need in needs):
            raise NotAllowed

    # --- channels for a time (effects.Changer) -----------------------------------------------

    async def read(self, kind: str, guild_id: int, channel_id: int) -> State:
        """Return the state as it is now, asked of Discord itself."""
        with judging():
            if kind == "pause_invites":
                guild: Any = await self._client.http.get_guild(guild_id, with_counts=False)
                data = guild.get("incidents_data") or {}
                return {"until": _whole_seconds(data.get("invites_disabled_until"))}
            channel: Any = await self._client.http.get_channel(channel_id)
        if kind == "slowmode":
            return {"rate": int(channel.get("rate_limit_per_user") or 0)}
        if channel["type"] in _THREADS:
            return {"locked": bool((channel.get("thread_metadata") or {}).get("locked"))}
        return self._lock_of(guild_id, channel)

    def _lock_of(self, guild_id: int, channel: Any) -> State:
        """Return a channel's overwrites and what a lock of it has to know of the guild."""
        guild = self._client.get_guild(guild_id)
        place = guild.get_channel(int(channel["id"])) if guild is not None else None
        if guild is None or place is None:
            raise TryAgain
        who = {
            "everyone": guild_id,
            "bot": guild.me.id,
            "staff": {str(role_id): rights for role_id, rights in staff_of(guild).items()},
            "bits": SPEAKING if channel["type"] in _VOICES else TALKING,
            "bot_bits": place.permissions_for(guild.me).value,
        }
        overwrites = [
            Overwrite(int(one["id"]), int(one["type"]) == 1, int(one["allow"]), int(one["deny"]))
            for one in channel.get("permission_overwrites") or ()
        ]
        return {"overwrites": [as_json(one) for one in overwrites], "who": who}

    async def write(self, kind: str, guild_id: int, channel_id: int, state: State) -> None:
        """Make the state this."""
        http = self._client.http
        with judging():
            if kind == "pause_invites":
                await self._pause_invites(guild_id, state["until"])
            elif kind == "slowmode":
                await http.edit_channel(
                    channel_id, rate_limit_per_user=state["rate"], reason=REASON
                )
            elif "locked" in state:
                await http.edit_channel(channel_id, locked=state["locked"], reason=REASON)
            else:
                for one in state["overwrites"]:
                    await self._put_overwrite(channel_id, from_json(one))

    async def _put_overwrite(self, channel_id: int, overwrite: Overwrite) -> None:
        http = self._client.http
        if overwrite.is_empty:
            await http.delete_channel_permissions(channel_id, overwrite.id, reason=REASON)
            return
        await http.edit_channel_permissions(
            channel_id,
            overwrite.id,
            str(overwrite.allow),
            str(overwrite.deny),
            1 if overwrite.is_member else 0,
            reason=REASON,
        )

    async def _pause_invites(self, guild_id: int, until: str | None) -> None:
        guild: Any = await self._client.http.get_guild(guild_id, with_counts=False)
        data = guild.get("incidents_data") or {}
        # What is left out is switched off: the pause of direct messages stays as it is.
        payload: Any = {
            "invites_disabled_until": until,
            "dms_disabled_until": data.get("dms_disabled_until"),
        }
        await self._client.http.edit_incident_actions(guild_id, payload=payload)

    # --- reading (needs.Reader) --------------------------------------------------------------

    async def guild_of_invite(self, code: str) -> int | None:
        """Return where an invite leads, 0 for one that leads to no guild, `None` for none."""
        try:
            with judging():
                found: Any = await self._client.http.get_invite(code, with_counts=False)
        except Gone:
            return None
        except NotAllowed as error:
            raise TryAgain from error
        guild = found.get("guild") or {}
        return int(guild.get("id") or found.get("guild_id") or 0)

    async def read_text(self, url: str, most_bytes: int) -> str:
        """Return what a text file on Discord's CDN holds, "" where it can't be read."""
        if not self._is_on_cdn(url):
            return ""
        try:
            data = await self._download(url, most_bytes)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            log.info("automod_text_not_read", reason=type(error).__name__)
            return ""
        return decoded(data)

    def _is_on_cdn(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
            same_place = (parts.scheme, parts.hostname, parts.port) == (
                self._cdn.scheme,
                self._cdn.hostname,
                self._cdn.port,
            )
        except ValueError:
            return False
        return same_place and not parts.username and not parts.password

    async def _download(self, url: str, most_bytes: int) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        async with (
            asyncio.timeout(READ_SECONDS),
            self._session.get(url, allow_redirects=False) as response,
        ):
            if response.status != 200:
                return b""
            data = bytearray()
            async for chunk in response.content.iter_chunked(16 * 1024):
                data += chunk
                if len(data) > most_bytes:
                    return bytes(data[:most_bytes])
            return bytes(data)

    # --- members and threads (gate.Directory) ------------------------------------------------

    async def member(self, guild_id: int, user_id: int) -> Membership | None:
        """Return a member, `None` for somebody who is none or can't be had now."""
        try:
            with judging():
                found: Any = await self._client.http.get_member(guild_id, user_id)
        except CallError:
            return None
        joined_at = discord.utils.parse_time(found.get("joined_at"))
        user = found.get("user") or {}
        return Membership(
            frozenset(map(int, found.get("roles") or ())),
            str(user.get("username") or ""),
            joined_at.timestamp() if joined_at else None,
            bool(user.get("bot", False)),
        )

    def thread_name(self, guild_id: int, thread_id: int) -> str | None:
        """Return what a thread was called until now: raw payloads come before the cache."""
        guild = self._client.get_guild(guild_id)
        thread = guild.get_thread(thread_id) if guild else None
        return thread.name if thread else None

    async def former_name(self, guild_id: int, thread_id: int, name: str) -> str | None:
        """Return what the audit log says a thread was called before, `None` when it does not."""
        try:
            with judging():
                found: Any = await self._client.http.get_audit_logs(
                    guild_id, limit=MOST_RENAMES, action_type=_THREAD_UPDATE
                )
        except CallError:
            return None
        for entry in found.get("audit_log_entries") or ():
            if int(entry.get("target_id") or 0) != thread_id:
                continue
            for change in entry.get("changes") or ():
                if change.get("key") == "name" and change.get("new_value") == name:
                    return change.get("old_value")
        return None

    async def rename_thread(self, guild_id: int, thread_id: int, name: str) -> None:  # noqa: ARG002
        """Give a thread its name back."""
        with judging():
            await self._client.http.edit_channel(thread_id, name=name, reason=REASON)

    async def delete_thread(self, guild_id: int, thread_id: int) -> None:  # noqa: ARG002
        """Delete a thread; one that is gone is as good."""
        try:
            with judging():
                await self._client.http.delete_channel(thread_id, reason=REASON)
        except Gone:
            return

    # --- the guild (engines.Surroundings) ----------------------------------------------------

    def owner_id(self, guild_id: int) -> int:
        """Return the owner's id, 0 when it is not known."""
        guild = self._client.get_guild(guild_id)
        return (guild.owner_id or 0) if guild else 0

    def staff_role_ids(self, guild_id: int) -> frozenset[int]:
        """Return the roles that may manage messages or the server, or are administrators."""
        guild = self._client.get_guild(guild_id)
        if guild is None:
            return frozenset()
        return frozenset(
            role.id
            for role in guild.roles
            if not role.is_default()
            and (
                role.permissions.administrator
                or role.permissions.manage_guild
                or role.permissions.manage_messages
            )
        )

    def parent_id(self, guild_id: int, channel_id: int) -> int:
        """Return the channel or category that a channel or thread stands in, 0 for none."""
        guild = self._client.get_guild(guild_id)
        place = guild.get_channel_or_thread(channel_id) if guild else None
        if isinstance(place, discord.Thread):
            return place.parent_id
        return (place.category_id or 0) if place is not None else 0


def decoded(data: bytes) -> str:
    """Return what a text file says: in the encoding that its first bytes name, else in UTF-8.

    What is in another encoding is read as far as that goes; words in ASCII are found all the same.
    """
    found = (name for mark, name in _ENCODINGS if data.startswith(mark))
    return data.decode(next(found, "utf-8"), "replace")


def _whole_seconds(text: str | None) -> str | None:
    instant = discord.utils.parse_time(text)
    if instant is None or instant <= datetime.now(instant.tzinfo):
        return None
    return instant.replace(microsecond=0).isoformat()
