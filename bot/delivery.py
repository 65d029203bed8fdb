"""The courier: takes outbox entries to Discord over discord.py's HTTP client.

Payloads go through as they are stored. Files are made here, by renderers that features register.
What Discord answers becomes one of the outbox's outcomes; nothing else of it leaves this file.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import discord
import structlog
from discord.http import MultipartParameters

from bot.core.clock import Clock
from bot.core.outbox.deliveries import (
    NOT_CONNECTED,
    SENDING,
    Delayed,
    DeliveryKind,
    Entry,
    Undeliverable,
)
from bot.core.outbox.payloads import is_same_message, without_file
from bot.refusals import DM_PAUSE, FLAGGED_AS_SPAM, is_settled_by, judge_refusal

log = structlog.get_logger(__name__)

NO_MENTIONS: Mapping[str, Any] = {"parse": []}
RENDER_SECONDS = 15.0
# Discord stamps messages with its own clock; ours may be ahead by this much.
CLOCK_SKEW = timedelta(seconds=10)
PAGE = 100
# An attempt's message stands among the first that came after the attempt began.
MAX_PAGES = 5


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """What a renderer made; the name is the one that the stored attachment says."""

    data: bytes
    description: str | None = None


# Takes the `args` of the stored attachment. It must draw off the event loop.
Renderer = Callable[[Mapping[str, Any]], Awaitable[RenderedFile]]


class DiscordCourier:
    """Delivers through a client that is logged in; `renderers` is looked up at each delivery."""

    def __init__(
        self, client: discord.Client, clock: Clock, renderers: Mapping[str, Renderer] | None = None
    ) -> None:
        self._client = client
        self._clock = clock
        self._renderers = renderers if renderers is not None else {}
        self._no_dms_until: datetime | None = None

    async def deliver(self, entry: Entry) -> int | None:
        """Deliver and return the message's id; see `bot.core.outbox.deliveries.Courier`."""
        with self._judging(entry):
            try:
                return await self._deliver(entry)
            except discord.HTTPException as error:
                if is_settled_by(entry, error):
                    return None
                raise

    async def find_sent(self, entry: Entry, since: datetime) -> Sequence[int]:
        """Return the bot's messages since then that say what the entry says, oldest first.

        Discord does not keep a nonce with its message, so what was said is compared. Answers to
        commands are passed over: the outbox does not send those.
        """
        with self._judging(entry):
            channel_id = await self._open_channel(entry)
            history = await self._read_history(channel_id, since - CLOCK_SKEW)
        own = (message for message in history if self._is_own(message))
        return [int(one["id"]) for one in own if is_same_message(entry.payload, one)]

    async def _deliver(self, entry: Entry) -> int | None:
        http = self._client.http
        if entry.kind is DeliveryKind.DELETE:
            await http.delete_message(await self._open_channel(entry), _message_of(entry))
            return entry.message_id
        params = await self._make_params(entry)
        with params:
            if entry.kind is DeliveryKind.EDIT:
                channel_id = await self._open_channel(entry)
                await http.edit_message(channel_id, _message_of(entry), params=params)
                return entry.message_id
            channel_id = await self._open_channel(entry)
            message = await http.send_message(channel_id, params=params)
            return int(message["id"])

    async def _open_channel(self, entry: Entry) -> int:
        if entry.kind is not DeliveryKind.DIRECT and not entry.is_direct:
            return _channel_of(entry)
        now = self._clock.now()
        if self._no_dms_until is not None and now < self._no_dms_until:
            raise Delayed("flagged_as_spam", after=self._no_dms_until - now)
        if entry.user_id is None:
            raise Undeliverable("invalid_payload", "a direct message names no person")
        channel = await self._client.http.start_private_message(entry.user_id)
        return int(channel["id"])

    async def _make_params(self, entry: Entry) -> MultipartParameters:
        body: dict[str, Any] = {"allowed_mentions": NO_MENTIONS, **entry.payload}
        wanted = body.pop("attachments", None) or []
        if entry.kind in SENDING:
            body |= {"nonce": entry.nonce, "enforce_nonce": True}
        files: list[discord.File] = []
        rendered = await asyncio.gather(*map(self._render, wanted), return_exceptions=True)
        for one, result in zip(wanted, rendered, strict=True):
            filename = _filename_of(one)
            if isinstance(result, RenderedFile):
                data = io.BytesIO(result.data)
                files.append(discord.File(data, filename, description=result.description))
            else:
                # The words matter more than the picture.
                log.warning("attachment_not_rendered", attachment=filename, exc_info=result)
                body = without_file(body, filename)
        if entry.kind is DeliveryKind.EDIT and "attachments" in entry.payload and not files:
            body["attachments"] = []
        return _pack(body, files)

    async def _render(self, attachment: Mapping[str, Any]) -> RenderedFile:
        renderer = self._renderers[attachment["renderer"]]
        async with asyncio.timeout(RENDER_SECONDS):
            return await renderer(attachment.get("args") or {})

    async def _read_history(self, channel_id: int, since: datetime) -> list[Mapping[str, Any]]:
        after = discord.utils.time_snowflake(since)
        history: list[Mapping[str, Any]] = []
        for _ in range(MAX_PAGES):
            page = await self._client.http.logs_from(channel_id, PAGE, after=after)
            history += page
            if len(page) < PAGE:
                break
            after = max(int(message["id"]) for message in page)
        return sorted(history, key=lambda message: int(message["id"]))

    def _is_own(self, message: Mapping[str, Any]) -> bool:
        user = self._client.user
        by_command = message.get("interaction_metadata") or message.get("webhook_id")
        return user is not None and int(message["author"]["id"]) == user.id and not by_command

    @contextmanager
    def _judging(self, entry: Entry) -> Iterator[None]:
        """Turn what discord.py raises into an outcome of the outbox."""
        if self._client.is_closed():
            raise Delayed(NOT_CONNECTED)
        try:
            yield
        except discord.HTTPException as error:
            if error.code == FLAGGED_AS_SPAM:
                self._no_dms_until = self._clock.now() + DM_PAUSE
                log.error("flagged_as_spam", dms_stopped_until=self._no_dms_until.isoformat())  # noqa: TRY400
            raise judge_refusal(entry, error) from error
        except discord.RateLimited as error:
            raise Delayed("rate_limited", after=timedelta(seconds=error.retry_after)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Delayed("connection", type(error).__name__, maybe_sent=True) from error
        except RuntimeError as error:
            # So aiohttp says that the client was closed meanwhile.
            if not self._client.is_closed():
                raise
            raise Delayed(NOT_CONNECTED, str(error), maybe_sent=True) from error


def _pack(body: dict[str, Any], files: list[discord.File]) -> MultipartParameters:
    if not files:
        return MultipartParameters(payload=body, multipart=None, files=None)
    body["attachments"] = [file.to_dict(index) for index, file in enumerate(files)]
    multipart: list[dict[str, Any]] = [{"name": "payload_json", "value": json.dumps(body)}]
    for index, file in enumerate(files):
        multipart.append(
            {
                "name": f"files[{index}]",
                "value": file.fp,
                "filename": file.filename,
                "content_type": "application/octet-stream",
            }
        )
    return MultipartParameters(payload=None, multipart=multipart, files=files)


def _filename_of(attachment: Mapping[str, Any]) -> str:
    return attachment.get("filename") or f"{attachment.get('renderer', 'file')}.png"


def _channel_of(entry: Entry) -> int:
    if entry.channel_id is None:
        raise Undeliverable("invalid_payload", "the delivery names no channel")
    return entry.channel_id


def _message_of(entry: Entry) -> int:
    if entry.message_id is None:
        raise Undeliverable("invalid_payload", "the delivery names no message")
    return entry.message_id
