"""Finds and deletes messages over Discord's API, and tells the log of it.

Messages come and go as plain JSON: a purge of a thousand builds no objects. The deletions are a
batch, whose pieces are single calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import discord

from bot.core.batches import BatchOrder, Later, Piece, Refused
from bot.core.contracts import Actor, BotState
from bot.core.fields.text import quote
from bot.core.guild_locale import locale_of_guild
from bot.core.i18n import Message, _, ngettext
from bot.core.outbox import Delivery, OutboxService
from bot.core.settings import SettingsStore
from cogs.moderation.policy import SettingsPolicy
from cogs.moderation.rules.purge import Batches, PurgeFilter, split_batches
from cogs.moderation.wording import member_text
from db.batches import Batch

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.audit import AuditLog
    from bot.core.clock import Clock

# Discord gives 100 messages a page; nobody waits for more pages than this.
PAGE = 100
MOST_SCANNED = 5000
KIND = "purge"
# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
_UNKNOWN_CHANNEL = 10003


@dataclass(frozen=True, slots=True)
class Purge:
    """What is to be deleted where: ids lie between `after_id` and `before_id`, neither included."""

    guild_id: int
    channel_id: int
    chosen: PurgeFilter
    amount: int
    before_id: int
    after_id: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """The messages that a purge takes, newest first, and how many were looked at."""

    ids: tuple[int, ...]
    scanned: int


class PurgeService:
    """Looks through channels and deletes; stateless. A worker of batches."""

    def __init__(
        self,
        client: discord.Client,
        clock: Clock,
        *,
        settings: SettingsStore,
        audit: AuditLog,
        outbox: OutboxService,
        state: Callable[[], BotState],
    ) -> None:
        self._client = client
        self._clock = clock
        self._settings = settings
        self._audit = audit
        self._outbox = outbox
        self._state = state
        self._policy = SettingsPolicy(settings)

    async def find(self, purge: Purge) -> Found:
        """Return what a purge takes, looking from the newest message back."""
        ids: list[int] = []
        scanned, before = 0, purge.before_id
        while len(ids) < purge.amount and scanned < MOST_SCANNED:
            page: Sequence[Any] = await self._client.http.logs_from(
                purge.channel_id, PAGE, before=before
            )
            inside = [one for one in page if int(one["id"]) > purge.after_id]
            scanned += len(inside)
            # A pattern may be slow on a page of long messages: not on the loop.
            ids += await asyncio.to_thread(_matching, inside, purge.chosen)
            if len(inside) < PAGE:
                break
            before = min(int(one["id"]) for one in inside)
        return Found(tuple(ids[: purge.amount]), scanned)

    def batches(self, ids: Sequence[int]) -> Batches:
        """Return the calls that deleting takes."""
        return split_batches(ids, self._clock.now())

    def order(
        self, purge: Purge, ids: Sequence[int], actor: Actor, *, occasion: int, locale: str
    ) -> BatchOrder:
        """Return the batch that deletes messages."""
        return BatchOrder(
            kind=KIND,
            guild_id=purge.guild_id,
            channel_id=purge.channel_id,
            occasion=occasion,
            actor=actor,
            locale=locale,
            total=len(ids),
            # In the order of the calls, so that a number says which are done.
            work={"ids": [str(one) for one in sorted(ids, reverse=True)]},
        )

    async def do_piece(self, batch: Batch, *, in_doubt: bool) -> Piece:
        """Make the next call; a message that is gone is as good as deleted.

        Raises `Refused` and `Later`.
        """
        left = [int(one) for one in batch.work["ids"][batch.done :]]
        batches = self.batches(left)
        call = batches.bulk[0] if batches.bulk else batches.single[:1]
        try:
            wanted = await self._still_there(batch.channel_id, call) if in_doubt else call
            await self._delete(batch, wanted)
        except discord.HTTPException as error:
            if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise Later(error.text) from error
            if error.status != HTTPStatus.NOT_FOUND or error.code == _UNKNOWN_CHANNEL:
                raise Refused(f"{error.status} {error.text}") from error
        return Piece(batch.done + len(call))

    async def _delete(self, batch: Batch, ids: Sequence[int]) -> None:
        http, reason = self._client.http, f"{batch.actor_name} ({batch.actor_id})"
        if len(ids) > 1:
            await http.delete_messages(batch.channel_id, list(ids), reason=reason)
        elif ids:
            await http.delete_message(batch.channel_id, ids[0], reason=reason)

    async def _still_there(self, channel_id: int, ids: Sequence[int]) -> Sequence[int]:
        """Return which of the messages are there, as far as one page tells; ids newest first."""
        page: Sequence[Any] = await self._client.http.logs_from(channel_id, PAGE, before=ids[0] + 1)
        there = {int(one["id"]) for one in page}
        oldest = min(there, default=0) if len(page) == PAGE else 0
        return [one for one in ids if one in there or one < oldest]

    def letter(self, batch: Batch) -> str:
        """Return the direct message that tells how a purge ended."""
        words = _("The deletion that you began in {channel} has ended.", channel=_mention(batch))
        return f"{words.render(batch.locale)}\n{outcome_of(batch).render(batch.locale)}"

    async def record_end(self, session: AsyncSession, batch: Batch) -> None:
        """Put the purge into the audit log, and a line into the log channel."""
        actor = Actor(batch.actor_id or 0, "command", batch.actor_name or "")
        details = {"channel_id": str(batch.channel_id), "count": batch.done}
        await self._audit.record(
            session, actor, batch.guild_id, "messages.purge", "moderation", details
        )
        log_id = await self._policy.log_channel_id(batch.guild_id)
        if log_id is None or not batch.done:
            return
        locale = await locale_of_guild(self._settings, self._state(), batch.guild_id)
        text = ngettext(
            "🧹 {who} deleted {count} message in {channel}.",
            "🧹 {who} deleted {count} messages in {channel}.",
            batch.done,
            who=member_text(actor.user_id, actor.name),
            channel=_mention(batch),
        )
        payload = {"content": text.render(locale)}
        key = f"{KIND}:{batch.occasion}"
        await self._outbox.send(
            session, Delivery.message(log_id, payload, dedupe_key=key, guild_id=batch.guild_id)
        )


def outcome_of(batch: Batch) -> Message:
    """Return how a purge ended."""
    done, total = batch.done, batch.total
    if (why := batch.outcome.get("failure")) is not None:
        return _(
            "⚠️ {done} of {total} are gone, then Discord refused: {why}",
            done=done,
            total=total,
            why=quote(why, 150),
        )
    if batch.outcome.get("stopped"):
        return _("⏹️ Stopped: {done} of {total} are gone.", done=done, total=total)
    return ngettext("✅ {count} message is gone.", "✅ {count} messages are gone.", done)


def _mention(batch: Batch) -> str:
    return f"<#{batch.channel_id}>"


def _matching(messages: Sequence[Any], chosen: PurgeFilter) -> list[int]:
    return [int(one["id"]) for one in messages if chosen.takes(one)]
